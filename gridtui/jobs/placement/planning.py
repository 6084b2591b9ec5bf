"""Which jobs go to which nodes in one round. Pure but for what `Planner` remembers from round to round: rooms kept for large jobs.

Jobs get turns (`order`), one each time; a job whose turn it is goes to the best node that fits (`grid`). A large job that waits behind
many small ones would wait for ever, since what one of them leaves is at once given to the next. So: where a job's turn comes, it has
waited for a while, and it fits nowhere now though it would on a node without our jobs, that node which lacks the least is kept for it:
as jobs end there, what it needs is given to nobody else. It has paid for that with its turn, and counts for its user as if it ran.
"""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType

from ..model import JobId, Lot, Placement
from .affinity import Sizes
from .grid import Grid, Kind, Match
from .offers import Offer
from .order import Turn, Turns

NO_INPUTS: Mapping[int, Sizes] = MappingProxyType({})
PATIENCE = 300.0
"""Seconds after which room is kept for a job that does not fit."""
KEPT = 10
"""Room is kept on at most one node of so many, and for one submission of a user."""


class Planner:
    """Rounds of placement. Keep one while dispatching."""

    def __init__(self, patience: float = PATIENCE) -> None:
        self._patience = patience
        self._kept: dict[int, str] = {}

    @property
    def kept(self) -> Mapping[int, str]:
        """Submissions for which room is kept, and on which node."""
        return dict(self._kept)

    def plan(
        self,
        lots: Sequence[Lot],
        offers: Iterable[Offer],
        match: Match,
        usage: Mapping[str, float],
        now: float,
        inputs: Mapping[int, Sizes] = NO_INPUTS,
    ) -> list[Placement]:
        """Placements in the order in which they were decided. `match` gives the nodes for a text of requirements and is asked once for
        each; `usage` are CPUs by user now; `inputs` has digests and bytes by submission, where nodes may hold some already."""
        lots = [lot for lot in lots if lot.ready]
        if not lots:
            self._kept = {}
            return []
        with _uncollected():
            grid = Grid(offers, lots, match, now, inputs)
            this = _Round(grid, now, self._patience, self._kept, inputs)
            placements = this.run(lots, usage)
        self._kept = this.kept
        return placements


def plan(
    lots: Sequence[Lot],
    offers: Iterable[Offer],
    match: Match,
    usage: Mapping[str, float],
    now: float,
    inputs: Mapping[int, Sizes] = NO_INPUTS,
) -> list[Placement]:
    """One round that stands alone."""
    return Planner().plan(lots, offers, match, usage, now, inputs)


class _Round:
    def __init__(
        self, grid: Grid, now: float, patience: float, kept: Mapping[int, str], inputs: Mapping[int, Sizes]
    ) -> None:
        self._grid, self._now, self._patience, self._before, self._inputs = grid, now, patience, kept, inputs
        self._most = max(1, len(grid.offers) // KEPT)
        self._keepers: set[str] = set()
        self._placements: list[Placement] = []
        self.kept: dict[int, str] = {}

    def run(self, lots: Sequence[Lot], usage: Mapping[str, float]) -> list[Placement]:
        used = dict(usage)
        waiting = [Turn(lot) for lot in lots]
        if self._before:
            self._resume({turn.lot.number: turn for turn in waiting}, used)
            waiting = [turn for turn in waiting if turn.next < len(turn.lot.ready)]
        turns = Turns(waiting, used)
        while (turn := turns.next()) is not None:
            kind = turn.kind or self._kind(turn)
            if self._place(turn, kind):
                turns.took(kind.cost, last=turn.next >= len(turn.lot.ready))
            elif self._grid.spent():
                for first in turns.firsts():
                    self._keep_if_due(first)
                break
            else:
                turns.leave(kind.cost if self._keep_if_due(turn) else 0.0)
        return self._placements

    def _kind(self, turn: Turn) -> Kind:
        if turn.kind is None:
            turn.kind = self._grid.kind(turn.lot.spec, self._inputs.get(turn.lot.number))
        return turn.kind

    def _place(self, turn: Turn, kind: Kind) -> bool:
        """Give the submission's next job a node."""
        grid, lot = self._grid, turn.lot
        nodes = fitting = grid.fitting(kind)
        if not fitting:
            return False
        if lot.avoid:
            nodes = self._skip(turn, kind, fitting)
            if not nodes:
                return False
        index = lot.ready[turn.next]
        turn.next += 1
        node = grid.best(kind, fitting, nodes)
        level = kind.levels[node]
        assert level is not None
        gpus = grid.take(kind, node)
        self._placements.append(Placement(JobId(lot.number, index), grid.offers[node].node, level, gpus))
        return True

    def _skip(self, turn: Turn, kind: Kind, fitting: int) -> int:
        """The nodes for the next job that has any: one whose earlier attempts failed waits for other nodes, if there are others."""
        grid, lot = self._grid, turn.lot
        while turn.next < len(lot.ready):
            failed = lot.avoid.get(lot.ready[turn.next])
            if not failed:
                return fitting
            others = ~grid.numbers(failed)
            if nodes := fitting & others:
                return nodes
            if not grid.possible(kind) & others:
                return fitting
            turn.next += 1
        return 0

    def _resume(self, waiting: Mapping[int, Turn], used: dict[str, float]) -> None:
        """What was kept in the round before: the job's turn has come already."""
        for number, name in self._before.items():
            if (turn := waiting.get(number)) is None or (user := turn.lot.user) in self._keepers:
                continue
            kind = self._kind(turn)
            placed = self._place(turn, kind)
            if not placed:
                nodes = self._grid.possible(kind)
                if not nodes:
                    continue
                self._keep(turn, kind, self._grid.nearest(kind, nodes, name))
            used[user] = used.get(user, 0.0) + kind.cost

    def _keep_if_due(self, turn: Turn) -> bool:
        """Keep room for a submission that has waited for a while, where it could go were our jobs gone."""
        lot = turn.lot
        if len(self.kept) >= self._most or lot.user in self._keepers or self._now - lot.submitted <= self._patience:
            return False
        kind = self._kind(turn)
        nodes = self._grid.possible(kind)
        if not nodes or self._grid.fitting(kind):  # it would fit, but has failed there
            return False
        self._keep(turn, kind, self._grid.nearest(kind, nodes))
        return True

    def _keep(self, turn: Turn, kind: Kind, node: int) -> None:
        self._grid.keep(kind, node)
        self._keepers.add(turn.lot.user)
        self.kept[turn.lot.number] = self._grid.offers[node].node


@contextmanager
def _uncollected() -> Iterator[None]:
    """A round makes a hundred thousand values that all live on: the collector would go through them many times, for a third of the round."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
