"""Exactly once: whatever is repeated, whoever is killed, a job begins at most once, and what is told of it is true."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import tempfile
import time
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from gridtui.errors import SshError
from gridtui.jobs.model import Cause, Key, Needs, Order, Report
from gridtui.jobs.model import Phase as Stands
from gridtui.jobs.runner import Runner
from gridtui.ssh.local import LocalConnection
from tests import leftovers

from .conftest import SHELLS, furnish, here, lives, run, until
from .orders import LAUNCHER, QUEUE, order

OTHER = "ffff0000"

actions = st.lists(
    st.one_of(
        st.tuples(st.just("start"), st.integers(0, 3), st.sampled_from([QUEUE, OTHER])),
        st.tuples(st.just("kill"), st.integers(0, 99), st.just("")),
        st.tuples(st.just("wait"), st.integers(0, 200), st.just("")),
        st.tuples(st.just("open"), st.just(0), st.sampled_from([QUEUE, OTHER])),
    ),
    min_size=4,
    max_size=16,
)


class World:
    """A node, four orders, and two controllers that may be cut off."""

    def __init__(self, folder: Path, shell: str) -> None:
        self.folder, self.shell = folder, shell
        self.log = folder / "log"
        self.log.touch()
        line = f">>{self.log}"
        self.orders = [
            order(f"echo begin $GRIDTUI_NUMBER {line}; sleep 0.15; echo end $GRIDTUI_NUMBER {line}") for _ in range(4)
        ]
        self.runners: dict[str, Runner] = {}
        self.connection = LocalConnection("here", 20)

    async def open(self, queue: str) -> Runner:
        """A controller that found its connection lost comes again."""
        if old := self.runners.pop(queue, None):
            await old.close()
        for _ in range(5):  # a greeting may be killed, too
            with contextlib.suppress(SshError):
                self.runners[queue] = await Runner.open(self.connection, "here", queue=queue, shell=self.shell)
                return self.runners[queue]
        raise AssertionError("no runner")

    async def start(self, wanted: Order, queue: str) -> Report | None:
        runner = self.runners.get(queue) or await self.open(queue)
        with contextlib.suppress(SshError):
            return await runner.start(wanted, LAUNCHER)
        await self.open(queue)
        return None

    def kill(self, which: int) -> None:
        """Any process of the runner: channel, listener, keeper, pulse, whoever waits."""
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                words = (entry / "cmdline").read_bytes()
                if os.fsencode(self.folder) in words and b"/runner-" in words:
                    found.append(int(entry.name))
        if found:
            with contextlib.suppress(ProcessLookupError):
                os.kill(sorted(found)[which % len(found)], signal.SIGKILL)

    def lines(self) -> Counter[str]:
        return Counter(self.log.read_text().splitlines())

    async def settle(self, key: Key) -> Report:
        """As an engine does: unknown ones are started, others are waited for."""
        wanted = next(one for one in self.orders if one.key == key)
        async with asyncio.timeout(50):
            for _ in range(10_000):
                runner = self.runners.get(QUEUE) or await self.open(QUEUE)
                try:
                    [report] = await runner.poll([key])
                    if report.phase is Stands.UNKNOWN:
                        await runner.start(wanted, LAUNCHER)
                    elif report.phase in (Stands.ENDED, Stands.LOST):
                        return report
                    else:
                        await runner.beat()
                except SshError:
                    await self.open(QUEUE)
                await asyncio.sleep(0.05)
        raise AssertionError("never")


async def play(folder: Path, shell: str, steps: list[tuple[str, int, str]]) -> None:
    world = World(folder, shell)
    try:
        for verb, number, queue in steps:
            match verb:
                case "start":
                    await world.start(world.orders[number], queue)
                case "kill":
                    await asyncio.to_thread(world.kill, number)
                case "wait":
                    await asyncio.sleep(number / 1000)
                case "open":
                    await world.open(queue)
        reports = await asyncio.gather(*(world.settle(one.key) for one in world.orders))
        await asyncio.sleep(0.4)  # longer than a job: one that goes on although it was called lost would show
        lines = world.lines()
        for report in reports:
            number = report.key.id.number
            begun, done = lines[f"begin {number}"], lines[f"end {number}"]
            assert begun <= 1 and done <= begun, (report, lines)
            if report.phase is Stands.ENDED and report.exit == 0:
                assert (begun, done, report.cause) == (1, 1, Cause.EXIT), (report, lines)
    finally:
        for runner in world.runners.values():
            await runner.close()
        await world.connection.close()


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", list(SHELLS))
def test_a_job_begins_at_most_once_and_what_is_told_is_true(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    @settings(
        max_examples=8 if name == "dash" else 3,  # a second each, and more where a beat has to notice
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    @given(steps=actions)
    def once(steps: list[tuple[str, int, str]]) -> None:
        with tempfile.TemporaryDirectory(prefix="gridtui-once-", ignore_cleanup_errors=True) as folder:
            monkeypatch.setenv("XDG_STATE_HOME", folder)
            furnish(Path(folder) / "gridtui" / "jobs")
            try:
                asyncio.run(play(Path(folder), SHELLS[name], steps))
            finally:
                leftovers.kill(Path(folder))

    once()


async def test_many_starts_of_one_order_at_once(
    runner: Runner, connection: LocalConnection, shell: str, home: Path
) -> None:
    other = await Runner.open(connection, "here", queue=OTHER, shell=shell)
    log = home / "log"
    wanted = [order(f"echo $GRIDTUI_JOB >>{log}") for _ in range(8)]
    await asyncio.gather(*(one.start(each, LAUNCHER) for each in wanted for one in (runner, other, runner, other)))
    await until(lambda: log.exists() and len(log.read_text().splitlines()) >= len(wanted))
    for each in wanted:
        assert (await run(runner, each)).exit == 0
    assert sorted(log.read_text().split()) == sorted(str(each.key.id) for each in wanted)
    await other.close()


async def keeper(home: Path, wanted: Order) -> int:
    file = home / "spool" / str(wanted.key) / "keeper"
    await until(lambda: file.exists() and file.read_text().endswith("\n"))
    return int(file.read_text().split()[0])


async def end(number: int) -> None:
    os.kill(number, signal.SIGKILL)
    await until(lambda: not lives(str(number)))


async def test_a_keeper_that_is_killed_is_a_loss_and_takes_the_job_with_it(runner: Runner, home: Path) -> None:
    wanted = order("trap '' TERM; echo $$ >self; while :; do sleep 1; done")
    await runner.start(wanted, LAUNCHER)
    own = home / "spool" / str(wanted.key) / "work" / "self"
    await until(lambda: own.exists() and own.read_text().strip() != "")
    await end(await keeper(home, wanted))
    assert lives(own.read_text().strip())
    [report] = await runner.poll([wanted.key])
    assert (report.phase, report.why) == (Stands.LOST, "its keeper died")
    assert not lives(own.read_text().strip())
    assert (await runner.start(wanted, LAUNCHER)).phase is Stands.LOST
    await runner.forget([wanted.key])
    await until(lambda: not (home / "spool" / str(wanted.key)).exists())


async def test_who_buries_first_has_buried(runner: Runner, home: Path) -> None:
    """A keeper that is killed just before its job begins: once it was called lost, the job must not begin any more."""
    wanted = order("echo began >>../tmp/began")
    report = await run(runner, wanted, inputs=": >pid")
    assert report.cause is Cause.BROKEN and not (home / "spool" / str(wanted.key) / "tmp" / "began").exists()


async def test_a_keeper_that_sleeps_too_long_begins_nothing(runner: Runner, home: Path) -> None:
    """It made its file and told nothing for a minute: once it was called lost, its job must not begin any more."""
    wanted = order("echo began >>../tmp/began")
    folder = home / "spool" / str(wanted.key)
    (folder / "work").mkdir(parents=True)
    (folder / "keeper").touch()
    [report] = await runner.poll([wanted.key])
    assert report.phase is Stands.RUNNING and not (folder / "pid").exists()
    os.utime(folder / "keeper", (time.time() - 300, time.time() - 300))
    for _ in range(2):
        [report] = await runner.poll([wanted.key])
        assert (report.phase, report.why) == (Stands.LOST, "its keeper died")
    assert (folder / "pid").exists(), "who makes this file decides"


async def test_a_job_that_outlived_its_node_is_lost(runner: Runner, home: Path) -> None:
    """Another start of the node, another boot id; and a number that is another's by now."""
    wanted = order("exec sleep 1000")
    await runner.start(wanted, LAUNCHER)
    number = await keeper(home, wanted)
    file = home / "spool" / str(wanted.key) / "keeper"
    words = file.read_text().split()
    file.write_text(f"{words[0]} {words[1]} {words[2]} 00000000-0000-0000-0000-000000000000 plain\n")
    [report] = await runner.poll([wanted.key])
    assert (report.phase, report.why) == (Stands.LOST, "the node was started anew")
    file.write_text(f"{words[0]} {int(words[1]) - 1} {words[2]} {words[3]} plain\n")
    [report] = await runner.poll([wanted.key])
    assert (report.phase, report.why) == (Stands.LOST, "its keeper died")
    os.kill(number, signal.SIGKILL)


