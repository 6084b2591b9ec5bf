"""The pinger over real sockets on loopback, and in network namespaces where nothing answers."""

from __future__ import annotations

import asyncio
import errno
import math
import resource
import socket
import struct
import time
from collections.abc import Callable
from contextlib import suppress

import pytest

from gridtui.errors import PingError
from gridtui.model import PingMethod
from gridtui.ping import UNANSWERED, Pinger
from gridtui.ping.icmp import _trip
from gridtui.ping.pinger import CLOSED

from .conftest import Namespace, until

BOTH = [PingMethod.ICMP, PingMethod.RAW]


def permit(namespace: Namespace, method: PingMethod) -> Pinger:
    if method is PingMethod.ICMP:
        namespace.sysctl("ipv4.ping_group_range", "0 2147483647")
    return Pinger.open(method)


@pytest.mark.parametrize("method", BOTH)
@pytest.mark.parametrize("host", ["127.0.0.1", "127.200.3.4", "::1"])
def test_a_host_that_answers(namespace: Namespace, method: PingMethod, host: str) -> None:
    async def work(namespace: Namespace) -> None:
        with permit(namespace, method) as pinger:
            start = time.monotonic()
            rtt = await pinger.echo(host, 2)
            assert rtt is not None
            assert 0 < rtt < time.monotonic() - start

    namespace.run(work)


@pytest.mark.parametrize("method", BOTH)
def test_dead_hosts_do_not_wait_for_each_other(namespace: Namespace, method: PingMethod) -> None:
    async def work(namespace: Namespace) -> None:
        namespace.sysctl("ipv4.icmp_echo_ignore_all", "1")
        with permit(namespace, method) as pinger:
            start = time.monotonic()
            hosts = [f"127.1.0.{number}" for number in range(200)]
            ends = await asyncio.gather(*(pinger.ask(host, 0.3) for host in hosts))
            assert set(ends) == {(None, UNANSWERED)}
            assert 0.3 <= time.monotonic() - start < 15  # one after the other: a minute
            assert pinger.strained == 0

    namespace.run(work)


@pytest.mark.parametrize("method", BOTH)
@pytest.mark.parametrize(
    ("host", "reason"),
    [
        ("198.18.1.1", "destination host unreachable, says 198.18.0.1"),
        ("fd18:1::1", "no route to destination, says fd18::1"),
    ],
)
def test_a_router_that_refuses_is_heard_at_once(
    namespace: Namespace, method: PingMethod, host: str, reason: str
) -> None:
    async def work(namespace: Namespace) -> None:
        with namespace.router(), permit(namespace, method) as pinger:
            await pinger.ask("198.18.0.1" if "." in host else "fd18::1", 5)  # neighbours have met
            start = time.monotonic()
            # A living host beside it: an unprivileged socket reports errors at whichever call comes next.
            refused, alive = await asyncio.gather(pinger.ask(host, 20), pinger.ask("127.0.0.1", 20))
            assert refused == (None, reason)
            assert alive[0] is not None
            assert (await pinger.ask("127.0.0.1", 20))[0] is not None
            assert time.monotonic() - start < 10

    namespace.run(work)


@pytest.mark.parametrize("method", BOTH)
@pytest.mark.parametrize("kind", ["unreachable", "prohibit"])
def test_no_route_is_a_loss_with_a_reason(namespace: Namespace, method: PingMethod, kind: str) -> None:
    async def work(namespace: Namespace) -> None:
        namespace.ip("route", "add", kind, "198.18.9.0/24")
        with permit(namespace, method) as pinger:
            rtt, why = await pinger.ask("198.18.9.9", 20)
            assert rtt is None
            assert ("no route to host" if kind == "unreachable" else "forbids it") in why
            assert await pinger.echo("127.0.0.1", 5) is not None

    namespace.run(work)


Forge = Callable[[bytes, str, str], list[tuple[bytes, str]]]


