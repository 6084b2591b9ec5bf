"""The tests that every engine must pass. A module for an engine has a class of its own and a fixture `bench`:

class TestMine(EngineContract):
    @pytest.fixture
    async def bench(self, tmp_path: Path) -> AsyncIterator[Bench]: ...
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from gridtui.errors import EngineError, SshError
from gridtui.jobs.engines.protocol import Engine
from gridtui.jobs.model import Cause, Input, JobId, Key, Level, Order, Phase, Report, Sandbox, Spec

QUEUE = "c0ffee00"
LONG = "echo begun; exec sleep 600"


@dataclass
class Bench:
    """One engine, with one node that can run plain `sh`."""

    make: Callable[[], Engine]
    """A new engine over the same nodes: what a controller that starts again has."""
    node: str
    away: Callable[[bool], None]
    """Cut the node off, or let it come back."""
    numbers: Iterable[int] = field(default_factory=lambda: itertools.count(1))

    def order(self, command: str, **values: Any) -> Order:
        """The next job's first attempt."""
        number = next(iter(self.numbers))
        spec = Spec(command, sandbox=Sandbox(most=Level.PLAIN), **values)
        return Order(Key(QUEUE, JobId(number), 1), spec, node=self.node)


class Watcher:
    """An engine, and all that it has told."""

    def __init__(self, engine: Engine, node: str) -> None:
        self.engine, self.node = engine, node
        self.told: dict[Key, list[Report]] = {}
        self._task = asyncio.create_task(self._listen())

    async def _listen(self) -> None:
        async for report in self.engine.changes():
            self.add((report,))

    def add(self, reports: Iterable[Report]) -> None:
        for report in reports:
            self.told.setdefault(report.key, []).append(report)

    async def poll(self, key: Key) -> Report | None:
        return {report.key: report for report in await self.engine.poll(self.node, [key])}.get(key)

    async def until(self, key: Key, *phases: Phase) -> Report:
        """The first report of one of these phases, told or asked for."""
        async with asyncio.timeout(30):
            while True:
                for report in self.told.get(key, ()):
                    if report.phase in phases:
                        return report
                now = await self.poll(key)
                if now and now.phase in phases:
                    return now
                await asyncio.sleep(0.05)

    async def close(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await self.engine.close()


@asynccontextmanager
async def watched(bench: Bench) -> AsyncIterator[Watcher]:
    watcher = Watcher(bench.make(), bench.node)
    try:
        yield watcher
    finally:
        await watcher.close()


async def read(engine: Engine, node: str, key: Key, least: int) -> bytes:
    """The output, once there is as much of it."""
    async with asyncio.timeout(30):
        while len(data := await engine.read(node, key, 0, 1 << 16)) < least:  # noqa: ASYNC110 - the node is asked
            await asyncio.sleep(0.05)
    return data


def alive(pid: int) -> bool:
    """Whether such a process is there, and no zombie."""
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


class EngineContract:
    """Inherit, and give `bench`."""

    @pytest.fixture
    async def engine(self, bench: Bench) -> AsyncIterator[Watcher]:
        async with watched(bench) as watcher:
            yield watcher

    async def test_a_job_runs_once_and_its_end_is_told(self, bench: Bench, engine: Watcher) -> None:
        order = bench.order("echo out; echo err >&2; exit 3")
        engine.add(await engine.engine.start([order]))
        done = await engine.until(order.key, Phase.ENDED)
        assert (done.exit, done.cause, done.node) == (3, Cause.EXIT, bench.node), done
        assert done.level is Level.PLAIN
        assert (done.output, done.tail) == (8, b"out\nerr\n")
        again = await engine.poll(order.key)
        assert again is not None and (again.phase, again.exit) == (Phase.ENDED, 3), (
            "what ended stays until it is forgotten"
        )

    async def test_news_come_by_themselves(self, bench: Bench, engine: Watcher) -> None:
        order = bench.order("true")
        await engine.engine.start([order])
        async with asyncio.timeout(20):
            while not any(  # noqa: ASYNC110 - without asking: that is what this is about
                report.phase is Phase.ENDED for report in engine.told.get(order.key, ())
            ):
                await asyncio.sleep(0.02)

    async def test_a_key_is_started_once(self, bench: Bench, engine: Watcher, tmp_path: Path) -> None:
        order = bench.order(f"echo ran >> {tmp_path}/effects; echo begun; exec sleep 600")
        await asyncio.gather(*(engine.engine.start([order]) for _ in range(4)))
        await read(engine.engine, bench.node, order.key, 6)
        await engine.engine.end(bench.node, [order.key], grace=1)
        await engine.until(order.key, Phase.ENDED)
        [report] = await engine.engine.start([order])
        assert report.phase is Phase.ENDED
        async with watched(bench) as second:
            [report] = await second.engine.start([order])
            assert report.phase is Phase.ENDED
        assert (tmp_path / "effects").read_text() == "ran\n"

    async def test_many_orders_at_once(self, bench: Bench, engine: Watcher) -> None:
        orders = [bench.order(f"echo {number}") for number in range(20)]
        await engine.engine.start(orders)
        for number, order in enumerate(orders):
            report = await engine.until(order.key, Phase.ENDED)
            assert (report.exit, report.tail) == (0, b"%d\n" % number)
        await engine.engine.forget(bench.node, [order.key for order in orders])

    async def test_what_a_node_does_not_know_is_unknown(self, bench: Bench, engine: Watcher) -> None:
        order = bench.order("true")
        report = await engine.poll(order.key)
        assert report is not None and (report.key, report.phase) == (order.key, Phase.UNKNOWN)
        assert engine.engine.ground(bench.node) is not None
        await engine.engine.end(bench.node, [order.key], grace=1)
        await engine.engine.forget(bench.node, [order.key])
        with contextlib.suppress(EngineError):
            assert await engine.engine.read(bench.node, order.key, 0, 10) == b""

    async def test_a_controller_that_starts_again_finds_what_runs(self, bench: Bench) -> None:
        async with watched(bench) as first:
            order = bench.order(LONG)
            await first.engine.start([order])
            await first.until(order.key, Phase.RUNNING)
        async with watched(bench) as second:
            found = {report.key: report for report in await second.engine.poll(bench.node, [])}
            assert found[order.key].phase is Phase.RUNNING, "without being asked for it"
            assert await read(second.engine, bench.node, order.key, 6) == b"begun\n"
            await second.engine.end(bench.node, [order.key], grace=1)
            report = await second.until(order.key, Phase.ENDED)
            assert (report.cause, report.exit) == (Cause.CANCELLED, 143)

    async def test_what_ignores_sigterm_is_killed_after_its_grace(self, bench: Bench, engine: Watcher) -> None:
        order = bench.order("trap '' TERM; echo begun; while :; do sleep 1; done")
        await engine.engine.start([order])
        await read(engine.engine, bench.node, order.key, 6)
        await engine.engine.end(bench.node, [order.key], grace=0.5)
        report = await engine.until(order.key, Phase.ENDED)
        assert (report.cause, report.exit) == (Cause.CANCELLED, 137)

    async def test_a_job_is_stopped_where_it_stands_and_goes_on(
        self, bench: Bench, engine: Watcher, tmp_path: Path
    ) -> None:
        go = tmp_path / "go"
        order = bench.order(f"echo begun; until [ -e {go} ]; do sleep 0.05; done; echo done")
        await engine.engine.start([order])
        await read(engine.engine, bench.node, order.key, 6)
        await engine.engine.freeze(bench.node, [order.key], True)
        await engine.until(order.key, Phase.FROZEN)
        go.touch()
        await asyncio.sleep(0.5)
        assert await engine.engine.read(bench.node, order.key, 0, 100) == b"begun\n"
        engine.told.clear()
        await engine.engine.freeze(bench.node, [order.key], False)
        report = await engine.until(order.key, Phase.ENDED)
        assert (report.exit, report.tail) == (0, b"begun\ndone\n")

    async def test_inputs_go_there_and_outputs_come_back(self, bench: Bench, engine: Watcher, tmp_path: Path) -> None:
        (tmp_path / "in").write_bytes(b"2 3\n")
        order = bench.order(
            'read a b < "data/my file"; mkdir out; echo $((a + b)) > "out/sum of $GREETING"; echo no > left; echo "\033[2Jlog"; exit 5',
            inputs=(Input(str(tmp_path / "in"), "data/my file"),),
            env={"GREETING": "it's $HOME"},
            outputs=("out/*",),
        )
        engine.add(await engine.engine.start([order]))
        report = await engine.until(order.key, Phase.ENDED)
        assert report.exit == 5, report
        log, into = tmp_path / "kept" / "log", tmp_path / "into"
        log.parent.mkdir()
        names = await engine.engine.fetch(bench.node, order.key, order.spec.outputs, into, log, order.spec.output_limit)
        assert list(names) == ["out/sum of it's $HOME"]
        assert (into / names[0]).read_text() == "5\n"
        assert [path.name for path in into.rglob("*") if path.is_file()] == ["sum of it's $HOME"]
        assert log.read_bytes() == b"\033[2Jlog\n"
        assert [path.name for path in log.parent.iterdir()] == ["log"]

    async def test_what_is_forgotten_is_gone(self, bench: Bench, engine: Watcher, tmp_path: Path) -> None:
        ended, runs = (
            bench.order("true"),
            bench.order(f"trap '' TERM; echo $$ > {tmp_path}/pid; echo begun; exec sleep 600"),
        )
        await engine.engine.start([ended, runs])
        await engine.until(ended.key, Phase.ENDED)
        await read(engine.engine, bench.node, runs.key, 6)
        await engine.engine.forget(bench.node, [ended.key, runs.key])
        engine.told.clear()
        for order in (ended, runs):
            await engine.until(order.key, Phase.UNKNOWN)
        pid = int((tmp_path / "pid").read_text())
        async with asyncio.timeout(10):
            while alive(pid):  # noqa: ASYNC110 - nobody tells of a process of another parent
                await asyncio.sleep(0.05)

    async def test_a_node_that_is_away_is_a_missing_report(self, bench: Bench, engine: Watcher) -> None:
        before, during = bench.order(LONG), bench.order("true")
        await engine.engine.start([before])
        await engine.until(before.key, Phase.RUNNING)
        bench.away(True)
        async with asyncio.timeout(60):
            assert list(await engine.engine.start([during])) == []
            assert list(await engine.engine.poll(bench.node, [before.key, during.key])) == []
            assert engine.engine.ground(bench.node) is None
            await engine.engine.end(bench.node, [before.key], grace=1)
            await engine.engine.freeze(bench.node, [before.key], True)
            await engine.engine.forget(bench.node, [before.key])
            with pytest.raises((EngineError, SshError)):
                await engine.engine.read(bench.node, before.key, 0, 10)
        bench.away(False)
        engine.told.clear()
        await engine.until(during.key, Phase.UNKNOWN)
        await engine.until(before.key, Phase.RUNNING)
        await engine.engine.forget(bench.node, [before.key])
