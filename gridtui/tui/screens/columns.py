"""The columns of the fleet's table: which, and in which order. Owns the list that they are chosen in; the table behind it changes at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen

from ..actions import bindings, of
from ..columns import BY_NAME, COLUMNS, Parts
from ..hints import hints
from ..text import fit
from ..widgets.bars import KeyBar, TextLine
from ..widgets.lines import Lines

if TYPE_CHECKING:
    from .choosing import ChoosingScreen


class ColumnLines(Lines):
    """All columns, the chosen ones first and in their order."""

    def __init__(self, chosen: Sequence[str], cells: int, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.take(chosen, cells)
        self._fitting: frozenset[str] = frozenset()

    def take(self, chosen: Sequence[str], cells: int) -> None:
        """Choose these; none: what a table of so many cells has by itself, in its own order."""
        self.chosen = list(chosen) or [column.name for column in COLUMNS if cells >= column.roomy]
        self.names = [*chosen, *(column.name for column in COLUMNS if column.name not in chosen)]

    def fitting(self, names: frozenset[str]) -> None:
        """Those that the table has room for."""
        self._fitting = names
        self.replaced(len(self.names))

    @property
    def name_here(self) -> str:
        """The column under the cursor."""
        return self.names[self.cursor]

    def toggle(self) -> bool:
        """Show the column, or not; False where it is the last one."""
        name = self.name_here
        if name not in self.chosen:
            self.chosen = [one for one in self.names if one in self.chosen or one == name]
        elif len(self.chosen) > 1:
            self.chosen.remove(name)
        else:
            return False
        return True

    def move(self, step: int) -> None:
        """Move the column, and the cursor with it."""
        here, there = self.cursor, self.cursor + step
        if 0 <= there < len(self.names):
            self.names[here], self.names[there] = self.names[there], self.names[here]
            self.chosen = [one for one in self.names if one in self.chosen]
            self.go(there)

    def parts(self, index: int) -> Parts:
        name = self.names[index]
        on_ = name in self.chosen
        room = max(0, self.size.width - 2 - 4 - 9)
        why = "" if not on_ or name in self._fitting else "not now"
        return (
            ("[x] " if on_ else "[ ] ", "accent" if on_ else "dim"),
            (fit(name, 9), "strong" if on_ else "text"),
            (fit(why or BY_NAME[name].title, room), "faint" if why else "dim"),
        )


class ColumnsScreen(ModalScreen[None]):
    """Beside the fleet's table, which shows at once what is chosen here."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("columns")]
    VERTICAL_BREAKPOINTS = [(0, "-tiny"), (9, "-short")]  # noqa: RUF012 - declared so by Textual

    def __init__(self, fleet: ChoosingScreen) -> None:
        super().__init__()
        self._fleet = fleet

    def compose(self) -> ComposeResult:
        with Vertical(id="box"):
            yield TextLine("raised", id="title")
            yield ColumnLines(self._fleet.columns, self._fleet.table.layout_now.width, id="list")
            yield KeyBar(hints("columns", of("columns")), self._fleet.dashboard.keys, id="keys")

    @property
    def _lines(self) -> ColumnLines:
        return self.query_one(ColumnLines)

    def on_mount(self) -> None:
        self.query_one(TextLine).show(([(("Columns", "title"),)], ()))
        self._lines.fitting(self._fleet.table.fitting)
        self.set_focus(self._lines)

    def _changed(self) -> None:
        self._fleet.choose_columns(self._lines.chosen)
        self._lines.fitting(self._fleet.table.fitting)

    @on(Lines.Chosen)
    def _clicked(self) -> None:
        self.action_toggle_column()

    def action_toggle_column(self) -> None:
        if self._lines.toggle():
            self._changed()
        else:
            self.app.notify("one column has to stay", markup=False, timeout=3)

    def action_earlier(self) -> None:
        self._lines.move(-1)
        self._changed()

    def action_later(self) -> None:
        self._lines.move(1)
        self._changed()

    def action_reset_columns(self) -> None:
        self._fleet.reset_columns()
        self._lines.take(self._fleet.columns, self._fleet.table.layout_now.width)
        self._lines.fitting(self._fleet.table.fitting)

    def action_back(self) -> None:
        if self.is_active:  # the key may come twice before the screen is gone
            self.dismiss(None)