def reply(request: bytes, ident: int = 0, low: int = 0, cut: int = 64, spoil: int = 0) -> bytes:
    """The right reply to an echo request, but for what is asked for: added to the id, the sequence, the checksum."""
    _, _, _, was_ident, was_low = struct.unpack_from("!BBHHH", request)
    blank = struct.pack("!BBHHH", 0, 0, 0, was_ident + ident & 0xFFFF, was_low + low & 0xFFFF) + request[8:]
    total = sum(struct.unpack("!32H", blank)) % 0xFFFF
    return (blank[:2] + struct.pack("!H", (-total + spoil) % 0xFFFF) + blank[4:])[:cut]


FORGED: dict[str, tuple[Forge, bool]] = {
    "honest": (lambda request, host, _: [(reply(request), host)], True),
    "twice": (lambda request, host, _: [(reply(request), host)] * 2, True),
    "wrong source": (lambda request, _, other: [(reply(request), other)], False),
    "wrong id": (lambda request, host, _: [(reply(request, ident=1), host)], False),
    "wrong sequence": (lambda request, host, _: [(reply(request, low=1), host)], False),
    "truncated": (lambda request, host, _: [(reply(request, cut=20), host)], False),
    "header only": (lambda request, host, _: [(reply(request, cut=4), host)], False),
    "wrong checksum": (lambda request, host, _: [(reply(request, spoil=1), host)], False),
    "noise, then honest": (
        lambda request, host, other: [(b"", other), (b"\0" * 64, host), (reply(request), host)],
        True,
    ),
}


class Forger:
    """Answers echo requests on loopback in place of the kernel, which is told not to."""

    def __init__(self, forge: Forge) -> None:
        self._forge = forge
        self._ears = socket.socket(socket.AF_INET, socket.SOCK_RAW | socket.SOCK_NONBLOCK, socket.IPPROTO_ICMP)
        self._mouth = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
        asyncio.get_running_loop().add_reader(self._ears, self._heard)

    def __enter__(self) -> Forger:
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.get_running_loop().remove_reader(self._ears)
        self._ears.close()
        self._mouth.close()

    def _heard(self) -> None:
        packet = self._ears.recv(2048)
        if packet[20] == 8:
            source, host = socket.inet_ntoa(packet[12:16]), socket.inet_ntoa(packet[16:20])
            for data, sender in self._forge(packet[20:], host, "127.99.0.1"):
                head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(data), 0, 0, 64, 1, 0)
                self._mouth.sendto(head + socket.inet_aton(sender) + socket.inet_aton(source) + data, (source, 0))


@pytest.mark.parametrize("method", BOTH)
@pytest.mark.parametrize("name", FORGED)
def test_only_the_reply_to_our_request_counts(namespace: Namespace, method: PingMethod, name: str) -> None:
    forge, counts = FORGED[name]

    async def work(namespace: Namespace) -> None:
        namespace.sysctl("ipv4.icmp_echo_ignore_all", "1")
        ends: list[tuple[str, float | None]] = []
        with permit(namespace, method) as pinger, Forger(forge):
            assert (await pinger.echo("127.1.0.1", 10 if counts else 0.15) is not None) is counts
            pinger.watch("n", "127.1.0.2", 0.1, 10 if counts else 0.05, lambda *end: ends.append(end))
            await until(lambda: len(ends) >= 3)
            pinger.unwatch("n")
        assert all((rtt is not None) is counts for _, rtt in ends)

    namespace.run(work)


def test_a_reply_after_the_time_out_is_ignored(namespace: Namespace) -> None:
    async def work(namespace: Namespace) -> None:
        namespace.sysctl("ipv4.icmp_echo_ignore_all", "1")
        held: list[tuple[bytes, str]] = []

        def late(request: bytes, host: str, _: str) -> list[tuple[bytes, str]]:
            before = list(held)
            held[:] = [(reply(request), host)]
            return before  # the answer to the request before this one

        with Pinger.open(PingMethod.RAW) as pinger, Forger(late):
            for _ in range(4):
                assert await pinger.echo("127.1.0.1", 0.1) is None

    namespace.run(work)


