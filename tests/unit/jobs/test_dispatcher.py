"""The dispatcher over the real queue and an engine of real processes that loses messages, whose nodes go away and reboot."""

from __future__ import annotations

import asyncio
import gc
import random
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from gridtui.errors import ConnectError, EngineError, StateError
from gridtui.jobs import dispatcher, publishing, silence, waiting, wishes
from gridtui.jobs.dispatcher import Dispatcher
from gridtui.jobs.engines import guarded
from gridtui.jobs.logs import Logs
from gridtui.jobs.model import (
    ENDED,
    Cause,
    Input,
    JobId,
    JobState,
    Key,
    Level,
    Needs,
    Order,
    Phase,
    Placement,
    Report,
    Spec,
)
from gridtui.jobs.queue import Queue, moves
from gridtui.jobs.queue.schema import MIGRATIONS
from gridtui.stopping import Stop
from gridtui.store.database import Database
from tests.contract.memory import Memory, World

from .grid import Grid

NAMES = ("n1", "n2", "n3")


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    for module, name, seconds in (
        (dispatcher, "TICK", 0.02),
        (silence, "ASK", 0.2),
        (silence, "ASK_AGAIN", 0.05),
        (wishes, "END_AGAIN", 0.3),
    ):
        monkeypatch.setattr(module, name, seconds)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    world = World(tmp_path / "world", NAMES)
    yield world
    await world.close()


@pytest.fixture
def grid() -> Grid:
    return Grid(NAMES)


@pytest.fixture
def queue() -> Iterator[Queue]:
    with Queue.open() as queue:
        yield queue


@asynccontextmanager
async def dispatching(queue: Queue, world: World, grid: Grid) -> AsyncIterator[Dispatcher]:
    """A dispatcher that runs until the end of the context, and is then told to stop."""
    stop, engine = Stop(), Memory(world)
    with queue.lease() as waker:
        made = Dispatcher(queue, waker, engine, grid, grid.settings.jobs, grid.alarm)
        task = asyncio.create_task(made.run(stop))
        try:
            yield made
        finally:
            stop.ask()
            await task
            await engine.close()


