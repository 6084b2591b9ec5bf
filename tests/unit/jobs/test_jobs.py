"""`Fleet.jobs` over the real queue: who dispatches, waiting, logs, why."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gridtui.errors import LockedError, SelectionError, UsageError
from gridtui.jobs import dispatcher, engines, jobs
from gridtui.jobs.jobs import Jobs
from gridtui.jobs.model import Input, JobId, JobState, Needs, Spec
from gridtui.jobs.queue import moves
from gridtui.stopping import Stop
from tests.contract.memory import Memory, World

from .grid import Grid

NAMES = ("n1", "n2", "n3")


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr(dispatcher, "TICK", 0.02)
    monkeypatch.setattr(jobs, "LOOK", 0.02)


@pytest.fixture
async def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    world = World(tmp_path / "world", NAMES)

    def make(name: str, nodes: engines.Nodes, queue: str = "") -> engines.Engine:
        assert name == "memory"
        return Memory(world)

    monkeypatch.setattr(engines, "make", make)
    yield world
    await world.close()


@pytest.fixture
def fleet() -> Grid:
    return Grid(NAMES).with_jobs(engine="memory")


@pytest.fixture
def here(fleet: Grid, world: World) -> Jobs:
    return Jobs(fleet)


async def all_of(pieces: AsyncIterator[bytes]) -> bytes:
    return b"".join([piece async for piece in pieces])


async def test_waiting_dispatches_while_nobody_else_does(here: Jobs, fleet: Grid) -> None:
    number = await here.submit(Spec("echo $GRIDTUI_ITEM; [ $GRIDTUI_ITEM = yes ]"), each=["yes", "no"])
    told: list[int] = []
    found = await here.wait([JobId(number)], lambda progress: told.append(len(progress)))
    assert [(str(job.id), job.state) for job in found] == [(f"{number}.1", "succeeded"), (f"{number}.2", "failed")]
    assert told
    assert fleet.watched == 0, "the fleet is let go of"
    assert await all_of(here.logs(JobId(number, 1))) == b"yes\n"
    assert await here.wait([JobId(number, 2)]) == found[1:], "what has ended is given at once"
    assert await here.wait() == []
    shown = here.show(JobId(number, 2))
    assert (shown.job, shown.spec.command[:4], len(shown.attempts)) == (found[1], "echo", 1)


async def test_waiting_for_many(here: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "BATCH", 3)
    numbers = [await here.submit(Spec("true")) for _ in range(10)]
    told: list[list[int]] = []
    found = await here.wait(told=lambda progress: told.append([one.number for one in progress]))
    assert [job.id.number for job in found] == numbers
    assert {job.state for job in found} == {JobState.SUCCEEDED}
    assert told[-1] == numbers


async def test_one_dispatches_and_others_wait_with_it(here: Jobs, fleet: Grid, tmp_path: Path) -> None:
    stop = Stop()
    dispatching = asyncio.create_task(here.dispatch(stop))
    await asyncio.sleep(0.05)
    other = Jobs(fleet)
    assert other.holder() is not None
    with pytest.raises(LockedError):
        await other.dispatch()
    number = await other.submit(Spec(f"until [ -e {tmp_path}/go ]; do sleep 0.02; done"))
    waiting = asyncio.create_task(other.wait([JobId(number)]))
    async with asyncio.timeout(20):
        while other.show(JobId(number)).job.state is not JobState.RUNNING:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    stop.ask()
    await dispatching
    (tmp_path / "go").touch()
    [job] = await waiting  # which takes the lease that was left
    assert (job.state, job.attempt) == ("succeeded", 1)
    assert here.holder() is None


async def test_a_fleet_that_is_closed_dispatches_no_more(here: Jobs, fleet: Grid) -> None:
    await here.leave()  # nothing is to be ended
    dispatching = asyncio.create_task(here.dispatch())
    async with asyncio.timeout(20):
        while not fleet.watched:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    await here.leave()
    here.close()
    await dispatching
    assert here.holder() is None and fleet.watched == 0


async def test_until_all_is_done(here: Jobs) -> None:
    first = await here.submit(Spec("true"))
    held = await here.submit(Spec("true"), held=True)
    await here.dispatch(until_done=True)
    assert here.counts() == {JobState.SUCCEEDED: 1, JobState.HELD: 1}
    here.release([JobId(held)])
    here.prioritise([JobId(held)], 5)
    here.cancel([JobId(held)])
    here.retry([JobId(held)])
    await here.dispatch(until_done=True)
    assert [job.state for job in here.list(numbers=[first, held])] == ["succeeded"] * 2
    assert [job.id.number for job in here.list(newest=True)] == [held, first]


async def test_what_goes_wrong_is_heard(here: Jobs, fleet: Grid, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the command that dispatches, and among the fleet's events."""

    async def freeze(self: Memory, *_: object) -> None:
        raise RuntimeError("no such word")

    monkeypatch.setattr(Memory, "freeze", freeze)
    heard: list[str] = []
    here.hear = heard.append
    number = await here.submit(Spec("sleep 600"))
    waiting = asyncio.create_task(here.wait([JobId(number)]))
    async with asyncio.timeout(20):
        while not heard:
            if here.show(JobId(number)).job.state is JobState.RUNNING:
                here.hold([JobId(number)])
            await asyncio.sleep(0.01)
        here.cancel([JobId(number)])
        await waiting
    text = "the engine memory failed: freeze: RuntimeError: no such word"
    node = here.show(JobId(number)).job.node
    assert (heard, fleet.alarms) == ([f"{node}: {text}"], [(node, text)])


