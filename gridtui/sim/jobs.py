"""The runner of jobs as a simulated node speaks it: requests in, answers and ends out. Knows its lines (`jobs/runner/wire.py`), no socket.

The script is never interpreted, and no command is run: `spool` says what each would come to. There is no staging either: jobs with
inputs or outputs do not work here.
"""

from __future__ import annotations

import base64
import re
import time
from collections.abc import Callable, Sequence

from .machine import Machine
from .spool import MOST, Attempt, outcome

SERVE = re.compile(r"exec /bin/sh -c .*/runner-[0-9a-f]{16}.* serve ([0-9a-f]{8}|-) /bin/sh'?", re.DOTALL)
"""The command that opens the channel."""

_LINE = 1 << 16
_TEXTS = 512
_TEXT = 1 << 18
_NONCE = re.compile(r"[0-9a-f]{32}")
_KEY = re.compile(r"[0-9a-f]{8}\.[1-9][0-9]{0,8}\.(?:-|[0-9]{1,9})\.[1-9][0-9]{0,5}")
_PAIR = re.compile(r"(?:^|\s)'?(GRIDTUI_[A-Z]{1,16})=([^']*?)(?='?(?:\s|$))")
_COUNT = re.compile(r"-?[0-9]{1,15}")


class Runner:
    """One channel. Attempts live in the machine's spool, and go on without it."""

    skips = False

    def __init__(self, machine: Machine, clock: Callable[[], float] = time.time) -> None:
        self.status: int | None = None
        self.complaint = b""
        self._machine, self._clock = machine, clock
        self._buffer = b""
        self._nonce = ""
        self._texts: dict[str, bytes] = {"0": b""}
        self._wanted = 0
        self._name = ""
        self._pieces: list[bytes] = []
        self._own = ""
        self._out: list[str] = []
        machine.spool.listeners.add(self._happened)

    @property
    def alarm(self) -> float | None:
        """When there is something to say by itself."""
        if self.status is not None or not self._nonce:
            return None
        return self._machine.spool.next()

    def hear(self, data: bytes) -> bytes:
        self._buffer += data
        *lines, self._buffer = self._buffer.split(b"\n")
        if len(self._buffer) > _LINE:
            self._leave(2)
        self._machine.advance(self._clock())
        for line in lines:
            if self.status is not None:
                break
            self._take(line)
        said, self._out = "".join(self._out), []
        return said.encode("utf-8", "surrogateescape")

    def ended(self) -> bytes:
        self._leave(0)
        return b""

    def _leave(self, status: int) -> None:
        self._machine.spool.listeners.discard(self._happened)
        self._buffer = b""
        self.status = status if self.status is None else self.status

    def _take(self, line: bytes) -> None:
        if self._wanted:
            self._piece(line)
            return
        if line.startswith(b"x "):
            self._own = line[2:].decode("utf-8", "surrogateescape")
            return
        if line == b"bye":
            self._leave(0)
            return
        words = line.decode("utf-8", "replace").split()
        if len(words) < 2 or not _COUNT.fullmatch(words[0]):
            return
        number, verb, *rest = words
        answer = _VERBS.get(verb)
        if answer is None or (verb != "hello" and not self._nonce):
            return
        answer(self, number, rest)
        if number != "0":
            self._say(number, ".")

    def _say(self, number: str, text: str) -> None:
        self._out.append(f"@{self._nonce} {number} {text}\n")

    def _happened(self, attempt: Attempt) -> None:
        if self._nonce:
            self._say("!", f"{attempt.key} {_state(attempt, self._clock())}")

    # the verbs

    def _hello(self, number: str, words: Sequence[str]) -> None:
        if not words or not _NONCE.fullmatch(words[0]):
            self._leave(2)
            return
        self._nonce = words[0]
        self._say(number, f"boot {self._machine.boot_id}")
        self._say(number, "home /home/sim/.local/state/gridtui/jobs")
        for level in ("plain", "limits ulimit", "bwrap"):
            self._say(number, f"level {level}")
        self._beat(number, words)

    def _beat(self, number: str, words: Sequence[str]) -> None:
        volume = self._machine.person.hardware.volumes[-1]
        self._say(number, f"free {int(volume.size * (1 - volume.used))}")

    def _text(self, number: str, words: Sequence[str]) -> None:
        if len(words) != 2 or not _COUNT.fullmatch(words[1]) or len(self._texts) > _TEXTS:
            self._leave(2)
            return
        self._name, self._wanted, self._pieces = words[0], max(0, int(words[1])), []
        if not self._wanted:
            self._texts[self._name] = b""

    def _piece(self, line: bytes) -> None:
        if line[:1] in (b"=", b"-"):
            self._pieces.append(line[1:] + (b"\n" if line[:1] == b"=" else b""))
            self._wanted -= 1
        if sum(map(len, self._pieces[-64:])) > _TEXT or len(self._pieces) > 4096:
            self._leave(2)
        elif not self._wanted:
            self._texts[self._name] = b"".join(self._pieces)

    def _drop(self, number: str, words: Sequence[str]) -> None:
        for name in words:
            self._texts.pop(name, None)

    def _start(self, number: str, words: Sequence[str]) -> None:
        if len(words) != 11 or not _KEY.fullmatch(words[0]):
            return
        key, _, command, script, inputs, wall, _, _, _, level, _ = words
        own, self._own = self._own, ""
        spool, now = self._machine.spool, self._clock()
        if key not in spool.attempts:
            why = "a simulated node has no inputs" if inputs != "0" else "it keeps too many attempts"
            if inputs != "0" or len(spool.attempts) >= MOST:
                ended = f"ended exit=- cause=refused level={level} took=0 cpu=- memory=- wrote=0 why={why}"
                self._say(number, f"{key} {ended}")
                return
            text = (self._texts.get(script) or self._texts.get(command) or b"").decode("utf-8", "replace")
            names = dict(_PAIR.findall(own))
            limit = int(wall) / 100 if _COUNT.fullmatch(wall) else None
            spool.start(Attempt(key, outcome(key, text, names), _cpus(names), level, now, limit))
        self._look(number, key)
        spool.settle(now)  # what takes no time has ended already: its end follows

    def _poll(self, number: str, words: Sequence[str]) -> None:
        for key in words:
            if _KEY.fullmatch(key):
                self._look(number, key)

    def _list(self, number: str, words: Sequence[str]) -> None:
        for key in self._machine.spool.attempts:
            self._say(number, f"{key} unknown")

    def _end(self, number: str, words: Sequence[str]) -> None:
        for key in words[1:]:
            self._machine.spool.cancel(key, self._clock())

    def _freeze(self, number: str, words: Sequence[str]) -> None:
        for key in words:
            self._machine.spool.freeze(key, True, self._clock())

    def _thaw(self, number: str, words: Sequence[str]) -> None:
        for key in words:
            self._machine.spool.freeze(key, False, self._clock())

    def _forget(self, number: str, words: Sequence[str]) -> None:
        for key in words:
            self._machine.spool.forget(key)

    def _read(self, number: str, words: Sequence[str]) -> None:
        if len(words) != 3 or not all(_COUNT.fullmatch(word) for word in words[1:]):
            return
        attempt = self._machine.spool.attempts.get(words[0])
        offset, limit = int(words[1]), max(0, int(words[2]))
        output = attempt.outcome.output if attempt is not None and attempt.state == "ended" else b""
        piece = (output[offset:] if offset >= 0 else output[max(0, len(output) + offset) :])[:limit]
        self._say(number, "data")
        encoded = base64.b64encode(piece).decode("ascii")
        self._out += [f"{encoded[at : at + 76]}\n" for at in range(0, len(encoded), 76)]

    def _look(self, number: str, key: str) -> None:
        attempt = self._machine.spool.attempts.get(key)
        self._say(number, f"{key} {'unknown' if attempt is None else _state(attempt, self._clock())}")


