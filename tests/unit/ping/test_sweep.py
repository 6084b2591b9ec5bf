from __future__ import annotations

import asyncio
import math
import time

import pytest

from gridtui.model import PingMethod
from gridtui.ping import UNANSWERED, Pinger, sweep
from gridtui.ping.pinger import CLOSED

from .conftest import Namespace


async def test_every_host_has_its_figures(raw: None) -> None:
    targets = {f"n{number}": f"127.1.{number >> 8}.{number & 255}" for number in range(300)} | {"v6": "::1"}
    heard: list[tuple[str, float | None]] = []
    result = await sweep(targets, count=3, interval=0.1, timeout=5, on_echo=lambda *echo: heard.append(echo))
    assert list(result) == list(targets)
    for key, swept in result.items():
        assert (swept.key, swept.host, swept.why) == (key, targets[key], "")
        assert (swept.trips.sent, swept.trips.received, swept.trips.loss) == (3, 3, 0)
        assert all(0 < value < 5 for value in swept.values)
        assert swept.trips.min == pytest.approx(min(swept.values), abs=1e-8)
        assert swept.trips.jitter is not None
    assert sorted(heard, key=str) == sorted(
        ((key, value) for key, swept in result.items() for value in swept.values), key=str
    )


def test_dead_hosts_are_values_and_take_one_time_out(namespace: Namespace) -> None:
    async def work(namespace: Namespace) -> None:
        targets = {f"dead{number}": f"198.18.2.{number}" for number in range(1, 200)}
        targets |= {"refused": "198.18.1.1", "alive": "198.18.0.1", "nowhere": "203.0.113.1"}
        with namespace.router(), Pinger.open() as pinger:
            start = time.monotonic()
            result = await sweep(targets, count=2, interval=0.3, timeout=0.5, pinger=pinger)
            assert 0.8 <= time.monotonic() - start < 15  # one after the other: minutes
            assert result["alive"].trips.received == 2
            assert result["refused"].why == "destination host unreachable, says 198.18.0.1"
            assert "network is unreachable" in result["nowhere"].why
            for number in range(1, 200):
                dead = result[f"dead{number}"]
                assert (dead.trips.sent, dead.trips.loss, dead.trips.last, dead.why) == (2, 100, None, UNANSWERED)
                assert all(math.isnan(value) for value in dead.values)
            # The pinger is the caller's: it lives on.
            assert await pinger.echo("127.0.0.1", 2) is not None

    namespace.run(work)


async def test_the_pace_is_kept(raw: None) -> None:
    targets = {str(number): f"127.1.0.{number}" for number in range(100)}
    start = time.monotonic()
    await sweep(targets, pace=200)
    assert time.monotonic() - start >= 0.4


async def test_names_are_resolved_and_a_bad_one_is_a_value(raw: None) -> None:
    heard: list[str] = []
    result = await sweep(
        {"good": "localhost", "bad": "no-such-host.invalid", "worse": ""},
        count=2,
        interval=0.01,
        timeout=5,
        on_echo=lambda key, _: heard.append(key),
    )
    assert result["good"].trips.received == 2
    assert result["good"].host in ("127.0.0.1", "::1")
    assert (result["bad"].trips.sent, result["bad"].trips.received, result["bad"].host) == (
        2,
        0,
        "no-such-host.invalid",
    )
    assert "no-such-host.invalid" in result["bad"].why
    assert "no host name" in result["worse"].why
    assert sorted(heard) == ["bad", "bad", "good", "good", "worse", "worse"]


async def test_nothing_to_do_ends_at_once(raw: None) -> None:
    assert await sweep({}) == {}
    assert (await sweep({"bad": ""}))["bad"].trips.received == 0


async def test_a_refused_tcp_port_answers_too(unused_tcp_port: int) -> None:
    with Pinger.open(PingMethod.TCP) as pinger:
        result = await sweep({"n": "127.0.0.1"}, ports={"n": unused_tcp_port}, pinger=pinger)
    assert (result["n"].trips.method, result["n"].trips.received) == (PingMethod.TCP, 1)


async def test_closing_the_pinger_ends_the_sweep(raw: None) -> None:
    pinger = Pinger.open(PingMethod.RAW)
    work = asyncio.ensure_future(sweep({"n": "127.0.0.1"}, count=3, interval=0.2, pinger=pinger))
    await asyncio.sleep(0.05)
    pinger.close()
    assert (await asyncio.wait_for(work, 5))["n"].trips.sent < 3


async def test_a_closed_pinger_says_so(raw: None) -> None:
    pinger = Pinger.open(PingMethod.RAW)
    targets = {str(number): "127.0.0.1" for number in range(500)}
    work = asyncio.ensure_future(sweep(targets, pace=250, pinger=pinger))
    await asyncio.sleep(0.05)
    pinger.close()
    assert (await asyncio.wait_for(work, 5))["499"].why == CLOSED


def test_a_small_receive_buffer_loses_nothing(namespace: Namespace) -> None:
    """What an unprivileged user has: the usual limit of 208 kB holds some 270 replies."""

    async def work(namespace: Namespace) -> None:
        namespace.sysctl("ipv4.ping_group_range", "0 2147483647")
        namespace.drop_capabilities()
        targets = {str(number): f"127.1.{number >> 8}.{number & 255}" for number in range(3000)}
        with Pinger.open(PingMethod.ICMP) as pinger:
            result = await sweep(targets, timeout=5, pinger=pinger, pace=1e6)
            assert sum(swept.trips.received for swept in result.values()) == 3000
            assert pinger.strained == 0

    namespace.run(work)
