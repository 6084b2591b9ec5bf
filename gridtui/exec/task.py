"""What is asked of a node and what came of it: the frozen values of this room. Does no input or output."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from ..errors import LayerName, UsageError

LIMIT = 1 << 20
"""Bytes kept of each stream of each node, unless a task says otherwise."""


class Ending(StrEnum):
    """How it ended on one node."""

    OK = "ok"
    """The command ran and its exit status was 0."""
    FAILED = "failed"
    """The command ran, or sudo kept it from running: any other exit status, a signal, no status at all, too much output."""
    TIMEOUT = "timeout"
    """Its time, or that of the whole run, was over."""
    UNREACHABLE = "unreachable"
    """No connection, no channel, or the connection was lost while the command ran."""
    CANCELLED = "cancelled"
    """It ran when somebody stopped the run."""
    SKIPPED = "skipped"
    """It was never started: the run was stopped, or too many nodes had failed before."""


@dataclass(frozen=True, slots=True)
class Task:
    """One command for many nodes. Raises UsageError where it could never run."""

    command: str
    """Shell text for the login shell there. Bytes that are no UTF-8 stand as surrogates, as `sys.argv` has them."""
    stdin: bytes = field(default=b"", repr=False)
    """The command's standard input, the same for every node; end of file follows at once."""
    sudo: bool = False
    """Run all of it as root, through sudo."""
    timeout: float | None = None
    """Seconds on one node, from the moment the connection is there; None: no limit."""
    limit: int = LIMIT
    """Bytes that are kept of standard output, and as many of standard error."""

    def __post_init__(self) -> None:
        if not self.command.strip():
            raise UsageError("there is no command to run", hint="write it after `--`: gridtui exec -- uname -a")
        if "\0" in self.command:
            raise UsageError("a command with a NUL character cannot be given to a shell")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a task on one node: a value, whatever happened. Output is raw and hostile."""

    node: str
    status: Ending
    exit: int | None = None
    """As `$?`: 128 + n after signal n. None when it was not started or never told."""
    stdout: bytes = field(default=b"", repr=False)
    stderr: bytes = field(default=b"", repr=False)
    seconds: float = 0.0
    """From the request for a channel to the end; the login apart."""
    layer: LayerName | None = None
    """The layer that failed, where the node was not reached."""
    error: str = ""
    """One line: why it is not ok, where the exit status alone does not tell. Already neutralised."""
    truncated: bool = False
    """There was more output than was kept."""
    left: bool = False
    """Something of it may still be running there."""

    @property
    def ok(self) -> bool:
        return self.status is Ending.OK


def joined(words: Sequence[str]) -> str:
    """The words of a command line as shell text: joined with blanks, as ssh(1) does it, and not quoted.

    So `uname -a` and `'ls | wc -l'` both do what is meant, and what should stay one word is quoted twice.
    """
    return " ".join(words)
