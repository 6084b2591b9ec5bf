"""How a node is reached: all that ssh_config says of it, read by asyncssh's own reader. Owns `Route`; opens nothing.

Parsed once a node. Knows neither keys nor connections; `login` acts on what stands here.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from asyncssh.config import ConfigParseError, SSHClientConfig

from ..errors import ResolveError
from ..model import Node, clean
from ..settings import Ssh
from . import config
from .endpoint import PORT, Endpoint, me

_GLOBAL_KNOWN_HOSTS = ("/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2")
_USER_KNOWN_HOSTS = ("~/.ssh/known_hosts", "~/.ssh/known_hosts2")

_EXEC = re.compile(r"^match\s.*\bexec\s.*", re.IGNORECASE | re.DOTALL)
_EQUALS = "\x1f"
"""Stands for `=` in a command of Match exec: asyncssh's reader would split the command there."""


def _hide(line: re.Match[str]) -> str:
    head, command = re.split(r"(?i)(?<=exec)\s", line[0], maxsplit=1)
    return f"{head} {command.replace('=', _EQUALS)}"


@dataclass(frozen=True, slots=True)
class Route:
    """All that is needed to log in to one node, but for secrets."""

    name: str
    endpoint: Endpoint
    reader: Reader
    """asyncssh's view of ssh_config, from which it takes what is not named here (ciphers, BindAddress, ...)."""
    jump: tuple[str, ...] = ()
    """ProxyJump's hops, first to last, as `[user@]host[:port]`."""
    proxy_command: str = ""
    """Shell text, tokens expanded."""
    known_as: str = ""
    """HostKeyAlias, or the host."""
    known_port: int = PORT
    """The port known_hosts is asked for: 22 with an alias (ssh leaves the port away then)."""
    known_hosts: tuple[Path, ...] = ()
    pins: Path | None = None
    """Where `accept-new` writes: the first user file; None when there is none (`UserKnownHostsFile none`)."""
    accept_new: bool = False
    hash_names: bool = False
    identities: tuple[Path, ...] | None = None
    """IdentityFile, in order; None when nobody named one (then the defaults are tried)."""
    certificates: tuple[Path, ...] = ()
    identities_only: bool = False
    agent: str | None = None
    """The agent's socket, or None."""
    connect_timeout: float = 5.0
    keepalive: float = 2.0
    keepalive_count: int = 3
    notes: tuple[str, ...] = field(default=())
    """What ssh_config asks for and is not done: told once."""

    @property
    def where(self) -> str:
        """For messages: `user@host` or `user@host:port`."""
        end = self.endpoint
        return f"{end.user}@{end.host}" + (f":{end.port}" if end.port != PORT else "")


class Routes:
    """Routes of nodes. `cache` them: a route is read once a node and forgotten by `forget`."""

    def __init__(self, settings: Ssh) -> None:
        self._settings = settings
        self._known: dict[str, tuple[Node, Route]] = {}

    def forget(self, name: str) -> None:
        """Read the node's ssh_config anew at the next call."""
        self._known.pop(name, None)

    def route(self, node: Node) -> Route:
        """The route to a node. Raises ResolveError with the file and line that is wrong."""
        known = self._known.get(node.name)
        if known and (known[0] is node or known[0] == node):
            return known[1]
        route = _route(node, self._settings)
        self._known[node.name] = (node, route)
        return route


def hop(spec: str, before: tuple[str, ...], after: Node) -> Node:
    """The node that a hop of ProxyJump stands for. `before` are the hops that lead to it. Raises ResolveError.

    A hop has its own ssh_config, but host key settings given to the node on top of the files hold for its hops too.
    """
    user, _, place = spec.removeprefix("ssh://").rpartition("@")
    host, port = place, ""
    if place.startswith("["):
        host, _, port = place[1:].partition("]")
        port = port.removeprefix(":")
    elif place.count(":") == 1:
        host, _, port = place.partition(":")
    if not host or host.startswith("-") or (port and not (port.isascii() and port.isdigit() and 0 < int(port) < 65536)):
        raise ResolveError(f"ProxyJump {clean(spec)!r} is not [user@]host[:port]")
    # the file of -F too: ssh hands it on to the ssh of the hop
    keep = ("config", "userknownhostsfile", "globalknownhostsfile", "stricthostkeychecking", "identityagent")
    options = {key: value for key, value in after.ssh_options.items() if key in keep}
    if before:
        options["proxyjump"] = ",".join(before)
    return Node(
        name=f"jump host {spec}", address=host, port=int(port) if port else None, user=user or None, ssh_options=options
    )


