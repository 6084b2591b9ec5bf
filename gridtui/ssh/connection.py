"""What a connection to a node is, whatever carries it. Owns the shapes that `remote` and `local` both keep to.

Knows neither asyncssh nor subprocesses.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from ..errors import SshError

FLOOD = 64
"""A command whose output is this many times over its limit is cut off: nobody waits for the end of `yes`."""

STDERR_TAIL = 4096
"""Bytes of a channel's standard error that are kept for evidence."""


@dataclass(frozen=True, slots=True)
class Completed:
    """How a command ended.

    `exit_status` is what `$?` would be in a shell: 128 + n after signal n, and -1 when the node never told (it was cut
    off, or the server reports none). Output is raw and hostile: `model.clean` it before it is shown.
    """

    exit_status: int
    stdout: bytes
    stderr: bytes
    truncated: bool = False
    """Output went over the limit: the rest was thrown away."""
    signal: str = ""
    """The signal that ended it, without SIG (`TERM`), or ''."""


class Receiver(Protocol):
    """Who reads a channel. Both methods are called from the event loop and must not wait.

    A receiver that also has a method `complained(data: bytes)` gets standard error there, piece by piece, as it comes.
    """

    def received(self, data: bytes) -> None:
        """A piece of standard output, as it came: never the whole line, at most some 32 kB (64 kB locally)."""

    def closed(self, error: SshError | None) -> None:
        """Called once, last. None when the command ended or `Channel.close` was called; see `Channel.exit_status`."""


class Channel(Protocol):
    """A running command."""

    @property
    def exit_status(self) -> int | None:
        """As `Completed.exit_status`; None while it runs."""

    @property
    def stderr(self) -> str:
        """The end of its standard error, neutralised, for evidence. Empty where the receiver reads it itself."""

    @property
    def signal(self) -> str:
        """As `Completed.signal`."""

    def write(self, data: bytes) -> None:
        """Send to its standard input; buffered. Nothing happens when it has ended."""

    async def drain(self) -> None:
        """Wait until most of what was written is on its way, or the command has ended."""

    def write_eof(self) -> None:
        """End its standard input."""

    def kill(self, signal: str) -> None:
        """Ask for a signal (`TERM`, `KILL`) to the command's process group; the channel stays open.

        OpenSSH grants it since 7.9, but not to logins of root, and never says which (RFC 4254, 6.9).
        """

    def pause(self) -> None:
        """Stop reading: the node's command blocks when the window (2 MiB; locally the pipe) is full. One piece may still come."""

    def resume(self) -> None:
        """Read on."""

    def close(self) -> None:
        """End it. A command that reads its input sees the end of it; `closed(None)` follows."""


class Connection(Protocol):
    """An open way to a node. One each node, shared by all who ask the pool."""

    @property
    def is_open(self) -> bool:
        """Whether a command could be started now."""

    @property
    def login_seconds(self) -> float:
        """How long the login took, TCP included; 0 for the local transport."""

    async def run(
        self, command: str, *, input: bytes = b"", timeout: float | None = None, limit: int = 1 << 20
    ) -> Completed:
        """Run shell text to its end. Keeps at most `limit` bytes each of stdout and stderr.

        Raises ConnectionLost, and ShellError when no channel could be had or `timeout` seconds passed.
        """

    async def open(self, command: str, receiver: Receiver) -> Channel:
        """Start shell text and stream its output to `receiver`. Raises ConnectionLost or ShellError."""

    async def closed(self) -> SshError | None:
        """Wait for the end of the connection. None when we closed it."""

    async def close(self) -> None:
        """End it and all its channels. Idempotent."""
