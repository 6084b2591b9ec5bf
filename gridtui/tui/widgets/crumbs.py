"""Where the reader is, and how he came there: one line at the top of a screen, with what is said on every screen at its right end. A click
goes back to a part of it. Draws what it is given.
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from ..text import fit, plain, width
from ..themes import palette
from .bars import Chunk, tail

BETWEEN = " › "
LEFT_OUT = "…"
LONGEST = 40
"""Cells of one part."""


def shortened(parts: Sequence[str], ahead: Sequence[str], cells: int) -> list[tuple[int, str]]:
    """The parts that fit, each with its place, those behind it (`ahead`) as long as there is room. The last part of all stays, and the first
    as long as it can; `-1` is what was left out."""
    gap = width(BETWEEN)
    shown = every = [(at, _cut(part)) for at, part in enumerate(parts)]
    for left in range(len(every) - 1, 0, -1):
        if _cells(shown, gap) <= cells:
            break
        # the first, the mark, and the last ones
        shown = [every[0], (-1, LEFT_OUT), *every[-(left - 1) :]] if left > 1 else every[-1:]
    if _cells(shown, gap) > cells:
        at, last = shown[-1]
        shown = [(at, fit(last, max(1, cells)).rstrip())]
    for at, part in enumerate(ahead, len(parts)):
        more = [*shown, (at, _cut(part))]
        if _cells(more, gap) > cells:
            break
        shown = more
    return shown


def _cut(part: str) -> str:
    part = plain(part)
    return part if width(part) <= LONGEST else fit(part, LONGEST)


def _cells(parts: Sequence[tuple[int, str]], gap: int) -> int:
    return sum(width(part) for _, part in parts) + gap * max(0, len(parts) - 1)


class Crumbs(Widget):
    """`fleet › @web › render01`, and faint behind it what can be opened again."""

    ALLOW_SELECT = False

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._parts: tuple[str, ...] = ()
        self._ahead: tuple[str, ...] = ()
        self._corner: tuple[Chunk, ...] = ()

    def show(self, parts: Sequence[str], ahead: Sequence[str]) -> None:
        """The parts down to here, and those ahead, the nearest first."""
        fresh = (tuple(parts), tuple(ahead))
        if fresh != (self._parts, self._ahead):
            self._parts, self._ahead = fresh
            self.refresh()

    def say(self, corner: Sequence[Chunk]) -> None:
        """What stands at the right end; the first of it never falls."""
        if tuple(corner) != self._corner:
            self._corner = tuple(corner)
            self.refresh()

    def render_line(self, y: int) -> Strip:
        colours = palette(self.app)
        cells = self.size.width
        segments = [Segment(" ", colours.style("dim", "raised"))]
        here = len(self._parts) - 1
        wanted = _cells([(0, _cut(part)) for part in self._parts], width(BETWEEN))
        end = tail(self._corner, cells - 2, wanted) if y == 0 else []
        room = cells - 2 - sum(width(words) for words, _ in end)
        found = shortened(self._parts, self._ahead, max(1, room)) if y == 0 and self._parts else []
        for number, (at, part) in enumerate(found):
            if number:
                segments.append(Segment(BETWEEN, colours.style("faint", "raised")))
            role = "strong" if at == here else "faint" if at > here or at < 0 else "accent"
            click = Style.from_meta({"@click": f"app.go_to({at})"}) if at >= 0 and at != here else Style.null()
            segments.append(Segment(part, colours.style(role, "raised") + click))
        line = Strip(segments).adjust_cell_length(1 + max(0, room), colours.style("dim", "raised"))
        said = [Segment(words, colours.style(role, "raised")) for words, role in end]
        return Strip([*line, *said]).adjust_cell_length(cells, colours.style("dim", "raised"))
