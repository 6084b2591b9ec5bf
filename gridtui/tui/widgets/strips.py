"""Parts with roles as Textual strips. Owns the step from meaning to colour; knows no data."""

from __future__ import annotations

from collections.abc import Iterable

from rich.segment import Segment
from textual.strip import Strip

from ..text import width
from ..themes import Palette


def strip(parts: Iterable[tuple[str, str]], palette: Palette, cells: int, surface: str = "base") -> Strip:
    """One line of exactly `cells` cells."""
    segments = []
    have = 0
    for words, role in parts:
        segments.append(Segment(words, palette.style(role, surface)))
        have += width(words)
    if have < cells:
        segments.append(Segment(" " * (cells - have), palette.style("text", surface)))
        have = cells
    line = Strip(segments, have)
    return line if have == cells else line.crop(0, cells)
