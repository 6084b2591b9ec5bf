"""The one-line bars around a screen: facts at the top, keys at the bottom. Draw what they are given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, cast

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from ..actions import Action
from ..hints import fitting
from ..keys import shown
from ..text import fit, width
from ..themes import palette
from .strips import strip

if TYPE_CHECKING:
    from ..guarding import Guarding

Chunk = tuple[tuple[str, str], ...]
"""Parts that stand or fall together when there is little room."""


class TextLine(Widget):
    """Lines of chunks from the left, and chunks at the right end. What does not fit is left out: at the right all but the first, then at the left the last; with `cut`, as much of that one as fits stays."""

    ALLOW_SELECT = False

    def __init__(self, surface: str = "base", *, cut: bool = False, id: str | None = None) -> None:
        super().__init__(id=id)
        self._surface = surface
        self._cut = cut
        self._rows: tuple[tuple[Sequence[Chunk], Sequence[Chunk]], ...] = ()

    def show(self, *rows: tuple[Sequence[Chunk], Sequence[Chunk]]) -> None:
        """One (left chunks, right chunks) a line. The first chunk at the right never falls."""
        if rows != self._rows:
            before, self._rows = self._rows, rows
            if len(before) != len(rows):
                self.refresh()
            else:
                for y, (old, new) in enumerate(zip(before, rows, strict=True)):
                    if old != new:
                        self.refresh(Region(0, y, self.size.width, 1))

    def render_line(self, y: int) -> Strip:
        colours = palette(self.app)
        cells = self.size.width
        if y >= len(self._rows):
            return strip((), colours, cells, self._surface)
        left, right = self._rows[y]
        return strip(_pack(left, right, cells, self._cut), colours, cells, self._surface)


GAP = 2
"""Cells between chunks."""


def _pack(left: Sequence[Chunk], right: Sequence[Chunk], cells: int, cut: bool) -> Chunk:
    room = cells - 2
    end = tail(right, room, sum(_cells(chunk) + GAP for chunk in left))
    room -= _cells(end)
    if right and room > 0:
        room -= GAP
    out: list[tuple[str, str]] = [(" ", "text")]
    first = True
    for chunk in left:
        need = _cells(chunk) + (0 if first else GAP)
        if need > room:
            room -= 0 if first else GAP
            if cut and room > 8:
                out += [] if first else [(" " * GAP, "text")]
                out.append((fit("".join(words for words, _ in chunk), room), chunk[0][1]))
            break
        if not first:
            out.append((" " * GAP, "text"))
        out += chunk
        room -= need
        first = False
    used = _cells(out) + _cells(end) + 1
    return (*out, (" " * max(0, cells - used), "text"), *end, (" ", "text"))


def tail(right: Sequence[Chunk], room: int, wanted: int) -> list[tuple[str, str]]:
    """The chunks of a right end that fit: the first where there is room at all, the others beside the cells that are wanted at the left."""
    end: list[tuple[str, str]] = []
    for chunk in right:
        need = _cells(chunk) + (GAP if end else 0)
        if need <= room - (wanted if end else 0):
            end += [*([(" " * GAP, "text")] if end else []), *chunk]
            room -= need
    return end


def _cells(parts: Sequence[tuple[str, str]]) -> int:
    return sum(width(words) for words, _ in parts)


class KeyBar(Widget):
    """The keys of a screen, from the registry and in the order given, without those that would be refused; a click does what the key does."""

    ALLOW_SELECT = False

    def __init__(self, actions: Sequence[Action], keys: Mapping[str, str], *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._keys = keys
        self._actions = actions

    def take(self, actions: Sequence[Action]) -> None:
        """Show the keys of these."""
        self._actions = actions
        self.refresh()

    def render_line(self, y: int) -> Strip:
        colours = palette(self.app)
        cells = self.size.width
        segments = [Segment(" ", colours.style("dim", "raised"))]
        room = cells - 1
        guarded = cast("Guarding", self.app).read_only
        actions = [action for action in self._actions if not (guarded and action.changes)]
        keys = {action.name: shown(self._keys.get(action.name, action.key).split(",")[0]) for action in actions}
        needs = [(action, width(keys[action.name]) + 1 + width(action.text) + GAP) for action in actions]
        for action in fitting(needs, room + GAP - 1):  # behind the last one, a blank is enough
            key = keys[action.name]
            room -= width(key) + 1 + width(action.text) + GAP
            target = f"app.{action.name}" if "app" in action.scopes else f"screen.{action.name}"
            meta = Style.from_meta({"@click": target})
            segments.append(Segment(key, colours.style("key", "raised") + meta))
            segments.append(Segment(f" {action.text}", colours.style("dim", "raised") + meta))
            segments.append(Segment(" " * GAP, colours.style("dim", "raised")))
        segments.append(Segment(" " * max(0, room), colours.style("dim", "raised")))
        return Strip(segments).adjust_cell_length(cells, colours.style("dim", "raised"))