_VERBS: dict[str, Callable[[Runner, str, Sequence[str]], None]] = {
    "hello": Runner._hello,
    "beat": Runner._beat,
    "text": Runner._text,
    "drop": Runner._drop,
    "start": Runner._start,
    "poll": Runner._poll,
    "list": Runner._list,
    "end": Runner._end,
    "freeze": Runner._freeze,
    "thaw": Runner._thaw,
    "forget": Runner._forget,
    "read": Runner._read,
}


def _cpus(names: dict[str, str]) -> float:
    try:
        return min(1024.0, max(0.0, float(names.get("GRIDTUI_CPUS", "1"))))
    except ValueError:
        return 1.0


def _state(attempt: Attempt, now: float) -> str:
    if attempt.state == "lost":
        return "lost the node was started anew"
    took = max(0.0, (attempt.ended if attempt.state == "ended" else now) - attempt.began)
    if attempt.state != "ended":
        return f"{attempt.state} took={took * 100:.0f} level={attempt.level}"
    status = attempt.outcome.exit if attempt.cause == "exit" else 143
    why = "its time was over" if attempt.cause == "wall" else ""
    return (
        f"ended exit={status} cause={attempt.cause} level={attempt.level} took={took * 100:.0f} cpu={took * attempt.cpus * 0.95:.2f}"
        f" memory=- wrote={len(attempt.outcome.output)} why={why}"
    )
