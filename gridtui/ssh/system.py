"""The system's `ssh` for a node, equal in effect to what the pool does. Owns its argument list; starts nothing.

rsync needs a program for its bytes. Both read the same ssh_config, agent and known_hosts; what the inventory and the settings
say above these stands on the command line (ssh(1): the first value wins). Knows neither rsync nor asyncssh.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from pathlib import Path

from ..model import Node
from ..settings import Ssh
from . import config

ALIVE = 5
"""Seconds of silence after which the node is asked whether it lives. More patient than the pool, because the question
queues behind the data: at 1 Mbit/s a full socket buffer takes seconds to drain."""
ALIVE_COUNT = 6
"""Unanswered questions after which the connection is lost: 30 s."""

_QUIET = [("PermitLocalCommand", "no")]
_FIXED = [
    ("BatchMode", "yes"),
    ("PreferredAuthentications", "publickey"),
    ("ClearAllForwardings", "yes"),
    ("RemoteCommand", "none"),
    ("RequestTTY", "no"),
    ("ServerAliveInterval", str(ALIVE)),
    ("ServerAliveCountMax", str(ALIVE_COUNT)),
]
"""What holds whatever the files say."""
_AT_TERMINAL = [
    ("ClearAllForwardings", "yes"),
    ("RemoteCommand", "none"),
    ("RequestTTY", "force"),
    ("ServerAliveInterval", str(ALIVE)),
    ("ServerAliveCountMax", str(ALIVE_COUNT)),
]
"""The same where a person sits at it: ssh may ask, and an agent is forwarded where ssh_config says so, as `ssh NODE` does it."""

_LOCAL = 'shift; cd && exec /bin/sh -c "$*"'
"""What stands for ssh where the node is this machine: leaves the host out and, like a login, begins in the home folder."""
_LOCAL_SHELL = 'cd; exec "${SHELL:-/bin/sh}"'


def words(node: Node, settings: Ssh, control: Path | None = None) -> list[str]:
    """The argument list up to the host, which is `host(node)`; then the command follows, as one word or more.

    `control` is the socket of a master that runs already (`masters`): no login of its own then. Nothing is ever asked, no agent or
    port is forwarded, no terminal is wanted. Raises ResolveError when an ssh_config is broken.
    """
    if node.local:
        return ["/bin/sh", "-c", _LOCAL, "sh"]
    if control:
        return _words(
            node,
            settings,
            [("ControlMaster", "no"), ("ControlPath", path_word(control)), ("LogLevel", "ERROR"), *_QUIET],
        )
    return _words(node, settings, [("ControlMaster", "no"), ("ControlPath", "none"), *_QUIET])


def master(node: Node, settings: Ssh, control: Path) -> list[str]:
    """The whole argument list of a master: logs in, listens on the socket, prints a line, and stays until it is ended.

    Raises ResolveError.
    """
    options = [
        ("ControlMaster", "yes"),
        ("ControlPath", path_word(control)),
        ("ControlPersist", "no"),
        # printed once the socket is there (ssh(1) runs it after the login, before it waits)
        ("PermitLocalCommand", "yes"),
        ("LocalCommand", "echo ready"),
        ("LogLevel", "INFO"),
    ]
    return [*_words(node, settings, options), "-N", host(node)]


def shell(node: Node, settings: Ssh) -> list[str]:
    """The whole argument list of a shell on the node for a person at a terminal: a login of its own, by the pool's route and with its
    identity and host keys. Raises ResolveError."""
    if node.local:
        return ["/bin/sh", "-c", _LOCAL_SHELL]
    options = [("ControlMaster", "no"), ("ControlPath", "none"), *_QUIET, *_AT_TERMINAL]
    return [*_above(node, settings, ["ssh"], options), host(node)]


def _words(node: Node, settings: Ssh, options: list[tuple[str, str]]) -> list[str]:
    return _above(node, settings, ["ssh", "-T", "-a", "-x"], [*options, *_FIXED])


def _above(node: Node, settings: Ssh, list_: list[str], options: list[tuple[str, str]]) -> list[str]:
    """`list_` and what stands above the files: what the inventory and the settings say, behind `options`."""
    settings = config.own(node, settings)
    if file := settings.config:
        list_ += ["-F", "none" if file == "none" else str(Path(file).expanduser())]
    if node.port:
        list_ += ["-p", str(node.port)]
    if node.user:
        list_ += ["-l", node.user]
    options = [*options, *_host_keys(node, settings)]
    if node.identity:
        # not -i: that takes a missing file without a word, and `%` there too stands for tokens
        options.append(("IdentityFile", path_word(node.identity)))
    options += [
        (name, value)
        for name, value in node.ssh_options.items()
        if name.isalnum() and name not in ("host", "match", "include", "config") and not re.search("[\r\n]", value)
    ]
    if "connecttimeout" not in node.ssh_options and "connecttimeout" not in _keywords(node, settings):
        options.append(("ConnectTimeout", str(math.ceil(settings.connect_timeout))))
    return [*list_, *(part for name, value in options for part in ("-o", f"{name}={value}"))]


def host(node: Node) -> str:
    """The host as ssh wants it: the inventory's word, which ssh_config's `Host` lines are compared with."""
    return "localhost" if node.local else node.address


def command(node: Node, settings: Ssh, text: str, control: Path | None = None) -> list[str]:
    """The whole argument list that runs shell text on the node."""
    return [*words(node, settings, control), host(node), text]


def place(node: Node, path: str) -> str:
    """A path on the node as rsync's SRC and DEST have it: `host:path`."""
    name = host(node)
    return f"[{name}]:{path}" if ":" in name else f"{name}:{path}"


def rsh(arguments: Sequence[str]) -> str:
    """An argument list as one text for rsync's `-e` or RSYNC_RSH.

    rsync splits it on blanks alone; single quotes keep blanks together, a doubled one within them is one, and a backslash
    means nothing (rsync(1), `--rsh`).
    """
    return " ".join("'" + word.replace("'", "''") + "'" for word in arguments)


def path_word(path: str | Path) -> str:
    """A path as the value of an option of ssh_config(5): quoted, and `%` is no token there."""
    text = str(path).replace("%", "%%").replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'


def _host_keys(node: Node, settings: Ssh) -> list[tuple[str, str]]:
    """As `route`: never `no`; `accept-new` where the settings say so and nobody asked for more."""
    checking = "yes"
    if settings.host_keys == "accept-new":
        said = node.ssh_options.get("stricthostkeychecking", "")
        if not said and "stricthostkeychecking" in _keywords(node, settings):
            from .route import Routes  # here for its price: asyncssh

            accept = Routes(settings).route(node).accept_new
        else:
            accept = said.lower() not in ("yes", "true")
        checking = "accept-new" if accept else "yes"
    options = [("StrictHostKeyChecking", checking), ("UpdateHostKeys", "no")]
    if settings.known_hosts:
        options.append(("UserKnownHostsFile", path_word(Path(settings.known_hosts).expanduser())))
    return options


def _keywords(node: Node, settings: Ssh) -> frozenset[str]:
    return frozenset(config.keywords(config.sources(settings), node.address, named=bool(settings.config)))
