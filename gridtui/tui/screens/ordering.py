"""The keys that sort, group and fold. Owns the order that was chosen; which lines follow from it is `arrange`'s."""

from __future__ import annotations

import difflib
import time
from collections.abc import Mapping

from textual import on

from ...errors import UsageError
from .. import text
from ..arrange import Group, Line, arranging, counting, group_keys, group_paths
from ..columns import BY_NAME, SORTS
from ..slices import Slices, Work
from ..states import Kind
from ..widgets.fleet_table import TableHeader
from .looking import LookingScreen

Ordered = tuple[list[Line], Mapping[Kind, int]]
"""What is shown, and all nodes by their state."""


class OrderingScreen(LookingScreen):
    """A screen of nodes in an order."""

    def __init__(self) -> None:
        super().__init__()
        self.sort, self.descending = "problems", False
        self.by = ""
        """What is grouped by; empty: nothing."""
        self.folded: frozenset[str] = frozenset()
        """The keys of folded groups, of every grouping: they stay folded when one comes back to it."""
        self.counts: Mapping[Kind, int] = {}
        """All nodes by their state."""
        self.ordered_at = 0.0
        self.took = 0.0
        self._goes_on: Slices[Ordered] | None = None

    def on_mount(self) -> None:
        nodes = self.dashboard.fleet.nodes
        self._groups = group_keys(nodes.values())
        self._paths = group_paths(nodes)

    def order(self) -> None:
        """Filter, sort and group now."""
        self._goes_on = None
        slices = Slices(self._ordering())
        slices.at_once()
        self._take(slices)
        self.body.refresh()  # all of it in one frame: the reader waits for it

    def reorder(self) -> None:
        """The same with nobody waiting for it: in slices, where it takes longer."""
        slices = self._goes_on = Slices(self._ordering())
        if slices.go_on():
            self._take(slices)
        else:
            self.run_worker(self._go_on(slices), group="order", exclusive=True)

    @property
    def reordering(self) -> bool:
        """Whether it goes on."""
        return self._goes_on is not None

    async def _go_on(self, slices: Slices[Ordered]) -> None:
        if await slices.finish(lambda: slices is self._goes_on):  # else a key was faster
            self._take(slices)

    def _ordering(self) -> Work[Ordered]:
        dashboard = self.dashboard
        status = dashboard.bridge.status
        counts = yield from counting(list(dashboard.fleet.nodes), status)
        lines = yield from arranging(
            self.filtered(),
            status,
            # Tiles that jump cannot be learnt: the map has every node at its place unless it is sorted by something on purpose.
            "inventory" if self.look == "map" and self.sort == "problems" else self.sort,
            self.descending,
            self.by,
            self._paths,
            dashboard.survey.score,
            self.folded,
        )
        return lines, counts

    def _take(self, slices: Slices[Ordered]) -> None:
        started = time.perf_counter()
        self._goes_on = None
        self.lines, self.counts = slices.result
        self.pane.show(self.lines)
        self.ordered()
        self.ordered_at = time.monotonic()
        self.took = slices.took + time.perf_counter() - started

    def ordered(self) -> None:
        """Say what is another than before."""
        raise NotImplementedError

    # ---- sorting ----

    def sort_by(self, name: str) -> None:
        """Sort by a column, or `problems`."""
        self.sort = name
        self.descending = name in BY_NAME and BY_NAME[name].descending
        self.order()

    def action_column_left(self) -> None:
        self._neighbour_column(-1)

    def action_column_right(self) -> None:
        self._neighbour_column(1)

    def _neighbour_column(self, step: int) -> None:
        columns = [column.name for column, _ in self.table.layout_now.columns if column.key is not None]
        if self.sort in columns:
            self.sort_by(columns[(columns.index(self.sort) + step) % len(columns)])
        elif columns:
            self.sort_by(columns[0 if step > 0 else -1])

    def action_reverse(self) -> None:
        self.descending = not self.descending
        self.order()

    def action_problems(self) -> None:
        self.sort_by("problems")

    def command_sort(self, words: str) -> None:
        """Sort by a column, with `-` before it lowest first (or highest, where it is that by itself). Raises UsageError."""
        name = words.strip()
        other, name = name.startswith("-"), name.removeprefix("-")
        if name not in SORTS:
            near = difflib.get_close_matches(name, SORTS, 1)
            raise UsageError(
                f"nothing is sorted by `{text.plain(name)}`",
                hint=f"did you mean `{near[0]}`?" if near else "one of " + ", ".join(SORTS),
            )
        self.sort_by(name)
        if other:
            self.action_reverse()

    @on(TableHeader.Clicked)
    def _sort_clicked(self, event: TableHeader.Clicked) -> None:
        if event.column == self.sort:
            self.action_reverse()
        else:
            self.sort_by(event.column)

    # ---- groups ----

    def action_group(self) -> None:
        at = self._groups.index(self.by) if self.by in self._groups else -1
        self.by = self._groups[(at + 1) % len(self._groups)]
        self.order()

    def command_group(self, words: str) -> None:
        """Group by `group`, `state` or a label; without words, not at all. Raises UsageError."""
        self.group_by(words.strip())
        self.order()

    def group_by(self, name: str) -> None:
        """The same, without showing it yet."""
        known = {"": "", "none": ""} | {key: key for key in self._groups}
        known |= {key.removeprefix("label:"): key for key in self._groups if key not in ("group", "state")}
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            raise UsageError(
                f"nothing is grouped by `{text.plain(name)}`",
                hint=f"did you mean `{near[0]}`?" if near else "one of " + ", ".join(filter(None, known)),
            )
        self.by = known[name]

    def action_fold(self) -> None:
        """The group under the cursor, or the innermost one of the node there."""
        header = self.header or self._home(self.pane.node)
        if header is not None:
            self.folded ^= {header.key}
            self.order()
            self.pane.seek_group(header.key)

    def action_fold_all(self) -> None:
        """All of this grouping; if they all are, none."""
        mine = {line.key for line in self.lines if isinstance(line, Group)}
        if mine:
            outermost = [line for line in self.lines if isinstance(line, Group) and line.depth == 0]
            folded = all(line.folded for line in outermost)
            kept = frozenset(key for key in self.folded if not key.startswith(f"{self.by}/"))
            self.folded = kept if folded else kept | mine
            self.order()

    def _home(self, name: str | None) -> Group | None:
        """The header above a node."""
        above = None
        for line in self.lines:
            if isinstance(line, Group):
                above = line
            elif line == name:
                return above
        return None
