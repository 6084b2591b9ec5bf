"""One node of a broadcast, seen from here: the channel to `onnode.sh`, its agent, and the lines both ways. Owns what is believed of them.

A node's lines are hostile: their form is checked to the letter, numbers are bounded, text is neutralised.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import resources

import asyncssh

from ...errors import SshError
from ...model import Node, clean
from ...ssh import Channel, Connection, quote
from ...ssh.remote import RemoteConnection
from .agent import Agent
from .payload import Unfit

LINE = 4096
"""Longest line that is read."""
TALK = 2000
"""Lines that a node may say at once; what it says beyond must come slower than `PACE`. One says a line or two for each part."""
PACE = 200.0
"""Lines a second."""
OFFER = 10.0
"""Seconds for its sshd to put our agent's socket there."""
LIFE = 6 * 3600
"""Seconds after which a node gives up by itself, whatever we say."""

Heard = Callable[["Member", list[str]], None]

_FOLDER = re.compile(r"/tmp/gridtui-peers-[A-Za-z0-9]{8}")  # noqa: S108 - made by mktemp(1) there
_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._@-]{0,63}")
# what our rsync options make of it, `-e` with the capabilities of that rsync: rsync(1) has no other way to ask. No other letter before
# `e`, which takes the rest as its value: with -l and -K a feeder could write outside of `in`
_SPEAKS = re.compile(r"rsync --server -We\.[A-Za-z]{0,30} --timeout=30 \. in/")


@dataclass(frozen=True, slots=True)
class Ready:
    """What a node says of itself."""

    folder: str
    address: str
    """As sshd there sees it: where neighbours knock, and where they see it come from."""
    port: int
    user: str
    seen: bool
    """Something of what is sent is there already."""
    free: int
    """Bytes."""
    speaks: str
    """The command by which its rsync sends to a neighbour."""


def ready(words: list[str]) -> Ready:
    """Read the words of a `ready` line. Raises Unfit."""
    try:
        folder, address, port, user, seen, free, *speaks = words
        command = " ".join(speaks)
        if not _FOLDER.fullmatch(folder) or not _USER.fullmatch(user) or not _SPEAKS.fullmatch(command):
            raise ValueError
        at = ipaddress.ip_address(address)
        if "%" in address:  # means something on one machine only, and ipaddress takes any text behind it
            raise ValueError
        if not (port.isascii() and port.isdigit() and 0 < int(port) < 65536 and free.isascii() and free.isdigit()):
            raise ValueError
    except ValueError:
        raise Unfit(f"it describes itself oddly: {clean(' '.join(words), 200)}") from None
    return Ready(folder, str(at), int(port), user, seen == "yes", int(free[:18]) * 1024, command)


class Member:
    """A node that takes part. `heard` gets each line as words; an end of the channel comes as `["lost", why]`."""

    def __init__(self, node: Node, number: int, heard: Heard) -> None:
        self.node, self.number = node, number
        self.agent = Agent()
        self.ready: Ready | None = None
        self._heard = heard
        self._channel: Channel | None = None
        self._connection: Connection | None = None
        self._listener: asyncssh.SSHListener | None = None
        self._offering = asyncio.Lock()
        self._rest = b""
        self._deaf = False
        self._lines, self._since = 0.0, time.monotonic()
        self.ended = asyncio.Event()

    @property
    def name(self) -> str:
        return self.node.name

    async def open(self, connection: Connection, destination: str, place: str, squeezed: bool, tops: list[str]) -> None:
        """Start what a node does. Raises SshError, Unfit."""
        if not isinstance(connection, RemoteConnection):
            raise Unfit("it is this machine")
        self._connection = connection
        text = f"exec /bin/sh -c {quote(script(), 'gridtui-peers', destination, place, 'gzip' if squeezed else 'tar', str(LIFE), *tops)}"
        self._channel = await connection.open(text, self)

    def host_key(self) -> tuple[str, str, bytes]:
        """Its host key, as our own verified connection has seen it: algorithms to ask for, known_hosts text, wire format. Raises Unfit."""
        assert isinstance(self._connection, RemoteConnection)
        key = self._connection.ssh.get_server_host_key()
        if key is None:
            raise Unfit("its host key is not known")
        kind, blob = key.export_public_key("openssh").decode().split()[:2]
        algorithms = "rsa-sha2-512,rsa-sha2-256" if kind == "ssh-rsa" else kind
        return algorithms, f"{kind} {blob}", key.public_data

    async def offer_agent(self) -> None:
        """Put our agent's socket on the node, in its private folder. Raises Unfit where sshd does not forward sockets."""
        assert isinstance(self._connection, RemoteConnection)
        assert self.ready
        async with self._offering:  # two receivers may want it at the same time
            if self._listener is not None:
                return
            try:
                async with asyncio.timeout(OFFER):
                    self._listener = await self._connection.ssh.start_unix_server(
                        lambda: self.agent.serve, f"{self.ready.folder}/agent", encoding=None
                    )
            except (OSError, asyncssh.Error):
                raise Unfit("its sshd forwards no sockets (AllowStreamLocalForwarding)") from None

    def send(self, *words: str) -> None:
        """One order."""
        if self._channel and not self.ended.is_set():
            self._channel.write((" ".join(words) + "\n").encode())

    async def close(self, patience: float = 5.0) -> None:
        """Let it clean up, and wait for that."""
        self.agent.open = False
        if self._channel:
            self._channel.write_eof()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(patience):
                    await self.ended.wait()
            self._channel.close()
        if self._listener is not None:
            self._listener.close()

    # the channel's receiver

    def received(self, data: bytes) -> None:
        if self._deaf:
            return
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > LINE:
            self._leave("it sends what is no line")
            return
        now = time.monotonic()
        self._lines = max(0.0, self._lines - (now - self._since) * PACE) + len(lines)
        self._since = now
        if self._lines > TALK:
            self._leave("it talks without end")
            return
        for line in lines:
            if words := clean(line, LINE).split():
                self._heard(self, words)

    def _leave(self, why: str) -> None:
        self._deaf, self._rest = True, b""
        self._heard(self, ["lost", why])

    def closed(self, error: SshError | None) -> None:
        self.ended.set()
        said = self._channel.stderr.strip() if self._channel else ""
        self._heard(self, ["lost", str(error) if error else said or "it ended too early"])


@cache
def script() -> str:
    """The shell text that runs on a node, without comment lines."""
    text = resources.files(__package__).joinpath("onnode.sh").read_text("utf-8")
    return "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("# ") and line.strip()) + "\n"