async def test_a_lost_keeper_is_noticed_by_itself(
    home: Path, connection: LocalConnection, shell: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gridtui.jobs.runner.runner.BEAT", 0.2)
    runner = await Runner.open(connection, "here", queue=QUEUE, shell=shell)
    wanted = order("exec sleep 1000")
    await runner.start(wanted, LAUNCHER)
    await end(await keeper(home, wanted))
    async with asyncio.timeout(40):
        async for report in runner.reports():
            assert (report.key, report.phase) == (wanted.key, Stands.LOST)
            break
    await runner.close()


async def test_the_pulse_is_started_again(runner: Runner, home: Path) -> None:
    wanted = order("exec sleep 1000", needs=Needs(wall=1.5))
    await runner.start(wanted, LAUNCHER)
    pulse = here(home) / "pulse"
    await until(lambda: pulse.exists() and pulse.read_text().strip() != "")
    os.kill(int(pulse.read_text().split()[0]), signal.SIGKILL)
    await runner.beat()
    report = await run(runner, wanted)
    assert report.cause is Cause.WALL


async def test_what_killed_ones_left_is_cleaned(runner: Runner, home: Path, shell: str) -> None:
    await runner.start(order("exec sleep 1000"), LAUNCHER)
    main = int((next((here(home) / "ears").iterdir()) / "main").read_text().split()[0])
    os.kill(main, signal.SIGKILL)
    await until(lambda: not runner.is_open)
    assert list(here(home).glob("pool.*"))
    second = LocalConnection("here", 4)
    newer = await Runner.open(second, "here", queue=OTHER, shell=shell)
    assert len(list((here(home) / "ears").iterdir())) == 1 and not list(here(home).glob("pool.*"))
    await newer.close()
    await second.close()