class Reader(SSHClientConfig):
    """asyncssh's reader, with only the lines that can concern the host, sorted and bounded Includes, and a few more keywords."""

    _percent_expand: set[str] = set()  # noqa: RUF012 - the shape is asyncssh's
    # asyncssh expands at the end of each file, so that tokens of an Include are expanded too early and twice: done once, in `finish`
    _late: ClassVar[frozenset[str]] = frozenset(
        {*SSHClientConfig._percent_expand, "UserKnownHostsFile", "GlobalKnownHostsFile", "ProxyJump"}
    )

    _depth = 0
    _base = Path()
    _named = False

    @property
    def original(self) -> str:
        return str(self._orig_host)

    def top(self, path: Path, *, named: bool) -> None:
        """Read one of the files that ssh reads by itself."""
        self._base, self._named, self._depth = config.base(path), named, 0
        self.parse(path)

    def parse(self, path: Path) -> None:
        """Read a file (also called by asyncssh). Raises ResolveError."""
        file = config.read(path, named=self._named and not self._depth)
        if file:
            self.feed(file.lines(self.original), str(path))

    def feed(self, lines: list[config.Line], source: str) -> None:
        """Read lines through asyncssh's parser. It wants a file: an unnamed one in memory."""
        handle = os.memfd_create("ssh_config", os.MFD_CLOEXEC)
        try:
            text = "".join(f"{_EXEC.sub(_hide, line)}\n" for _, line in lines)
            data = memoryview(text.encode("utf-8", "surrogateescape"))
            while data:
                data = data[os.write(handle, data) :]
            os.lseek(handle, 0, os.SEEK_SET)
            mine = Path(f"/proc/self/fd/{handle}")
            try:
                super().parse(mine)
            except ConfigParseError as error:
                raise ResolveError(_locate(str(error), str(mine), lines, source)) from None
            except UnicodeError:
                raise ResolveError(f"{source}: not valid UTF-8") from None
        finally:
            os.close(handle)

    def _include(self, option: str, args: list[str]) -> None:
        if self._depth >= config.DEPTH:
            self._error("too many nested Includes")
        path, line, self._depth = self._path, self._line_no, self._depth + 1
        for pattern in args:
            for found in config.included(pattern, self._base):
                self.parse(found)
        self._path, self._line_no, self._depth = path, line, self._depth - 1
        self._matching = True
        args.clear()

    def _match_block(self, option: str, args: list[str]) -> None:
        """Match, with the tokens that ssh expands in `exec` and asyncssh does not."""
        self._set_tokens()
        for at in range(1, len(args)):
            if args[at - 1].lower() in ("exec", "!exec"):
                args[at] = self._expand_val(args[at].replace(_EQUALS, "="))
        self._match(option, args)

    def finish(self) -> None:
        """Expand tokens and variables (ssh_config(5), TOKENS), now that all is known. Raises ResolveError."""
        self._tokens["%"] = "%"
        self._set_tokens()
        self._tokens["k"] = str(self._options.get("HostKeyAlias") or self._tokens["h"])
        for option in self._late:
            value = self._options.get(option)
            try:
                if isinstance(value, list):  # a second pass names files twice
                    self._options[option] = list(dict.fromkeys(self._expand_val(str(item)) for item in value))
                elif isinstance(value, str):
                    self._options[option] = self._expand_val(value)
            except ValueError as error:
                raise ResolveError(f"ssh_config: {option}: {clean(str(error))}") from None

    _handlers: dict[str, tuple[str, Callable[..., Any]]] = {  # noqa: RUF012
        **SSHClientConfig._handlers,
        "include": ("Include", _include),
        "match": ("Match", _match_block),
        "stricthostkeychecking": ("StrictHostKeyChecking", SSHClientConfig._set_string),
        "hashknownhosts": ("HashKnownHosts", SSHClientConfig._set_bool),
        "revokedhostkeys": ("RevokedHostKeys", SSHClientConfig._set_string),
    }


def _locate(text: str, mine: str, lines: list[config.Line], source: str) -> str:
    """asyncssh's `PATH line N: why`, with the real file and line."""
    head, _, why = text.partition(": ")
    number = head.removeprefix(f"{mine} line ")
    if head.startswith(mine) and number.isdigit() and 0 < int(number) <= len(lines):
        return f"{source}:{lines[int(number) - 1][0]}: {clean(why)}"
    return f"{source}: {clean(text)}"