async def test_watching_many(raw: None) -> None:
    ends: dict[str, list[float | None]] = {}
    done = asyncio.Event()

    def on_echo(key: str, rtt: float | None) -> None:
        ends.setdefault(key, []).append(rtt)
        if len(ends) == 400 and min(map(len, ends.values())) >= 3:
            done.set()

    with Pinger.open(PingMethod.RAW) as pinger:
        start = time.monotonic()
        for number in range(400):
            pinger.watch(f"n{number}", f"127.1.{number >> 8}.{number & 255}", 0.5, 0.5, on_echo)
        await asyncio.wait_for(done.wait(), 20)
        elapsed = time.monotonic() - start
        assert pinger.reason("n7") == ""
    counts = [len(values) for values in ends.values()]
    assert all(rtt is not None for values in ends.values() for rtt in values)
    assert max(counts) <= math.ceil(elapsed / 0.5) + 1
    assert max(counts) - min(counts) <= 1 + elapsed / 5


async def test_starts_are_spread_over_the_interval(raw: None) -> None:
    starts: list[float] = []
    with Pinger.open(PingMethod.RAW) as pinger:
        begin = time.monotonic()
        for number in range(20):
            pinger.watch(str(number), f"127.1.0.{number}", 1, 1, lambda *_: starts.append(time.monotonic() - begin))
        await until(lambda: len(starts) >= 20)
    tenths = {int(start * 10) for start in starts}
    assert len(tenths) >= 9


async def test_an_ended_or_replaced_watch_is_silent(raw: None) -> None:
    first: list[float | None] = []
    second: list[float | None] = []
    with Pinger.open(PingMethod.RAW) as pinger:
        pinger.watch("n", "127.0.0.1", 0.05, 1, lambda _, rtt: first.append(rtt))
        await until(lambda: bool(first))
        pinger.watch("n", "127.0.0.2", 0.05, 1, lambda _, rtt: second.append(rtt))
        seen = len(first)
        await until(lambda: len(second) >= 3)
        assert len(first) == seen
        pinger.unwatch("n")
        pinger.unwatch("n")
        seen = len(second)
        assert await pinger.echo("127.0.0.1", 1) is not None
        await asyncio.sleep(0.2)
        assert len(second) == seen


async def test_a_listener_that_raises_harms_nobody_else(raw: None) -> None:
    reported: list[str] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(str(context["exception"])))
    ends: list[float | None] = []

    def bad(_: str, __: float | None) -> None:
        raise LookupError("not my day")

    with Pinger.open(PingMethod.RAW) as pinger:
        pinger.watch("bad", "127.0.0.1", 0.05, 1, bad)
        pinger.watch("good", "127.0.0.2", 0.05, 1, lambda _, rtt: ends.append(rtt))
        await until(lambda: len(ends) >= 3 and bool(reported))
    assert set(reported) == {"not my day"}


def test_a_controller_that_slept_counts_nothing_as_lost(namespace: Namespace) -> None:
    async def work(namespace: Namespace) -> None:
        namespace.sysctl("ipv4.icmp_echo_ignore_all", "1")
        ends: list[tuple[float, float | None]] = []
        slept: list[float] = []
        with Pinger.open(PingMethod.RAW) as pinger:
            pinger.on_sleep = slept.append
            for number in range(50):
                pinger.watch(
                    str(number), f"127.1.0.{number}", 0.5, 0.5, lambda _, rtt: ends.append((time.monotonic(), rtt))
                )
            await until(lambda: len(ends) >= 20)
            waiting = asyncio.ensure_future(pinger.ask("127.1.1.1", 0.3))
            await asyncio.sleep(0)
            before = len(ends)
            time.sleep(1.3)  # noqa: ASYNC251 - a loop that stands still is what this is about
            woke = time.monotonic()
            await until(lambda: len(ends) >= before + 50)
            # What was in flight is not judged, nor what was missed sent at once: a loss needs a fresh echo's time-out.
            assert min(when for when, _ in ends[before:]) >= woke + 0.45
            # Who waits for one answer gets one: the echo is sent again.
            assert await waiting == (None, UNANSWERED)
        assert len(slept) == 1
        assert 1.0 < slept[0] < 10

    namespace.run(work)


