"""The bus: in order, coalescing, bounded, for any number of readers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from gridtui.events import Event, Noted, Seen
from gridtui.model import Node, PingMethod, Reach, RoundTrips, State, Status, Verdict
from gridtui.monitor.bus import LOG, Bus


class Pictures:
    """Makes statuses and counts how many were asked for; the newest is told apart by its time."""

    def __init__(self) -> None:
        self.now = 0.0
        self.made = 0

    def status(self, name: str) -> Status:
        self.made += 1
        return Status(Node(name, name), Reach(self.now), RoundTrips(PingMethod.ICMP), Verdict(name, State.OK, self.now))


async def take(events: AsyncIterator[Event], count: int) -> list[Event]:
    async with asyncio.timeout(5):
        return [await anext(events) for _ in range(count)]


async def reading(bus: Bus) -> tuple[AsyncIterator[Event], asyncio.Task[list[Event]]]:
    """A reader that is there already, and its first event."""
    events = bus.read()
    first = asyncio.create_task(take(events, 1))
    await asyncio.sleep(0)
    return events, first


async def test_pictures_coalesce_to_the_newest() -> None:
    pictures = Pictures()
    bus = Bus(pictures.status)
    events, first = await reading(bus)
    for pictures.now in range(1000):
        bus.seen("a")
        bus.seen("b")
    seen = [*await first, *await take(events, 1)]
    assert [(event.node, event.status.reach.time) for event in seen if isinstance(event, Seen)] == [
        ("a", 999),
        ("b", 999),
    ]
    assert pictures.made == 2, "a picture that nobody looks at is never made"


async def test_events_come_in_order_and_before_waiting_pictures() -> None:
    bus = Bus(Pictures().status)
    events, first = await reading(bus)
    bus.seen("a")
    for number in range(3):
        bus.emit(Noted(number, None, str(number)))
    told = [*await first, *await take(events, 3)]
    assert [event.text if isinstance(event, Noted) else "seen" for event in told] == ["0", "1", "2", "seen"]


async def test_a_reader_that_sleeps_costs_a_bounded_queue() -> None:
    bus = Bus(Pictures().status)
    events, first = await reading(bus)
    for number in range(3 * LOG):
        bus.emit(Noted(number, None, ""))
        bus.seen(f"node{number % 7}")
    told = [*await first, *await take(events, LOG - 1 + 7)]
    times = [event.time for event in told if isinstance(event, Noted)]
    assert times == list(range(2 * LOG, 3 * LOG)), "the oldest are the ones to go"
    assert len(bus.log) == LOG


async def test_every_reader_gets_everything_and_one_that_leaves_is_forgotten() -> None:
    bus = Bus(Pictures().status)
    readers = [await reading(bus) for _ in range(3)]
    bus.emit(Noted(1, None, "one"))
    bus.seen("a")
    for events, first in readers:
        assert [type(event) for event in [*await first, *await take(events, 1)]] == [Noted, Seen]
    for events, _ in readers[:2]:
        await events.aclose()  # type: ignore[attr-defined]
    waiting = asyncio.create_task(take(readers[2][0], 1))
    await asyncio.sleep(0)
    bus.emit(Noted(2, None, "two"))
    assert len(await waiting) == 1
    assert len(bus._readers) == 1


async def test_a_closed_bus_ends_its_readers_once_they_have_all() -> None:
    bus = Bus(Pictures().status)
    events, first = await reading(bus)
    idle, nothing = await reading(bus)
    bus.emit(Noted(1.0, None, "one"))
    assert len(await first) == len(await nothing) == 1
    bus.emit(Noted(2.0, None, "two"))
    bus.seen("n1")
    bus.close()
    async with asyncio.timeout(5):
        for reader in (events, idle):
            assert [type(event) for event in [event async for event in reader]] == [Noted, Seen]
        assert [event async for event in bus.read()] == []
