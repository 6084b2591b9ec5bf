"""Plots: axes, losses, marks; drawn when seen and changed, and only then; and cheap."""

from __future__ import annotations

import math
import time
from functools import partial

import pytest
from textual.app import App, ComposeResult
from textual.containers import VerticalScroll

from gridtui.tui import text, themes
from gridtui.tui.metrics import find, scale
from gridtui.tui.widgets.plot import Curve, Plot

NAN = math.nan


class Plots(App[None]):
    CSS = "Plot { height: 12; }"

    def __init__(self) -> None:
        super().__init__()
        for theme in themes.THEMES:
            self.register_theme(theme)
        self.theme = themes.DEFAULT

    def compose(self) -> ComposeResult:
        with VerticalScroll():
            yield Plot("round trip", text.seconds, least=0.001, losses=True, id="rtt")
            yield Plot("cpu", text.percent, high=100.0, id="cpu")
            yield Plot("powers", text.seconds, losses=True, scale=partial(scale, find("rtt")), id="powers")
            yield Plot("below", text.percent, high=100.0, id="below")

    def plot(self, name: str) -> Plot:
        return self.query_one(f"#{name}", Plot)

    def lines(self, name: str) -> list[str]:
        plot = self.plot(name)
        return [plot.render_line(y).text.rstrip() for y in range(plot.size.height)]


async def test_axes_have_units_and_round_ticks() -> None:
    app = Plots()
    async with app.run_test(size=(80, 24)) as pilot:
        app.plot("cpu").show([Curve("", [50.0] * 200)], 2.0)
        app.plot("rtt").show([Curve("", [0.0031] * 200)], 1.0)
        await pilot.pause()
        lines = app.lines("cpu")
        assert [line[:9] for line in lines if "┤" in line] == ["    100%┤", "     50%┤", "      0%┤"]
        assert lines[-1].split() == ["−4m┘", "−3m┘", "−2m┘", "−1m┘", "now┘"]
        assert next(line.split("┤")[0].strip() for line in app.lines("rtt") if "┤" in line) == "5.0 ms"


async def test_lost_echoes_are_marked_on_the_axis() -> None:
    app = Plots()
    async with app.run_test(size=(80, 24)) as pilot:
        app.plot("rtt").show([Curve("", [0.003, NAN, 0.003, 0.003])], 1.0)
        app.plot("cpu").show([Curve("", [50.0, NAN, 50.0, 50.0])], 1.0)
        await pilot.pause()
        assert "×" in app.lines("rtt")[-2]
        assert "×" not in "".join(app.lines("cpu"))  # there it is only not known


async def test_curves_are_told_apart_by_marks_too() -> None:
    app = Plots()
    async with app.run_test(size=(80, 24)) as pilot:
        app.plot("cpu").show(
            [Curve("web01", [90.0] * 200, "bar", "A"), Curve("web02", [10.0] * 200, "second", "B")], 2.0
        )
        await pilot.pause()
        lines = app.lines("cpu")
        assert "A web01 90%" in lines[0] and "B web02 10%" in lines[0]
        body = lines[1:-1]
        assert sum("A" in line for line in body) == sum("B" in line for line in body) == 1
        high = next(y for y, line in enumerate(body) if "A" in line)
        assert high < next(y for y, line in enumerate(body) if "B" in line)
        assert body[high].rstrip().endswith("A")  # at the newest value


async def test_what_spans_powers_stands_on_a_scale_of_powers() -> None:
    app = Plots()
    async with app.run_test(size=(80, 40)) as pilot:
        app.plot("powers").show(
            [Curve("near", [0.0003, NAN, 0.0003], "bar", "A"), Curve("far", [0.2] * 3, "second", "B")], 1.0
        )
        await pilot.pause()
        lines = app.lines("powers")
        assert [line.split("┤")[0].strip() for line in lines if "┤" in line] == [
            "1.0 s",
            "100 ms",
            "10.0 ms",
            "1.0 ms",
            "0.10 ms",
        ]
        body = lines[1:-1]
        far, near = (next(y for y, line in enumerate(body) if mark in line) for mark in "BA")
        assert far <= 2 and 5 <= near <= 8 and "×" in body[-1]


async def test_nothing_yet_is_said_in_words() -> None:
    app = Plots()
    async with app.run_test(size=(80, 24)) as pilot:
        app.plot("cpu").show([Curve("", [NAN, NAN])], 2.0, "no samples")
        await pilot.pause()
        assert any("no samples" in line for line in app.lines("cpu"))


async def test_only_what_is_seen_and_has_changed_is_drawn() -> None:
    app = Plots()
    drawn: list[str] = []
    async with app.run_test(size=(80, 20)) as pilot:
        for name in ("rtt", "cpu", "below"):
            plot = app.plot(name)

            def draw(cells: int, height: int, plot: Plot = plot) -> object:
                drawn.append(str(plot.id))
                return Plot._draw(plot, cells, height)

            plot._draw = draw  # type: ignore[method-assign, assignment]
        values = [50.0, NAN, 20.0]
        for name in ("rtt", "cpu", "below"):
            app.plot(name).show([Curve("", list(values))], 2.0)
        await pilot.pause()
        assert sorted(drawn) == ["cpu", "rtt"]
        for name in ("rtt", "cpu", "below"):
            app.plot(name).show([Curve("", list(values))], 2.0)  # equal, though NaN is not equal to itself
        await pilot.pause()
        assert len(drawn) == 2
        app.plot("cpu").show([Curve("", [*values, 30.0])], 2.0)
        await pilot.pause()
        assert sorted(drawn) == ["cpu", "cpu", "rtt"]


@pytest.mark.parametrize("size", [(20, 5), (10, 3), (200, 60), (1, 1)])
async def test_any_size(size: tuple[int, int]) -> None:
    app = Plots()
    async with app.run_test(size=(80, 24)) as pilot:
        app.plot("rtt").show([Curve("web東京", [0.001, NAN, 0.2], "bar", "A")], 1.0)
        await pilot.resize_terminal(*size)
        await pilot.pause()
        for y in range(app.plot("rtt").size.height):
            assert app.plot("rtt").render_line(y).cell_length == app.plot("rtt").size.width


async def test_a_redraw_is_cheap() -> None:
    """5 ms at 160x20; the least of many is what it costs, whatever else the machine does."""
    app = Plots()
    async with app.run_test(size=(160, 24)):
        plot = app.plot("cpu")
        plot.show(
            [Curve(f"n{n}", [50 + 50 * math.sin(n + x / 9) for x in range(320)], "bar", "ABC"[n]) for n in range(3)],
            2.0,
        )
        took = []
        for _ in range(20):
            started = time.process_time()
            plot._draw(160, 20)
            took.append(time.process_time() - started)
        assert min(took) < 0.005
