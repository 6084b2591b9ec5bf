"""The heat map as text with roles: which node stands where, how wide a tile is, what it says, and the legend. Pure; knows no widget.

A tile shows its value by shape (a bar in seven steps), by shade, and, where there is room, by number and name. All nodes shall fit the
screen: tiles shrink until they do, to a slot for cursor and mark and one bar; what does not fit even so is scrolled.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from . import text
from .arrange import Group, Line
from .columns import Parts
from .metrics import STEPS, Metric, Scale
from .states import GLYPHS, ROLES, WORDS, Face, Kind

BARS = "▁▂▃▄▅▆▇"
"""A glyph a step; without the full block, which would run into the row above."""

NAME = 18
"""Cells that a name takes in a tile at most."""

Tinted = tuple[str, str, str]
"""Text, its role, and the surface it stands on."""


@dataclass(frozen=True, slots=True)
class Tile:
    """How much of a node is shown: cells for its bars, its name and its value. A slot before it has the cursor or the mark."""

    bars: int
    name: int = 0
    value: int = 0

    @property
    def cells(self) -> int:
        """All cells, the slot included."""
        return 1 + self.bars + (1 + self.name if self.name else 0) + (1 + self.value if self.value else 0)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the map: nodes, and before the first ones of a group its header."""

    names: Sequence[str]
    group: Group | None = None
    more: Group | None = None
    """The group that its nodes belong to, where the header stands on a row above."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Which node stands where, for one size."""

    tile: Tile
    columns: int
    label: int
    """Cells for the headers of groups at the left; 0 where there are none."""
    rows: Sequence[Row]

    def place(self, name: str) -> tuple[int, int] | None:
        """The row and column of a node."""
        for at, row in enumerate(self.rows):
            if name in row.names:
                return at, row.names.index(name)
        return None

    def column(self, x: int) -> int | None:
        """The column of a cell in the line; None left and right of all tiles."""
        at = (x - self.label) // self.tile.cells
        return at if x >= self.label and at < self.columns else None


def tiles(longest: int, value: int) -> tuple[Tile, ...]:
    """From the roomiest to the smallest."""
    name = min(longest, NAME)
    return (
        Tile(1, name, max(value, 7)),  # so that `pending` has room
        Tile(1, 0, value),
        Tile(2),
        Tile(1),
    )


