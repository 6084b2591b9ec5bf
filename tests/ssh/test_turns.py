"""Turns and pauses."""

from __future__ import annotations

import asyncio
import time

import pytest

from gridtui.ssh.turns import Backoff, Gate, Turns


async def hold(turns: Turns, gauge: list[int]) -> None:
    async with turns.turn():
        gauge.append(turns.taken)
        await asyncio.sleep(0)


async def test_turns_are_bounded_and_all_served() -> None:
    turns, gauge = Turns(3), list[int]()
    await asyncio.gather(*(hold(turns, gauge) for _ in range(50)))
    assert (len(gauge), max(gauge), turns.taken) == (50, 3, 0)


async def test_a_waiter_that_gives_up_passes_its_turn_on() -> None:
    turns, gauge = Turns(1), list[int]()
    async with turns.turn():
        first, second = (asyncio.create_task(hold(turns, gauge)) for _ in range(2))
        await asyncio.sleep(0)
    first.cancel()  # the turn was just handed to it
    await asyncio.wait_for(second, 10)
    assert turns.taken == 0


async def test_a_lowered_limit_holds_for_those_who_wait() -> None:
    turns, gauge = Turns(4), list[int]()
    async with turns.turn(), turns.turn():
        turns.limit = 1
        waiting = [asyncio.create_task(hold(turns, gauge)) for _ in range(5)]
        await asyncio.sleep(0)
        assert gauge == []
    await asyncio.gather(*waiting)
    assert max(gauge) == 1


async def test_a_busy_address_keeps_no_place_from_others() -> None:
    gate = Gate(4, 2)
    busy, free = ("bastion", 22), ("node", 22)
    release = asyncio.Event()

    async def at(address: tuple[str, int]) -> None:
        async with gate.turn(address):
            await release.wait()

    crowd = [asyncio.create_task(at(busy)) for _ in range(10)]
    await asyncio.sleep(0.05)
    assert gate.place(busy).taken == 2
    other = asyncio.create_task(at(free))
    await asyncio.sleep(0.1)
    assert gate.place(free).taken == 1
    release.set()
    await asyncio.gather(*crowd, other)


async def test_a_crowd_that_is_dropped_becomes_smaller() -> None:
    gate, address = Gate(16, 4), ("node", 22)
    async with gate.turn(address):
        assert not gate.crowded(address), "alone, it was not our crowd"
        async with gate.turn(address), gate.turn(address):
            assert gate.crowded(address)
            assert gate.place(address).limit == 2
    assert gate.crowded(address)
    assert gate.place(address).limit == 1


@pytest.mark.parametrize(("failures", "low", "high"), [(1, 0.5, 1), (2, 1, 2), (4, 4, 8), (20, 30, 60), (2000, 30, 60)])
async def test_pauses_double_up_to_the_longest(failures: int, low: float, high: float) -> None:
    backoff = Backoff(1.0, 60.0)
    for _ in range(failures):
        backoff.failed()
    assert low - 0.1 <= backoff.left <= high


async def test_a_woken_pause_ends_and_the_next_one_is_longer() -> None:
    backoff = Backoff(10.0, 60.0)
    await asyncio.wait_for(backoff.wait(), 10)
    backoff.failed()
    waiting = asyncio.create_task(backoff.wait())
    await asyncio.sleep(0)
    assert not waiting.done()
    backoff.wake()
    await asyncio.wait_for(waiting, 10)
    backoff.failed()
    assert backoff.left > 9.9
    backoff.lost()
    assert backoff.left <= 10


async def test_a_pause_ends_by_itself() -> None:
    backoff = Backoff(0.1, 60.0)
    backoff.failed()
    begun = time.monotonic()
    await backoff.wait()
    assert 0.04 < time.monotonic() - begun < 10