async def until(condition: Callable[[], object], seconds: float = 20.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - what is waited for is what the dispatcher writes
            await asyncio.sleep(0.01)


def state(queue: Queue, number: int) -> JobState:
    return queue.job(JobId(number)).state


def has_ended(queue: Queue, id: JobId) -> bool:
    return queue.job(id).state in ENDED


def ended(queue: Queue) -> bool:
    return all(state in ENDED for state, count in queue.counts().items() if count)


async def test_jobs_run_and_their_logs_are_kept(queue: Queue, world: World, grid: Grid) -> None:
    well, badly = queue.submit(Spec("echo hi")), queue.submit(Spec("echo no >&2; exit 3"))
    async with dispatching(queue, world, grid):
        later = queue.submit(Spec("true"))
        await until(lambda: ended(queue))
    assert [state(queue, number) for number in (well, badly, later)] == ["succeeded", "failed", "succeeded"]
    job = queue.job(JobId(badly))
    assert (job.exit, job.attempt, job.why) == (3, 1, "exit status 3")
    [attempt] = queue.attempts(JobId(well))
    assert Logs(queue.id).log(attempt.key).read_bytes() == b"hi\n"
    assert attempt.node in NAMES
    assert not any(machine.spool for machine in world.machines.values()), "all is forgotten on the nodes"


async def test_outputs_are_here_before_a_job_has_ended(queue: Queue, world: World, grid: Grid, tmp_path: Path) -> None:
    spec = Spec("mkdir out; echo $GRIDTUI_ITEM > out/$GRIDTUI_INDEX; exit $GRIDTUI_ITEM", outputs=("out/*",))
    number = queue.submit(replace(spec, into=str(tmp_path / "into {id}"), name="../../x"), each=["0", "1"])
    async with dispatching(queue, world, grid):
        for index in (1, 2):
            await until(partial(has_ended, queue, JobId(number, index)))
            found = tmp_path / f"into {number}.{index}" / "out" / str(index)
            assert found.read_text() == f"{index - 1}\n", "of failures, too"
    assert [queue.job(JobId(number, index)).state for index in (1, 2)] == ["succeeded", "failed"]


async def test_a_failure_is_tried_again(
    queue: Queue, world: World, grid: Grid, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(moves, "pause", lambda tries: 0.0)
    number = queue.submit(Spec(f"echo >> {tmp_path}/tries; [ $(wc -l < {tmp_path}/tries) = 2 ]", retries=3))
    async with dispatching(queue, world, grid):
        await until(lambda: ended(queue))
    assert state(queue, number) is JobState.SUCCEEDED
    assert queue.job(JobId(number)).attempt == 2


async def test_a_cancelled_job_is_ended_on_its_node(queue: Queue, world: World, grid: Grid) -> None:
    number = queue.submit(Spec("sleep 600"))
    async with dispatching(queue, world, grid):
        await until(lambda: state(queue, number) is JobState.RUNNING)
        queue.cancel([JobId(number)])
        await until(lambda: state(queue, number) is JobState.CANCELLED)
    assert not any(machine.spool for machine in world.machines.values())


async def test_a_held_job_stands_still_and_goes_on(queue: Queue, world: World, grid: Grid, tmp_path: Path) -> None:
    number = queue.submit(Spec(f"until [ -e {tmp_path}/go ]; do sleep 0.02; done"))
    async with dispatching(queue, world, grid):
        await until(lambda: state(queue, number) is JobState.RUNNING)
        queue.hold([JobId(number)])
        await until(lambda: state(queue, number) is JobState.FROZEN)
        (tmp_path / "go").touch()
        queue.release([JobId(number)])
        await until(lambda: state(queue, number) is JobState.SUCCEEDED)


async def test_a_job_that_was_released_while_nobody_dispatched_goes_on(
    queue: Queue, world: World, grid: Grid, tmp_path: Path
) -> None:
    number = queue.submit(Spec(f"until [ -e {tmp_path}/go ]; do sleep 0.02; done"))
    async with dispatching(queue, world, grid):
        await until(lambda: state(queue, number) is JobState.RUNNING)
        queue.hold([JobId(number)])
        await until(lambda: state(queue, number) is JobState.FROZEN)
    queue.release([JobId(number)])
    (tmp_path / "go").touch()
    async with dispatching(queue, world, grid):
        await until(lambda: state(queue, number) is JobState.SUCCEEDED)


async def test_a_wish_that_was_lost_is_told_again(
    queue: Queue, world: World, grid: Grid, monkeypatch: pytest.MonkeyPatch
) -> None:
    number, told = queue.submit(Spec("sleep 600")), 0
    real = Memory.freeze

    async def freeze(self: Memory, node: str, keys: Sequence[Key], frozen: bool) -> None:
        nonlocal told
        told += 1
        if told > 1:
            await real(self, node, keys, frozen)

    monkeypatch.setattr(Memory, "freeze", freeze)
    async with dispatching(queue, world, grid):
        await until(lambda: state(queue, number) is JobState.RUNNING)
        queue.hold([JobId(number)])
        await until(lambda: state(queue, number) is JobState.FROZEN)


async def test_a_node_tells_of_its_own_attempts_alone(queue: Queue, world: World, grid: Grid) -> None:
    """Homes that nodes share, and nodes that lie."""
    number = queue.submit(Spec("sleep 600", where="n1"))
    other = queue.submit(Spec("true", where="n2"))
    async with dispatching(queue, world, grid):
        await until(lambda: state(queue, number) is JobState.RUNNING and state(queue, other) is JobState.SUCCEEDED)
        [held] = world.machines["n1"].spool.values()
        for phase in (Phase.LOST, Phase.FROZEN, Phase.ENDED):
            world.tell(Report(held.order.key, phase, "n2", exit=0, cause=Cause.EXIT))
        again = queue.submit(Spec("true", where="n2"))
        await until(lambda: state(queue, again) is JobState.SUCCEEDED)
        job = queue.job(JobId(number))
        assert (job.state, job.node, job.attempt) == ("running", "n1", 1)
        assert list(world.machines["n1"].spool) == [held.order.key], "it is not forgotten either"


async def test_a_node_that_says_much_fills_no_memory(queue: Queue, world: World, grid: Grid) -> None:
    number = queue.submit(Spec("sleep 600"))
    async with dispatching(queue, world, grid) as made:
        await until(lambda: state(queue, number) is JobState.RUNNING)
        [held] = [held for machine in world.machines.values() for held in machine.spool.values()]
        report = world.report(world.machines[queue.job(JobId(number)).node], held)
        made._heard(replace(report, phase=phase) for _ in range(5000) for phase in (Phase.FROZEN, Phase.RUNNING))
        assert len(made._inbox) == 1
        made._heard([replace(report, phase=Phase.ENDED, exit=3, cause=Cause.EXIT), report])
        await until(lambda: state(queue, number) is JobState.FAILED)


async def test_what_was_asked_before_an_order_went_again_is_old(
    queue: Queue, world: World, grid: Grid, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An engine whose answers overtake each other: it did not know the attempt when it was asked, and has it by now."""
    asked, gate = asyncio.Event(), asyncio.Event()
    real_start, real_poll, starts, held = Memory.start, Memory.poll, 0, False

    async def start(self: Memory, orders: Sequence[Order]) -> Sequence[Report]:
        nonlocal starts
        starts += 1
        return [] if starts == 1 else await real_start(self, orders)

    async def poll(self: Memory, node: str, keys: Sequence[Key]) -> Sequence[Report]:
        nonlocal held
        found = await real_poll(self, node, keys)
        if keys and starts == 1 and not held:
            held = True
            asked.set()
            await gate.wait()
        return found

    monkeypatch.setattr(Memory, "start", start)
    monkeypatch.setattr(Memory, "poll", poll)
    number = queue.submit(Spec("sleep 600", where="n1"))
    async with dispatching(queue, world, grid) as made:
        await asked.wait()
        [card] = made._board
        made._placing.send([card])
        await until(lambda: state(queue, number) is JobState.RUNNING)
        gate.set()
        await asyncio.sleep(0.1)
        assert (state(queue, number), queue.job(JobId(number)).attempt) == (JobState.RUNNING, 1)


async def test_a_queue_that_cannot_be_used_for_a_while_ends_nothing(
    queue: Queue, world: World, grid: Grid, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatcher, "SOON", 0.01)
    failures = dict.fromkeys(("place", "take", "published"), 2)

    def fails(name: str, real: Callable[..., object]) -> Callable[..., object]:
        def call(self: Queue, what: Sequence[object], now: float) -> object:
            if what and failures[name]:
                failures[name] -= 1
                raise StateError("queue.db cannot be written: the disk is full")
            return real(self, what, now)

        return call

    for name in failures:
        monkeypatch.setattr(Queue, name, fails(name, getattr(Queue, name)))
    number = queue.submit(Spec("echo hi"))
    async with dispatching(queue, world, grid):
        await until(lambda: ended(queue))
    assert (state(queue, number), failures) == (JobState.SUCCEEDED, {"place": 0, "take": 0, "published": 0})
    assert world.ran == {JobId(number): 1}
    assert not grid.alarms, "it did not last"


async def test_a_queue_that_stays_locked_is_told_once_and_holds_up_no_loop(
    queue: Queue, world: World, grid: Grid, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(dispatcher, "COMPLAIN", 0.1)
    monkeypatch.setattr(dispatcher, "AGAIN", 0.02)
    number = queue.submit(Spec(f"until [ -e {tmp_path}/go ]; do sleep 0.02; done"))
    async with dispatching(queue, world, grid):
        await until(lambda: state(queue, number) is JobState.RUNNING)
        with closing(Database.open("queue", MIGRATIONS)) as other, other.write():
            (tmp_path / "go").touch()
            await until(lambda: grid.alarms)
            await asyncio.sleep(0.2)
            assert state(queue, number) is JobState.RUNNING
        await until(lambda: ended(queue))
        await until(lambda: len(grid.alarms) > 1)
    assert world.ran == {JobId(number): 1}
    [(_, first), (_, last)] = grid.alarms
    assert "queue.db is locked by another process" in first
    assert last == "the queue of jobs can be used again"


async def test_a_damaged_queue_ends_the_dispatching(
    queue: Queue, world: World, grid: Grid, monkeypatch: pytest.MonkeyPatch
) -> None:
    def place(self: Queue, what: Sequence[object], now: float) -> object:
        error = sqlite3.DatabaseError("database disk image is malformed")
        error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
        raise StateError("queue.db is damaged") from error

    monkeypatch.setattr(Queue, "place", place)
    queue.submit(Spec("true"))
    with queue.lease() as waker, pytest.raises(StateError, match="damaged"):
        async with asyncio.timeout(20):
            await Dispatcher(queue, waker, Memory(world), grid, grid.settings.jobs, grid.alarm).run()


async def test_why_jobs_wait_is_told(
    queue: Queue, world: World, grid: Grid, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(waiting, "FRESH", 0.0)
    monkeypatch.setattr(waiting, "OLD", 0.05)
    first = queue.submit(Spec(f"until [ -e {tmp_path}/go ]; do sleep 0.02; done", where="n1", needs=Needs(cpus=4)))
    async with dispatching(queue, world, grid):
        await until(lambda: state(queue, first) is JobState.RUNNING)
        one = queue.submit(Spec("true", where="n1"))
        large = queue.submit(Spec("true", needs=Needs(cpus=5)), array=(1, 2))
        await until(lambda: queue.job(JobId(one)).why and queue.job(JobId(large, 2)).why)
        assert queue.job(JobId(one)).why == "needs 1 cpus, 0 free"
        assert queue.job(JobId(large, 2)).why == "needs 5 cpus, has 4"
        assert [found.why for found in queue.progress()] == ["", "needs 1 cpus, 0 free", "needs 5 cpus, has 4"]
        (tmp_path / "go").touch()
        await until(lambda: state(queue, one) is JobState.SUCCEEDED)
        assert queue.job(JobId(one)).why == ""
        assert queue.job(JobId(large, 2)).why
    assert queue.job(JobId(large, 2)).why == "", "nobody dispatches now"
    queue.tell({large: "what one that was killed said"})
    queue.drain("n1", "old")
    async with dispatching(queue, world, grid):  # what an earlier one said is gone at once
        await until(lambda: "drained" in queue.job(JobId(large, 1)).why)


async def test_nothing_is_said_while_nodes_are_looked_at_for_the_first_time(
    queue: Queue, world: World, grid: Grid, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "FRESH", 0.0)
    monkeypatch.setattr(waiting, "OLD", 0.0)
    told: list[str] = []
    real = Queue.tell

    def tell(self: Queue, whys: Mapping[int, str]) -> None:
        told.extend(whys.values())
        real(self, whys)

    monkeypatch.setattr(Queue, "tell", tell)
    world.machines["n2"].reachable = False
    number = queue.submit(Spec("true", needs=Needs(cpus=64)))
    elsewhere = queue.submit(Spec("true", where="n1", needs=Needs(cpus=64)))
    async with dispatching(queue, world, grid):
        await until(lambda: queue.job(JobId(elsewhere)).why)
        assert not queue.job(JobId(number)).why
        world.machines["n2"].reachable = True
        await until(lambda: queue.job(JobId(number)).why)
        assert set(told) == {"needs 64 cpus, has 4"}


async def test_room_that_is_kept_is_told(
    queue: Queue, world: World, grid: Grid, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(waiting, "FRESH", 0.0)
    monkeypatch.setattr(waiting, "OLD", 0.05)
    for name in NAMES[1:]:
        queue.drain(name, "old")
    small = queue.submit(Spec(f"until [ -e {tmp_path}/go ]; do sleep 0.02; done", needs=Needs(cpus=1)))
    async with dispatching(queue, world, grid) as made:
        await until(lambda: state(queue, small) is JobState.RUNNING)
        large = queue.submit(Spec("true", needs=Needs(cpus=4)), now=time.time() - 1000)  # so long it has waited
        await until(lambda: "room is kept" in queue.job(JobId(large)).why)
        assert (
            queue.job(JobId(large)).why == "room is kept for it on n1; drained (2 nodes); needs 4 cpus, 3 free (1 node)"
        )
        assert made.kept == {large: "n1"}
        (tmp_path / "go").touch()
        await until(lambda: ended(queue))


async def test_an_order_that_an_engine_fails_over_goes_to_another_node(
    queue: Queue, world: World, grid: Grid, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def start(self: Memory, orders: Sequence[Order], real: Any = Memory.start) -> Sequence[Report]:
        if orders[0].node == "n1":
            raise KeyError(orders[0].key)
        found: Sequence[Report] = await real(self, orders)
        return found

    monkeypatch.setattr(Memory, "start", start)
    monkeypatch.setattr(moves, "pause", lambda tries: 0.0)
    number = queue.submit(Spec("true"), array=range(1, 13))
    async with dispatching(queue, world, grid):
        await until(lambda: ended(queue))
    assert queue.counts() == {JobState.SUCCEEDED: 12}
    assert {job.node for job in queue.jobs(numbers=[number])} == {"n2", "n3"}
    assert set(world.ran.values()) == {1}
    refused = [one for job in queue.jobs() for one in queue.attempts(job.id) if one.node == "n1"]
    assert refused and {one.cause for one in refused} == {Cause.REFUSED}
    [(node, text)] = grid.alarms
    assert node == "n1" and text.startswith("the engine memory failed: start: KeyError: ")


async def test_an_engine_that_only_raises_ends_nothing(
    queue: Queue, world: World, grid: Grid, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def fails(*_: object, **__: object) -> Any:
        raise ZeroDivisionError("no")

    monkeypatch.setattr(guarded, "AGAIN", 0.01)
    (tmp_path / "in").write_text("hello\n")
    number = queue.submit(Spec("cat x", inputs=(Input(str(tmp_path / "in"), "x"),)))
    async with dispatching(queue, world, grid):
        with monkeypatch.context() as broken:
            for name in ("inputs", "start", "poll", "ground", "changes", "fetch", "forget"):
                broken.setattr(Memory, name, fails)
            await until(lambda: {node for node, _ in grid.alarms} == {None, *NAMES})
            await asyncio.sleep(0.1)
            assert state(queue, number) is JobState.QUEUED
        await until(lambda: ended(queue))
    assert state(queue, number) is JobState.SUCCEEDED


async def test_what_never_began_is_not_fetched(
    queue: Queue, world: World, grid: Grid, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def start(self: Memory, orders: Sequence[Order]) -> Sequence[Report]:
        return [
            Report(one.key, Phase.ENDED, one.node, cause=Cause.EXIT, why="input /x: no such file") for one in orders
        ]

    monkeypatch.setattr(Memory, "start", start)
    number = queue.submit(Spec("true", outputs=("out",)))
    async with dispatching(queue, world, grid):
        await until(lambda: ended(queue))
    assert (state(queue, number), queue.job(JobId(number)).why) == (JobState.FAILED, "input /x: no such file")


async def test_a_dispatcher_that_starts_again_takes_over(
    queue: Queue, world: World, grid: Grid, tmp_path: Path
) -> None:
    runs = queue.submit(Spec(f"until [ -e {tmp_path}/go ]; do sleep 0.02; done"))
    async with dispatching(queue, world, grid):
        await until(lambda: state(queue, runs) is JobState.RUNNING)
    (tmp_path / "go").touch()
    lost = queue.submit(Spec("echo hello"))
    [lot] = queue.lots(time.time())
    queue.place([Placement(JobId(lot.number), "n2", Level.PLAIN)], time.time())  # committed, and never sent
    async with dispatching(queue, world, grid):
        await until(lambda: ended(queue))
    assert [state(queue, number) for number in (runs, lost)] == ["succeeded"] * 2
    assert [queue.job(JobId(number)).attempt for number in (runs, lost)] == [1, 1]
    assert set(world.ran.values()) == {1}


async def test_a_rebooted_node_loses_its_jobs(queue: Queue, world: World, grid: Grid, tmp_path: Path) -> None:
    number = queue.submit(Spec(f"until [ -e {tmp_path}/go ]; do sleep 0.02; done"))
    async with dispatching(queue, world, grid):
        await until(lambda: state(queue, number) is JobState.RUNNING)
        node = queue.job(JobId(number)).node
        world.reboot(node)
        grid.away(node, True)
        await asyncio.sleep(0.1)
        grid.away(node, False)
        await until(lambda: queue.job(JobId(number)).attempt == 2)
        (tmp_path / "go").touch()
        await until(lambda: ended(queue))
    assert state(queue, number) is JobState.SUCCEEDED
    assert world.ran[JobId(number)] == 2


async def test_a_partition_in_which_the_node_works_on(queue: Queue, world: World, grid: Grid, tmp_path: Path) -> None:
    grid.with_jobs(lost_after=0.5)
    command = f"until [ -e {tmp_path}/go ]; do sleep 0.02; done; echo $$ > result"
    number = queue.submit(Spec(command, outputs=("result",), into=str(tmp_path / "into")))
    async with dispatching(queue, world, grid):
        await until(lambda: state(queue, number) is JobState.RUNNING)
        first = queue.job(JobId(number)).node
        world.machines[first].reachable = False
        grid.away(first, True)
        await until(lambda: queue.job(JobId(number)).attempt == 2)
        await until(lambda: state(queue, number) is JobState.RUNNING)
        second = queue.job(JobId(number)).node
        assert second != first
        [old] = world.machines[first].spool.values()
        assert old.phase is Phase.RUNNING, "it works on"
        world.machines[first].reachable = True
        grid.away(first, False)
        await until(lambda: not world.machines[first].spool)
        [new] = world.machines[second].spool.values()
        (tmp_path / "go").touch()
        await until(lambda: ended(queue))
    assert (state(queue, number), queue.job(JobId(number)).node) == ("succeeded", second)
    assert new.process
    assert (tmp_path / "into" / "result").read_text() == f"{new.process.pid}\n", "nothing of the old copy is published"


async def test_a_drained_node_gets_nothing(queue: Queue, world: World, grid: Grid) -> None:
    for name in NAMES[1:]:
        queue.drain(name, "maintenance")
    number = queue.submit(Spec("true"), array=range(1, 10))
    async with dispatching(queue, world, grid):
        await until(lambda: ended(queue))
    assert {job.node for job in queue.jobs(numbers=[number])} == {"n1"}


async def test_requirements_are_kept(queue: Queue, world: World, grid: Grid) -> None:
    number = queue.submit(Spec("true", where="n3"), array=range(1, 10))
    nowhere = queue.submit(Spec("true", where="n9"))
    async with dispatching(queue, world, grid):
        await until(lambda: all(job.state in ENDED for job in queue.jobs(numbers=[number])))
    assert {job.node for job in queue.jobs(numbers=[number])} == {"n3"}
    assert state(queue, nowhere) is JobState.QUEUED


async def test_an_end_may_be_told_before_the_start_was_answered(queue: Queue, world: World, grid: Grid) -> None:
    world.late = True
    queue.submit(Spec("true"), array=range(1, 31))
    async with dispatching(queue, world, grid):
        await until(lambda: ended(queue))
    assert queue.counts() == {JobState.SUCCEEDED: 30}
    assert set(world.ran.values()) == {1}


async def test_jobs_with_inputs_are_placed_once_those_are_known(
    queue: Queue, world: World, grid: Grid, tmp_path: Path
) -> None:
    (tmp_path / "in").write_text("hello\n")
    number = queue.submit(Spec("cat name", inputs=(Input(str(tmp_path / "in"), "name"),)), array=(1, 2))
    async with dispatching(queue, world, grid):
        await until(lambda: ended(queue))
    for job in queue.jobs(numbers=[number]):
        [attempt] = queue.attempts(job.id)
        assert Logs(queue.id).log(attempt.key).read_text() == "hello\n"


async def test_what_ended_long_ago_is_forgotten_with_its_logs(queue: Queue, world: World, grid: Grid) -> None:
    old = queue.submit(Spec("echo old > out; echo old", outputs=("out",)))
    async with dispatching(queue, world, grid):
        await until(lambda: ended(queue))
    [attempt] = queue.attempts(JobId(old))
    log, out = Logs(queue.id).log(attempt.key), Path(attempt.fetched) / "out"
    assert (log.read_text(), out.read_text()) == ("old\n", "old\n")
    grid.with_jobs(keep=-1)
    async with dispatching(queue, world, grid):
        await until(lambda: not queue.progress())
    assert not log.parent.exists()


async def test_what_an_engine_cannot_do_ends_nothing_else(
    queue: Queue, world: World, grid: Grid, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked = asyncio.Event()

    async def freeze(self: Memory, node: str, keys: Sequence[Key], frozen: bool) -> None:
        asked.set()
        raise EngineError("this engine cannot stop jobs where they stand")

    monkeypatch.setattr(Memory, "freeze", freeze)
    number = queue.submit(Spec(f"until [ -e {tmp_path}/go ]; do sleep 0.02; done"))
    async with dispatching(queue, world, grid):
        await until(lambda: state(queue, number) is JobState.RUNNING)
        queue.hold([JobId(number)])
        await asyncio.wait_for(asked.wait(), 20)
        (tmp_path / "go").touch()
        await until(lambda: state(queue, number) is JobState.SUCCEEDED)


async def test_a_log_that_cannot_be_kept_is_told(
    queue: Queue, world: World, grid: Grid, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(self: Logs, key: Key, text: bytes) -> None:
        raise StateError("the state folder cannot be written: No space left on device")

    monkeypatch.setattr(Logs, "write", write)
    spoken, silent = queue.submit(Spec("echo hi")), queue.submit(Spec("true"))
    async with dispatching(queue, world, grid):
        await until(lambda: ended(queue))
    assert [state(queue, number) for number in (spoken, silent)] == ["failed", "succeeded"]
    assert "No space left" in queue.job(JobId(spoken)).why


async def test_outputs_that_cannot_be_fetched_fail_the_job(
    queue: Queue, world: World, grid: Grid, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three tries, with pauses, while its node answers; the job ran well, and what it made is not here."""
    monkeypatch.setattr(publishing, "PAUSE", 0.01)
    tries = []

    async def fetch(self: Memory, node: str, key: Key, *_: object) -> Sequence[str]:
        tries.append(key)
        raise EngineError("out: a link that leads out of the folder")

    monkeypatch.setattr(Memory, "fetch", fetch)
    number = queue.submit(Spec("touch out", outputs=("out",)))
    async with dispatching(queue, world, grid):
        await until(lambda: ended(queue))
    assert (state(queue, number), len(tries)) == (JobState.FAILED, publishing.TRIES)
    assert queue.job(JobId(number)).why == "out: a link that leads out of the folder"


async def test_outputs_on_a_node_that_is_away_keep_no_others_waiting(
    queue: Queue, world: World, grid: Grid, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """More of them than may be fetched at once, and it takes long to see that the node does not answer."""
    grid.with_jobs(fetches=2)
    monkeypatch.setattr(publishing, "PAUSE", 0.01)
    real, away, tried = Memory.fetch, "n1", 0

    async def fetch(self: Memory, node: str, *rest: Any) -> Sequence[str]:
        nonlocal tried
        if node == away:
            tried += 1
            self._answered.discard(node)
            await asyncio.sleep(0.2)
            raise ConnectError("n1: no answer")
        return await real(self, node, *rest)

    async def poll(self: Memory, node: str, keys: Sequence[Key], real: Any = Memory.poll) -> Sequence[Report]:
        found: Sequence[Report] = await real(self, node, keys)
        if tried and node == away:
            self._answered.discard(node)
            return []
        return found

    monkeypatch.setattr(Memory, "fetch", fetch)
    monkeypatch.setattr(Memory, "poll", poll)
    stuck = queue.submit(Spec("touch out", where="n1", outputs=("out",)), array=range(1, 5))
    async with dispatching(queue, world, grid):
        await until(lambda: tried)
        well = queue.submit(Spec("touch out", where="n2", outputs=("out",)), array=range(1, 9))
        await until(lambda: all(job.state in ENDED for job in queue.jobs(numbers=[well])))
        assert tried <= 2, "those that came to the gate before it was known"
        assert not any(job.state in ENDED for job in queue.jobs(numbers=[stuck]))
        away = ""
        tried = 0
        await until(lambda: ended(queue))
    assert queue.counts() == {JobState.SUCCEEDED: 12}


async def test_the_collector_leaves_alone_what_lasts(
    queue: Queue, world: World, grid: Grid, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatcher, "SETTLED", 0.0)
    async with dispatching(queue, world, grid):
        await until(gc.get_freeze_count)
    assert not gc.get_freeze_count()


async def test_many_short_jobs(queue: Queue, world: World, grid: Grid) -> None:
    """More than one step takes."""
    number = queue.submit(Spec("true"), array=range(1, dispatcher.BURST + 21))
    async with dispatching(queue, world, grid):
        await until(lambda: ended(queue), 60)
    assert {job.state for job in queue.jobs(numbers=[number])} == {JobState.SUCCEEDED}
    assert set(world.ran.values()) == {1}


@pytest.mark.parametrize("seed", range(5))
async def test_each_job_succeeds_exactly_once_whatever_is_lost(
    queue: Queue, tmp_path: Path, grid: Grid, seed: int
) -> None:
    """Messages are lost both ways, and dispatchers die between any two of their steps."""
    rng = random.Random(seed)
    world = World(tmp_path / "world", NAMES, rng, loss=0.1)
    number = queue.submit(Spec("echo $GRIDTUI_INDEX > out", outputs=("out",)), array=range(1, 41))
    try:
        async with asyncio.timeout(60):
            while not ended(queue):
                engine = Memory(world)
                with queue.lease() as waker:
                    task = asyncio.create_task(
                        Dispatcher(queue, waker, engine, grid, grid.settings.jobs, grid.alarm).run()
                    )
                    await asyncio.wait([task], timeout=rng.uniform(0.0, 0.4))
                    task.cancel()  # no word is said, nothing is saved
                    await asyncio.gather(task, return_exceptions=True)
                await engine.close()
    finally:
        await world.close()
    jobs = queue.jobs(numbers=[number])
    assert [job.state for job in jobs] == [JobState.SUCCEEDED] * 40
    assert [job.attempt for job in jobs] == [1] * 40
    assert [world.ran[job.id] for job in jobs] == [1] * 40
    for job in jobs:
        [attempt] = queue.attempts(job.id)
        assert (Path(attempt.fetched) / "out").read_text() == f"{job.id.index}\n"


async def test_who_asks_learns_where_jobs_end_with_the_connection(queue: Queue, world: World, grid: Grid) -> None:
    for name in ("n1", "n3"):
        world.machines[name].fleeting = "logind"
    async with dispatching(queue, world, grid):
        await until(lambda: (holder := queue.holder()) and holder.fleeting == {"n1": "logind", "n3": "logind"})
    assert queue.holder() is None
