"""A titled block of lines that is as high as what it says. Draws what it is given, as plain text."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual.geometry import Region, Size
from textual.strip import Strip
from textual.widget import Widget

from ..themes import palette
from .strips import strip

Parts = tuple[tuple[str, str], ...]


class Panel(Widget):
    """`show` takes a function of the width, so that the lines fit when the terminal changes its size."""

    ALLOW_SELECT = False

    def __init__(self, title: str, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._title = title
        self._make: Callable[[int], Sequence[Parts]] = lambda cells: ()
        self._lines: list[Parts] = []
        self._width = 0

    def show(self, make: Callable[[int], Sequence[Parts]]) -> None:
        """Say something else; an empty panel disappears."""
        self._make = make
        before, self._lines = self._lines, list(make(max(1, self._width - 1))) if self._width else list(make(40))
        self.display = bool(self._lines)
        if len(before) != len(self._lines):
            self.refresh(layout=True)
            return
        for y, (old, new) in enumerate(zip(before, self._lines, strict=True)):
            if old != new:
                self.refresh(Region(0, y + 1, self.size.width, 1))

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        if width != self._width and width:
            self._width = width
            self._lines = list(self._make(max(1, width - 1)))
        return len(self._lines) + 2 if self._lines else 0

    def render_line(self, y: int) -> Strip:
        colours = palette(self.app)
        cells = self.size.width
        if y == 0:
            return strip(((f" {self._title}", "title"),), colours, cells)
        if y > len(self._lines):
            return strip((), colours, cells)
        return strip(((" ", "text"), *self._lines[y - 1]), colours, cells)
