"""Nodes side by side: which are compared, what is told of differences, and every key of the view."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.pilot import Pilot

from gridtui.errors import UsageError
from gridtui.model import Facts, Layer, Status
from gridtui.tui import compare, text
from gridtui.tui.app import Dashboard
from gridtui.tui.compare import MARKS, choose, difference, facts, letters, together, values
from gridtui.tui.metrics import METRICS, find
from gridtui.tui.screens.compare import CompareScreen
from gridtui.tui.screens.fleet import FleetScreen
from gridtui.tui.screens.node import NodeScreen
from gridtui.tui.states import face
from gridtui.tui.widgets.plot import Plot

from .fake import sick_fleet
from .screens import WIDE, begin, board, screen_text, told, until
from .test_rows import down, status


def said(lines: Sequence[Sequence[tuple[str, str]]]) -> list[str]:
    return ["".join(words for words, _ in line).rstrip() for line in lines]


def node(name: str, cpu: float = 10.0, rtt: float = 0.001, **about: object) -> Status:
    base = status()
    assert base.sample is not None
    known = Facts(name, os_name="Debian 12", kernel="6.1", cpus=8, capabilities=frozenset({"podman", "systemd"}))
    return replace(
        base,
        node=replace(base.node, name=name),
        trips=replace(base.trips, last=rtt),
        sample=replace(base.sample, metrics={"cpu": cpu, "load": 1.0}),
        facts=replace(known, **about),  # type: ignore[arg-type]
    )


# ---- which ----


@pytest.mark.parametrize(
    ("named", "under", "shown", "names", "words"),
    [
        (["a", "b", "c"], ["x"], ["a", "b", "c", "x"], ["a", "b", "c"], ""),
        (["a"], ["b"], ["a", "b", "c"], ["a", "b"], ""),  # the marked one with the one under the cursor
        ([], ["a"], ["a", "b", "c"], ["a", "b", "c"], ""),  # a filter has left few
        (list("abcdefgh"), [], [], list("abcdef"), "the first 6 of 8 nodes: more cannot be told apart"),
        (["a", "a", "b"], [], [], ["a", "b"], ""),
    ],
)
def test_choose(named: list[str], under: list[str], shown: list[str], names: list[str], words: str) -> None:
    assert choose(named, under, shown) == (names, words)


@pytest.mark.parametrize(
    ("named", "under", "shown"), [([], ["a"], ["a"]), (["a"], ["a"], list("abcdefgh")), ([], [], list("abcdefgh"))]
)
def test_too_few_are_an_error(named: list[str], under: list[str], shown: list[str]) -> None:
    with pytest.raises(UsageError, match="2 to 6"):
        choose(named, under, shown)


# ---- what ----


@pytest.mark.parametrize(
    ("metric", "value", "middle", "words"),
    [
        ("cpu", 45.0, 20.0, "+25"),
        ("cpu", 10.0, 20.0, "−10"),
        ("cpu", 20.2, 20.0, ""),
        ("rtt", 0.004, 0.002, "×2.0"),
        ("rtt", 0.001, 0.003, "÷3.0"),
        ("rtt", 0.00201, 0.002, ""),
        ("net.rx", 0.0, 10.0, ""),
        ("load", 500.0, 1.0, "×500"),
    ],
)
def test_difference(metric: str, value: float, middle: float, words: str) -> None:
    assert difference(find(metric), value, middle) == words


def test_values_stand_side_by_side() -> None:
    lines = values([node("a", 10.0), node("b", 90.0, 0.004), node("c", 12.0)], [None] * 3, 76, chosen=1)
    assert said(lines)[:4] == [
        "                A a                 [B b]               C c",
        "state           ● up                ● up                ● up",
        "CPU                 10% ✓               90% +78             12%",
        "load               1.00                1.00                1.00",  # alike: none is best
    ]
    roles = {words.strip(): role for words, role in lines[2]}
    assert roles["✓"] == "ok" and roles["+78"] == "warning"
    trip = next(line for line in said(lines) if line.startswith("round trip"))
    assert trip.split()[2:] == ["1.0", "ms", "✓", "4.0", "ms", "×4.0", "1.0", "ms", "✓"]


def test_a_silent_node_has_no_values_of_now() -> None:
    lines = said(values([node("a"), down()], [None, None], 60))
    assert "✖ down: tcp" in lines[1]
    assert next(line for line in lines if line.startswith("CPU")).split() == ["CPU", "10%", "·"]


def test_facts_that_differ() -> None:
    lines = facts(
        [
            node("a"),
            node("b", kernel="6.2", capabilities=frozenset({"systemd", "nft"})),
            node("c", shell="/bin/sh"),
        ],
        90,
    )
    words = said(lines)
    assert words[0].split() == ["kernel", "6.1", "≠", "6.2", "6.1"]
    assert words[1].split() == ["shell", "·", "·", "≠", "/bin/sh"]
    assert words[2].split() == ["can", "do", "podman", "≠", "nft", "podman"]  # systemd is everywhere
    assert words[-1] == "the same on all: system, CPUs, site"


def test_no_facts_are_no_error() -> None:
    assert said(facts([status(), status()], 80))[0].startswith("no fact")


@given(
    st.lists(st.text(min_size=1, max_size=30), min_size=2, max_size=6),
    st.integers(20, 220),
    st.lists(st.floats(0, 1e12), min_size=6, max_size=6),
)
def test_rows_keep_to_their_cells(names: list[str], cells: int, numbers: list[float]) -> None:
    nodes = [node(name, number, number / 1e6, kernel=name) for name, number in zip(names, numbers, strict=False)]
    least = compare.NAME + 8 * len(nodes)
    for line in [*values(nodes, [None] * len(nodes), cells), *facts(nodes, cells)]:
        words = "".join(part for part, _ in line)
        assert text.width(words) <= max(cells, least)
        assert "\x1b" not in words and "\n" not in words
    assert len(letters(names, [face(one) for one in nodes], cells, 0)) == len(names)


@pytest.mark.parametrize(
    ("history", "interval", "step", "found"),
    [
        ([1, 2, 3], 2, 2, [1, 2, 3]),
        ([1, 2, 3, 4, 5, 6], 1, 2, [2, 4, 6]),
        ([1, 2, 3, 4, 5, 6, 7], 1, 3, [4, 7]),
        ([], 1, 2, []),
        ([1], 1, 5, []),
    ],
)
def test_together(history: list[float], interval: float, step: float, found: list[float]) -> None:
    assert together(history, interval, step) == found


# ---- the screen ----


async def compared(app: Dashboard, pilot: Pilot[int], count: int) -> CompareScreen:
    await begin(app, pilot)
    app.marks.set([name for name in app.fleet.nodes if name.startswith(("web", "db", "gpu"))][:count])
    await pilot.press("equals_sign")
    await until(pilot, lambda: isinstance(app.screen, CompareScreen) and app.screen.is_mounted)
    await pilot.pause()
    assert isinstance(app.screen, CompareScreen)
    return app.screen


async def test_the_marked_nodes_are_compared() -> None:
    app = board(sick_fleet(20, ticks=40))
    async with app.run_test(size=WIDE) as pilot:
        screen = await compared(app, pilot, 3)
        assert screen.names == app.marks.names
        shown = screen_text(app)
        for number, name in enumerate(screen.names):
            assert f"{MARKS[number]} " in shown and name in shown
        assert "CPU  A " in shown and "round trip  A " in shown
        assert "compare" in shown.splitlines()[0]
        plots = [plot for plot in screen.query(Plot) if plot.display]
        assert len(plots) >= 7


async def test_keys_of_the_view() -> None:
    app = board(sick_fleet(20, ticks=10))
    async with app.run_test(size=WIDE) as pilot:
        screen = await compared(app, pilot, 4)
        names = list(screen.names)
        for key, at in [("right", 1), ("l", 2), ("left", 1), ("h", 0), ("h", 3)]:
            await pilot.press(key)
            assert screen.node == names[at], key
        await pilot.press("d")
        assert screen.names == names[:3] and screen.node == names[2]
        await pilot.press("d", "d")
        assert len(screen.names) == 2
        assert any("2 nodes at least" in words for words in told(app))
        await pilot.press("h", "enter")
        await until(pilot, lambda: isinstance(app.screen, NodeScreen))
        assert isinstance(app.screen, NodeScreen) and app.screen.node == names[0]
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is screen)
        await pilot.press("backspace")
        await until(pilot, lambda: isinstance(app.screen, FleetScreen))


@pytest.mark.parametrize("size", [(80, 24), (40, 10), (120, 40)])
async def test_it_scrolls_by_the_keys_of_a_list(size: tuple[int, int]) -> None:
    app = board(sick_fleet(20, ticks=10))
    async with app.run_test(size=size) as pilot:
        screen = await compared(app, pilot, 6)
        body = screen.query_one("#body")
        assert body.max_scroll_y > 0
        for keys, at in [
            (["j", "down"], 2),
            (["k"], 1),
            (["up"], 0),
            (["pagedown", "pageup"], 0),
            (["G"], body.max_scroll_y),
            (["g"], 0),
            (["end"], body.max_scroll_y),
            (["home"], 0),
        ]:
            await pilot.press(*keys)
            await pilot.pause()
            assert body.scroll_offset.y == at, keys


async def test_without_marks_it_says_what_is_missing() -> None:
    app = board(sick_fleet(20))
    async with app.run_test(size=WIDE) as pilot:
        await begin(app, pilot)
        await pilot.press("equals_sign")
        await until(pilot, lambda: any("2 to 6" in words for words in told(app)))
        assert isinstance(app.screen, FleetScreen)


async def test_nodes_that_come_and_go_while_they_are_compared() -> None:
    fleet = sick_fleet(20, ticks=10)
    app = board(fleet)
    async with app.run_test(size=WIDE) as pilot:
        screen = await compared(app, pilot, 2)
        fleet.advance(3)
        fleet.fail(screen.names[0], Layer.TCP, "refused [b]\x1b[31m")
        await until(pilot, lambda: "✖ down: tcp" in screen_text(app))
        assert "\x1b" not in screen_text(app)


async def test_the_command_takes_a_selection() -> None:
    app = board(sick_fleet(20))
    async with app.run_test(size=WIDE) as pilot:
        await begin(app, pilot)
        app.fleet_screen.command_compare("db")
        await until(pilot, lambda: isinstance(app.screen, CompareScreen))
        assert isinstance(app.screen, CompareScreen)
        assert app.screen.names == [name for name in app.fleet.nodes if name.startswith("db")][:6]


def test_every_metric_has_a_letter_for_each_node() -> None:
    assert len(MARKS) == compare.MOST and len({compare.role(number) for number in range(compare.MOST)}) == compare.MOST
    assert all(metric.form(math.nan) == text.UNKNOWN for metric in METRICS)
