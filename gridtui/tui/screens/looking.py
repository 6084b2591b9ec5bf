"""A screen that shows nodes in one of several looks: the table, the map, the board. Owns which one is shown and what is under the cursor, which
they share; each draws by itself (`pane.Pane`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, cast, get_args

from textual import on
from textual.widget import Widget

from ...errors import UsageError
from .. import text
from ..arrange import Group, Line, shown
from ..pane import Coloured, Pane
from ..widgets.fleet_table import FleetTable, TableHeader
from ..widgets.lines import Lines
from .marking import MarkingScreen

if TYPE_CHECKING:
    from ..metrics import Metric

Look = Literal["table", "map", "board"]
LOOKS: tuple[Look, ...] = get_args(Look)


class LookingScreen(MarkingScreen):
    """Composes a `FleetTable` of the id `table` and its titles; the other panes are made when they are first looked at."""

    def __init__(self) -> None:
        super().__init__()
        self.look: Look = "table"
        self._coloured: dict[Look, Coloured] = {}
        self.lines: list[Line] = []
        """What is shown, in order."""

    @property
    def table(self) -> FleetTable:
        return self.query_one("#table", FleetTable)

    @property
    def pane(self) -> Pane:
        """The look that is shown."""
        return self.coloured or self.table

    @property
    def coloured(self) -> Coloured | None:
        """The same, where it shows one metric of every node."""
        return self._coloured.get(self.look)

    # ---- which look ----

    def make(self, look: Look) -> Coloured:
        """A map or a board."""
        raise NotImplementedError

    def turn_to(self, look: Look) -> None:
        """Take another look, with the same node under the cursor."""
        if look == self.look:
            return
        node, group = self.pane.node, self.pane.group
        self.look = look
        if look != "table" and look not in self._coloured:
            pane = self._coloured[look] = self.make(look)
            self.mount(cast("Widget", pane), after="#table")
        self.table.display = self.query_one(TableHeader).display = look == "table"
        for name, pane in self._coloured.items():
            cast("Widget", pane).display = name == look
        self.order()
        if node is not None:
            self.pane.seek(node)
        elif group is not None:
            self.pane.seek_group(group)
        if not self.has_class("-filtering"):
            self.set_focus(self.body)
        self.explain()

    def action_look_table(self) -> None:
        self.turn_to("table")

    def action_look_map(self) -> None:
        self.turn_to("map")

    def action_look_board(self) -> None:
        self.turn_to("board")

    def action_next_look(self) -> None:
        self.turn_to(LOOKS[(LOOKS.index(self.look) + 1) % len(LOOKS)])

    def action_next_metric(self) -> None:
        from ..metrics import following

        if (pane := self.coloured) is None:
            self.dashboard.notify("the table shows many; the map and the board show one", markup=False, timeout=3)
        else:
            self.show_metric(following(pane.metric, pane.metrics))

    def show_metric(self, metric: Metric) -> None:
        """Show another metric in the map or the board."""
        if (pane := self.coloured) is not None:
            pane.colour_by(metric)
            self.summarise()

    def command_look(self, words: str) -> None:
        """`table`, or `map` and `board` with or without a metric. Raises UsageError."""
        from ..metrics import find

        look, _, name = words.strip().partition(" ")
        if look not in LOOKS:
            raise UsageError(f"there is no look `{text.plain(look)}`", hint="one of " + ", ".join(LOOKS))
        metric = find(name.strip()) if name.strip() else None
        self.turn_to(look)
        if metric is not None:
            if self.coloured is None or metric not in self.coloured.metrics:
                raise UsageError(f"the {look} does not show {metric.title}", hint="the map shows every metric")
            self.show_metric(metric)

    @property
    def body(self) -> Widget:
        return cast("Widget", self.pane)

    # ---- what is shown, and what of it is under the cursor ----

    @property
    def shown(self) -> list[str]:
        return shown(self.lines)

    @property
    def targets(self) -> list[str]:
        """Whom an action is for."""
        return self.dashboard.targets(self.shown)

    @property
    def header(self) -> Group | None:
        """The group whose header is under the cursor."""
        key = self.pane.group
        if key is None:
            return None
        return next((line for line in self.lines if isinstance(line, Group) and line.key == key), None)

    @property
    def under(self) -> list[str]:
        if (name := self.pane.node) is not None:
            return [name]
        header = self.header
        return list(header.members) if header is not None else []

    def marked(self) -> None:
        self.body.refresh()
        self.summarise()

    def summarise(self) -> None:
        """Show other facts at the top."""
        raise NotImplementedError

    def step(self) -> None:
        if isinstance(self.body, Lines):
            self.body.advance()

    def neighbour(self, name: str, step: int) -> str | None:
        """The node that stands `step` nodes below `name`; the cursor goes there too."""
        names = self.shown
        if name not in names:
            return names[0] if names else None
        other = names[(names.index(name) + step) % len(names)]
        self.pane.seek(other)
        return other

    @on(Lines.Moved)
    def _moved(self) -> None:
        self.explain()

    @on(Lines.Marked)
    def _mark_clicked(self, event: Lines.Marked) -> None:
        names = self.under
        if event.reach and names:
            self.mark_to(names[-1])
        elif (name := self.pane.node) is not None:
            self.mark_one(name)
        elif names:
            self.dashboard.marks.turn(names)
            self.marked()
