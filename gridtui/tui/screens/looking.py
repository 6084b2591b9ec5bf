"""A screen that shows nodes in one of several looks: the table, the map, the board. Owns which one is shown and what is under the cursor, which
they share; each draws by itself (`pane.Pane`).
"""

from __future__ import annotations

from typing import cast

from textual import on
from textual.widget import Widget

from ..arrange import Group, Line, shown
from ..pane import Pane
from ..widgets.fleet_table import FleetTable
from ..widgets.lines import Lines
from .marking import MarkingScreen


class LookingScreen(MarkingScreen):
    """Composes a `FleetTable` of the id `table`, and the other panes."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[Line] = []
        """What is shown, in order."""

    @property
    def table(self) -> FleetTable:
        return self.query_one("#table", FleetTable)

    @property
    def pane(self) -> Pane:
        """The look that is shown."""
        return self.table

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
