"""A screen with output that is searched and shifted. Owns the box `#search` and its keys; which match comes next is the screen's."""

from __future__ import annotations

from ..widgets.completing import Completing
from ..widgets.output import OutputLines
from .place import Place


class SearchingScreen(Place):
    """Composes an `OutputLines` and the `search_box`."""

    @property
    def _output(self) -> OutputLines:
        return self.query_one(OutputLines)

    def _find(self, step: int, including: bool = False) -> None:
        """Go to the next match (1) or the one before (-1), the line of the cursor `including`."""
        raise NotImplementedError

    # ---- the box ----

    def search_box(self) -> Completing:
        """The box, for `compose`."""
        dashboard = self.dashboard
        return Completing(
            lambda text: (),
            self._search,
            self._close_search,
            lambda: dashboard.typed("search"),
            "search in the output",
            id="search",
        )

    @property
    def _search_box(self) -> Completing:
        return self.query_one("#search", Completing)

    def action_search(self) -> None:
        self._search_box.display = True
        self.set_focus(self._search_box)  # at once: what is typed on quickly would be taken for keys
        self._search_box.start(self._output.needle)

    def _search(self, words: str) -> None:
        # What is looked for in output may be what nobody else should read.
        self._search_box.typed.remember(words, kept=False)
        self._output.mark(words)
        self._close_search()
        if words:
            self._find(1, including=True)

    def _close_search(self) -> None:
        self._search_box.display = False
        self.set_focus(self._output)

    def action_next_match(self) -> None:
        self._find(1)

    def action_previous_match(self) -> None:
        self._find(-1)

    def action_shift_left(self) -> None:
        self._output.shift(-1)

    def action_shift_right(self) -> None:
        self._output.shift(1)
