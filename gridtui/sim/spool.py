"""The jobs that a simulated machine was given: when each ends, and how. Owns their state; knows no protocol. Nothing is ever run.

What a command would do is read off its text: `sleep 3` takes three seconds, `exit 4` ends with 4, `echo` writes, `true` takes no time.
Any other command takes from 2 to 20 seconds, always the same for the same attempt, so that a demo has something to show.
"""

from __future__ import annotations

import hashlib
import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

MOST = 4096
"""Attempts that one machine keeps."""
LONGEST = 86400.0

_SLEEP = re.compile(r"(?:^|[\s;&|(])sleep +([0-9]{1,6}(?:\.[0-9]{1,6})?)(?=$|[\s;&|)])")
_EXIT = re.compile(r"(?:^|[\s;&|(])(?:exit +([0-9]{1,3})|(false))(?=$|[\s;&|)])")
_NAME = re.compile(r"\$(?:\{(\w{1,64})\}|(\w{1,64}))")
_SPLIT = re.compile(r"[;\n]|&&|\|\|")
_QUICK = frozenset({"true", ":", "false", "echo", "sleep", "exit", "cd", "hostname", "set", "export"})


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an attempt comes to."""

    seconds: float
    exit: int
    output: bytes


@dataclass(slots=True, eq=False)
class Attempt:
    """One attempt on the machine. Times are the controller's clock, which the simulation shares."""

    key: str
    outcome: Outcome
    cpus: float
    level: str
    began: float
    wall: float | None = None
    state: str = "running"
    """running, frozen, ended or lost."""
    cause: str = ""
    since: float = 0.0
    """When it last went on."""
    spent: float = 0.0
    """Seconds that it had run until then."""
    ended: float = 0.0

    @property
    def due(self) -> float:
        """When it ends, if nothing happens to it."""
        whole = self.outcome.seconds if self.wall is None else min(self.outcome.seconds, self.wall)
        return self.since + max(0.0, whole - self.spent)


def outcome(key: str, text: str, names: Mapping[str, str]) -> Outcome:
    """What a command comes to. `names` are variables of the element's own."""
    plain = _NAME.sub(lambda match: names.get(match[1] or match[2], match[0]), text)
    lines = [line.strip() for line in _SPLIT.split(plain)]
    commands = [line for line in lines if line and not line.startswith(("export ", "#"))]
    words = {command.split()[0] for command in commands}
    seconds = sum(float(found) for found in _SLEEP.findall(plain))
    if words - _QUICK and not seconds:
        digest = hashlib.sha256(f"{key}\n{text}".encode()).digest()
        seconds = 2.0 + 18.0 * int.from_bytes(digest[:4], "big") / 2**32
    status = 0
    if found := _EXIT.search(plain):
        status = 1 if found[2] else min(255, int(found[1]))
    said = [_echoed(command) for command in commands if command.startswith("echo")]
    if words - _QUICK:
        said.insert(0, f"simulated: {commands[0][:200]}\n")
    return Outcome(min(seconds, LONGEST), status, "".join(said).encode("utf-8", "surrogateescape")[:65536])


def _echoed(command: str) -> str:
    try:
        return " ".join(shlex.split(command)[1:]) + "\n"
    except ValueError:
        return command[4:].strip() + "\n"


@dataclass(slots=True, eq=False)
class Spool:
    """All of one machine's."""

    attempts: dict[str, Attempt] = field(default_factory=dict)
    running: dict[str, Attempt] = field(default_factory=dict)
    """Those that run or are frozen."""
    listeners: set[Callable[[Attempt], None]] = field(default_factory=set)
    """Told of each attempt whose state changed by itself."""

    def start(self, attempt: Attempt) -> None:
        """Take a new one."""
        attempt.since = attempt.began
        self.attempts[attempt.key] = self.running[attempt.key] = attempt

    def settle(self, now: float) -> float:
        """End what is due; the CPUs that are in use then."""
        cpus = 0.0
        for attempt in [*self.running.values()]:
            if attempt.state == "running" and attempt.due <= now:
                late = attempt.wall is not None and attempt.wall < attempt.outcome.seconds
                self._end(attempt, "wall" if late else "exit", attempt.due)
            elif attempt.state == "running":
                cpus += attempt.cpus
        return cpus

    def next(self) -> float | None:
        """When the next one ends."""
        return min((one.due for one in self.running.values() if one.state == "running"), default=None)

    def cancel(self, key: str, now: float) -> None:
        """End one by a signal."""
        if attempt := self.running.get(key):
            self._pause(attempt, now)
            self._end(attempt, "cancelled", now)

    def freeze(self, key: str, frozen: bool, now: float) -> None:
        """Stop one where it stands, or let it go on."""
        attempt = self.running.get(key)
        if attempt is None or (attempt.state == "frozen") is frozen:
            return
        if frozen:
            self._pause(attempt, now)
        attempt.since = now
        attempt.state = "frozen" if frozen else "running"
        self._tell(attempt)

    def forget(self, key: str) -> None:
        """Remove one, and end it without a word."""
        self.running.pop(key, None)
        self.attempts.pop(key, None)

    def reboot(self) -> None:
        """The machine starts anew: what ran is lost."""
        for attempt in self.running.values():
            attempt.state = "lost"
        self.running.clear()

    def _pause(self, attempt: Attempt, now: float) -> None:
        if attempt.state == "running":
            attempt.spent += max(0.0, now - attempt.since)

    def _end(self, attempt: Attempt, cause: str, when: float) -> None:
        attempt.state, attempt.cause, attempt.ended = "ended", cause, when
        del self.running[attempt.key]
        self._tell(attempt)

    def _tell(self, attempt: Attempt) -> None:
        for listener in [*self.listeners]:
            listener(attempt)
