"""Jobs on real nodes: from a submit to outputs that are here, and what happens to them when dispatchers and nodes die."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import pytest

from gridtui import Fleet, playbooks
from gridtui.jobs import JobId, Jobs, JobState, Level, Sandbox, Spec
from gridtui.jobs.model import ENDED, Input
from gridtui.settings import Settings
from gridtui.stopping import Stop

from .lab import Lab
from .test_updates import Firmware

NAMES = ("node1", "node2", "node3")
PLAIN = Sandbox(most=Level.PLAIN)
"""For what leaves traces on a node outside of its folder, to be counted."""
EFFECTS, GO = "/var/tmp/gridtui-effects", "/var/tmp/gridtui-go"


@pytest.fixture(autouse=True)
def _own_state(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture
def inventory(lab: Lab, tmp_path: Path) -> list[Path]:
    """The lab's nodes, each with room for eight jobs: their load is the host's, and says nothing here."""
    slots = tmp_path / "slots.yaml"
    slots.write_text("lab:\n  vars:\n    gridtui_slots: 8\n")
    return [lab.inventory, slots]


@dataclass
class Grid:
    """A fleet whose jobs are dispatched."""

    lab: Lab
    fleet: Fleet
    dispatching: asyncio.Task[None]

    @property
    def jobs(self) -> Jobs:
        return self.fleet.jobs

    def state(self, number: int) -> JobState:
        return self.jobs.show(JobId(number)).job.state

    def ended(self, number: int) -> bool:
        return self.state(number) in ENDED

    def tried(self, number: int, times: int) -> bool:
        return self.jobs.show(JobId(number)).job.attempt == times

    async def until(self, condition: Callable[[], object], seconds: float = 50.0) -> None:
        async with asyncio.timeout(seconds):
            while not condition():
                assert not self.dispatching.done(), self.dispatching
                await asyncio.sleep(0.05)

    async def ready(self) -> None:
        """All nodes have greeted, and take jobs."""
        numbers = [await self.fleet.submit(Spec("true", where=name)) for name in NAMES]
        await self.until(lambda: all(map(self.ended, numbers)))

    async def runs(self, number: int) -> str:
        """The node on which the job runs, once it does."""
        await self.until(lambda: self.state(number) is JobState.RUNNING)
        return self.jobs.show(JobId(number)).job.node

    async def text(self, number: int, attempt: int | None = None) -> str:
        return b"".join([piece async for piece in self.jobs.logs(JobId(number), attempt)]).decode()

    def spool(self, node: str) -> list[str]:
        return spool(self.lab, self.fleet, node)


def spool(lab: Lab, fleet: Fleet, node: str) -> list[str]:
    """The attempts that lie on a node."""
    found = lab.run(node, ["ls", "/root/.local/state/gridtui/jobs/spool"], check=False).stdout
    return [name for name in found.split() if name.startswith(fleet.jobs.queue_id)]


@asynccontextmanager
async def dispatched(lab: Lab, inventory: list[Path], lost_after: float = 300.0) -> AsyncIterator[Grid]:
    settings = Settings()
    fleet = Fleet.open(inventory, replace(settings, jobs=replace(settings.jobs, lost_after=lost_after, grace=20.0)))
    stop = Stop()
    task = asyncio.create_task(fleet.jobs.dispatch(stop))
    try:
        yield Grid(lab, fleet, task)
    finally:
        stop.ask()
        await task
        await fleet.close()


@pytest.fixture
async def grid(lab: Lab, inventory: list[Path]) -> AsyncIterator[Grid]:
    async with dispatched(lab, inventory) as grid:
        yield grid


@pytest.mark.timeout(120)
async def test_from_submit_to_outputs_that_are_here(lab: Lab, inventory: list[Path], tmp_path: Path) -> None:
    """The whole way, as a script has it: nothing is started before, and `wait` dispatches."""
    (tmp_path / "numbers").write_text("6 7\n")
    spec = Spec(
        "read a b < numbers; mkdir out; echo $((a * b * GRIDTUI_INDEX)) > out/$GRIDTUI_ITEM; hostname",
        inputs=(Input(str(tmp_path / "numbers"), "numbers"),),
        outputs=("out/*",),
        into=str(tmp_path / "results"),
    )
    fleet = Fleet.open(inventory)
    number = await fleet.submit(spec, each=["one", "two words", "$(three)"])
    failing = await fleet.submit(Spec("echo half > half; echo why >&2; exit 7", outputs=("half",), where="node2"))
    async with asyncio.timeout(60):
        found = await fleet.jobs.wait()
    assert [str(job.state) for job in found] == ["succeeded"] * 3 + ["failed"]
    assert {path.name: path.read_text() for path in (tmp_path / "results" / "out").iterdir()} == {
        "one": "42\n",
        "two words": "84\n",
        "$(three)": "126\n",
    }
    for job in found:
        shown = fleet.jobs.show(job.id)
        text = b"".join([piece async for piece in fleet.jobs.logs(job.id)]).decode()
        assert text == (f"{job.node}\n" if job.id.number == number else "why\n")
        assert shown.attempts[0].level is not None
        assert shown.attempts[0].level >= Level.BWRAP, "the strongest that a node offers"
    [attempt] = fleet.jobs.show(JobId(failing)).attempts
    assert (attempt.node, attempt.exit) == ("node2", 7)
    assert (Path(attempt.fetched) / "half").read_text() == "half\n", "of failures, too"
    assert not any(spool(lab, fleet, name) for name in NAMES)
    await fleet.close()


@pytest.mark.timeout(120)
async def test_ends_holds_logs_and_drains(grid: Grid) -> None:
    jobs = grid.jobs
    for name in NAMES[1:]:
        jobs.drain(name, "a new disk")
    long = Spec("trap 'echo ended; exit 9' TERM; echo begun; while :; do sleep 0.1; done")
    grid.lab.run("node1", ["rm", "-f", GO])
    stands = Spec(f"until [ -e {GO} ]; do sleep 0.1; done; echo on", sandbox=PLAIN)
    cancelled, held = await grid.fleet.submit(long), await grid.fleet.submit(stands)
    assert {await grid.runs(cancelled), await grid.runs(held)} == {"node1"}
    jobs.hold([JobId(held)])
    pieces = jobs.logs(JobId(cancelled), follow=True)
    assert await anext(pieces) == b"begun\n"
    assert not [why for why in await jobs.explain(JobId(held)) if why.node != "node1" and why.answer != "no"]
    jobs.cancel([JobId(cancelled)])
    assert [piece async for piece in pieces][-1].endswith(b"ended\n"), "it is told as it comes"
    await grid.until(lambda: grid.state(cancelled) is JobState.CANCELLED)
    await grid.until(lambda: grid.state(held) is JobState.FROZEN)
    grid.lab.run("node1", ["touch", GO])
    jobs.release([JobId(held)])
    await grid.until(lambda: grid.state(held) is JobState.SUCCEEDED)
    assert await grid.text(held) == "on\n"


@pytest.mark.timeout(120)
async def test_a_job_starts_at_once_where_all_is_warm(grid: Grid) -> None:
    times = []
    for _ in range(8):
        began = time.time()
        number = await grid.fleet.submit(Spec("true"))
        await grid.until(partial(grid.ended, number))
        [attempt] = grid.jobs.show(JobId(number)).attempts
        assert attempt.started is not None
        times.append(attempt.started - began)
    # The aim is 0.1 s on a machine of one's own: benchmarks/ shows it. What a test can hold anywhere is that nothing waits for a clock.
    assert sorted(times)[2] < 0.5, times


@pytest.mark.timeout(120)
async def test_what_ends_while_nobody_looks_is_found(lab: Lab, inventory: list[Path], tmp_path: Path) -> None:
    async with dispatched(lab, inventory) as grid:
        spec = Spec("sleep 3; echo $GRIDTUI_INDEX > out", outputs=("out",), into=str(tmp_path / "{index}"))
        await grid.ready()
        number = await grid.fleet.submit(spec, array=range(1, 7))
        await grid.until(lambda: grid.jobs.counts().get(JobState.RUNNING) == 6)
        assert {job.node for job in grid.jobs.list(numbers=[number])} == set(NAMES), "they are spread"
    await asyncio.sleep(3.5)
    async with dispatched(lab, inventory) as grid:
        await grid.until(lambda: grid.jobs.counts() == {JobState.SUCCEEDED: 6 + len(NAMES)})
        assert {job.attempt for job in grid.jobs.list(numbers=[number])} == {1}
    assert [(tmp_path / str(index) / "out").read_text() for index in range(1, 7)] == [f"{n}\n" for n in range(1, 7)]


@pytest.mark.timeout(150)
async def test_a_node_loses_its_power_and_another_one_is_cut_off(
    lab: Lab, inventory: list[Path], tmp_path: Path
) -> None:
    """Both lose their jobs to the third. The one that was only cut off works on: nothing of it is published."""
    command = f"hostname; until [ -e {GO} ]; do sleep 0.1; done; hostname > result"
    for name in NAMES:
        lab.run(name, ["rm", "-f", GO])
    async with dispatched(lab, inventory, lost_after=4.0) as grid:
        jobs = grid.jobs
        for name in ("node2", "node3"):
            jobs.drain(name)
        spec = Spec(command, sandbox=PLAIN, outputs=("result",), into=str(tmp_path / "{id}"))
        first = await grid.fleet.submit(spec)
        assert await grid.runs(first) == "node1"
        jobs.drain("node1")
        jobs.undrain("node2")
        second = await grid.fleet.submit(spec)
        assert await grid.runs(second) == "node2"
        jobs.undrain("node3")
        with cut_off(lab, "node2"):
            await asyncio.to_thread(lab.stop, "node1")
            for number in (first, second):
                await grid.until(partial(grid.tried, number, 2))
                assert await grid.runs(number) == "node3"
            assert lab.run("node2", ["pgrep", "-f", "/cmd$"]).stdout, "it works on"
            lab.run("node2", ["touch", GO])
            await asyncio.to_thread(lab.start, "node1")
        await grid.until(lambda: not grid.spool("node1") and not grid.spool("node2"))
        lab.run("node3", ["touch", GO])
        await grid.until(lambda: jobs.counts() == {JobState.SUCCEEDED: 2})
        for number in (first, second):
            assert (tmp_path / str(number) / "result").read_text() == "node3\n"
            before, after = jobs.show(JobId(number)).attempts
            assert (before.node, after.node) == (f"node{number}", "node3")
            assert before.why


@contextmanager
def cut_off(lab: Lab, name: str) -> Iterator[None]:
    """Nothing comes in or goes out by the network, and all else goes on."""
    rules = "add table inet cut; add chain inet cut in { type filter hook input priority -300; policy drop; }"
    lab.run(name, ["nft", rules + "; add rule inet cut in iif lo accept"])
    try:
        yield
    finally:
        lab.run(name, ["nft", "delete table inet cut"])


@pytest.mark.timeout(150)
async def test_a_node_is_frozen_and_a_node_reboots(lab: Lab, inventory: list[Path]) -> None:
    async with dispatched(lab, inventory) as grid:
        for name in ("node2", "node3"):
            grid.jobs.drain(name)
        stays = await grid.fleet.submit(Spec("sleep 3; echo on", sandbox=PLAIN))
        assert await grid.runs(stays) == "node1"
        grid.jobs.drain("node1")
        grid.jobs.undrain("node2")
        again = await grid.fleet.submit(Spec("[ $GRIDTUI_ATTEMPT = 2 ] || exec sleep 600", sandbox=PLAIN))
        assert await grid.runs(again) == "node2"
        await asyncio.to_thread(lab.pause, "node1")
        await asyncio.to_thread(lab.restart, "node2")
        await grid.until(lambda: grid.state(again) is JobState.SUCCEEDED)
        assert [attempt.node for attempt in grid.jobs.show(JobId(again)).attempts] == ["node2"] * 2
        await asyncio.to_thread(lab.unpause, "node1")
        await grid.until(lambda: grid.state(stays) is JobState.SUCCEEDED)
        assert len(grid.jobs.show(JobId(stays)).attempts) == 1, "a short silence costs nothing"


@pytest.mark.timeout(150)
async def test_a_rolling_reboot_lets_jobs_end_first(lab: Lab, inventory: list[Path]) -> None:
    async with dispatched(lab, inventory) as grid:
        await grid.ready()
        number = await grid.fleet.submit(Spec("sleep 4; echo done", sandbox=PLAIN, where="node1"))
        assert await grid.runs(number) == "node1"
        plan = playbooks.Plan((grid.fleet.playbooks().find("reboot"),), extra={"reboot_force": True})
        told: list[playbooks.Progress] = []
        with Firmware(lab) as firmware:
            done = await grid.fleet.playbook(plan, names=["node1", "node2"], told=told.append)
        assert {name: one.status for name, one in done.outcomes.items()} == dict.fromkeys(("node1", "node2"), "changed")
        assert firmware.ended == ["node1", "node2"]
        assert next(one.text for one in told if isinstance(one, playbooks.Said)) == "waiting for 1 job to end"
        shown = grid.jobs.show(JobId(number))
        assert (shown.job.state, shown.job.attempt) == (JobState.SUCCEEDED, 1)
        assert not any(one.drained for one in grid.jobs.standing().values())


@pytest.mark.timeout(300)
def test_the_dispatcher_is_killed_at_random_points_of_200_jobs(lab: Lab, inventory: list[Path], tmp_path: Path) -> None:
    """Each succeeds exactly once: what they leave on the nodes is counted."""
    rng = random.Random(5)
    for name in NAMES:
        lab.run(name, ["rm", "-f", EFFECTS])
    words = [sys.executable, "-m", "gridtui", *(f"-i{path}" for path in inventory), "job", "dispatch", "--until-done"]
    fleet = Fleet.open(inventory)
    jobs = fleet.jobs
    spec = Spec(f"echo $GRIDTUI_INDEX >> {EFFECTS}; echo $GRIDTUI_INDEX", sandbox=PLAIN)
    number = asyncio.run(jobs.submit(spec, array=range(1, 201)))
    kills = 0
    with (tmp_path / "said").open("ab") as said:
        while jobs.counts() != {JobState.SUCCEEDED: 200}:
            process = subprocess.Popen(words, stdout=said, stderr=said, start_new_session=True, env=os.environ)
            try:
                while process.poll() is None and ((held := jobs.holder()) is None or held.pid != process.pid):
                    time.sleep(0.02)
                process.wait(rng.uniform(0.05, 0.3 + kills / 4))  # longer and longer, so that it ends on any machine
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                kills += 1
            status = process.wait()
            assert status in (0, -signal.SIGKILL), (tmp_path / "said").read_text()
    assert kills >= 3
    done = jobs.list(numbers=[number])
    assert {(job.state, job.attempt) for job in done} == {(JobState.SUCCEEDED, 1)}
    effects = [line for name in NAMES for line in lab.run(name, ["cat", EFFECTS]).stdout.split()]
    assert sorted(effects, key=int) == [str(index) for index in range(1, 201)]
    logs = Path(os.environ["XDG_STATE_HOME"]) / "gridtui" / "jobs"
    kept = {path.name: path.read_text() for path in logs.rglob("*.log")}
    assert kept == {f"{index}.1.log": f"{index}\n" for index in range(1, 201)}
    jobs.close()