def plan(lines: Sequence[Line], metric: Metric, cells: int, height: int) -> Plan:
    """Place all nodes in `cells` cells and, if that is possible, `height` rows."""
    blocks: list[tuple[Group | None, list[str]]] = []
    longest = widest = 0
    for line in lines:
        if isinstance(line, str):
            if not blocks:
                blocks.append((None, []))
            blocks[-1][1].append(line)
            longest = max(longest, text.width(line))
        else:
            blocks.append((line, []))
            widest = max(widest, text.width(_title(line)))
    label = min(widest + metric.cells + 5, max(8, cells // 4)) if widest else 0
    found = Plan(Tile(1), 1, label, ())
    for tile in tiles(longest, metric.cells):
        columns = max(1, (cells - label - 1) // tile.cells)
        count = sum(max(1, -(-len(names) // columns)) for _, names in blocks)
        found = Plan(tile, columns, label, ())
        if count <= height and label + tile.cells < cells:
            break
    rows: list[Row] = []
    for group, names in blocks:
        rows.append(Row(names[: found.columns], group))
        rows += [
            Row(names[at : at + found.columns], None, group) for at in range(found.columns, len(names), found.columns)
        ]
    return Plan(found.tile, found.columns, label, rows)


def same(one: Plan, other: Plan) -> bool:
    """Whether everything stands at the same place in both; what groups come to may differ."""
    return (one.tile, one.columns, one.label, len(one.rows)) == (
        other.tile,
        other.columns,
        other.label,
        len(other.rows),
    ) and all(
        mine.names == its.names and (mine.group and mine.group.key) == (its.group and its.group.key)
        for mine, its in zip(one.rows, other.rows, strict=True)
    )


def tile(name: str, seen: Face, value: float | None, metric: Metric, scale: Scale, form: Tile) -> tuple[Tinted, ...]:
    """A node's tile without its slot. A node that is silent shows its state, whatever the metric is."""
    if metric.name == "state" or seen.silent:
        glyph, role, surface = seen.glyph, seen.role, _GROUNDS.get(seen.role, "group")
        words = WORDS[seen.kind]
        if not form.name and text.width(words) > form.value:
            words = ""  # the sign says it
    elif value is None:
        glyph, role, surface, words = text.UNKNOWN, "faint", "group", text.UNKNOWN
    else:
        step = scale.step(value)
        glyph, role = BARS[step], shade(metric, step)
        surface, words = role, metric.form(value)
    parts = [(glyph * form.bars, role, surface)]
    if form.name:
        parts.append((" " + text.fit(name, form.name), "dim" if seen.silent else "text", surface))
    if form.value:
        parts.append((" " + text.fit(words, form.value, right=True), role, surface))
    return tuple(parts)


_GROUNDS = {"ok": "heat0", "warning": "heat4", "critical": "heat6", "unknown": "flow3"}
"""On what the tile of a state stands."""


def shade(metric: Metric, step: int) -> str:
    """The role of a step: towards the metric's bad end it is hotter; where none is bad, it is only stronger."""
    if not metric.bad:
        return f"flow{step}"
    return f"heat{step if metric.bad == 'high' else STEPS - 1 - step}"


def _title(group: Group) -> str:
    return f"{'  ' * group.depth}{'▸' if group.folded else '▾'} {group.title}"


def label(row: Row, metric: Metric, cells: int) -> Parts:
    """What stands before the tiles of a row: the group's name and mean, or nothing."""
    group = row.group
    if group is None:
        return ((" " * cells, "dim"),)
    worst = min(group.counts, default=Kind.UP)
    total = sum(group.counts.values())
    mean = group.means.get(metric.name)
    if mean is not None:
        told = metric.form(mean)
    elif metric.name == "state":
        told = f"{group.counts.get(Kind.UP, 0)}/{total}"
    else:
        told = str(total)
    room = cells - 4 - metric.cells
    if room < 4:
        return ((f" {GLYPHS[worst]} ", ROLES[worst]), (text.fit(_title(group), cells - 4) + " ", "title"))
    return (
        (f" {GLYPHS[worst]} ", ROLES[worst]),
        (text.fit(_title(group), room), "title"),
        (text.fit(told, metric.cells, right=True) + " ", "dim"),
    )


def legend(metric: Metric, scale: Scale, cells: int, kinds: Sequence[Kind] = (), key: str = "") -> Parts:
    """What colours and bars mean: the metric, its scale, and the signs that stand for no value. `key` is the one that takes the next metric."""
    parts: list[tuple[str, str]] = [(" ", "text"), (metric.title, "title"), (f" ({key})" if key else "", "faint")]
    if metric.name == "state":
        steps = [((f"  {GLYPHS[kind]}", ROLES[kind]), (f" {WORDS[kind]}", "dim")) for kind in kinds]
        return _fitted(parts, [part for pair in steps for part in pair], cells)
    ends = (f"  {metric.form(scale.low)} ", f" {metric.form(scale.high)}")
    bars = [(BARS[step], shade(metric, step)) for step in range(STEPS)]
    compact = [(ends[0], "dim"), *bars, (ends[1], "dim")]
    full: list[tuple[str, str]] = []
    for step in range(STEPS):
        full += [("  " + BARS[step] * 2, shade(metric, step)), (f" {metric.form(scale.edge(step))}", "dim")]
    full.append((f" to{ends[1]}", "dim"))
    signs: list[tuple[str, str]] = [(f"   {text.UNKNOWN} not known", "faint")]
    for kind in kinds:
        if kind in (Kind.DOWN, Kind.PENDING, Kind.EXPLAINED):
            signs += [(f"  {GLYPHS[kind]}", ROLES[kind]), (f" {WORDS[kind]}", "faint")]
    for attempt in ([*full, *signs], [*compact, *signs], compact):
        if _cells(parts) + _cells(attempt) <= cells:
            return (*parts, *attempt)
    return _fitted(parts, compact, cells)


def _fitted(parts: list[tuple[str, str]], more: Sequence[tuple[str, str]], cells: int) -> Parts:
    for part in more:
        if _cells(parts) + text.width(part[0]) > cells:
            break
        parts.append(part)
    return tuple(parts)


def _cells(parts: Sequence[tuple[str, str]]) -> int:
    return sum(text.width(words) for words, _ in parts)


def moved(plan: Plan, row: int, column: int, wish: int, rows: int, columns: int) -> tuple[int, int, int]:
    """Where the cursor goes: (row, column, the column it wishes to be in). Sideways it goes on in the next row; up and down it keeps to its column as far as a row has it."""
    last = len(plan.rows) - 1
    if columns:
        at = column + columns
        if at < 0 and row > 0:
            row -= 1
            at = len(plan.rows[row].names) - 1
        elif at >= max(1, len(plan.rows[row].names)) and row < last:
            row, at = row + 1, 0
        at = max(0, min(at, len(plan.rows[row].names) - 1))
        return row, at, at
    row = max(0, min(last, row + rows))
    return row, max(0, min(wish, len(plan.rows[row].names) - 1)), wish
