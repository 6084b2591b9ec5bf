"""The table of the fleet: nodes and group headers, one a line. Draws what it is given; knows no fleet."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence, Set
from functools import partial
from typing import TYPE_CHECKING

from textual import events
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from ...model import Status
from ..arrange import Group
from ..columns import GUTTER, Layout, arrange_columns
from ..rows import group_row, header_row, node_row
from ..text import width
from ..themes import palette
from .fleet_lines import FleetLines
from .lines import Parts
from .strips import strip

if TYPE_CHECKING:
    from ...posture.model import Posture


class FleetTable(FleetLines):
    """`status` and `trips` are asked for visible nodes only."""

    def __init__(
        self,
        status: Callable[[str], Status],
        trips: Callable[[str], Sequence[float]],
        interval: float,
        columns: Sequence[str] = (),
        clock: Callable[[], float] = time.time,
        posture: Callable[[str], Posture | None] = lambda name: None,
        marked: Callable[[str], bool] = lambda name: False,
        without: Set[str] = frozenset(),
        history: Callable[[str, str], Sequence[float]] = lambda name, metric: (),
        *,
        id: str | None = None,
    ) -> None:
        super().__init__(marked, id=id)
        self._status = status
        self._trips = trips
        self._interval = interval
        self._only = columns
        self._clock = clock
        self._posture = posture
        self._longest = 10
        self._history = history
        self.without = frozenset(without)
        self.layout_now = arrange_columns(80, 10)

    def arranged(self) -> None:
        longest = max((width(line) for line in self._lines if isinstance(line, str)), default=10)
        if longest > self._longest or longest < self._longest - 8:  # folding a group must not move all columns
            self._longest = longest
            self._relayout(self.scrollable_content_region.width)

    def choose(self, columns: Sequence[str]) -> None:
        """Show these columns, in this order; none: all that fit, in their own."""
        if tuple(columns) != tuple(self._only):
            self._only = tuple(columns)
            self._relayout(self.scrollable_content_region.width)
            self.look()

    @property
    def chosen(self) -> Sequence[str]:
        """The reader's own columns; none: all that fit."""
        return self._only

    @property
    def fitting(self) -> frozenset[str]:
        """The columns that are shown."""
        return frozenset(column.name for column, _ in self.layout_now.columns)

    def leave_out(self, columns: Set[str]) -> None:
        """Show no column of these, for which no node has anything."""
        if columns != self.without:
            self.without = frozenset(columns)
            self._relayout(self.scrollable_content_region.width)

    def parts(self, index: int) -> Parts:
        line = self._lines[index]
        if isinstance(line, Group):
            return group_row(line, self.layout_now)
        return node_row(
            self._status(line),
            self.layout_now,
            self._trips(line),
            self._clock(),
            self._interval,
            self._posture(line),
            partial(self._history, line),
        )

    def on_resize(self, event: events.Resize) -> None:
        self._relayout(self.scrollable_content_region.width)
        super().on_resize(event)

    def _relayout(self, cells: int) -> None:
        self.layout_now = arrange_columns(cells, self._longest, self.without, self._only)
        self._made.clear()
        self._strips.clear()
        self.refresh()
        self.post_message(self.Laid(self.layout_now))

    class Laid(Message):
        """The columns stand elsewhere now."""

        def __init__(self, layout: Layout) -> None:
            super().__init__()
            self.layout = layout


class TableHeader(Widget):
    """The titles above the table; a click sorts by a column."""

    ALLOW_SELECT = False

    class Clicked(Message):
        """A title was clicked."""

        def __init__(self, column: str) -> None:
            super().__init__()
            self.column = column

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._layout_now: Layout | None = None
        self._sort = ("", False)

    def show(self, layout: Layout, sort: str, descending: bool) -> None:
        """Show other titles."""
        if (layout, (sort, descending)) != (self._layout_now, self._sort):
            self._layout_now, self._sort = layout, (sort, descending)
            self.refresh()

    def render_line(self, y: int) -> Strip:
        colours = palette(self.app)
        if self._layout_now is None or y:
            return strip((), colours, self.size.width)
        parts = header_row(self._layout_now, *self._sort)
        return strip(((" " * GUTTER, "header"), *parts), colours, self.size.width, "raised")

    def on_click(self, event: events.Click) -> None:
        column = self._layout_now.at(event.x) if self._layout_now else None
        if column is not None and column.key is not None:
            self.post_message(self.Clicked(column.name))
