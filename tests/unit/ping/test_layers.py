"""Names, TCP, the SSH greeting, and which layer fails first: against real servers on loopback."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import asyncssh
import pytest

from gridtui.errors import BannerError, ConnectError, ResolveError
from gridtui.model import Layer, PingMethod
from gridtui.ping import Pinger, address, banner, diagnose, knock, tcp

from .conftest import Namespace


@asynccontextmanager
async def server(*pieces: bytes, close: bool = True, host: str = "127.0.0.1") -> AsyncIterator[int]:
    """Says `pieces`, then closes or holds its tongue. Gives the port."""
    ends: list[asyncio.StreamWriter] = []

    async def talk(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ends.append(writer)
        for piece in pieces:
            writer.write(piece)
            await asyncio.sleep(0)
        if close:
            writer.close()

    running = await asyncio.start_server(talk, host, 0)
    try:
        yield running.sockets[0].getsockname()[1]
    finally:
        running.close()
        for writer in ends:
            writer.transport.abort()
        await running.wait_closed()


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        ([b"SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n"], "SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3"),
        ([b"SSH-2.0-dropbear\n"], "SSH-2.0-dropbear"),
        ([b"SSH-1.99-Cisco-1.25\r\n"], "SSH-1.99-Cisco-1.25"),
        ([b"SS", b"H-2", b".0-x\r", b"\n"], "SSH-2.0-x"),
        ([b"Welcome\r\n\r\nNo SSH-2.0-here\r\n", b"SSH-2.0-x\r\n"], "SSH-2.0-x"),
        ([b"x" * 5000 + b"\r\n" + b"SSH-2.0-x\r\n"], "SSH-2.0-x"),
        ([b"SSH-2.0-x\r\n" + b"\0" * 9000], "SSH-2.0-x"),
        ([b"SSH-2.0-" + b"x" * 245 + b"\r\n"], "SSH-2.0-" + "x" * 245),
        ([b"SSH-2.0-\x1b[2Jx\xff\x00\r\n"], "SSH-2.0-·[2Jx�·"),
    ],
    ids=[
        "openssh",
        "no CR",
        "1.99",
        "in pieces",
        "lines before",
        "long line before",
        "more after",
        "longest",
        "hostile",
    ],
)
async def test_a_greeting(pieces: list[bytes], expected: str) -> None:
    async with server(*pieces, close=False) as port:
        assert await banner("127.0.0.1", port, 5) == expected


async def test_a_real_ssh_server() -> None:
    async with asyncssh.listen("::1", 0, server_host_keys=[asyncssh.generate_private_key("ssh-ed25519")]) as real:
        assert (await banner("::1", real.get_port(), 5)).startswith("SSH-2.0-AsyncSSH")
        assert await diagnose("::1", real.get_port(), 5) == (None, "")


@pytest.mark.parametrize(
    ("pieces", "text"),
    [
        ([], "closed the connection before the SSH greeting; sshd may be refusing"),
        ([b"Exceeded MaxStartups\r\n"], "said 'Exceeded MaxStartups' and closed before the SSH greeting"),
        ([b"SSH-2.0"], "said 'SSH-2.0' and closed before the SSH greeting"),
        ([b"SSH-1.5-old\r\n"], "speaks 'SSH-1.5-old', not SSH 2.0"),
        ([b"SSH-2.0-" + b"x" * 246 + b"\r\n"], "longer than 255 bytes"),
        ([b"SSH-2.0-" + b"x" * 300], "longer than 255 bytes"),
        ([b"HTTP/1.1 400 \x1b[31mBad\r\n\r\n", b"y" * 20000], "but the server said 'HTTP/1.1 400 ·[31mBad'"),
        ([b"z" * 20000], "no SSH greeting in the first 16384 bytes"),
        ([b"\n" * 20000], "no SSH greeting in the first 16384 bytes"),
    ],
)
@pytest.mark.parametrize("close", [True, False])
async def test_what_is_no_greeting(pieces: list[bytes], text: str, close: bool) -> None:
    if not close and "closed" in text:
        text = "sent no SSH greeting within 0.3 s"
    async with server(*pieces, close=close) as port:
        with pytest.raises(BannerError) as caught:
            await banner("127.0.0.1", port, 5 if close else 0.3)
        assert text in str(caught.value)
        assert str(caught.value).startswith(f"127.0.0.1 port {port}: ")
        assert str(caught.value).isprintable()
        assert await diagnose("127.0.0.1", port, 0.3, True) == (Layer.BANNER, str(caught.value).replace("5 s", "0.3 s"))


async def test_an_endless_greeting_is_left_early() -> None:
    async def talk(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while not writer.is_closing():
            writer.write(b"all work and no play\r\n" * 100)
            await writer.drain()

    def quiet(_: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
        assert isinstance(context.get("exception"), ConnectionError)  # the talker finds us gone

    asyncio.get_running_loop().set_exception_handler(quiet)
    async with await asyncio.start_server(talk, "127.0.0.1", 0) as running:
        with pytest.raises(BannerError, match="16384 bytes"):
            await banner("127.0.0.1", running.sockets[0].getsockname()[1], 5)


async def test_tcp_leaves_no_connection(unused_tcp_port: int) -> None:
    accepted: list[object] = []
    async with await asyncio.start_server(lambda *streams: accepted.append(streams), "127.0.0.1", 0) as running:
        for _ in range(20):
            await tcp("127.0.0.1", running.sockets[0].getsockname()[1], 5)
            assert await knock("127.0.0.1", running.sockets[0].getsockname()[1], 5, lambda: False) == (None, "")
        await asyncio.sleep(0.1)
    assert not accepted
    with pytest.raises(
        ConnectError, match=f"127.0.0.1 port {unused_tcp_port}: connection refused; is sshd running"
    ) as caught:
        await tcp("127.0.0.1", unused_tcp_port, 5)
    assert isinstance(caught.value.__cause__, ConnectionRefusedError)


@pytest.mark.parametrize(("host", "port"), [("node1", 22), ("127.0.0.1", 70000), ("\x1b[0m", 22)])
async def test_what_cannot_be_connected_to(host: str, port: int) -> None:
    with pytest.raises(ConnectError) as caught:
        await tcp(host, port, 5)
    assert str(caught.value).isprintable()


def test_the_first_layer_that_fails(namespace: Namespace) -> None:
    async def work(namespace: Namespace) -> None:
        with namespace.router(), Pinger.open(PingMethod.RAW) as pinger:
            # Nothing answers, and nobody says why.
            layer, why = await diagnose("198.18.2.1", 22, 0.3, pinger=pinger)
            assert (layer, why) == (Layer.ICMP, "no answer")
            layer, why = await diagnose("198.18.2.1", 22, 0.3)
            assert (layer, why) == (Layer.ICMP, "198.18.2.1 port 22: no answer within 0.3 s")
            # The router says why.
            layer, why = await diagnose("198.18.1.1", 22, 5, pinger=pinger)
            assert (layer, why) == (Layer.ICMP, "destination host unreachable, says 198.18.0.1")
            # It answers echoes, but no TCP.
            layer, why = await diagnose("198.18.2.1", 22, 0.3, True)
            assert layer is Layer.TCP
            assert "no answer within 0.3 s" in why
            # A refused connection is an answer, whatever ICMP says.
            layer, why = await diagnose("198.18.0.1", 22, 5, False)
            assert layer is Layer.TCP
            assert "connection refused" in why
            # Half a handshake tells as much, and what echoes do meanwhile counts.
            for answering, layer in ((True, Layer.TCP), (False, Layer.ICMP)):
                assert (await knock("198.18.2.1", 22, 0.3, lambda answering=answering: answering))[0] is layer  # type: ignore[misc]
            assert (await knock("198.18.0.1", 22, 5, lambda: False))[0] is Layer.TCP
            # ICMP is filtered, but all else works.
            namespace.sysctl("ipv4.icmp_echo_ignore_all", "1")
            async with server(b"SSH-2.0-x\r\n") as port:
                assert await diagnose("127.0.0.1", port, 0.5, pinger=pinger) == (None, "")
                assert await diagnose("127.0.0.1", port, 5, False) == (None, "")

    namespace.run(work)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", ("127.0.0.1", socket.AF_INET)),
        ("::1", ("::1", socket.AF_INET6)),
        ("[::1]", ("::1", socket.AF_INET6)),
        ("fe80::1%lo", ("fe80::1%lo", socket.AF_INET6)),
        ("127.1", ("127.0.0.1", socket.AF_INET)),
    ],
)
async def test_an_address_is_itself(host: str, expected: tuple[str, int]) -> None:
    assert await address(host) == expected


async def test_a_name_is_looked_up() -> None:
    assert (await address("localhost"))[0] in ("127.0.0.1", "::1")


@pytest.mark.parametrize("host", ["", "no-such-host.invalid", "a\0b", "x" * 300, "a..b", "\x1b[31mred", "[]", "-"])
async def test_a_name_without_an_address(host: str) -> None:
    with pytest.raises(ResolveError) as caught:
        await address(host)
    assert str(caught.value).isprintable()
    assert caught.value.layer == "icmp"


async def test_a_silent_name_server_has_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = asyncio.Event()

    async def never(*_: object, **__: object) -> Callable[[], None]:
        asked.set()
        return await asyncio.get_running_loop().create_future()  # type: ignore[no-any-return]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", never)
    with pytest.raises(ResolveError, match=r"no name server answered within 0.1 s"):
        await address("node1", 0.1)
    assert asked.is_set()
