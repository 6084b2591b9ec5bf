"""A list of lines with a cursor, on Textual's line API: only what is visible is made, only what changed is painted.

Textual's own tables repaint every visible row for one changed cell. Here a line is kept until its parts, the width, the
cursor or the theme change. Owns scrolling, cursor and cache; subclasses say what a line is.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual import events
from textual.binding import BindingType
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from ..actions import bindings
from ..themes import Palette, palette
from .strips import strip

Parts = tuple[tuple[str, str], ...]

FRAME = 0.04
"""Seconds between two frames of lines that change by themselves."""


class Lines(ScrollView, can_focus=True, inherit_bindings=False):
    """`count` lines, of which `parts(index)` says what is on one."""

    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("list")]
    HEAD: ClassVar[int] = 0
    """Lines above them that stay when they are scrolled."""
    AT_ONCE: ClassVar[int] = 16
    """Lines that are painted in one frame where nobody waits for them: some 3 ms, with what Textual does."""

    class Moved(Message):
        """The cursor went to another line."""

    class Chosen(Message):
        """The line under the cursor was clicked again."""

    class Marked(Message):
        """The line under the cursor was clicked with a key held down."""

        def __init__(self, reach: bool) -> None:
            super().__init__()
            self.reach = reach
            """With Shift: all from the last mark to here."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._count = 0
        self._cursor = 0
        self._stood: int | None = None
        """The line that stood at the top before there was too little room for it and the cursor."""
        self._made: dict[int, Parts] = {}
        self._strips: dict[int, tuple[tuple[object, ...], Strip]] = {}
        self._unpainted: dict[int, None] = {}
        self._painting = False

    # ---- for subclasses ----

    def parts(self, index: int) -> Parts:
        """What is on a line. `surface` and the cursor's mark are added here."""
        raise NotImplementedError

    def surface(self, index: int) -> str:
        """On what a line stands when the cursor is not on it."""
        return "base"

    def sign(self, index: int) -> str:
        """One cell between the cursor's mark and the line: whether it is marked."""
        return " "

    def heading(self, y: int) -> Parts:
        """What is on a line of the head."""
        raise NotImplementedError

    def can_stop(self, index: int) -> bool:
        """Whether the cursor may rest on a line."""
        return True

    # ---- lines ----

    @property
    def count(self) -> int:
        return self._count

    @property
    def cursor(self) -> int:
        """The line under the cursor; 0 when there is none."""
        return self._cursor

    def replaced(self, count: int, cursor: int | None = None, hurry: bool = True) -> None:
        """All lines may be others now: make and compare what is visible. `hurry`: paint it in one frame, for who waits for it."""
        if count != self._count:
            self._count = count
            self.virtual_size = Size(self.size.width, count + self.HEAD)
        before = self._cursor
        self._cursor = self._near(max(0, min(count - 1, self._cursor if cursor is None else cursor)), 1)
        if self._cursor != before:
            self._show_cursor()
            self.post_message(self.Moved())
        self.look()
        if hurry and self._unpainted:
            self.refresh()

    def look(self) -> None:
        """Make the visible lines again and paint those that differ, not all in one frame. Others are made when they come into view."""
        first, last = self._visible()
        fresh = {index: self.parts(index) for index in range(first, last)}
        changed = [index for index, parts in fresh.items() if self._made.get(index) != parts]
        gone = any(index >= self._count for index in self._made)
        self._made = fresh
        if gone:
            self.refresh()
        else:
            self.repaint(changed)

    def repaint(self, changed: Iterable[int]) -> None:
        """Paint these lines, a few in each frame."""
        self._unpainted.update(dict.fromkeys(changed))
        if not self._painting:
            self._paint()

    def _paint(self) -> None:
        some = list(self._unpainted)[: self.AT_ONCE]
        for index in some:
            del self._unpainted[index]
            self.touch(index)
        self._painting = bool(self._unpainted)
        if self._painting:
            self.set_timer(FRAME, self._paint)

    def _visible(self) -> tuple[int, int]:
        first = max(0, self.scroll_offset.y)
        return first, max(first, min(self._count, first + self.size.height - self.HEAD))

    def touch(self, index: int) -> None:
        """Paint a line again."""
        self.refresh_line(index + self.HEAD)

    def render_line(self, y: int) -> Strip:
        colours = palette(self.app)
        index = y - self.HEAD + self.scroll_offset.y
        cells = self.size.width
        if y < self.HEAD:
            return strip(self.heading(y), colours, cells, "raised")
        if index >= self._count:
            return strip((), colours, cells)
        parts = self._made.get(index)
        if parts is None:
            parts = self._made[index] = self.parts(index)
        here = index == self._cursor
        surface = ("cursor" if self.has_focus else "cursor-blurred") if here else self.surface(index)
        sign = self.sign(index)
        key = (parts, surface, cells, colours, sign)
        kept = self._strips.get(y)
        if kept is not None and kept[0] == key:
            return kept[1]
        line = self._draw(parts, colours, cells, surface, here, sign)
        self._strips[y] = key, line
        return line

    def _draw(self, parts: Parts, colours: Palette, cells: int, surface: str, here: bool, sign: str) -> Strip:
        return strip((("▌" if here else " ", "primary"), (sign, "accent"), *parts), colours, cells, surface)

    # ---- the cursor ----

    def go(self, index: int) -> None:
        """Move the cursor to a line and show it."""
        if not self._count:
            return
        direction = 1 if index >= self._cursor else -1
        index = self._near(max(0, min(self._count - 1, index)), direction)
        if index == self._cursor:
            if index <= 1:
                self.scroll_to(y=0, animate=False)  # a group's header above the first node
            return
        before, self._cursor = self._cursor, index
        self.touch(before)
        self.touch(index)
        self._show_cursor()
        self.post_message(self.Moved())

    def _near(self, index: int, direction: int) -> int:
        for step in (direction, -direction):
            at = index
            while 0 <= at < self._count:
                if self.can_stop(at):
                    return at
                at += step
        return max(0, index)

    def _show_cursor(self) -> None:
        first, height = self.scroll_offset.y, self.size.height - self.HEAD
        if height <= 0:
            return
        # A header right above the cursor stays in view.
        top = self._cursor - 1 if self._cursor and not self.can_stop(self._cursor - 1) else self._cursor
        if top < first:
            self.scroll_to(y=top, animate=False)
        elif self._cursor >= first + height:
            self.scroll_to(y=self._cursor - height + 1, animate=False)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        self._stood = None
        first, last = self._visible()
        self._made = {index: parts for index, parts in self._made.items() if first <= index < last}

    def on_resize(self, event: events.Resize) -> None:
        self.virtual_size = Size(event.size.width, self._count + self.HEAD)
        self._made.clear()
        self._strips.clear()
        # What had to be scrolled away in a small terminal comes back in a larger one.
        top = self.scroll_offset.y if self._stood is None else self._stood
        self.scroll_to(y=top, animate=False)
        self._show_cursor()
        self._stood = top if self.scroll_offset.y != top else None

    def on_focus(self) -> None:
        self.touch(self._cursor)

    def on_blur(self) -> None:
        self.touch(self._cursor)

    def on_click(self, event: events.Click) -> None:
        # By a method of its own, which a subclass can replace: Textual calls the handlers of all classes, one after the other.
        self.clicked(event)

    def clicked(self, event: events.Click) -> None:
        """Go to what was clicked; again: choose it; with a key held down: mark it."""
        index = event.y - self.HEAD + self.scroll_offset.y
        if event.y >= self.HEAD and index < self._count and self.can_stop(index):
            if event.shift or event.ctrl or event.meta:
                self.go(index)
                self.post_message(self.Marked(event.shift))
            elif index == self._cursor:
                self.post_message(self.Chosen())
            else:
                self.go(index)

    def action_up(self) -> None:
        self.go(self._cursor - 1)

    def action_down(self) -> None:
        self.go(self._cursor + 1)

    def advance(self) -> None:
        """Go on to what comes next: so one marks one after the other."""
        self.action_down()

    def action_page_up(self) -> None:
        self.go(self._cursor - max(1, self.size.height - self.HEAD - 1))

    def action_page_down(self) -> None:
        self.go(self._cursor + max(1, self.size.height - self.HEAD - 1))

    def action_first(self) -> None:
        self.go(0)

    def action_last(self) -> None:
        self.go(self._count - 1)