async def test_answers_that_waited_for_a_busy_loop_keep_their_time(raw: None) -> None:
    with Pinger.open(PingMethod.RAW) as pinger:
        await pinger.echo("127.0.0.1", 1)
        waiting = asyncio.ensure_future(pinger.echo("127.0.0.1", 0.2))
        await asyncio.sleep(0)
        time.sleep(0.4)  # noqa: ASYNC251 - longer than the time-out, though the answer was there at once
        rtt = await waiting
        assert rtt is not None
        assert rtt < 0.1


SECOND = 1_000_000_000


@pytest.mark.parametrize(
    ("wall_step", "stamp_after", "expected"),
    [
        (0, 0.002, 0.002),
        (0, None, 0.01),
        (3600, 0.002, 0.01),
        (-3600, 0.002, 0.01),
        (0.005, 0.002, 0.01),
        (0, -0.002, 0.01),
        (0, 5.0, 0.01),
    ],
    ids=["plain", "no stamp", "set forward", "set back", "set a little", "stamp before sending", "stamp in the future"],
)
def test_a_wall_clock_that_is_set_does_not_matter(wall_step: float, stamp_after: float | None, expected: float) -> None:
    """10 ms have passed by the monotonic clock; the wall clock has been set by `wall_step` seconds meanwhile."""
    clock = time.monotonic() - 0.01
    sent = time.time_ns() - SECOND // 100 - round(wall_step * SECOND)
    stamp = None if stamp_after is None else sent + round((stamp_after + wall_step) * SECOND)
    assert _trip(sent, clock, stamp) == pytest.approx(expected, abs=0.0009)


async def test_closing_ends_who_waits(raw: None) -> None:
    pinger = Pinger.open(PingMethod.RAW)
    waiting = asyncio.ensure_future(pinger.ask("127.0.0.1", 10))
    await asyncio.sleep(0)
    pinger.close()
    pinger.close()
    assert await waiting == (None, CLOSED)
    with pytest.raises(PingError, match="closed"):
        await pinger.echo("127.0.0.1", 1)


@pytest.mark.parametrize(("host", "interval"), [("node1", 1.0), ("127.0.0.1", 0.001)])
async def test_what_cannot_be_watched(host: str, interval: float) -> None:
    with Pinger.open(PingMethod.TCP) as pinger, pytest.raises(ValueError, match=r"no IP address|too short"):
        pinger.watch("n", host, interval, 1, lambda *_: None)


def test_the_best_permitted_way_is_taken(namespace: Namespace) -> None:
    async def work(namespace: Namespace) -> None:
        namespace.sysctl("ipv4.ping_group_range", "1 0")
        with Pinger.open() as pinger:
            assert pinger.method is PingMethod.RAW
            assert "raw ones are used" in pinger.why
            assert pinger.mend in pinger.why
        namespace.drop_capabilities()
        with Pinger.open() as pinger:
            assert pinger.method is PingMethod.TCP
            assert "CAP_NET_RAW" in pinger.why
            assert "\n" not in pinger.why
        for method in BOTH:
            with pytest.raises(PingError, match="not permitted"):
                Pinger.open(method)

    namespace.run(work)