async def test_a_log_is_followed(here: Jobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(moves, "pause", lambda tries: 0.0)
    command = f"echo one; until [ -e {tmp_path}/go ]; do sleep 0.02; done; echo two; exit 1"
    number = await here.submit(Spec(command, retries=1))
    waiting = asyncio.create_task(here.wait([JobId(number)]))
    pieces = here.logs(JobId(number), follow=True)
    assert await anext(pieces) == b"one\n"
    (tmp_path / "go").touch()
    assert await all_of(pieces) == b"two\n", "it ends with its attempt"
    [job] = await waiting
    assert (job.state, job.attempt) == ("failed", 2)
    assert await all_of(here.logs(JobId(number), 1)) == b"one\ntwo\n"
    with pytest.raises(UsageError, match=re.escape("has had 2 attempts; there is no attempt 3")):
        await all_of(here.logs(JobId(number), 3))
    with pytest.raises(UsageError, match="there is no job 99"):
        await all_of(here.logs(JobId(99)))


async def test_why_a_node_is_chosen_or_not(here: Jobs, fleet: Grid) -> None:
    number = await here.submit(Spec("true", needs=Needs(cpus=3)))
    here.drain("n2", "a new disk")
    fleet.away("n3", True)
    found = {why.node: why for why in await here.explain(JobId(number))}
    assert [found[name].answer for name in NAMES] == ["chosen", "no", "no"]
    assert "a new disk" in found["n2"].reason
    assert "down" in found["n3"].reason
    assert here.standing()["n2"].drained
    here.undrain("n2")
    assert not here.standing()
    big = await here.submit(Spec("true", needs=Needs(cpus=64)))
    assert {why.answer for why in await here.explain(JobId(big))} == {"no"}


async def test_a_job_is_not_in_its_own_way(here: Jobs, tmp_path: Path) -> None:
    """Of one that runs it is said why it would be there; others find its node full."""
    number = await here.submit(Spec(f"until [ -e {tmp_path}/go ]; do sleep 0.02; done", needs=Needs(cpus=4)))
    dispatching = asyncio.create_task(here.wait([JobId(number)]))
    async with asyncio.timeout(20):
        while (job := here.show(JobId(number)).job).state is not JobState.RUNNING:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert {why.answer for why in await here.explain(job.id)} == {"chosen", "could"}
    other = await here.submit(Spec("true", needs=Needs(cpus=2)), held=True)
    [full] = [why for why in await here.explain(JobId(other)) if why.node == job.node]
    assert (full.answer, full.reason.split(":")[0]) == ("no", "needs 2 cpus, 0 free")
    (tmp_path / "go").touch()
    await dispatching


async def test_where_a_job_failed_before_is_said(here: Jobs) -> None:
    number = await here.submit(Spec("exit 1", retries=5))
    dispatching = asyncio.create_task(here.wait([JobId(number)]))
    async with asyncio.timeout(20):
        while here.show(JobId(number)).job.attempt < 1 or here.show(JobId(number)).job.state is not JobState.QUEUED:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    dispatching.cancel()
    await asyncio.gather(dispatching, return_exceptions=True)
    here.retry([JobId(number)])  # it waits no longer
    failed = {attempt.node for attempt in here.show(JobId(number)).attempts}
    for why in await here.explain(JobId(number)):
        assert (why.reason == "an earlier attempt failed there") is (why.node in failed), why


async def test_nodes_are_drained_for_a_while(here: Jobs, tmp_path: Path) -> None:
    """Before a reboot: their jobs may end, they get no new ones, and nobody else has to dispatch."""
    here.drain("n3", "somebody's own reason")
    first = await here.submit(Spec(f"until [ -e {tmp_path}/go ]; do sleep 0.02; done", where="n1"))
    dispatching = asyncio.create_task(here.wait([JobId(first)]))
    async with asyncio.timeout(20):
        while here.show(JobId(first)).job.state is not JobState.RUNNING:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    dispatching.cancel()
    await asyncio.gather(dispatching, return_exceptions=True)
    second = await here.submit(Spec("true", where="n1"))
    said: list[str] = []
    asyncio.get_running_loop().call_later(0.3, (tmp_path / "go").touch)
    async with here.drained(["n1", "n3"], said.append, Stop()):
        assert here.show(JobId(first)).job.state is JobState.SUCCEEDED
        assert {name for name, one in here.standing().items() if one.drained} == {"n1", "n3"}
        assert here.show(JobId(second)).job.state is JobState.QUEUED
    assert said == ["waiting for 1 job to end"]
    assert {name for name, one in here.standing().items() if one.drained} == {"n3"}
    await here.wait([JobId(second)])
    assert jobs.kept()
    assert not here.live()


async def test_jobs_that_do_not_end_are_left_to_their_fate(here: Jobs, fleet: Grid) -> None:
    fleet.with_jobs(drain=0.2)
    number = await here.submit(Spec("sleep 600"))
    waiting = asyncio.create_task(here.wait([JobId(number)]))
    async with asyncio.timeout(20):
        while here.show(JobId(number)).job.state is not JobState.RUNNING:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    said: list[str] = []
    async with here.drained(NAMES, said.append, Stop()):
        assert said == ["waiting for 1 job to end", "1 job has not ended: queued again when its node is gone"]
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)


