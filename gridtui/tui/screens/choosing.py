"""Which columns the table has: from the settings, or as the reader chose them, which is kept. Owns that choice."""

from __future__ import annotations

from collections.abc import Sequence

from ..columns import BY_NAME, checked
from .ordering import OrderingScreen

KEPT = "columns"
"""Under which name `Keeping` has them."""


class ChoosingScreen(OrderingScreen):
    """A screen with a table whose columns are chosen."""

    def on_mount(self) -> None:
        super().on_mount()
        names = self.dashboard.keeping.get(KEPT).get("names")
        if isinstance(names, list) and (known := [name for name in names if name in BY_NAME]):
            self.table.choose(list(dict.fromkeys(known)))

    @property
    def columns(self) -> Sequence[str]:
        """The chosen ones, in order; none: all that fit."""
        return self.table.chosen

    def choose_columns(self, names: Sequence[str]) -> None:
        """Show these, now and in later sessions."""
        self.show_columns(names)
        self.dashboard.keeping.put(KEPT, {"names": list(names)})

    def reset_columns(self) -> None:
        """Show those of the settings again."""
        self.show_columns(self.dashboard.fleet.settings.dashboard.columns)
        self.dashboard.keeping.put(KEPT, {})

    def show_columns(self, names: Sequence[str]) -> None:
        """Show these for now."""
        self.table.choose(names)
        self.summarise()

    def action_columns(self) -> None:
        from .columns import ColumnsScreen

        if not isinstance(self.app.screen, ColumnsScreen):
            self.turn_to("table")
            self.app.push_screen(ColumnsScreen(self))

    def command_columns(self, words: str) -> None:
        """`state,name,cpu`. Raises SettingsError."""
        self.choose_columns(list(dict.fromkeys(checked([part for part in words.replace(",", " ").split() if part]))))
