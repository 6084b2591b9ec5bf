"""First contact: one login over paramiko, with the controller's key or a password, blocking. Owns the interface to it.

    from gridtui.provision import connect

    with connect("admin@198.51.100.7", password=getpass.getpass()) as node:
        print(node.run("uname -a").stdout.decode())

Usable from a plain script: no event loop, no inventory. Everything is bounded in time and in bytes. Host keys are judged as everywhere
(`ssh.hostkeys`): a changed one is refused, an unknown one only pinned where somebody said so. Knows nothing of steps or of many nodes.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import asyncssh

from ..errors import HostKeyUnknown
from ..model import Node
from ..settings import Ssh
from ..ssh import hostkeys
from ..ssh.route import Routes, hop
from . import key as keys
from .connection import Contact, Shown
from .login import Attempt, Jumps
from .password import Password


def connect(
    target: Node | str,
    *,
    user: str | None = None,
    password: Password | str | None = None,
    key: keys.Key | Path | str | None = None,
    settings: Ssh | None = None,
    accept_new: bool = False,
    jumps: Jumps | None = None,
) -> Contact:
    """Log in to `target`: a node, or `[user@]host[:port]` as ssh takes it, ssh_config followed.

    The key is tried first (the one that would be installed, see `key.find`), then the password, once: as `password` where the server
    takes that, else `keyboard-interactive`. `accept_new` pins the host key of a server that known_hosts has nothing about.
    `jumps` shares jump hosts' connections between calls. Raises SshError, of the class of the layer that failed.
    """
    settings = settings or Ssh()
    if accept_new:
        settings = replace(settings, host_keys="accept-new")
    node = _node(target, user)
    route = Routes(settings).route(node)
    secret = password if isinstance(password, Password) else Password(password)
    if isinstance(key, str | Path):
        key = keys.find(route, Path(key))
    return Attempt(node, route, settings, jumps).login(key, secret)


def show(
    target: Node | str, *, user: str | None = None, settings: Ssh | None = None, jumps: Jumps | None = None
) -> Shown:
    """The host key that a server shows, without a login: for a person, or a list, to compare. Raises SshError."""
    settings = settings or Ssh()
    node = _node(target, user)
    return Attempt(node, Routes(settings).route(node), settings, jumps).look()


def known(target: Node | str, *, settings: Ssh | None = None) -> bool:
    """Whether known_hosts has a key for it, so that a login can tell a true server from a false one. Raises SshError."""
    route = Routes(settings or Ssh()).route(_node(target, None))
    name = hostkeys.label(route.known_as, route.known_port)
    files = [found for path in route.known_hosts if (found := hostkeys.read(path))]
    names = {name, route.known_as}
    return any(entry.key for file in files for name in names for entry in file.find(name) if not entry.marker)


def pin(shown: Shown, target: Node | str, *, settings: Ssh | None = None) -> Path:
    """Write a host key that somebody vouched for into known_hosts; the file's path.

    Raises HostKeyChanged when another key is known by now, HostKeyUnknown when it cannot be written.
    """
    route = Routes(settings or Ssh()).route(_node(target, None))
    if route.pins is None:
        raise HostKeyUnknown(f"{shown.where}: there is no known_hosts to pin in", hint="see UserKnownHostsFile")
    try:
        hostkeys.pin(route.pins, shown.name, asyncssh.import_public_key(shown.key), hash_names=route.hash_names)
    except OSError as error:
        raise HostKeyUnknown(
            f"the host key of {shown.name} cannot be pinned in {route.pins}: {error.strerror}",
            fingerprint=shown.fingerprint,
        ) from None
    return route.pins


def _node(target: Node | str, user: str | None) -> Node:
    if isinstance(target, Node):
        return replace(target, user=user) if user else target
    via = hop(target, (), Node(target, target))  # the same grammar: [user@]host[:port]
    return replace(via, name=target.rpartition("@")[2], user=user or via.user)


__all__ = ["Contact", "Jumps", "Shown", "connect", "known", "pin", "show"]
