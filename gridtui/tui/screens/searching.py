"""A screen with output that is searched and shifted. Owns the box `#search` and its keys; which match comes next is the screen's."""

from __future__ import annotations

from textual import on
from textual.widgets import Input

from ..widgets.output import OutputLines
from .place import Place


class SearchingScreen(Place):
    """Composes an `OutputLines` and an `Input` of the id `search`."""

    @property
    def _output(self) -> OutputLines:
        return self.query_one(OutputLines)

    def _find(self, step: int, including: bool = False) -> None:
        """Go to the next match (1) or the one before (-1), the line of the cursor `including`."""
        raise NotImplementedError

    def action_search(self) -> None:
        box = self.query_one("#search", Input)
        box.display = True
        box.value = self._output.needle
        box.cursor_position = len(box.value)
        self.set_focus(box)  # at once: what is typed on quickly would be taken for keys

    @on(Input.Submitted, "#search")
    def _search(self, event: Input.Submitted) -> None:
        self._output.mark(event.value)
        self._close_search()
        if event.value:
            self._find(1, including=True)

    def _close_search(self) -> None:
        self.query_one("#search", Input).display = False
        self.set_focus(self._output)

    def action_next_match(self) -> None:
        self._find(1)

    def action_previous_match(self) -> None:
        self._find(-1)

    def action_shift_left(self) -> None:
        self._output.shift(-1)

    def action_shift_right(self) -> None:
        self._output.shift(1)
