"""The grid of a playbook's run: a node a line, a glyph a task. Draws what it is given.

Only what is visible is made, in both directions: 1,000 nodes × 200 tasks cost what 40 × 100 do.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from textual.events import Click, Resize
from textual.strip import Strip
from textual.widget import Widget

from ..course import Course
from ..plays import Layout, layout, row, titles
from ..text import width
from ..themes import palette
from .lines import Parts
from .nodes import NodeLines
from .strips import strip


class CourseTitles(Widget):
    """The titles above the grid; a click on the ruler chooses a task."""

    ALLOW_SELECT = False

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._parts: Parts = ()

    def show(self, parts: Parts) -> None:
        """Show other titles."""
        if parts != self._parts:
            self._parts = parts
            self.refresh()

    def render_line(self, y: int) -> Strip:
        return strip((("  ", "header"), *self._parts), palette(self.app), self.size.width, "raised")


class CourseLines(NodeLines):
    """The nodes of a run, in the order given. A task is chosen beside a node: the newest one, until the reader goes to another."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._course = Course(())
        self._names: Sequence[str] = ()
        self._longest = 8
        self._leftmost = 0
        self._chosen: int | None = None
        self._layout_now: Layout = layout(80, 8, 0)

    def take(self, course: Course, names: Sequence[str]) -> None:
        """Show this run's nodes in this order. The cursor stays on its node; at the first line it stays there, to see the worst."""
        here = self.node if self.cursor else None
        if course is not self._course:
            self._course, self._chosen, self._leftmost, here = course, None, 0, None
        if names != self._names:
            self._names = tuple(names)
            self._longest = max(map(width, names), default=8)
        self._lay()
        cursor = None
        if here is not None and (self.cursor >= len(names) or names[self.cursor] != here):
            cursor = names.index(here) if here in names else None
        self.replaced(len(names), cursor)

    @property
    def node(self) -> str | None:
        """The node under the cursor."""
        return self._names[self.cursor] if self.cursor < len(self._names) else None

    def nodes(self, index: int) -> Collection[str]:
        return (self._names[index],)

    @property
    def column(self) -> int:
        """The chosen task's column; -1 before there is one."""
        return len(self._course.tasks) - 1 if self._chosen is None else self._chosen

    def titles(self) -> Parts:
        """What stands above."""
        return titles(self._layout_now, self._leftmost, len(self._course.tasks), self.column)

    def step(self, by: int) -> None:
        """Choose the task `by` columns further; past the end the newest one is followed again."""
        tasks = len(self._course.tasks)
        if tasks:
            column = max(0, self.column + by)
            self._chosen = column if column < tasks else None
            self._lay()
            self.look()
            self.post_message(self.Moved())

    def _lay(self) -> None:
        tasks = len(self._course.tasks)
        made = layout(max(1, self.scrollable_content_region.width - 2), self._longest, tasks)
        first = min(self._leftmost, max(0, tasks - made.grid))
        if self.column >= 0 and made.grid:
            first = max(min(first, self.column), self.column - made.grid + 1)
        self._layout_now = made
        self._leftmost = first

    def parts(self, index: int) -> Parts:
        return row(self._course, self._names[index], self._layout_now, self._leftmost, self._mark(index))

    def _mark(self, index: int) -> int | None:
        """The chosen task is set apart on the cursor's line only, and only once the reader has chosen one."""
        return self._chosen if index == self.cursor else None

    def go(self, index: int) -> None:
        before = self.cursor
        super().go(index)
        if self._chosen is not None and before != self.cursor:
            self.look()

    def on_resize(self, event: Resize) -> None:
        self._lay()
        super().on_resize(event)

    def clicked(self, event: Click) -> None:
        made = self._layout_now
        at = event.x - 2 - made.state - made.name - 1 - 15 - 1
        if 0 <= at < made.grid and self._leftmost + at < len(self._course.tasks):
            self._chosen = self._leftmost + at
        super().clicked(event)
