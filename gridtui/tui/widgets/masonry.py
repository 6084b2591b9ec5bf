"""Panels in columns, each put where there is most room left: the order is that of reading, and no column is left empty. Owns the
places; knows no content.
"""

from __future__ import annotations

from fractions import Fraction
from typing import ClassVar

from textual.geometry import NULL_OFFSET, NULL_SPACING, Region, Size
from textual.layout import ArrangeResult, Layout, WidgetPlacement
from textual.widget import Widget

COLUMN = 38
"""Cells that a column has at least."""
GAP = 1
"""Cells between two columns, and lines between two panels."""


def columns(cells: int) -> int:
    """How many columns fit."""
    return max(1, (cells + GAP) // (COLUMN + GAP))


def places(heights: list[int], spans: list[bool], count: int, before: list[int] | None = None) -> list[tuple[int, int]]:
    """(column, line) of each panel, from its height and whether it spans all columns. One without height takes no room.

    `before` are the columns of the time before: a panel stays in its column though heights change, so that nothing jumps about.
    """
    ends = [0] * count
    found: list[tuple[int, int]] = []
    for index, (height, span) in enumerate(zip(heights, spans, strict=True)):
        if span:
            line = max(ends)
            found.append((0, line))
            if height:
                ends = [line + height + GAP] * count
            continue
        column = before[index] if before else ends.index(min(ends))
        found.append((column, ends[column]))
        if height:
            ends[column] += height + GAP
    return found


class _Masonry(Layout):
    name: ClassVar[str] = "masonry"

    def __init__(self) -> None:
        self._key: tuple[object, ...] = ()
        self._columns: list[int] = []

    def arrange(self, parent: Widget, children: list[Widget], size: Size, greedy: bool = True) -> ArrangeResult:
        parent.pre_layout(self)
        count = columns(size.width)
        cells = (size.width + GAP) // count - GAP
        viewport = parent.app.viewport_size
        heights: list[int] = []
        spans = [child.has_class("-span") or count == 1 for child in children]
        for child, span in zip(children, spans, strict=True):
            width = size.width if span else cells
            box = child._get_box_model(Size(width, size.height), viewport, Fraction(width), Fraction(size.height))
            heights.append(int(box.height))
        key = (count, *(child.id for child, height in zip(children, heights, strict=True) if height))
        found = places(heights, spans, count, self._columns if key == self._key else None)
        self._key, self._columns = key, [column for column, _ in found]
        return [
            WidgetPlacement(
                Region(column * (cells + GAP), line, size.width if span else cells, height),
                NULL_OFFSET,
                NULL_SPACING,
                child,
            )
            for child, height, span, (column, line) in zip(children, heights, spans, found, strict=True)
        ]


class Masonry(Widget):
    """A container; children of the class `-span` take all columns."""

    def __init__(self, *children: Widget, id: str | None = None) -> None:
        super().__init__(*children, id=id)
        self._default_layout = _Masonry()  # type: ignore[assignment]  # any layout does
