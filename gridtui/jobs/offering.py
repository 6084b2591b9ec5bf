"""Offers out of what nodes are now, and placements out of offers. Ties placement to live values, the engine and the board; decides nothing itself."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping, Sequence
from typing import Protocol

from ..errors import SelectionError
from ..events import Event
from ..model import Status
from .board import Board
from .engines.protocol import Engine, Nodes
from .model import JobId, Lot, Placement
from .placement import STALE, Offer, Planner, offer
from .queue import Standing


class Grid(Nodes, Protocol):
    """What is asked of whoever watches the nodes. A `Fleet` that was started is one."""

    def status(self, name: str) -> Status: ...
    def select(self, text: str) -> list[str]: ...
    def events(self) -> AsyncIterator[Event]: ...


class Offering:
    """What nodes offer, and which jobs they get."""

    def __init__(self, engine: Engine, grid: Grid, board: Board) -> None:
        self._engine, self._grid, self._board = engine, grid, board
        self._planner = Planner()
        self._made: dict[str, tuple[tuple[object, ...], Offer]] = {}
        """The last offer of each node, and all that it was made from: of a thousand nodes few change between two rounds."""

    def offers(self, names: Iterable[str], standing: Mapping[str, Standing], now: float) -> list[Offer]:
        """One for each of the nodes."""
        return [self._offer(name, standing.get(name), now) for name in names]

    def _offer(self, name: str, standing: Standing | None, now: float) -> Offer:
        status, ground, column = self._grid.status(name), self._engine.ground(name), self._board.column(name)
        barred = standing.closed(now) if standing else ""
        shunned = standing is not None and bool(standing.quarantines or standing.broken)
        reach, sample = status.reach, status.sample
        if sample is None or now - sample.time > STALE:
            basis: tuple[object, ...] = ()  # what is said of it changes with the time alone
        else:
            basis = (
                *(status.node, sample, status.facts, status.verdict.maintenance),
                *(reach.failed, reach.error, reach.pending, ground, barred, shunned, column.changes),
            )
            if name in self._made and self._made[name][0] == basis:
                return self._made[name][1]
        made = offer(
            status,
            self._board.shares(name),
            ground=ground,
            barred=barred,
            shunned=shunned,
            trace=column.trace,
            now=now,
        )
        self._made[name] = basis, made
        return made

    def plan(
        self,
        lots: Sequence[Lot],
        names: Iterable[str],
        standing: Mapping[str, Standing],
        inputs: Mapping[int, Mapping[str, int]],
        now: float,
    ) -> Sequence[Placement]:
        """Which jobs go where now. `inputs`: the digests that submissions bring, and their bytes, as far as they are known."""
        offers = self.offers(names, standing, now)
        return self._planner.plan(lots, offers, self.match(), self._board.usage, now, inputs)

    @property
    def kept(self) -> Mapping[int, str]:
        """Submissions for which room is kept, and on which node."""
        return self._planner.kept

    def match(self) -> Callable[[str], Collection[str]]:
        """Requirements to names, with the values of now."""

        def names(where: str) -> Collection[str]:
            try:
                return frozenset(self._grid.select(where)) if where.strip() else frozenset(self._grid.nodes)
            except SelectionError:
                return ()  # the inventory was changed since the job was submitted: no node is meant

        return names


def pass_on(lots: Sequence[Lot], room: int) -> list[Placement]:
    """For an engine that places by itself: as many as it may have waiting, one of each submission in turn."""
    found: list[Placement] = []
    turns = [iter(lot.ready) for lot in lots]
    left = list(zip(lots, turns, strict=True))
    while left and len(found) < room:
        for pair in tuple(left):
            lot, ready = pair
            try:
                index = next(ready)
            except StopIteration:
                left.remove(pair)
                continue
            found.append(Placement(JobId(lot.number, index), "", lot.spec.sandbox.least))
            if len(found) >= room:
                break
    return found
