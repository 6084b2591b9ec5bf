"""Offers are made anew when, and only when, what they are made from has changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from gridtui.jobs.board import Board
from gridtui.jobs.engines import Ground
from gridtui.jobs.model import JobId, Key, Level, Needs, Order, Spec
from gridtui.jobs.offering import Offering
from gridtui.jobs.placement import STALE, Offer
from gridtui.jobs.queue import Standing
from gridtui.model import Status
from tests.contract.memory import Memory, World

from .grid import Grid

NOW = 1_790_000_000.0


class Still(Grid):
    """Nodes of which nothing changes by itself."""

    def __init__(self) -> None:
        super().__init__(("n1", "n2"))
        self.statuses = {name: self._measured(name) for name in self.nodes}

    def _measured(self, name: str) -> Status:
        status = super().status(name)
        assert status.sample
        return replace(status, sample=replace(status.sample, time=NOW))

    def status(self, name: str) -> Status:
        status = self.statuses[name]
        return replace(status, reach=replace(status.reach))  # made for whoever asks


class Bench:
    def __init__(self, world: World) -> None:
        self.grid, self.board = Still(), Board()
        self.engine = Memory(world)
        self.grounds = dict.fromkeys(self.grid.nodes, Ground(frozenset({Level.PLAIN}), 1 << 30))
        self.engine.ground = lambda node: replace(self.grounds[node])  # type: ignore[method-assign]
        self.standing: dict[str, Standing] = {}
        self.offering = Offering(self.engine, self.grid, self.board)
        self.put()

    def offers(self, now: float = NOW) -> list[Offer]:
        found = self.offering.offers(self.grid.nodes, self.standing, now)
        assert found == Offering(self.engine, self.grid, self.board).offers(self.grid.nodes, self.standing, now)
        return found

    def status(self, **values: object) -> None:
        self.grid.statuses["n1"] = replace(self.grid.statuses["n1"], **values)  # type: ignore[arg-type]

    def put(self) -> None:
        key = Key("c0ffee00", JobId(len(self.board) + 1), 1)
        order = Order(key, Spec("true", needs=Needs(cpus=1, memory=1 << 20)), node="n1")
        self.board.put(order, "ann", 0.0, NOW - 10)

    def sampled(self) -> None:
        sample = self.grid.statuses["n1"].sample
        assert sample
        self.status(sample=replace(sample, metrics={**sample.metrics, "load": 2.0}))


def away(bench: Bench) -> None:
    bench.status(reach=replace(bench.grid.statuses["n1"].reach, pending=True))


def closed(bench: Bench) -> None:
    bench.grounds["n1"] = Ground(frozenset({Level.PLAIN}), 1 << 30, closed="opted out")


def drained(bench: Bench) -> None:
    bench.standing["n1"] = Standing("n1", drained=True)


def ended(bench: Bench) -> None:
    bench.board.end(next(iter(bench.board)))


@pytest.fixture
def bench(tmp_path: object) -> Bench:
    return Bench(World(tmp_path, ("n1", "n2")))  # type: ignore[arg-type]


@pytest.mark.parametrize("change", [Bench.put, Bench.sampled, away, closed, drained, ended])
def test_what_changed_is_offered_anew_and_nothing_else(bench: Bench, change: Callable[[Bench], None]) -> None:
    first = bench.offers()
    assert all(old is new for old, new in zip(first, bench.offers(), strict=True))
    change(bench)
    second = bench.offers()
    assert (second[0] == first[0], second[1] is first[1]) == (False, True)


def test_what_was_measured_long_ago_is_told_with_its_age(bench: Bench) -> None:
    bench.offers()
    assert bench.offers(NOW + STALE + 5)[0].closed == "last measured 1 min ago"
    assert bench.offers(NOW + STALE + 65)[0].closed == "last measured 2 min ago"
    assert not bench.offers()[0].closed