async def test_what_is_refused_when_it_is_submitted(here: Jobs) -> None:
    with pytest.raises(SelectionError):
        await here.submit(Spec("true", where="n9"))
    with pytest.raises(UsageError, match="placeholder"):
        await here.submit(Spec("true", outputs=("x",), into="/tmp/{no}"))
    assert here.list() == []


async def test_paths_are_made_absolute(here: Jobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever dispatches is in another folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/ann")
    inputs = Input("in/data", "data"), Input("~/in", "more"), Input("/x/../y", "rest")
    number = await here.submit(Spec("true", inputs=inputs, outputs=("*",), into="out/{id}"))
    spec = here.show(JobId(number)).spec
    assert [one.path for one in spec.inputs] == [f"{tmp_path}/in/data", "/home/ann/in", "/x/../y"]
    assert [one.name for one in spec.inputs] == ["data", "more", "rest"]
    assert spec.into == f"{tmp_path}/out/{{id}}"
    kept = Spec("true")
    assert here.show(JobId(await here.submit(kept))).spec.into == ""


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (Spec("true", inputs=(Input("", "x"),)), "the path of the input x is empty or holds a NUL character"),
        (Spec("true", into="a\0b"), "the folder for outputs is empty or holds a NUL character"),
        (Spec("true", into="~nobody-here/x"), "the folder for outputs is ~nobody-here/x, and there is no such home"),
    ],
)
async def test_what_is_no_path_is_refused(here: Jobs, spec: Spec, message: str) -> None:
    with pytest.raises(UsageError, match=f"^{re.escape(message)}$"):
        await here.submit(spec)
    assert here.list() == []