def _read(node: Node, settings: Ssh, sources: list[Path], before: Reader | None = None) -> Reader:
    # in the second pass the first one's values stand (OpenSSH's rule: what was obtained first wins)
    # `()` is asyncssh's "not given"
    arguments: tuple[Any, ...] = (
        before,
        False,
        False,
        before is not None,
        me(),
        node.user or (),
        node.address,
        node.port or (),
    )
    reader = Reader(*arguments)
    first = [(0, f"{name} {value}") for name, value in node.ssh_options.items() if not _breaks(name, value)]
    if node.identity:
        first.insert(0, (0, f"identityfile {shlex.quote(node.identity)}"))
    reader.feed(first, f"the inventory's SSH options of {clean(node.name)}")
    for source in sources:
        reader.top(source, named=bool(settings.config))
    if before is None and reader.has_match_final():
        return _read(node, settings, sources, reader)  # ssh, too, reads all a second time
    reader.finish()
    return reader


def _breaks(name: str, value: str) -> bool:
    """Whether an option would be more than one option, or open a block."""
    return name in ("host", "match", "include", "config") or not name.isalnum() or "\n" in value or "\r" in value


def _route(node: Node, settings: Ssh) -> Route:
    settings = config.own(node, settings)
    reader = _read(node, settings, config.sources(settings))
    get = reader.get
    host = str(get("Hostname", node.address)).lower()  # as ssh does
    port = _number(get("Port"), PORT)
    end = Endpoint(host, port, str(get("User") or me()))
    notes = []

    jump_spec, command = get("ProxyJump"), get("ProxyCommand")
    jump = tuple(part.strip() for part in str(jump_spec).split(",") if part.strip()) if jump_spec else ()
    if jump or command:
        end = Endpoint(end.host, end.port, end.user, jump=True)

    checking = str(get("StrictHostKeyChecking") or "").lower()
    if checking in ("no", "off"):
        notes.append("StrictHostKeyChecking no of ssh_config is not followed: host keys are always checked")
    accept_new = settings.host_keys == "accept-new" and checking not in ("yes", "true")
    if get("RevokedHostKeys"):
        notes.append("RevokedHostKeys of ssh_config is not read: use @revoked lines in known_hosts")
    if get("CanonicalizeHostname"):
        notes.append("CanonicalizeHostname of ssh_config is not followed: use full names in the inventory")

    user_files = _files(get("UserKnownHostsFile"), _USER_KNOWN_HOSTS)
    if settings.known_hosts:
        user_files = (Path(settings.known_hosts).expanduser(),)
    files = user_files + _files(get("GlobalKnownHostsFile"), _GLOBAL_KNOWN_HOSTS)
    alias = get("HostKeyAlias")

    identities = get("IdentityFile")
    alive = _number(get("ServerAliveInterval"), 0)
    return Route(
        name=node.name,
        endpoint=end,
        reader=reader,
        jump=jump,
        proxy_command="" if jump else str(command or ""),
        known_as=str(alias).lower() if alias else host,
        known_port=PORT if alias else port,
        known_hosts=files,
        pins=user_files[0] if user_files else None,
        accept_new=accept_new,
        hash_names=bool(get("HashKnownHosts")),
        identities=None if identities is None else tuple(_paths(identities)),
        certificates=tuple(_paths(get("CertificateFile"))),
        identities_only=bool(get("IdentitiesOnly")),
        agent=_agent(get("IdentityAgent", "SSH_AUTH_SOCK")),
        connect_timeout=float(_number(get("ConnectTimeout"), 0)) or settings.connect_timeout,
        # whoever looks more often wins: a long interval against a firewall's idle timer must not blind us
        keepalive=min(settings.keepalive, float(alive)) if alive else settings.keepalive,
        keepalive_count=_number(get("ServerAliveCountMax"), 3) if alive else 3,
        notes=tuple(notes),
    )


def _number(value: object, default: int) -> int:
    return value if isinstance(value, int) and value > 0 else default


def _paths(value: object) -> list[Path]:
    return [Path(str(item)).expanduser() for item in value] if isinstance(value, list) else []


def _files(value: object, default: tuple[str, ...]) -> tuple[Path, ...]:
    names = [str(item) for item in value] if isinstance(value, list) else list(default)
    return tuple(Path(name).expanduser() for name in names if name.lower() != "none")


def _agent(value: object) -> str | None:
    """IdentityAgent: a socket, `SSH_AUTH_SOCK`, `$VARIABLE`, or none."""
    text = str(value or "")
    if text == "SSH_AUTH_SOCK":
        text = os.environ.get("SSH_AUTH_SOCK", "")
    elif text.startswith("$") and not text.startswith("${"):
        text = os.environ.get(text[1:], "")
    return str(Path(text).expanduser()) if text else None
