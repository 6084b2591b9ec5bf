"""A plot of recent values: braille curves with axes and units, on the line API. Draws what it is given."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from textual.strip import Strip
from textual.widget import Widget

from .. import braille
from ..text import fit, width
from ..themes import palette
from .strips import strip

LABEL = 8
"""Cells for the labels of the axis of values."""


@dataclass(frozen=True, slots=True)
class Curve:
    """One line of a plot."""

    name: str
    values: Sequence[float]
    """Oldest first, NaN where there is none."""
    role: str = "bar"


class Plot(Widget):
    """Curves over one axis. `interval` is the time between two values, in seconds."""

    ALLOW_SELECT = False

    def __init__(
        self,
        title: str,
        form: Callable[[float | None], str],
        *,
        high: float | None = None,
        least: float = 1.0,
        binary: bool = False,
        losses: bool = False,
        id: str | None = None,
    ) -> None:
        """`form` writes a value with its unit; `high` fixes the scale, else it is a round number of at least `least`.

        With `losses`, a NaN is an echo that was lost and is marked on the axis.
        """
        super().__init__(id=id)
        self._title = title
        self._form = form
        self._high = high
        self._least = least
        self._binary = binary
        self._losses = losses
        self._curves: tuple[Curve, ...] = ()
        self._interval = 1.0
        self._note = ""
        self._strips: list[Strip] = []
        self._key: object = None

    def show(self, curves: Sequence[Curve], interval: float, note: str = "") -> None:
        """Take new values. `note` stands in the plot when there are none."""
        known = tuple(curves)
        if known != self._curves or interval != self._interval or note != self._note:
            self._curves, self._interval, self._note = known, interval, note
            self._key = None
            self.refresh()

    def render_line(self, y: int) -> Strip:
        cells, rows = self.size
        key = (palette(self.app), cells, rows)
        if key != self._key:
            self._key = key
            self._strips = self._draw(cells, rows)
        return self._strips[y] if y < len(self._strips) else strip((), palette(self.app), cells)

    def _draw(self, cells: int, height: int) -> list[Strip]:
        colours = palette(self.app)
        lines = [[(f" {self._title}", "title"), *self._legend()]]
        rows, columns = height - 2, cells - LABEL - 2
        if rows > 0 and columns > 0:
            lines += self._body(columns, rows)
            lines.append([(" " * (LABEL + 1), "faint"), (self._times(columns), "faint")])
        return [strip(parts, colours, cells) for parts in lines[:height]]

    def _legend(self) -> list[tuple[str, str]]:
        parts: list[tuple[str, str]] = []
        for curve in self._curves:
            last = next(reversed(curve.values), None) if curve.values else None
            name = f" {curve.name} " if curve.name else " "
            parts += [
                (" " + name if curve.name else name, curve.role if curve.name else "dim"),
                (self._form(last), "strong"),
            ]
        return parts

    def _body(self, columns: int, rows: int) -> list[list[tuple[str, str]]]:
        window = [list(curve.values[-columns * 2 :]) for curve in self._curves]
        values = [value for recent in window for value in recent]
        if not any(value == value for value in values) and not (self._losses and values):
            blank: list[list[tuple[str, str]]] = [[(" " * LABEL + "│", "track")] for _ in range(rows)]
            note = self._note or "no values yet"
            blank[rows // 2].append((fit(note.center(columns), columns), "faint"))
            return blank
        high = self._high or braille.ceiling(values, self._least, 1024.0 if self._binary else 10.0)
        labels = braille.axis(0.0, high, rows, self._form)
        grids = [braille.curve(recent, columns, rows, 0.0, high) for recent in window]
        lost = _lost(window[0], columns) if self._losses else frozenset()
        lines = []
        for row in range(rows):
            axis = "┤" if labels[row] else "│"
            parts: list[tuple[str, str]] = [(fit(labels[row], LABEL, right=True), "faint"), (axis, "track")]
            parts += _cells(
                [grid[row] for grid in grids],
                [curve.role for curve in self._curves],
                lost if row == rows - 1 else frozenset(),
            )
            lines.append(parts)
        return lines

    def _times(self, columns: int) -> str:
        span = columns * 2 * self._interval
        left = f"-{span / 60:.0f} min" if span >= 90 else f"-{span:.0f} s"
        return fit(left, columns - 3) + "now" if columns > width(left) + 4 else ""


def _lost(values: Sequence[float], columns: int) -> frozenset[int]:
    """The cells that hold a lost echo."""
    start = columns * 2 - len(values)
    return frozenset((start + index) // 2 for index, value in enumerate(values) if value != value)


def _cells(rows: Sequence[Sequence[int]], roles: Sequence[str], lost: frozenset[int]) -> list[tuple[str, str]]:
    """One line of the plot: the dots of all curves in one cell, in the colour of the last one that has any there."""
    parts: list[tuple[str, str]] = []
    run, role = "", ""
    for x, bits in enumerate(zip(*rows, strict=True)):
        all_bits, here = 0, "track"
        for curve_bits, curve_role in zip(bits, roles, strict=True):
            if curve_bits:
                all_bits |= curve_bits
                here = curve_role
        char = chr(0x2800 | all_bits) if all_bits else " "
        if x in lost:
            char, here = "×", "critical"
        if here != role and char != " ":
            if run:
                parts.append((run, role or "track"))
            run, role = "", here
        run += char
    parts.append((run, role or "track"))
    return parts