def test_the_command_that_mends_it_does(namespace: Namespace) -> None:
    async def work(namespace: Namespace) -> None:
        namespace.sysctl("ipv4.ping_group_range", "1 0")
        with Pinger.open() as pinger:
            name, _, value = pinger.mend.removeprefix("sudo sysctl -w net.").partition("=")
        namespace.sysctl(name, value.strip('"'))
        namespace.drop_capabilities()
        with Pinger.open() as pinger:
            assert (pinger.method, pinger.why, pinger.mend) == (PingMethod.ICMP, "", "")
            assert await pinger.echo("127.0.0.1", 2) is not None
            assert await pinger.echo("::1", 2) is not None

    namespace.run(work)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_knocking_on_tcp_leaves_no_connection(host: str) -> None:
    accepted: list[object] = []
    server = await asyncio.start_server(lambda *streams: accepted.append(streams), host, 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        with Pinger.open(PingMethod.TCP) as pinger:
            assert pinger.method is PingMethod.TCP
            trips = await asyncio.gather(*(pinger.echo(host, 5, port) for _ in range(50)))
            assert all(rtt is not None and 0 < rtt < 5 for rtt in trips)
        await asyncio.sleep(0.1)
        assert not accepted
    # A refused connection comes from a living node.
    with Pinger.open(PingMethod.TCP) as pinger:
        assert await pinger.echo(host, 5, port) is not None


async def test_knocks_wait_for_file_descriptors() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with socket.create_server(("127.0.0.1", 0), backlog=1000) as server, Pinger.open(PingMethod.TCP) as pinger:
        port = server.getsockname()[1]
        await pinger.echo("127.0.0.1", 5, port)
        resource.setrlimit(resource.RLIMIT_NOFILE, (server.fileno() + 10, hard))
        try:
            trips = await asyncio.gather(*(pinger.echo("127.0.0.1", 20, port) for _ in range(200)))
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert None not in trips


def test_a_silent_tcp_port_is_a_loss(namespace: Namespace) -> None:
    async def work(namespace: Namespace) -> None:
        with namespace.router(), Pinger.open(PingMethod.TCP) as pinger:
            start = time.monotonic()
            ends = await asyncio.gather(*(pinger.ask(f"198.18.2.{number}", 0.3) for number in range(100)))
            assert set(ends) == {(None, UNANSWERED)}
            assert time.monotonic() - start < 15  # one after the other: half a minute
            assert (await pinger.ask("198.18.1.1", 20))[1] == "No route to host"

    namespace.run(work)


@pytest.mark.parametrize(("family", "host"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])
async def test_the_filter_keeps_other_programs_replies_away(raw: None, family: int, host: str) -> None:
    with Pinger.open(PingMethod.RAW) as pinger, Pinger.open(PingMethod.RAW) as other:
        assert await pinger.echo(host, 1) is not None
        for _ in range(20):
            assert await other.echo(host, 1) is not None
        port = pinger._ports[family]
        assert not isinstance(port, PingError)
        port.read_at_once(False)
        assert await other.echo(host, 1) is not None
        with suppress(BlockingIOError):
            pytest.fail(f"another's packet came through: {port._sock.recv(100)!r}")


def test_a_full_queue_is_tried_again(namespace: Namespace, monkeypatch: pytest.MonkeyPatch) -> None:
    async def work(namespace: Namespace) -> None:
        with Pinger.open(PingMethod.RAW) as pinger:
            assert await pinger.echo("127.0.0.1", 2) is not None
            port = pinger._ports[socket.AF_INET]
            assert not isinstance(port, PingError)
            real, refused = port._sock, [errno.ENOBUFS, errno.EAGAIN]

            class Full:
                def sendto(self, *arguments: object) -> int:
                    if refused:
                        raise OSError(refused.pop(), "full")
                    return real.sendto(*arguments)  # type: ignore[call-overload,no-any-return]

                def __getattr__(self, name: str) -> object:
                    return getattr(real, name)

            monkeypatch.setattr(port, "_sock", Full())
            assert await pinger.echo("127.0.0.1", 2) is not None
            assert not refused
            assert pinger.strained == 2
            refused[:] = [errno.ENOBUFS] * 1000
            assert await pinger.ask("127.0.0.1", 0.1) == (None, "No buffer space available")
            monkeypatch.undo()

    namespace.run(work)
