"""The line for commands at the bottom of a screen. Owns that it is there, and that it goes; what a command does is the app's."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widget import Widget
from textual.widgets import Static

from ...errors import CommandError, GridtuiError, SelectionError
from ..text import plain
from .completing import Completing
from .lines import Parts

if TYPE_CHECKING:
    from ..app import Dashboard


def told(error: GridtuiError) -> Parts:
    """What is wrong, where, and how to mend it."""
    where = f"at {error.position + 1}: " if isinstance(error, CommandError | SelectionError) and error.text else ""
    hint: Parts = ((f"  {plain(error.hint)}", "text"),) if error.hint else ()
    return ((f"{where}{plain(error.message)}", "critical"), *hint)


class CommandLine(Horizontal):
    """Hidden until it is opened; what had the focus gets it back."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._before: Widget | None = None

    @property
    def dashboard(self) -> Dashboard:
        return cast("Dashboard", self.app)

    def compose(self) -> ComposeResult:
        dashboard = self.dashboard
        yield Static(":", id="colon")
        yield Completing(dashboard.offers, self._enter, self.close, lambda: dashboard.typed("command"), id="line")

    @property
    def line(self) -> Completing:
        return self.query_one("#line", Completing)

    def open(self, text: str = "", wrong: Parts = ()) -> None:
        """Take what is typed from now on, and say what is wrong with what stands there."""
        self._before = self.screen.focused
        self.display = True
        # At once, not by `focus`, which waits for its turn: what is typed on quickly would be taken for keys.
        self.screen.set_focus(self.line)
        self.line.start(text)
        if wrong:
            self.line.complain(wrong)

    def close(self) -> None:
        """Give the focus back."""
        self.display = False
        before = self._before
        self.screen.set_focus(before if before is not None and before.is_attached else None)

    def _enter(self, line: str) -> None:
        if not line.strip():
            self.close()
            return
        try:
            call = self.dashboard.understand(line)
        except GridtuiError as error:
            self.line.complain(told(error))
            return
        self.close()
        try:
            self.dashboard.obey(call)
        except GridtuiError as error:
            # It did not happen: the line is there again, to be mended, on the screen that is shown by now.
            self.dashboard.open_command_line(line, told(error))
            return
        self.line.typed.remember(line, call.command.kept)

    def on_descendant_blur(self) -> None:
        if self.display and not self.line.has_focus:
            self.display = False  # a click elsewhere
