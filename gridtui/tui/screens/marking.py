"""The keys that mark nodes. Owns them alone: the marks are the dashboard's (`marks.Marks`), what is shown is the screen's."""

from __future__ import annotations

from collections.abc import Sequence

from ...errors import UsageError
from .. import compare
from .filtering import FilteringScreen


class MarkingScreen(FilteringScreen):
    """A screen of nodes, some of which are marked."""

    def __init__(self) -> None:
        super().__init__()
        self._from: str | None = None

    # ---- for the screen ----

    @property
    def shown(self) -> list[str]:
        """The nodes that the filter leaves, in the order in which they are shown; those of folded groups too."""
        raise NotImplementedError

    @property
    def under(self) -> list[str]:
        """The node under the cursor, or the nodes of the group whose header is there."""
        raise NotImplementedError

    def marked(self) -> None:
        """Show other marks."""
        raise NotImplementedError

    def step(self) -> None:
        """Go a line down."""
        raise NotImplementedError

    # ---- the keys ----

    def action_mark(self) -> None:
        names, marks = self.under, self.dashboard.marks
        if names:
            marks.turn(names)
            if names[0] in marks:
                self._from = names[0]
            self.step()
            self.marked()

    def action_mark_range(self) -> None:
        if names := self.under:
            self.mark_to(names[-1])

    def mark_to(self, name: str) -> None:
        """Mark all from the last mark that was set, as far as it is shown, to this node."""
        shown = self.shown
        if name in shown:
            there = shown.index(name)
            here = shown.index(self._from) if self._from in shown else there
            self.dashboard.marks.add(shown[min(here, there) : max(here, there) + 1])
            self._from = name
            self.marked()

    def mark_one(self, name: str) -> None:
        """Mark this node, or not."""
        if self.dashboard.marks.toggle(name):
            self._from = name
        self.marked()

    def action_mark_all(self) -> None:
        self.dashboard.marks.add(self.shown)
        self.marked()

    def action_invert_marks(self) -> None:
        self.dashboard.marks.invert(self.shown)
        self.marked()

    def action_clear_marks(self) -> None:
        self.dashboard.marks.clear()
        self._from = None
        self.marked()

    # ---- comparing ----

    def action_compare(self) -> None:
        self._compare(self.dashboard.marks.names)

    def command_compare(self, words: str) -> None:
        """Compare what a selection names; without words, what is marked. Raises SelectionError, UsageError."""
        self._compare(self.dashboard.fleet.select(words) if words.strip() else self.dashboard.marks.names)

    def _compare(self, names: Sequence[str]) -> None:
        try:
            chosen, told = compare.choose(names, self.under, self.shown)
        except UsageError as error:
            self.app.notify(str(error), markup=False, severity="warning")
            return
        if told:
            self.app.notify(told, markup=False)
        self.dashboard.open_compare(chosen)

    def command_mark(self, words: str) -> None:
        """Mark what a selection names; without words, what the key does. Raises SelectionError."""
        if not words.strip():
            self.action_mark()
        else:
            self.dashboard.marks.add(self.dashboard.fleet.select(words))
            self.marked()
