"""Servers that misbehave: each becomes one clear error of the right layer, in time, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import gc
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import asyncssh
import pytest

from gridtui.errors import (
    BannerError,
    ConnectError,
    ConnectionLost,
    LoginError,
    LoginTimeout,
    ResolveError,
    ShellError,
    SshError,
)
from gridtui.model import Node
from gridtui.settings import Ssh
from gridtui.ssh import Pool, failures
from gridtui.ssh import login as logins
from gridtui.ssh.failures import Stage

from .test_contract import Ear

HOST = "127.0.0.1"
Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@contextlib.asynccontextmanager
async def serving(talk: Talk) -> AsyncIterator[Node]:
    """A TCP server with its own manners."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.CancelledError):
            await talk(reader, writer)
        writer.close()

    server = await asyncio.start_server(handle, HOST, 0)
    try:
        yield Node("odd", HOST, port=server.sockets[0].getsockname()[1], user="u")
    finally:
        server.close()
        await server.wait_closed()
        await asyncio.sleep(0.05)  # the handlers see the end of their connections


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


async def closes(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    return


async def resets(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


def says(data: bytes, *, then: Talk = silent) -> Talk:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        await writer.drain()
        await then(reader, writer)

    return talk


async def floods(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while not reader.at_eof():
        writer.write(b"x" * 65536)
        await writer.drain()


HELLO = b"SSH-2.0-Odd\r\n"


@pytest.mark.parametrize(
    ("talk", "kind", "text"),
    [
        (silent, BannerError, "says nothing for 0.5 s"),
        (closes, BannerError, "closed the connection before it spoke SSH"),
        (resets, BannerError, "closed the connection before it spoke SSH"),
        (floods, BannerError, "this is not SSH"),
        (says(b"HTTP/1.1 400 Bad Request\r\n\r\n", then=closes), BannerError, "before it spoke SSH"),
        (says(b"220 mail\r\n"), BannerError, "says nothing"),
        (says(b"\x1b[2J\r\n" * 5000), BannerError, "this is not SSH"),
        (says(b"SSH-1.5-Old\r\n"), BannerError, "this is not SSH"),
        (says(b"SSH-2.0-\xff\xfe\r\n"), SshError, "odd|u@127"),
        (says(HELLO), LoginTimeout, "spoke SSH and then fell silent"),
        (says(HELLO, then=closes), LoginTimeout, "ended during the login"),
        (says(HELLO, then=floods), LoginTimeout, "broke off|ended during"),
        (says(HELLO + b"\0\0\0\x0c\x0a\x14" + b"\xff" * 500), LoginTimeout, "broke off"),
    ],
)
async def test_servers_that_are_no_sshd(talk: Talk, kind: type[SshError], text: str) -> None:
    async with serving(talk) as node, Pool(Ssh(config="none", connect_timeout=0.5, login_timeout=1.0)) as pool:
        begun = time.monotonic()
        with pytest.raises(kind, match=text) as caught:
            await pool.connect(node)
        assert time.monotonic() - begun < 5
        assert str(caught.value).isprintable()
        assert caught.value.retry
        assert caught.value.evidence.node == "odd"


async def test_one_silent_node_holds_nobody_up(shared: Any) -> None:
    async with serving(silent) as odd, Pool(shared.settings(connect_timeout=1.0)) as pool:
        results = await asyncio.gather(
            *(pool.connect(Node(f"s{n}", HOST, port=odd.port)) for n in range(4)),
            pool.connect(shared.node()),
            return_exceptions=True,
        )
    assert [type(result) for result in results[:4]] == [BannerError] * 4
    assert not isinstance(results[4], BaseException)


# asyncssh's own server, with manners chosen by the command


class Session(asyncssh.SSHServerSession[bytes]):
    signals: list[str]

    def __init__(self) -> None:
        self.signals = []

    def connection_made(self, chan: asyncssh.SSHServerChannel[bytes]) -> None:
        self.chan = chan

    def exec_requested(self, command: str) -> bool:
        self.command = command
        return command != "refuse"

    def session_started(self) -> None:
        match self.command:
            case "no status":
                self.chan.write(b"out")
                self.chan.close()
            case "odd signal":
                self.chan.exit_with_signal("\x1b[31mODD@odd")
            case "markup":
                self.chan.write_stderr(b"[red]\x1b]0;t\x07\xff\r\n")
                self.chan.exit(1)
            case "drop":
                connection = self.chan.get_connection()
                connection.abort()

    def signal_received(self, signal: str) -> None:
        self.signals.append(signal)


class Server(asyncssh.SSHServer):
    sessions: list[Session]

    def begin_auth(self, username: str) -> bool:
        return False

    def session_requested(self) -> Session:
        session = Session()
        self.sessions.append(session)
        return session


@contextlib.asynccontextmanager
async def odd_server(tmp_path: Path, **options: Any) -> AsyncIterator[tuple[Pool, Node, list[Session]]]:
    key = asyncssh.generate_private_key("ssh-ed25519")
    Server.sessions = []
    server = await asyncssh.listen(HOST, 0, server_factory=Server, server_host_keys=[key], encoding=None, **options)
    port = server.get_port()
    (tmp_path / "known").write_text(f"[{HOST}]:{port} {key.export_public_key().decode()}")
    async with Pool(Ssh(config="none", known_hosts=str(tmp_path / "known"))) as pool:
        yield pool, Node("odd", HOST, port=port, user="u"), Server.sessions
    server.close()
    await server.wait_closed()


async def test_a_refused_command_is_a_shell_error(tmp_path: Path) -> None:
    async with odd_server(tmp_path) as (pool, node, _):
        connection = await pool.connect(node)
        with pytest.raises(ShellError, match="no command can be run"):
            await connection.run("refuse")


async def test_a_command_without_a_status(tmp_path: Path) -> None:
    async with odd_server(tmp_path) as (pool, node, _):
        done = await (await pool.connect(node)).run("no status")
        assert (done.exit_status, done.stdout) == (-1, b"out")


async def test_a_signal_nobody_knows(tmp_path: Path) -> None:
    async with odd_server(tmp_path) as (pool, node, _):
        done = await (await pool.connect(node)).run("odd signal")
        assert (done.exit_status, done.signal) == (-1, "·[31mODD@odd")


async def test_hostile_words_are_neutralised_as_evidence(tmp_path: Path) -> None:
    async with odd_server(tmp_path) as (pool, node, _):
        ear = Ear()
        channel = await (await pool.connect(node)).open("markup", ear)
        await asyncio.wait_for(ear.ended.wait(), 5)
        assert channel.stderr == "[red]·]0;t·�··"


async def test_a_connection_that_drops_in_the_middle(tmp_path: Path) -> None:
    async with odd_server(tmp_path) as (pool, node, _):
        connection = await pool.connect(node)
        with pytest.raises(ConnectionLost):
            await connection.run("drop")
        assert isinstance(await connection.closed(), ConnectionLost)


async def test_what_is_given_up_gets_a_signal(tmp_path: Path) -> None:
    async with odd_server(tmp_path) as (pool, node, sessions):
        connection = await pool.connect(node)
        with pytest.raises(ShellError, match="did not end"):
            await connection.run("wait", timeout=0.1)
        ear = Ear()
        channel = await connection.open("wait", ear)
        channel.close()
        await asyncio.wait_for(ear.ended.wait(), 5)
        assert [session.signals for session in sessions] == [["TERM"], ["TERM"]]


async def test_no_algorithm_in_common(tmp_path: Path, home: Path) -> None:
    async with odd_server(tmp_path, kex_algs=["diffie-hellman-group14-sha256"]) as (_, node, _sessions):
        (home / ".ssh" / "config").write_text("KexAlgorithms curve25519-sha256\n")
        async with Pool(Ssh(known_hosts=str(tmp_path / "known"))) as pool:
            with pytest.raises(LoginError, match="no algorithm in common") as caught:
                await pool.connect(node)
            assert not caught.value.retry


async def test_the_ciphers_that_cost_least_are_asked_for_first(tmp_path: Path, home: Path) -> None:
    async with odd_server(tmp_path) as (pool, node, _):
        found: Any = await pool.connect(node)
        assert found.ssh.get_extra_info("send_cipher") == "aes128-gcm@openssh.com"
        (home / ".ssh" / "config").write_text("Ciphers aes256-ctr\n")
        async with Pool(Ssh(known_hosts=str(tmp_path / "known"))) as other:
            chosen: Any = await other.connect(node)
            assert chosen.ssh.get_extra_info("send_cipher") == "aes256-ctr"


@pytest.mark.parametrize(
    ("error", "stage", "kind", "text"),
    [
        (socket.gaierror(-2, "Name or service not known"), Stage.CONNECT, ResolveError, "has no address"),
        (OSError(errno.EHOSTUNREACH, "x"), Stage.CONNECT, ConnectError, "no route to host; the node is off"),
        (OSError(errno.EMFILE, "x"), Stage.CONNECT, ConnectError, "ulimit"),
        (OSError(errno.ETIMEDOUT, "x"), Stage.CONNECT, ConnectError, "timed out"),
        (OSError("Multiple exceptions: [Errno 111] a, [Errno 111] b"), Stage.CONNECT, ConnectError, "refused"),
        (TimeoutError(), Stage.CONNECT, ConnectError, "no TCP connection within 5 s"),
        (TimeoutError(), Stage.BANNER, BannerError, "says nothing for 5 s"),
        (TimeoutError(), Stage.LOGIN, LoginTimeout, "fell silent"),
        (EOFError(), Stage.BANNER, BannerError, "before it spoke SSH"),
        (ConnectionResetError(), Stage.LOGIN, LoginTimeout, "ended during the login"),
        (asyncssh.ProtocolError("Bad\x1b[2Jpacket"), Stage.LOGIN, LoginTimeout, "broke off: Bad·"),
        (asyncssh.ChannelOpenError(2, "refused\n"), Stage.CONNECT, ConnectError, "jump host cannot reach it: refused·"),
        (ValueError("odd\n"), Stage.LOGIN, LoginTimeout, "broke off: ValueError: odd·"),
    ],
)
def test_foreign_errors_become_ours(error: Exception, stage: Stage, kind: type[SshError], text: str) -> None:
    found = failures.login(error, stage, "u@h", "node", seconds=5.0)
    assert type(found) is kind
    assert text in str(found)
    assert str(found).startswith("u@h: ")
    assert str(found).isprintable()


@pytest.mark.parametrize("refused", [True, False])
async def test_a_login_that_ends_as_it_is_given_up_leaves_nothing(
    refused: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing open, and no failure that the event loop would print a traceback of."""
    told: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
    aborted: list[bool] = []
    givers: list[asyncio.Task[Any]] = []

    async def connect(*_: object, **__: object) -> object:
        givers.pop().cancel()
        if refused:
            raise ConnectionRefusedError
        return SimpleNamespace(abort=lambda: aborted.append(True))

    monkeypatch.setattr(asyncssh, "connect", connect)
    route: Any = SimpleNamespace(endpoint=SimpleNamespace(host="h", port=1), connect_timeout=5.0)
    client: Any = SimpleNamespace(stage=Stage.CONNECT)
    options: Any = None
    giving_up = asyncio.create_task(logins._connect(options, client, route, 5.0, None, None))
    givers.append(giving_up)
    with pytest.raises(asyncio.CancelledError):
        await giving_up
    del giving_up
    gc.collect()
    await asyncio.sleep(0)
    assert told == [] and aborted == ([] if refused else [True])
