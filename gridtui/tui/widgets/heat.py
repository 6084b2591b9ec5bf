"""The heat map: every node a tile, coloured by a metric. Draws what it is given; `heat` says what stands where, `metrics` what it means."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment
from textual import events
from textual.binding import BindingType
from textual.geometry import Region
from textual.strip import Strip

from ...model import Status
from .. import heat
from ..actions import bindings
from ..arrange import Group, Line
from ..metrics import METRICS, Metric, Scale, scale
from ..slices import Slices, Work, pieces
from ..states import Kind, face
from ..themes import Palette, palette
from .fleet_lines import MARK
from .lines import FRAME, Lines, Parts
from .strips import strip

if TYPE_CHECKING:
    from ...posture.model import Posture

TILES = 400
"""Tiles that are made and painted in one frame where nobody waits for them: some 3 ms."""

Made = tuple[Parts, tuple[tuple[heat.Tinted, ...], ...]]
"""A row: the header, and the tiles."""


class HeatMap(Lines):
    """`status` and `posture` are asked for visible nodes, and for all when the scale follows the values."""

    HEAD = 1
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("map")]

    def __init__(
        self,
        status: Callable[[str], Status],
        marked: Callable[[str], bool] = lambda name: False,
        posture: Callable[[str], Posture | None] = lambda name: None,
        *,
        id: str | None = None,
    ) -> None:
        super().__init__(id=id)
        self._status = status
        self._marked = marked
        self._posture = posture
        self._lines: Sequence[Line] = ()
        self._metric = METRICS[0]
        self._scale = Scale(0.0, 100.0)
        self._kinds: tuple[Kind, ...] = ()
        self._plan = heat.plan((), self._metric, 80, 24)
        self._column = self._wish = 0
        self._rows: dict[int, Made] = {}
        self._laid = self._metric
        self._measuring: Slices[tuple[Scale, tuple[Kind, ...]]] | None = None
        self._due: list[int] = []
        """Rows that are still to be made in this round."""
        self._making = False

    # ---- what it shows ----

    @property
    def metric(self) -> Metric:
        """By what the tiles are coloured."""
        return self._metric

    def colour_by(self, metric: Metric) -> None:
        """Colour the tiles by something else."""
        if metric != self._metric:
            self._metric = metric
            self._measure(whole=True)
            self._lay_out(self.node, self.group)

    def show(self, lines: Sequence[Line]) -> None:
        """Take another order of lines. The cursor stays on its node."""
        here, group = self.node, self.group
        before = set(self.names)
        self._lines = lines
        self._measure(whole=before != set(self.names))
        self._lay_out(here, group)

    def _measure(self, whole: bool = False) -> None:
        """Go on measuring, or begin anew with all at once."""
        if whole or self._measuring is None:
            self._measuring = Slices(self._measured())
        if whole:
            self._measuring.at_once()
        elif not self._measuring.go_on():
            return
        before = self._scale, self._kinds
        self._scale, self._kinds = self._measuring.result
        self._measuring = None
        if before != (self._scale, self._kinds):
            self.refresh(Region(0, 0, self.size.width, self.HEAD))

    def _measured(self) -> Work[tuple[Scale, tuple[Kind, ...]]]:
        """The scale and the states of all, also of those that are not in view: a map that is scrolled keeps its colours."""
        kinds: set[Kind] = set()
        values: list[float] = []
        value, follows = self._metric.value, self._metric.high is None
        for some in pieces(self.names):
            for name in some:
                status = self._status(name)
                kinds.add(face(status).kind)
                if follows and (known := value(status, None)) is not None:
                    values.append(known)
            yield
        return scale(self._metric, values), tuple(sorted(kinds))

    def _lay_out(self, here: str | None, group: str | None) -> None:
        cells, height = self.scrollable_content_region.width or 80, max(1, self.size.height - self.HEAD)
        before, self._plan = self._plan, heat.plan(self._lines, self._metric, cells, height)
        place = self._plan.place(here) if here is not None else self._row(lambda one: one.key == group)
        if place is None and here is not None:
            place = self._row(lambda one: one.folded and here in one.members)
        row, column = place or (min(self.cursor, max(0, len(self._plan.rows) - 1)), self._column)
        self._column = self._clamped(row, column)
        if here is not None and place is None:
            self.post_message(self.Moved())
        if self._laid != self._metric or not heat.same(before, self._plan):
            self._laid = self._metric
            self._rows.clear()
            self._due.clear()
            self.refresh()
        self.replaced(len(self._plan.rows), row, hurry=False)

    def _clamped(self, row: int, column: int) -> int:
        return max(0, min(column, len(self._plan.rows[row].names) - 1)) if row < len(self._plan.rows) else 0

    def _row(self, right: Callable[[Group], bool]) -> tuple[int, int] | None:
        """Where a header stands."""
        return next(((at, 0) for at, row in enumerate(self._plan.rows) if row.group and right(row.group)), None)

    @property
    def node(self) -> str | None:
        """The node under the cursor."""
        names = self._plan.rows[self.cursor].names if self.cursor < len(self._plan.rows) else ()
        return names[self._column] if self._column < len(names) else None

    @property
    def group(self) -> str | None:
        """The key of the header under the cursor, where it has no nodes beside it; see `Pane`."""
        row = self._plan.rows[self.cursor] if self.cursor < len(self._plan.rows) else None
        return row.group.key if row is not None and row.group is not None and not row.names else None

    @property
    def names(self) -> list[str]:
        """The shown nodes, in order."""
        return [line for line in self._lines if isinstance(line, str)]

    @property
    def metrics(self) -> Sequence[Metric]:
        """By what the tiles can be coloured."""
        return METRICS

    def seek(self, name: str) -> None:
        """Put the cursor on a node, or on the header of the folded group that it is in."""
        place = self._plan.place(name)
        if place is None:
            place = self._row(lambda group: group.folded and name in group.members)
        if place is not None:
            self._to(*place)

    def seek_group(self, key: str) -> None:
        """Put the cursor on a header, or the first node beside it."""
        if (place := self._row(lambda group: group.key == key)) is not None:
            self._to(*place)

    # ---- lines ----

    def look(self) -> None:
        """Make the visible rows again, as many as there is time for, and paint those that differ; the others follow."""
        self._measure()
        first, last = self._visible()
        self._rows = {index: made for index, made in self._rows.items() if first <= index < last}
        due = [index for index in self._due if index in self._rows]
        self._due = due or list(self._rows)
        if not self._making:
            self._make_some()

    def _make_some(self) -> None:
        count = max(1, TILES // self._plan.columns)
        some, self._due = self._due[:count], self._due[count:]
        for index in some:
            made = self._make(index)
            if made != self._rows.get(index):
                self._rows[index] = made
                self.touch(index)
        self._making = bool(self._due)
        if self._making:
            self.set_timer(FRAME, self._make_some)

    def _make(self, index: int) -> Made:
        row, metric, form, scale = self._plan.rows[index], self._metric, self._plan.tile, self._scale
        made = []
        for name in row.names:
            status = self._status(name)
            value = metric.value(status, self._posture(name))
            made.append(heat.tile(name, face(status), value, metric, scale, form))
        return heat.label(row, metric, self._plan.label) if self._plan.label else (), tuple(made)

    def heading(self, y: int) -> Parts:
        return heat.legend(self._metric, self._scale, self.size.width, self._kinds)

    def render_line(self, y: int) -> Strip:
        colours, cells = palette(self.app), self.size.width
        index = y - self.HEAD + self.scroll_offset.y
        if y < self.HEAD or index >= len(self._plan.rows):
            return super().render_line(y) if y < self.HEAD else strip((), colours, cells)
        made = self._rows.get(index)
        if made is None:
            made = self._rows[index] = self._make(index)
        signs = "".join([MARK if self._marked(name) else " " for name in self._plan.rows[index].names])
        here = self._column if index == self.cursor else None
        key = (made, signs, here, self.has_focus, cells, colours)
        kept = self._strips.get(y)
        if kept is not None and kept[0] == key:
            return kept[1]
        line = self._tiles(made, signs, here, colours, cells)
        self._strips[y] = key, line
        return line

    def _tiles(self, made: Made, signs: str, here: int | None, colours: Palette, cells: int) -> Strip:
        label, tiles = made
        style = colours.style
        lone = here is not None and not tiles
        under = "cursor" if self.has_focus else "cursor-blurred"
        segments = [Segment(words, style(role, under if lone else "base")) for words, role in label]
        used = self._plan.label
        # The cursor is a pair of brackets around its tile, the mark stands in the left one: both are seen without colour.
        for at, parts in enumerate(tiles):
            sign = signs[at]
            if here == at:
                segments.append(Segment("▌" if sign == " " else sign, style("primary", under)))
            elif here is not None and at == here + 1:
                segments.append(Segment("▐", style("primary", under)))
            else:
                segments.append(Segment(sign, style("accent")))
            segments += [
                Segment(words, style(role, surface if here != at else under)) for words, role, surface in parts
            ]
            used += self._plan.tile.cells
        if here is not None and tiles and here == len(tiles) - 1 and used < cells:
            segments.append(Segment("▐", style("primary", under)))
            used += 1
        if used < cells:
            segments.append(Segment(" " * (cells - used), style("text")))
            used = cells
        line = Strip(segments, used)
        return line if used == cells else line.crop(0, cells)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        first, last = self._visible()
        self._rows = {index: made for index, made in self._rows.items() if first <= index < last}

    def on_resize(self, event: events.Resize) -> None:
        self._lay_out(self.node, self.group)

    # ---- the cursor ----

    def _to(self, row: int, column: int, wish: int | None = None) -> None:
        if not self._plan.rows:
            return
        before = self.node, self.group
        same = row == self.cursor
        self._column = self._clamped(row, column)
        self._wish = self._column if wish is None else wish
        if not same:
            self.go(row)
        elif before != (self.node, self.group):
            self.touch(row)
            self.post_message(self.Moved())

    def _step(self, rows: int = 0, columns: int = 0) -> None:
        if self._plan.rows:
            self._to(*heat.moved(self._plan, self.cursor, self._column, self._wish, rows, columns))

    def action_up(self) -> None:
        self._step(rows=-1)

    def action_down(self) -> None:
        self._step(rows=1)

    def action_left(self) -> None:
        self._step(columns=-1)

    def action_right(self) -> None:
        self._step(columns=1)

    def advance(self) -> None:
        self.action_right()

    def action_page_up(self) -> None:
        self._step(rows=-max(1, self.size.height - self.HEAD - 1))

    def action_page_down(self) -> None:
        self._step(rows=max(1, self.size.height - self.HEAD - 1))

    def action_first(self) -> None:
        self._to(0, 0)

    def action_last(self) -> None:
        if self._plan.rows:
            self._to(len(self._plan.rows) - 1, len(self._plan.rows[-1].names) - 1)

    def clicked(self, event: events.Click) -> None:
        row = event.y - self.HEAD + self.scroll_offset.y
        if event.y < self.HEAD or row >= len(self._plan.rows):
            return
        names = self._plan.rows[row].names
        column = self._plan.column(event.x)
        if names and (column is None or column >= len(names)):
            return
        again = (row, column or 0) == (self.cursor, self._column)
        self._to(row, column or 0)
        if event.shift or event.ctrl or event.meta:
            self.post_message(self.Marked(event.shift))
        elif again:
            self.post_message(self.Chosen())
