"""Where a node is: what ssh_config makes of it. Owns `Endpoint` and `resolve`; opens nothing.

asyncssh (0.4 s to import) is only loaded when a file says something that moves the node, so that a ping stays cheap.
"""

from __future__ import annotations

import getpass
from dataclasses import dataclass

from ..errors import ResolveError
from ..model import Node
from ..settings import Ssh
from . import config

PORT = 22

_MOVES = frozenset(
    [
        "hostname",
        "port",
        "user",
        "proxyjump",
        "proxycommand",
        "match",
        "tag",
        "canonicalizehostname",
        "canonicaldomains",
    ]
)
"""Keywords that can change an endpoint. Without any of them the inventory's word stands."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where to connect, and as whom."""

    host: str
    """A name or an IP address, as ssh_config's HostName makes it."""
    port: int = PORT
    user: str = ""
    jump: bool = False
    """Reached through ProxyJump or ProxyCommand: no echo can tell anything about it."""


def resolve(node: Node, settings: Ssh) -> Endpoint:
    """What ssh_config makes of a node; its own port, user and options stand above the files.

    Raises ResolveError when a file is broken. `Match exec` runs its program, as ssh does. A local node is `localhost`.
    """
    if node.local:
        return Endpoint("localhost", 0, me())
    settings = config.own(node, settings)
    if not _MOVES.intersection(node.ssh_options) and _MOVES.isdisjoint(
        config.keywords(config.sources(settings), node.address, named=bool(settings.config))
    ):
        return Endpoint(node.address.lower(), node.port or PORT, node.user or me())
    from .route import Routes  # here for its price, see above

    return Routes(settings).route(node).endpoint


def me() -> str:
    """The local user, who logs in when nobody else is named. Raises ResolveError when the system does not know."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        raise ResolveError("the local user has no name", hint="set ansible_user, or USER") from None
