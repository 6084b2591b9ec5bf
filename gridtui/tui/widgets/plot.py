"""A plot of recent values: braille curves with axes and units, on the line API. Draws what it is given, when it is seen and only then."""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from textual.strip import Strip
from textual.widget import Widget

from .. import axes, braille
from ..metrics import Scale
from ..text import fit, width
from ..themes import palette
from .strips import strip

LABEL = 8
"""Cells for the labels of the axis of values."""

APART = 26
"""Cells between two marks of one curve."""


@dataclass(frozen=True, slots=True)
class Curve:
    """One line of a plot."""

    name: str
    values: Sequence[float]
    """Oldest first, NaN where there is none."""
    role: str = "bar"
    mark: str = ""
    """A character on the curve by which it is told from others without colour."""

    @property
    def key(self) -> object:
        """Equal for equal curves; a list with a NaN in it is never equal to another."""
        return self.name, self.role, self.mark, array("d", self.values).tobytes()


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
        scale: Callable[[Sequence[float]], Scale] | None = None,
        id: str | None = None,
    ) -> None:
        """`form` writes a value with its unit; `high` fixes the scale, else it is a round number of at least `least`.

        With `losses`, a NaN is an echo that was lost and is marked on the axis. `scale` makes another scale of all known values: one of powers, on
        which a switch and an ocean can both be read.
        """
        super().__init__(id=id)
        self._title = title
        self._form = form
        self._high = high
        self._least = least
        self._binary = binary
        self._losses = losses
        self._scale = scale
        self._curves: tuple[Curve, ...] = ()
        self._shown: object = None
        self._interval = 1.0
        self._note = ""
        self._strips: list[Strip] = []
        self._key: object = None

    def show(self, curves: Sequence[Curve], interval: float, note: str = "") -> None:
        """Take new values. `note` stands in the plot when there are none."""
        shown = tuple(curve.key for curve in curves), interval, note
        if shown != self._shown:
            self._shown = shown
            self._curves, self._interval, self._note = tuple(curves), interval, note
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
        lines = [[(f" {self._title}", "title"), *self._legend(cells - 1 - width(self._title))]]
        rows, columns = height - 2, cells - LABEL - 2
        if rows > 0 and columns > 0:
            lines += self._body(columns, rows)
            times = axes.ages(columns, 2 * self._interval, least=12, corner="┘")
            lines.append([(" " * (LABEL + 1), "faint"), (times, "faint")])
        return [strip(parts, colours, cells) for parts in lines[:height]]

    def _legend(self, cells: int) -> list[tuple[str, str]]:
        """What the curves are called and their newest values; where these do not fit, the marks or names alone."""
        # In the order of the marks, whichever is drawn last, over the others.
        parts: list[tuple[str, str]] = []
        for curve in sorted(self._curves, key=lambda curve: curve.mark):
            last = curve.values[-1] if curve.values else None
            called = " ".join(filter(None, (curve.mark, curve.name)))
            parts.append((f"  {called} " if called else " ", curve.role))
            parts.append((self._form(last), "strong"))
        fits = sum(width(words) for words, _ in parts) <= cells
        return parts if fits or len(self._curves) < 2 else parts[::2]

    def _body(self, columns: int, rows: int) -> list[list[tuple[str, str]]]:
        window = [curve.values[-columns * 2 :] for curve in self._curves]
        values = [value for recent in window for value in recent]
        known = [value for value in values if value == value]
        if not known and not (self._losses and values):
            blank: list[list[tuple[str, str]]] = [[(" " * LABEL + "│", "track")] for _ in range(rows)]
            note = self._note or "no values yet"
            blank[rows // 2].append((fit(note.center(columns), columns), "faint"))
            return blank
        if self._scale is None:
            high = self._high or braille.ceiling(known, self._least, 1024.0 if self._binary else 10.0)
            labels = braille.axis(0.0, high, rows, self._form, self._binary)
        else:
            measured, high = self._scale(known), 1.0
            window = [[measured.share(value) if value == value else value for value in recent] for recent in window]
            labels = _powers(measured, rows, self._form, 32.0 if self._binary else 10.0)
        grids = [braille.curve(recent, columns, rows, 0.0, high) for recent in window]
        marks = self._marks(window, columns, rows, high)
        if self._losses:
            # On the axis itself, over whatever else is there.
            for curve, recent in zip(self._curves, window, strict=True):
                role = curve.role if curve.mark else "critical"
                marks.setdefault(rows - 1, {}).update(dict.fromkeys(_lost(recent, columns), ("×", role)))
        lines = []
        for row in range(rows):
            parts: list[tuple[str, str]] = [
                (fit(labels[row], LABEL, right=True), "faint"),
                ("┤" if labels[row] else "│", "track"),
            ]
            if len(grids) == 1 and row not in marks:
                parts.append((braille.text(grids[0][row]), self._curves[0].role))
            else:
                parts += _cells([grid[row] for grid in grids], [one.role for one in self._curves], marks.get(row, {}))
            lines.append(parts)
        return lines

    def _marks(
        self, window: Sequence[Sequence[float]], columns: int, rows: int, high: float
    ) -> dict[int, dict[int, tuple[str, str]]]:
        """Where the curves' marks stand, by row and cell: at the newest values, and again and again to the left, each curve's at other places."""
        found: dict[int, dict[int, tuple[str, str]]] = {}
        count = len(self._curves)
        for number, (curve, recent) in enumerate(zip(self._curves, window, strict=True)):
            if not curve.mark:
                continue
            start = columns * 2 - len(recent)
            shift = number * max(2, APART // count)
            if 2 * (columns - shift) <= start:
                shift = 0  # too young to be marked anywhere but at its newest value
            for x in range(columns - 1 - shift, -1, -APART):
                at = 2 * x + 1 - start
                if at < 0:
                    break
                if recent[at] == recent[at]:
                    row = braille.level(recent[at], rows, 0.0, high)
                    found.setdefault(row, {})[x] = (curve.mark, curve.role)
        return found


def _powers(scale: Scale, rows: int, form: Callable[[float | None], str], base: float) -> list[str]:
    """The label of each row on a scale of powers: the powers, or fewer where there is no room for all."""
    labels = [""] * rows
    parts = max(1, round(math.log(scale.high / scale.low, base)))
    while parts > max(1, (rows - 1) // 2):
        parts = parts // 2 if parts % 2 == 0 else 1
    for part in range(parts + 1):
        share = part / parts
        value = scale.low * math.pow(scale.high / scale.low, share)
        labels[braille.level(share, rows, 0.0, 1.0)] = form(float(f"{value:.6g}"))
    return labels


def _lost(values: Sequence[float], columns: int) -> frozenset[int]:
    """The cells that hold a lost echo."""
    start = columns * 2 - len(values)
    return frozenset((start + index) // 2 for index, value in enumerate(values) if value != value)


def _cells(
    rows: Sequence[Sequence[int]], roles: Sequence[str], marks: Mapping[int, tuple[str, str]]
) -> list[tuple[str, str]]:
    """One line of the plot: the dots of all curves in one cell, in the colour of the last one that has any there, and marks over them."""
    here = [(row, role) for row, role in zip(rows, roles, strict=True) if any(row)]
    if len(here) == 1 and not marks:
        return [(braille.text(here[0][0]), here[0][1])]
    together = [0] * len(rows[0])
    owners = [""] * len(together)
    for row, role in here:
        for x, bits in enumerate(row):
            if bits:
                together[x] |= bits
                owners[x] = role
    chars = list(braille.text(together))
    for x, (char, role) in marks.items():
        chars[x], owners[x] = char, role
    # What is blank goes with the run before it: fewer parts are cheaper to paint.
    parts: list[tuple[str, str]] = []
    start, run = 0, ""
    for x, role in enumerate(owners):
        if role and role != run:
            if run:
                parts.append(("".join(chars[start:x]), run))
                start = x
            run = role
    parts.append(("".join(chars[start:]), run or "track"))
    return parts
