"""The heat map: where nodes stand, what a tile says, and every key and click on it."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.app import App, ComposeResult

from gridtui.model import Layer, State
from gridtui.tui import heat, text, themes
from gridtui.tui.arrange import Group, Line, arranging, group_paths
from gridtui.tui.heat import BARS, Plan, Tile, legend, moved, plan, shade, tile
from gridtui.tui.metrics import METRICS, STEPS, Metric, Scale, find
from gridtui.tui.slices import whole
from gridtui.tui.states import Face, Kind
from gridtui.tui.widgets.heat import HeatMap
from gridtui.tui.widgets.lines import Lines

from .fake import FakeFleet

CPU = find("cpu")
PERCENT = Scale(0.0, 100.0)
UP = Face(Kind.UP, "up")


def group(title: str) -> Group:
    return Group(title, {Kind.UP: 2, Kind.DOWN: 1}, {"cpu": 41.0}, key=title)


def names(count: int) -> list[str]:
    return [f"node{number:04}" for number in range(count)]


# ---- where ----


@pytest.mark.parametrize(
    ("count", "cells", "height", "form"),
    [
        (12, 120, 34, Tile(1, 8, 7)),  # name and value
        (300, 120, 34, Tile(1, 0, 5)),
        (1000, 120, 34, Tile(2)),
        (2000, 120, 34, Tile(1)),
        (5000, 120, 34, Tile(1)),  # and is scrolled
    ],
)
def test_tiles_shrink_until_all_nodes_fit(count: int, cells: int, height: int, form: Tile) -> None:
    found = plan(names(count), CPU, cells, height)
    assert found.tile == form
    assert (len(found.rows) <= height) is (count < 5000)


def test_a_thousand_nodes_in_twenty_groups_fit_one_screen() -> None:
    lines: list[Line] = []
    for number in range(20):
        lines += [group(f"rack{number:02}"), *(f"r{number:02}n{node:02}" for node in range(50))]
    assert len(plan(lines, CPU, 120, 34).rows) <= 34


@given(
    st.lists(
        st.tuples(st.booleans(), st.text("abc東\u0301", min_size=1, max_size=20)), max_size=60, unique_by=lambda p: p[1]
    ),
    st.integers(1, 200),
    st.integers(1, 60),
    st.sampled_from(METRICS),
)
def test_each_node_stands_in_one_place(items: list[tuple[bool, str]], cells: int, height: int, metric: Metric) -> None:
    lines: list[Line] = [group(words) if header else words for header, words in items]
    found = plan(lines, metric, cells, height)
    assert [name for row in found.rows for name in row.names] == [line for line in lines if isinstance(line, str)]
    assert [row.group for row in found.rows if row.group] == [line for line in lines if isinstance(line, Group)]
    assert all(len(row.names) <= found.columns for row in found.rows)
    for at, row in enumerate(found.rows):
        for column, name in enumerate(row.names):
            assert found.place(name) == (at, column)
            assert found.column(found.label + column * found.tile.cells) == column
        assert text.width("".join(words for words, _ in heat.label(row, metric, found.label))) == found.label or (
            found.label == 0
        )


@given(
    st.integers(1, 40),
    st.lists(st.tuples(st.integers(-9, 9), st.integers(-1, 1)), max_size=30),
    st.integers(30, 60),
)
def test_the_cursor_stays_on_the_map(count: int, steps: list[tuple[int, int]], cells: int) -> None:
    found = plan([*names(count), group("empty"), group("last"), "x"], CPU, cells, 5)
    row = column = wish = 0
    for rows, columns in steps:
        row, column, wish = moved(found, row, column, wish, 0 if columns else rows, columns)
        assert 0 <= row < len(found.rows)
        assert 0 <= column < max(1, len(found.rows[row].names))


def test_sideways_goes_on_in_the_next_row_and_down_keeps_the_column() -> None:
    found = Plan(Tile(1), 3, 0, [heat.Row("abc"), heat.Row("d"), heat.Row("efg")])
    assert moved(found, 0, 2, 2, 0, 1) == (1, 0, 0)
    assert moved(found, 1, 0, 0, 0, -1) == (0, 2, 2)
    assert moved(found, 0, 2, 2, 1, 0) == (1, 0, 2)
    assert moved(found, 1, 0, 2, 1, 0) == (2, 2, 2)
    assert moved(found, 0, 0, 0, 0, -1) == (0, 0, 0)
    assert moved(found, 2, 2, 2, 0, 1) == (2, 2, 2)


# ---- what ----


@pytest.mark.parametrize(
    ("seen", "value", "metric", "shown", "role"),
    [
        (UP, 0.0, "cpu", "▁", "heat0"),
        (UP, 50.0, "cpu", "▄", "heat3"),
        (UP, 100.0, "cpu", "▇", "heat6"),
        (UP, 100.0, "posture", "▇", "heat0"),  # high is good there
        (UP, 0.0, "posture", "▁", "heat6"),
        (UP, 100.0, "net.rx", "▇", "flow6"),  # and here it is neither
        (UP, None, "cpu", "·", "faint"),
        (Face(Kind.DOWN, "down: tcp", silent=True), 50.0, "cpu", "✖", "critical"),  # what it was is not what it is
        (Face(Kind.CRITICAL, "critical"), 50.0, "state", "◆", "critical"),
        (UP, 7.0, "state", "●", "ok"),
    ],
)
def test_a_tile_has_shape_and_shade(seen: Face, value: float | None, metric: str, shown: str, role: str) -> None:
    assert tile("n", seen, value, find(metric), PERCENT, Tile(1))[0][:2] == (shown, role)


def test_each_step_has_a_glyph_and_a_role_of_its_own() -> None:
    assert len(BARS) == STEPS == len(set(BARS))
    for metric in METRICS:
        assert len({shade(metric, step) for step in range(STEPS)}) == STEPS


@given(
    st.text(max_size=30),
    st.none() | st.floats(0, 1e9),
    st.sampled_from(METRICS),
    st.sampled_from([Tile(1), Tile(2), Tile(1, 0, 7), Tile(1, 9, 7)]),
)
def test_a_tile_keeps_to_its_cells(name: str, value: float | None, metric: Metric, form: Tile) -> None:
    parts = tile(name, UP, value if metric.name != "state" else 7.0, metric, PERCENT, form)
    words = "".join(words for words, _, _ in parts)
    assert text.width(words) == form.cells - 1
    assert "\x1b" not in words and "\n" not in words


@pytest.mark.parametrize("cells", [1, 12, 40, 80, 120, 200])
@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_the_legend_fits(metric: Metric, cells: int) -> None:
    found = legend(metric, Scale(0.001, 1.0), cells, tuple(Kind))
    assert sum(text.width(words) for words, _ in found) <= max(cells, text.width(metric.title) + 1)


def test_the_legend_gives_the_scale() -> None:
    words = "".join(words for words, _ in legend(CPU, PERCENT, 120, (Kind.DOWN, Kind.UP)))
    assert words == (" CPU  ▁▁ 0%  ▂▂ 14%  ▃▃ 29%  ▄▄ 43%  ▅▅ 57%  ▆▆ 71%  ▇▇ 86% to 100%   · not known  ✖ down")
    words = "".join(words for words, _ in legend(CPU, PERCENT, 40))
    assert words == " CPU  0% ▁▂▃▄▅▆▇ 100%   · not known"


@pytest.mark.parametrize("theme", themes.THEMES, ids=lambda theme: theme.name)
def test_steps_are_told_apart_in_every_theme(theme: object) -> None:
    class Empty(App[None]):
        pass

    app = Empty()
    for one in themes.THEMES:
        app.register_theme(one)
    app.theme = theme.name  # type: ignore[attr-defined]
    colours = themes.palette(app)
    for ramp in ("heat", "flow"):
        styles = [colours.style(f"{ramp}{step}", f"{ramp}{step}") for step in range(STEPS)]
        assert len({style.color for style in styles}) == STEPS
        assert all(style.color != style.bgcolor for style in styles)


# ---- the widget ----


class Map(App[None]):
    CSS = "HeatMap { height: 1fr; scrollbar-size-vertical: 1; scrollbar-gutter: stable; overflow-x: hidden; }"

    def __init__(self, fleet: FakeFleet, by: str = "", marks: Sequence[str] = (), folded: Sequence[str] = ()) -> None:
        super().__init__()
        self.fleet, self.by, self.marks, self.folded = fleet, by, set(marks), frozenset(folded)
        self.chosen: list[str | None] = []
        self.moves: list[str | None] = []
        for theme in themes.THEMES:
            self.register_theme(theme)
        self.theme = themes.DEFAULT

    def compose(self) -> ComposeResult:
        yield HeatMap(self.fleet.status, self.marks.__contains__)

    def on_mount(self) -> None:
        self.map.focus()
        self.map.show(
            whole(
                arranging(
                    list(self.fleet.nodes),
                    self.fleet.status,
                    group=self.by,
                    paths=group_paths(self.fleet.nodes),
                    folded=self.folded,
                )
            )
        )

    @property
    def map(self) -> HeatMap:
        return self.query_one(HeatMap)

    def lines(self) -> list[str]:
        return [self.map.render_line(y).text.rstrip() for y in range(self.map.size.height)]

    def on_lines_chosen(self, event: Lines.Chosen) -> None:
        self.chosen.append(self.map.node)

    def on_lines_moved(self, event: Lines.Moved) -> None:
        self.moves.append(self.map.node)


def ready(count: int) -> FakeFleet:
    fleet = FakeFleet(count)
    fleet.advance(2)
    return fleet


async def test_keys_go_in_two_dimensions() -> None:
    app = Map(ready(20))
    async with app.run_test(size=(80, 12)) as pilot:
        await pilot.pause()
        order = app.map.names
        across = app.map._plan.columns
        assert across > 1
        for key, at in [
            ("l", 1),
            ("right", 2),
            ("h", 1),
            ("left", 0),
            ("left", 0),
            ("j", across),
            ("down", 2 * across),
            ("k", across),
            ("up", 0),
            ("up", 0),
            ("G", 19),
            ("g", 0),
            ("end", 19),
            ("home", 0),
            ("pagedown", 19 // across * across),
            ("pageup", 0),
        ]:
            await pilot.press(key)
            assert app.map.node == order[at], key
        assert app.moves[:2] == order[1:3]


async def test_a_click_goes_there_and_a_second_one_opens() -> None:
    app = Map(ready(20))
    async with app.run_test(size=(80, 12)) as pilot:
        await pilot.pause()
        form, across = app.map._plan.tile, app.map._plan.columns
        await pilot.click(HeatMap, offset=(form.cells + 2, 2))
        assert app.map.node == app.map.names[across + 1] and not app.chosen
        await pilot.click(HeatMap, offset=(form.cells + 2, 2))
        assert app.chosen == [app.map.names[across + 1]]
        await pilot.click(HeatMap, offset=(form.cells + 2, 0))  # the legend
        await pilot.click(HeatMap, offset=(form.cells + 2, 11))  # below the last row
        assert len(app.chosen) == 1


async def test_cursor_and_marks_are_seen_without_colour() -> None:
    fleet = ready(1000)
    order = list(fleet.nodes)
    app = Map(fleet, marks=[order[1], order[3]])
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        app.map.seek(order[3])
        await pilot.pause()
        line = app.lines()[1]
        assert line[3] == "*" and line[9] == "*" and line[12] == "▐"
        await pilot.press("l")
        line = app.lines()[1]
        assert line[9] == "*" and line[12] == "▌" and line[15] == "▐"


async def test_a_thousand_nodes_are_on_one_screen() -> None:
    app = Map(ready(1000))
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        assert app.map.max_scroll_y == 0
        shown = "".join(app.lines()[1:])
        assert sum(shown.count(bar) for bar in BARS) == 2000  # two cells each


async def test_five_thousand_are_scrolled_and_the_cursor_stays_in_view() -> None:
    app = Map(ready(5000))
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        await pilot.press("G")
        await pilot.pause()
        assert app.map.node == app.map.names[-1]
        assert app.map.scroll_offset.y == app.map.max_scroll_y > 0
        assert "▐" in app.lines()[-1]
        await pilot.press("g")
        assert app.map.scroll_offset.y == 0


async def test_groups_stand_before_their_nodes() -> None:
    app = Map(ready(40), by="label:role")
    async with app.run_test(size=(120, 20)) as pilot:
        await pilot.pause()
        heads = [line for line in app.lines() if "role=" in line]
        assert [line.split()[2] for line in heads] == ["role=db", "role=gpu", "role=web"]
        assert all("%" in line for line in heads)
        assert app.map.group is None and app.map.node is not None


async def test_a_folded_group_is_one_row_on_which_the_cursor_rests() -> None:
    app = Map(ready(40), by="label:role", folded=["label:role/role=gpu"])
    async with app.run_test(size=(120, 20)) as pilot:
        await pilot.pause()
        gpus = [name for name in app.fleet.nodes if name.startswith("gpu")]
        assert not set(gpus) & set(app.map.names)
        app.map.seek(gpus[0])
        assert (app.map.node, app.map.group) == (None, "label:role/role=gpu")
        await pilot.press("l")
        assert app.map.node is not None and app.map.node.startswith("web")
        await pilot.press("h")
        assert app.map.group == "label:role/role=gpu"
        app.map.seek_group("label:role/role=db")
        assert (app.map.node or "").startswith("db")


async def test_the_cursor_stays_on_its_node_when_the_order_or_the_size_changes() -> None:
    fleet = ready(60)
    app = Map(fleet)
    async with app.run_test(size=(80, 12)) as pilot:
        await pilot.pause()
        mine = app.map.names[17]
        app.map.seek(mine)
        app.map.show(list(reversed(app.map.names)))
        assert app.map.node == mine
        for size in ((20, 5), (200, 60), (40, 10)):
            await pilot.resize_terminal(*size)
            await pilot.pause()
            assert app.map.node == mine
        app.map.show([name for name in app.map.names if name != mine])
        await pilot.pause()
        assert app.map.node is not None
        app.map.show([])
        await pilot.press("j", "l", "G", "g")
        assert app.map.node is None


async def test_only_what_changed_is_painted() -> None:
    fleet = ready(60)
    app = Map(fleet)
    async with app.run_test(size=(80, 30)) as pilot:
        await pilot.pause()
        app.map.look()
        touched: list[int] = []
        app.map.touch = touched.append  # type: ignore[method-assign, assignment]
        app.map.look()
        assert touched == []
        fleet.fail(app.map.names[-1], Layer.TCP, "refused")
        app.map.look()
        assert touched == [len(app.map._plan.rows) - 1]


async def test_the_scale_and_the_legend_follow_the_metric() -> None:
    fleet = ready(30)
    fleet.ill(next(iter(fleet.nodes)), ("load", State.CRITICAL, "load 900", 900.0))
    fleet.advance(1)
    app = Map(fleet)
    async with app.run_test(size=(120, 20)) as pilot:
        await pilot.pause()
        for metric in METRICS:
            app.map.colour_by(metric)
            await pilot.pause()
            assert metric.title in app.lines()[0]
        app.map.colour_by(find("load"))
        assert "to 1000" in app.lines()[0]
