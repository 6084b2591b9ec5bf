"""Which jobs go to which nodes in one round. Pure but for what `Planner` remembers from round to round: rooms kept for large jobs.

Jobs get turns (`order`), one each time; a job whose turn it is goes to the best node that fits (`grid`). A large job that waits behind
many small ones would wait for ever, since what one of them leaves is at once given to the next. So: where a job's turn comes, it has
waited for a while, and it fits nowhere now though it would on a node without our jobs, that node which lacks the least is kept for it:
as jobs end there, what it needs is given to nobody else. It has paid for that with its turn, and counts for its user as if it ran.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from ...model import NOTHING
from ..model import JobId, Lot, Placement
from .grid import Grid, Kind, Match, Sizes
from .offers import Offer
from .order import Turns, weight

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
        grid = Grid(offers, lots, match, now)
        round_ = _Round(grid, now, self._patience, self._kept, inputs)
        placements = round_.run(lots, usage)
        self._kept = round_.kept
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
        self._next: dict[int, int] = {}
        self._keepers: set[str] = set()
        self._placements: list[Placement] = []
        self.kept: dict[int, str] = {}

    def run(self, lots: Sequence[Lot], usage: Mapping[str, float]) -> list[Placement]:
        used = dict(usage)
        self._resume(lots, used)
        turns = Turns([lot for lot in lots if self._next.get(lot.number, 0) < len(lot.ready)], used)
        while (lot := turns.next()) is not None:
            kind = self._kind(lot)
            if self._place(lot, kind):
                turns.took(weight(kind.needs), last=self._next[lot.number] >= len(lot.ready))
            elif self._worth_keeping(lot, kind):
                self._keep(lot, kind, self._grid.nearest(kind, self._grid.possible(kind)))
                turns.leave(weight(kind.needs))
            else:
                turns.leave()
        return self._placements

    def _kind(self, lot: Lot) -> Kind:
        return self._grid.kind(lot.spec, self._inputs.get(lot.number, NOTHING))

    def _place(self, lot: Lot, kind: Kind) -> bool:
        """Give the submission's next job a node. Those whose earlier attempts failed go elsewhere, if there is anywhere else."""
        grid = self._grid
        fitting = grid.fitting(kind)
        if not fitting:
            return False
        at = self._next.get(lot.number, 0)
        ready, avoid = lot.ready, lot.avoid
        while at < len(ready):
            index = ready[at]
            at += 1
            nodes = fitting
            if avoid and (failed := avoid.get(index)):
                others = ~grid.numbers(failed)
                nodes = fitting & others or (0 if grid.possible(kind) & others else fitting)
                if not nodes:
                    continue
            self._next[lot.number] = at
            node = grid.best(kind, nodes)
            offer, level = grid.offers[node], kind.levels[node]
            assert level is not None
            self._placements.append(Placement(JobId(lot.number, index), offer.node, level, grid.take(kind, node)))
            return True
        return False

    def _resume(self, lots: Sequence[Lot], used: dict[str, float]) -> None:
        """What was kept in the round before: the job's turn has come already."""
        waiting = {lot.number: lot for lot in lots if lot.number in self._before}
        for number, name in self._before.items():
            if (lot := waiting.get(number)) is None or lot.user in self._keepers:
                continue
            kind = self._kind(lot)
            if self._place(lot, kind):
                used[lot.user] = used.get(lot.user, 0.0) + weight(kind.needs)
            elif nodes := self._grid.possible(kind):
                self._keep(lot, kind, self._grid.nearest(kind, nodes, name))
                used[lot.user] = used.get(lot.user, 0.0) + weight(kind.needs)

    def _worth_keeping(self, lot: Lot, kind: Kind) -> bool:
        return (
            self._now - lot.submitted > self._patience
            and len(self.kept) < self._most
            and lot.user not in self._keepers
            and bool(self._grid.possible(kind))
        )

    def _keep(self, lot: Lot, kind: Kind, node: int) -> None:
        self._grid.keep(kind, node)
        self._keepers.add(lot.user)
        self.kept[lot.number] = self._grid.offers[node].node
