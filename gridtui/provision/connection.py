"""A host key that was shown, and an open connection to a node that was contacted. Owns these two; `login` makes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Self

import paramiko

from ..ssh.connection import Completed
from ..ssh.route import Route
from . import channel
from .wire import Wire

if TYPE_CHECKING:
    from .key import Key


@dataclass(frozen=True, slots=True)
class Shown:
    """The host key that a server showed, and nothing proven yet but that it has the private half."""

    node: str
    where: str
    name: str
    """What known_hosts calls it: `host` or `[host]:port`."""
    kind: str
    """`ED25519`, `RSA`, `ECDSA`."""
    fingerprint: str
    """`SHA256:...`, as `ssh-keygen -l` shows it on the node."""
    key: str
    """Type and base64, as a line of known_hosts has them."""


class Contact:
    """An open connection to one node. A context manager; made by `connect`."""

    def __init__(
        self, transport: paramiko.Transport, wire: Wire, route: Route, shown: Shown, way: str, owned: Sequence[Contact]
    ) -> None:
        self.shown = shown
        self.user = route.endpoint.user
        self.where = route.where
        self.node = route.name
        self.way = way
        """How the login was done: `key`, `password`, `keyboard-interactive`, `none`."""
        self.pinned = ""
        """The fingerprint that this login wrote to known_hosts, or ''."""
        self.key: Key | None = None
        """The controller's key: the one that was offered, or would have been."""
        self.transport = transport
        self.wire = wire
        self._owned = tuple(owned)

    @property
    def is_open(self) -> bool:
        """Whether a command could be started now."""
        return bool(self.transport.is_active())

    def run(self, command: str, *, input: bytes = b"", timeout: float = 60.0, limit: int = 1 << 20) -> Completed:
        """Run shell text to its end; at most `limit` bytes each of stdout and stderr are kept.

        Raises ConnectionLost, and ShellError when no channel could be had or `timeout` seconds passed.
        """
        return channel.run(self.transport, self.wire, self.where, command, input=input, timeout=timeout, limit=limit)

    def close(self) -> None:
        """End it, and the jump hosts' connections that were made for it alone. Idempotent."""
        end(self.transport, self.wire)
        for one in self._owned:
            one.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def end(transport: paramiko.Transport, wire: Wire) -> None:
    """Close both, and see the thread end."""
    transport.close()
    wire.close()
    if transport.is_alive():
        transport.join(2.0)
