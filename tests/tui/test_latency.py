"""The latency board: figures, strips and their axis, and the widget."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.app import App, ComposeResult

from gridtui.model import Layer
from gridtui.tui import latency, text, themes
from gridtui.tui.arrange import arranging, group_paths
from gridtui.tui.columns import GUTTER
from gridtui.tui.latency import LEAST, Figures, figures, lay_out, strip
from gridtui.tui.metrics import METRICS, Metric, Scale, find, scale
from gridtui.tui.slices import whole
from gridtui.tui.states import Face, Kind
from gridtui.tui.widgets.latency import LatencyBoard

from .fake import FakeFleet

NAN = math.nan
RTT = find("rtt")
UP = Face(Kind.UP, "up")
SCALE = Scale(0.0001, 0.1, log=True)


def shown(values: Sequence[float | None]) -> str:
    """A strip as digits; `x` lost, `.` nothing."""
    return "".join("." if value is None else "x" if value != value else f"{value:.0f}" for value in values)


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ([], Figures(None)),
        ([NAN, NAN], Figures(None, lost=100.0)),
        ([3.0], Figures(3.0, 3.0, 3.0, 3.0, 3.0, 0.0)),
        ([1.0, 2.0, NAN, 4.0], Figures(4.0, 1.0, 2.0, 4.0, 4.0, 25.0)),
        ([1.0, 2.0, 3.0, NAN], Figures(None, 1.0, 2.0, 3.0, 3.0, 25.0)),
        ([float(n) for n in range(1, 101)], Figures(100.0, 1.0, 50.5, 95.0, 100.0, 0.0)),
    ],
)
def test_figures(values: list[float], found: Figures) -> None:
    assert figures(values) == found


@pytest.mark.parametrize(
    ("values", "interval", "now", "cells", "step", "line"),
    [
        ([1, 2, 3], 1, 100, 5, 1, "..123"),
        ([1, 2, 3], 1, 100, 2, 1, "23"),
        ([1, 9, 3, 4], 1, 101, 4, 2, "..94"),  # the worst of a span
        ([1, NAN, 3, 4], 1, 101, 4, 2, "..x4"),  # a loss outweighs
        ([NAN, 9, 3, 4], 1, 101, 4, 2, "..x4"),
        ([1, 2, 3, 4], 1, 100, 4, 2, ".134"),  # spans begin at whole multiples, so the newest may be young
        ([1, 2], 4, 100, 8, 1, "11112222"),  # a slower node: what was seen stands until the next look
        ([], 1, 100, 3, 1, "..."),
        ([1], 1, 100, 0, 1, ""),
        ([1], 0, 100, 2, 1, ".."),
    ],
)
def test_strip(values: list[float], interval: float, now: float, cells: int, step: float, line: str) -> None:
    assert shown(strip(values, interval, now, cells, step)) == line


@given(
    st.lists(st.floats(0, 9) | st.just(NAN), max_size=60),
    st.sampled_from([0.5, 1.0, 2.0, 5.0]),
    st.integers(0, 4000),
    st.integers(0, 50),
    st.sampled_from([1.0, 2.0, 5.0, 10.0]),
)
def test_a_strip_moves_by_whole_cells(
    values: list[float], interval: float, quarter: int, cells: int, step: float
) -> None:
    """A moment later nothing that was there is another: it has moved to the left by what time has passed."""
    now = 1_790_000_000.0 + quarter * interval
    before = strip(values, interval, now, cells, step)
    after = strip([*values, 1.0], interval, now + interval, cells, step)
    assert len(before) == len(after) == cells
    by = math.floor((now + interval) / step) - math.floor(now / step)
    # Only the cells that the new value is in may differ.
    touched = max(1, math.ceil(interval / step))
    moved = before[by:] if by else before
    for at in range(len(moved) - (0 if by else 1) - touched):
        same = moved[at] == after[at] or (moved[at] != moved[at] and after[at] != after[at])
        assert same, (shown(before), shown(after))


@given(st.integers(20, 250), st.integers(1, 60), st.sampled_from(METRICS))
def test_a_row_keeps_to_its_cells(width: int, longest: int, metric: Metric) -> None:
    layout = lay_out(width, longest, metric)
    line = strip([0.001, NAN, 0.02] * 60, 1.0, 1000.0, layout.strip, 1.0)
    parts = latency.row("n東" * 30, UP, figures([0.001, NAN]), line, metric, scale(metric, [0.001]), layout)
    assert sum(text.width(words) for words, _ in parts) <= width - GUTTER
    heads = latency.titles(layout, 1.0)
    assert sum(text.width(words) for words, _ in heads) <= width
    if width >= 30:
        assert layout.strip >= LEAST


@pytest.mark.parametrize(
    ("width", "columns"),
    [
        (160, ["now", "min", "med", "p95", "max", "loss"]),
        (80, ["now", "min", "med", "p95", "max", "loss"]),
        (70, ["now", "med", "p95", "loss"]),
        (60, ["now", "p95", "loss"]),
        (40, ["now"]),
    ],
)
def test_figures_fall_before_the_strip(width: int, columns: list[str]) -> None:
    assert lay_out(width, 10, RTT).figures == columns
    assert "loss" not in lay_out(width, 10, find("cpu")).figures


def cells(seen: Face, values: list[float], local: bool = False) -> tuple[str, dict[str, str]]:
    layout = lay_out(100, 6, RTT)
    line = strip(values, 1.0, 100.0, layout.strip, 1.0)
    parts = latency.row("web01", seen, figures(values), line, RTT, SCALE, layout, local)
    return "".join(words for words, _ in parts), {words.strip(): role for words, role in parts}


def test_a_lost_echo_is_marked_and_a_node_that_is_down_says_so() -> None:
    words, roles = cells(UP, [0.001, NAN, 0.001])
    assert words.endswith("▃×▃") and roles["×"] == "critical" and roles["33%"] == "critical"
    words, roles = cells(UP, [0.001, NAN])
    assert " lost " in words and roles["lost"] == "critical"
    words, roles = cells(Face(Kind.DOWN, "down: tcp", silent=True), [0.001, NAN, NAN])
    assert "✖ web01" in words and " down " in words and roles["××"] == "faint"
    words, _ = cells(UP, [0.001], local=True)
    assert " local " in words and "0%" not in words


# ---- the widget ----


class Board(App[None]):
    CSS = "LatencyBoard { height: 1fr; scrollbar-size-vertical: 1; scrollbar-gutter: stable; overflow-x: hidden; }"

    def __init__(self, fleet: FakeFleet, by: str = "") -> None:
        super().__init__()
        self.fleet, self.by = fleet, by
        self.asked: set[str] = set()
        for theme in themes.THEMES:
            self.register_theme(theme)
        self.theme = themes.DEFAULT

    def _history(self, name: str, metric: str) -> Sequence[float]:
        self.asked.add(name)
        return self.fleet.history(name, metric)

    def compose(self) -> ComposeResult:
        yield LatencyBoard(
            self.fleet.status,
            self._history,
            lambda name, metric: 1.0 if metric == "rtt" else 2.0,
            lambda: self.fleet.now,
            lambda name: name.endswith("3"),
        )

    def on_mount(self) -> None:
        self.board.focus()
        fleet = self.fleet
        self.board.show(
            whole(
                arranging(
                    list(fleet.nodes), fleet.status, group=self.by, paths=group_paths(fleet.nodes), folded=frozenset()
                )
            )
        )

    @property
    def board(self) -> LatencyBoard:
        return self.query_one(LatencyBoard)

    def lines(self) -> list[str]:
        return [self.board.render_line(y).text.rstrip() for y in range(self.board.size.height)]


def ready(count: int, ticks: int = 30) -> FakeFleet:
    fleet = FakeFleet(count)
    fleet.advance(ticks)
    return fleet


async def test_one_row_a_node_on_one_scale_and_one_axis() -> None:
    app = Board(ready(12))
    async with app.run_test(size=(120, 20)) as pilot:
        await pilot.pause()
        lines = app.lines()
        assert lines[0].startswith(" round trip") and "× lost" in lines[0]
        assert lines[1].split()[:7] == ["NODE", "NOW", "MIN", "MED", "P95", "MAX", "LOSS"]
        assert lines[1].endswith("now┐")
        assert [line.split()[1] for line in lines[2:14]] == [name.lstrip("▌* ") for name in app.board.names] or (
            lines[2].startswith("▌")
        )
        assert any("*" in line[:3] for line in lines[2:])


async def test_only_what_is_visible_is_asked_for() -> None:
    app = Board(ready(500, 3))
    async with app.run_test(size=(120, 20)) as pilot:
        await pilot.pause()
        assert app.asked == set(app.board.names[:18])
        app.asked.clear()
        await pilot.press("G")
        await pilot.pause()
        app.board.look()
        assert app.board.names[-1] in app.asked and len(app.asked) <= 20
        assert app.board.node == app.board.names[-1]
        assert app.lines()[-1].startswith("▌")
        await pilot.press("g")
        assert app.board.node == app.board.names[0]


async def test_the_head_is_no_line_to_click() -> None:
    app = Board(ready(12))
    async with app.run_test(size=(120, 20)) as pilot:
        await pilot.pause()
        await pilot.click(LatencyBoard, offset=(5, 0))
        assert app.board.node == app.board.names[0]
        await pilot.click(LatencyBoard, offset=(5, 5))
        assert app.board.node == app.board.names[3]


async def test_losses_and_silence_are_told() -> None:
    fleet = ready(6)
    fleet.fail(list(fleet.nodes)[2], Layer.ICMP, "no answer")
    fleet.advance(5)
    app = Board(fleet)
    async with app.run_test(size=(120, 20)) as pilot:
        await pilot.pause()
        first = app.lines()[2]
        assert "✖" in first and " down " in first and "×" in first


async def test_other_metrics_have_a_board_too() -> None:
    app = Board(ready(6), by="label:role")
    async with app.run_test(size=(120, 20)) as pilot:
        await pilot.pause()
        for metric in app.board.metrics:
            app.board.colour_by(metric)
            await pilot.pause()
            assert metric.title in app.lines()[0]
            assert ("LOSS" in app.lines()[1]) is (metric.name == "rtt")
        app.board.colour_by(find("disk"))  # of which no history is kept
        assert app.board.metric.series
        assert any("role=db" in line and "up" in line for line in app.lines())


@pytest.mark.parametrize("size", [(80, 24), (200, 60), (40, 10), (20, 5)])
async def test_sizes(size: tuple[int, int]) -> None:
    app = Board(ready(30))
    async with app.run_test(size=(120, 20)) as pilot:
        await pilot.resize_terminal(*size)
        await pilot.pause()
        app.board.look()
        assert len(app.lines()) == size[1]
        assert all(text.width(line) <= size[0] for line in app.lines())
