"""An engine that places by itself: it gets a few jobs at a time, and tells where they are."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import pytest

from gridtui.jobs import dispatcher, placing, silence
from gridtui.jobs.dispatcher import Dispatcher
from gridtui.jobs.model import Cause, JobId, JobState, Key, Lot, Order, Phase, Report, Spec
from gridtui.jobs.offering import pass_on
from gridtui.jobs.queue import Queue
from gridtui.stopping import Stop
from tests.contract.memory import Memory, World

from .grid import Grid
from .test_dispatcher import ended, state, until

HOSTS = ("c1", "c2")
"""Not in our inventory."""


class Elsewhere(Memory):
    """A cluster with a queue of its own, from which it takes jobs when it likes."""

    places: ClassVar[bool] = False

    def __init__(self, world: World, waiting: dict[Key, Order]) -> None:
        super().__init__(world)
        self.waiting = waiting
        self.most = 0

    async def start(self, orders: Sequence[Order]) -> Sequence[Report]:
        for order in orders:
            assert order.node == ""
            self.waiting[order.key] = order
        self.most = max(self.most, len(self.waiting))
        return [Report(order.key, Phase.WAITING) for order in orders]

    async def admit(self, count: int) -> None:
        """So many of its queue get a node."""
        for at, key in enumerate(list(self.waiting)[:count]):
            order = replace(self.waiting.pop(key), node=HOSTS[at % 2])
            self.world.tell(await self.world.start(self.world.machines[order.node], order))

    async def poll(self, node: str, keys: Sequence[Key]) -> Sequence[Report]:
        if node:
            return await super().poll(node, keys) if node in HOSTS else []
        found = [Report(key, Phase.WAITING) for key in self.waiting]
        for key in keys:
            if key not in self.waiting:
                there = [*await super().poll("c1", ()), *await super().poll("c2", ())]
                found += [one for one in there if one.key == key] or [Report(key, Phase.UNKNOWN)]
        return found

    async def end(self, node: str, keys: Sequence[Key], *, grace: float) -> None:
        if node:
            await super().end(node, keys, grace=grace)
        for key in keys:
            if self.waiting.pop(key, None):
                self.news.put_nowait(Report(key, Phase.ENDED, cause=Cause.CANCELLED))

    async def forget(self, node: str, keys: Sequence[Key]) -> None:
        for key in keys:
            self.waiting.pop(key, None)
        if node:
            await super().forget(node, keys)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr(dispatcher, "TICK", 0.02)
    monkeypatch.setattr(placing, "WAITING", 5)
    monkeypatch.setattr(silence, "ASK", 0.2)
    monkeypatch.setattr(silence, "ASK_AGAIN", 0.05)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    world = World(tmp_path / "world", HOSTS)
    yield world
    await world.close()


@pytest.fixture
def queue() -> Iterator[Queue]:
    with Queue.open() as queue:
        yield queue


async def test_it_gets_a_few_at_a_time_and_tells_where_they_are(queue: Queue, world: World) -> None:
    grid, waiting = Grid(("n1",)), dict[Key, Order]()
    number = queue.submit(Spec("echo $GRIDTUI_INDEX"), array=range(1, 21))
    stop, engine = Stop(), Elsewhere(world, waiting)
    with queue.lease() as waker:
        made = Dispatcher(queue, waker, engine, grid, grid.settings.jobs, grid.alarm)
        task = asyncio.create_task(made.run(stop))
        await until(lambda: len(waiting) == 5)
        there = made._board.column("")
        since = there.heard
        await until(
            lambda: there.heard > since + 0.3
        )  # it is asked, and what waits there is not given up, however long it waits
        assert (len(waiting), engine.most) == (5, 5)
        assert queue.counts() == {JobState.STARTING: 5, JobState.QUEUED: 15}
        cancelled = next(iter(waiting)).id
        queue.cancel([cancelled])
        await until(lambda: queue.job(cancelled).state is JobState.CANCELLED)
        await until(lambda: len(waiting) == 5)
        stop.ask()
        await task
    await engine.close()
    with queue.lease() as waker:  # another one takes over, with what waits there
        stop, engine = Stop(), Elsewhere(world, waiting)
        task = asyncio.create_task(Dispatcher(queue, waker, engine, grid, grid.settings.jobs, grid.alarm).run(stop))
        while not ended(queue):
            await engine.admit(2)
            await asyncio.sleep(0.02)
        stop.ask()
        await task
    await engine.close()
    assert engine.most <= 5
    assert queue.counts() == {JobState.SUCCEEDED: 19, JobState.CANCELLED: 1}
    assert {job.node for job in queue.jobs(numbers=[number]) if job.id != cancelled} == set(HOSTS)
    assert set(world.ran.values()) == {1}
    assert not grid.alarms
    assert state(queue, queue.submit(Spec("true"))) is JobState.QUEUED


def lots(ready: Mapping[int, int]) -> list[Lot]:
    return [
        Lot(number, "ann", 0, Spec("true"), 0.0, range(1, count + 1) if count else (None,))
        for number, count in ready.items()
    ]


@pytest.mark.parametrize(
    ("ready", "room", "found"),
    [
        ({1: 3, 2: 0, 3: 2}, 10, ["1.1", "2", "3.1", "1.2", "3.2", "1.3"]),
        ({1: 3, 2: 3}, 3, ["1.1", "2.1", "1.2"]),
        ({1: 3}, 0, []),
        ({1: 3}, -4, []),
        ({}, 5, []),
    ],
)
def test_each_submission_in_turn(ready: Mapping[int, int], room: int, found: Sequence[str]) -> None:
    placements = pass_on(lots(ready), room)
    assert [str(one.id) for one in placements] == list(found)
    assert {one.node for one in placements} <= {""}
    assert JobId(1) not in [one.id for one in placements]
