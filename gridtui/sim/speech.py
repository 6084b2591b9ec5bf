"""What a simulated node says to a command. Owns the few commands it knows by heart; knows no socket.

Nothing is run. A command that is not known by heart gets what a shell says of a program that is not there: exit status 127.
"""

from __future__ import annotations

import re
import shlex
import time
from collections.abc import Callable
from typing import Protocol

from .. import probes
from . import asked, identity, jobs, proc
from .answers import Loop
from .machine import Machine

_PAUSE = re.compile(r"sleep [0-9.]+")
_FACTS = probes.facts_command()
_TOP = _PAUSE.sub("sleep", probes.top_command())


class Speech(Protocol):
    """One command on one channel."""

    status: int | None
    """The exit status, once it has ended."""
    complaint: bytes
    """What goes to standard error at the end."""
    skips: bool
    """Whether a request may be passed over while nobody reads the answers."""

    @property
    def alarm(self) -> float | None:
        """When it has something to say by itself (`time.time()`): `hear` nothing then. None: only when it is spoken to."""

    def hear(self, data: bytes) -> bytes:
        """Take what came in (first of all nothing, at the start) and give what goes out. Never waits, never raises on hostile input."""

    def ended(self) -> bytes:
        """The input ended: give the rest. `status` is set then."""


class Said:
    """A command whose whole answer is known at the start."""

    alarm: float | None = None
    skips = True

    def __init__(self, answer: bytes, status: int, complaint: bytes = b"") -> None:
        self.status: int | None = status
        self.complaint = complaint
        self._answer = answer

    def hear(self, data: bytes) -> bytes:
        answer, self._answer = self._answer, b""
        return answer

    def ended(self) -> bytes:
        return self.hear(b"")


def listen_to(command: str, machine: Machine) -> Speech:
    """The speech that answers `command`."""
    machine.advance(time.time())
    if command == probes.COMMAND:
        return Loop(machine)
    if jobs.SERVE.fullmatch(command):
        return jobs.Runner(machine)
    if command == _FACTS:
        return Said(identity.facts(machine).encode(), 0)
    if _PAUSE.sub("sleep", command) == _TOP:
        return Said(identity.top(machine).encode(), 0)
    if (answer := asked.answer(command, machine)) is not None:
        return Said(answer[0].encode(), answer[1])
    return by_heart(command, machine)


def by_heart(command: str, machine: Machine) -> Said:
    """The answer to a plain command such as `hostname`."""
    try:
        words = shlex.split(command)
    except ValueError:
        return Said(b"", 2, b"sh: 1: Syntax error: Unterminated quoted string\n")
    if not words:
        return Said(b"", 0)
    if words[0] == "cat" and len(words) > 1 and all(path in proc.FILES for path in words[1:]):
        return Said("".join(proc.FILES[path](machine) for path in words[1:]).encode(), 0)
    known = _KNOWN.get(words[0])
    if known is None or any(mark in command for mark in ";|&<>`$\n"):
        return Said(b"", 127, f"sh: 1: {words[0]}: not found\n".encode())
    status, text = known(words, machine)
    return Said(text.encode(), status)


def _uptime(machine: Machine) -> str:
    days, rest = divmod(int(machine.uptime), 86400)
    since = f"{days} days, " if days != 1 else "1 day, "
    users = len(machine.sessions())
    return (
        f" {time.strftime('%H:%M:%S', time.gmtime(machine.now))} up {since}{rest // 3600:2d}:{rest % 3600 // 60:02d}, "
        f" {users} user{'s' * (users != 1)},  load average: {machine.load1:.2f}, {machine.load5:.2f}, {machine.load15:.2f}\n"
    )


def _uname(words: list[str], machine: Machine) -> str:
    hardware = machine.person.hardware
    if "-a" in words:
        return f"Linux {machine.person.name} {hardware.kernel} #1 SMP {hardware.arch} GNU/Linux\n"
    return {"-r": hardware.kernel, "-m": hardware.arch, "-n": machine.person.name}.get(words[-1], "Linux") + "\n"


_KNOWN: dict[str, Callable[[list[str], Machine], tuple[int, str]]] = {
    "true": lambda words, machine: (0, ""),
    ":": lambda words, machine: (0, ""),
    "false": lambda words, machine: (1, ""),
    "echo": lambda words, machine: (0, " ".join(words[1:]) + "\n"),
    "hostname": lambda words, machine: (0, machine.person.name + "\n"),
    "nproc": lambda words, machine: (0, f"{machine.person.hardware.cpus}\n"),
    "uname": lambda words, machine: (0, _uname(words, machine)),
    "uptime": lambda words, machine: (0, _uptime(machine)),
    "whoami": lambda words, machine: (0, "sim\n"),
}
