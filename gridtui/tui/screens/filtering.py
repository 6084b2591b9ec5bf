"""A screen whose nodes are filtered by a selection that is typed. Owns the box `#filter`, the selection in force and what is wrong with
the one that is typed; what is shown then is the screen's.
"""

from __future__ import annotations

from textual import on
from textual.widget import Widget
from textual.widgets import Input

from ...errors import SelectionError
from .. import text
from ..pane import Pane
from ..trail import Step
from ..widgets.bars import Chunk
from ..widgets.completing import Completing
from .place import Place

TYPING = 0.15
"""Seconds without a key press after which a filter is applied."""


class FilteringScreen(Place):
    """Composes the `filter_box`."""

    def __init__(self) -> None:
        super().__init__()
        self.selection = ""
        """The selection in force; empty: all nodes."""
        self.complaint: list[Chunk] = []
        """What is wrong with what is typed."""

    # ---- for the screen ----

    def order(self) -> None:
        """Filter, sort and group again, now."""
        raise NotImplementedError

    def explain(self) -> None:
        """Say the complaint, or what is under the cursor."""
        raise NotImplementedError

    @property
    def pane(self) -> Pane:
        """What shows the nodes."""
        raise NotImplementedError

    @property
    def body(self) -> Widget:
        """What has the focus when nothing is typed."""
        raise NotImplementedError

    def filtered(self) -> list[str]:
        """The nodes that the selection names, in the inventory's order; all where it cannot be read (any more)."""
        if self.selection:
            try:
                names = self.dashboard.fleet.select(self.selection)
            except SelectionError as error:
                self._complain(error)  # e.g. a group that is gone; all nodes are shown rather than none
            else:
                if not self.has_class("-filtering"):
                    self._relieve()
                return names
        return list(self.dashboard.fleet.nodes)

    @property
    def within(self) -> str:
        return self.selection

    def widen(self) -> None:
        self.action_clear()

    # ---- typing ----

    def filter_box(self) -> Completing:
        """The box, for `compose`."""
        dashboard = self.dashboard
        return Completing(
            dashboard.selection_offers,
            self._entered,
            self.action_clear,
            lambda: dashboard.typed("filter"),
            "a selection, e.g.  @web & state=down   or   load>4 , disk>90",
            id="filter",
        )

    @property
    def _box(self) -> Completing:
        return self.query_one("#filter", Completing)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """While a filter is typed, its key is a character like others."""
        return not (action == "filter" and isinstance(self.focused, Input))

    def action_filter(self) -> None:
        self.add_class("-filtering")
        self._box.display = True
        # At once, not by `focus`, which waits for its turn: what is typed on quickly would be taken for keys.
        self.set_focus(self._box)
        self._box.start(self.selection)

    def command_filter(self, words: str) -> None:
        """Put a selection in force, as if it had been typed. Raises SelectionError."""
        words = words.strip()
        if words:
            self.dashboard.fleet.select(words)
        self.dashboard.trail.forget()
        if self.has_class("-filtering"):
            self._close()
        self._relieve()
        self._show(words)

    def _show(self, words: str) -> None:
        """Only what is selected. What was found stays under the cursor when others come back around it."""
        found = self.pane.node if self.selection else None
        self.selection = words
        self.order()
        if found is not None:
            self.pane.seek(found)

    def action_clear(self) -> None:
        if self.selection or self.has_class("-filtering"):
            if left := self.selection:
                self.dashboard.trail.left(Step(left, lambda: self.command_filter(left)))
            self._close()
            self._show("")

    @on(Input.Changed, "#filter")
    def _typing(self, event: Input.Changed) -> None:
        words = event.value.strip()
        self.set_timer(TYPING, lambda: self._apply(words))

    def _entered(self, line: str) -> None:
        words = line.strip()
        self._apply(words)
        if self.selection == words:
            self._box.typed.remember(words)
            self._close()

    def _apply(self, words: str) -> None:
        if self._box.value.strip() != words or not self.has_class("-filtering"):
            return  # typed on
        try:
            if words:
                self.dashboard.fleet.select(words)
        except SelectionError as error:
            self._complain(error)
            return
        self._relieve()
        if words != self.selection:
            self.dashboard.trail.forget()
            self._show(words)
        else:
            self.explain()

    def _complain(self, error: SelectionError) -> None:
        """Say what is wrong with the filter, and where; the nodes of the last good one stay."""
        self._box.add_class("-wrong")
        where = f"at {error.position + 1}: " if error.text else ""
        self.complaint = [((f"{where}{text.plain(error.message)}", "critical"),)]
        if error.hint:
            self.complaint.append(((text.plain(error.hint), "text"),))
        self.explain()

    def _relieve(self) -> None:
        self.complaint = []
        self._box.remove_class("-wrong")

    def _close(self) -> None:
        self.remove_class("-filtering")
        self._box.display = False
        self._relieve()
        self.set_focus(self.body)
        self.explain()
