"""What a redraw of a plot costs: ours, Textual's Sparkline, and the stock plot widgets, in one run; and of the map and the board.

    python -m benchmarks.plots [--frames 60]

Each draws the same two curves of 320 moving values on 160x20 cells, in a real pseudo-terminal of its own, one frame after the other
as soon as the one before it is painted. Seconds are those of its process's CPU: making the frame, Textual's compositor, and writing it.
`blank` paints an empty area of that size again: what no widget can be cheaper than, but one that paints less. textual-plotext and textual-plot are measured
where they are installed (`pip install textual-plotext textual-plot`); they are no dependencies. Sparkline has one curve without axes.

The map is of 1,000 nodes on 120x40, the board of 40 rows of 300 round trips, all of them new in every frame. `parts` of them are what is
made before Textual sees it.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import math
import sys
import tempfile
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from textual.app import App, ComposeResult
from textual.widget import Widget
from textual.widgets import Sparkline, Static

from benchmarks import measure
from benchmarks.terminal import Program, python
from gridtui.tui import text, themes
from gridtui.tui.arrange import arranging
from gridtui.tui.slices import whole
from gridtui.tui.widgets.heat import HeatMap
from gridtui.tui.widgets.latency import LatencyBoard
from gridtui.tui.widgets.plot import Curve, Plot

VALUES = 320
AIM = 0.005
"""Seconds of CPU for a redraw."""
PEERS = {"textual-plotext": "textual_plotext", "textual-plot": "textual_plot"}

Step = Callable[[int], None]


_LONG = [50 + 40 * math.sin(x / 17) + 5 * math.sin(x * 1.7) for x in range(4000)]


def wave(shift: int, turn: int = 0) -> list[float]:
    """Values between 5 and 95 that move on with each frame. Made before: they cost nothing in it."""
    start = (shift + turn) % (len(_LONG) - VALUES)
    return _LONG[start : start + VALUES]


# ---- what is drawn ----


def blank() -> tuple[Widget, Step]:
    widget = Static("")

    def step(frame: int) -> None:
        widget.refresh()

    return widget, step


def ours() -> tuple[Widget, Step]:
    plot = Plot("cpu", text.percent, high=100.0)

    def step(frame: int) -> None:
        plot.show([Curve("a", wave(frame), "bar", "A"), Curve("b", wave(frame, 34), "second", "B")], 2.0)

    return plot, step


def sparkline() -> tuple[Widget, Step]:
    widget = Sparkline(wave(0))

    def step(frame: int) -> None:
        widget.data = wave(frame)

    return widget, step


def plotext() -> tuple[Widget, Step]:
    widget: Any = import_module("textual_plotext").PlotextPlot()

    def step(frame: int) -> None:
        plt = widget.plt
        plt.clear_data()
        plt.ylim(0, 100)
        plt.plot(wave(frame), marker="braille")
        plt.plot(wave(frame, 34), marker="braille")
        widget.refresh()

    return widget, step


def hires() -> tuple[Widget, Step]:
    stock = import_module("textual_plot")
    widget: Any = stock.PlotWidget()
    x = list(range(VALUES))

    def step(frame: int) -> None:
        widget.clear()
        widget.set_ylimits(0, 100)
        for turn, colour in ((0, "blue"), (34, "yellow")):
            widget.plot(x, wave(frame, turn), line_style=colour, hires_mode=stock.HiResMode.BRAILLE)

    return widget, step


def heat_map() -> tuple[Widget, Step]:
    from tests.tui.fake import FakeFleet

    fleet = FakeFleet(1000)
    fleet.advance(2, full=False)
    frames = [{name: fleet.status(name) for name in fleet.nodes}]
    fleet.advance(30, full=False)
    frames.append({name: fleet.status(name) for name in fleet.nodes})
    now = [0]
    widget = HeatMap(lambda name: frames[now[0]][name])

    def step(frame: int) -> None:
        now[0] = frame % 2
        if not frame:
            widget.show(whole(arranging(list(fleet.nodes), frames[0].__getitem__, "inventory")))
        started = time.process_time()
        widget.look()
        making.append(time.process_time() - started)

    return widget, step


def board() -> tuple[Widget, Step]:
    from tests.tui.fake import FakeFleet

    fleet = FakeFleet(40)
    fleet.advance(1)
    statuses = {name: fleet.status(name) for name in fleet.nodes}
    now = [0]
    trips = {name: [value / 1e4 for value in _LONG[number * 9 :]] for number, name in enumerate(fleet.nodes)}
    widget = LatencyBoard(
        statuses.__getitem__,
        lambda name, metric: trips[name][now[0] : now[0] + 300],
        lambda name, metric: 1.0,
        lambda: 1e9 + now[0],
    )

    def step(frame: int) -> None:
        now[0] = frame
        if not frame:
            widget.show(list(fleet.nodes))
        started = time.process_time()
        widget.look()
        making.append(time.process_time() - started)

    return widget, step


DRAWN: dict[str, tuple[Callable[[], tuple[Widget, Step]], tuple[int, int]]] = {
    "blank": (blank, (160, 20)),
    "gridtui": (ours, (160, 20)),
    "Sparkline": (sparkline, (160, 20)),
    "textual-plotext": (plotext, (160, 20)),
    "textual-plot": (hires, (160, 20)),
    "map": (heat_map, (120, 40)),
    "board": (board, (160, 42)),
}

making: list[float] = []
"""Seconds of each frame before Textual sees it."""


# ---- one of them, in the pseudo-terminal ----


class One(App[None]):
    """Draws one widget, frame after frame."""

    CSS = "Screen { layout: vertical; } Screen > * { height: 100%; width: 100%; }"
    ENABLE_COMMAND_PALETTE = False

    def __init__(self, name: str, frames: int, result: Path) -> None:
        super().__init__()
        self.widget, self.step = DRAWN[name][0]()
        self.frame, self.frames, self.result = 0, frames, result
        self.started = 0.0
        for theme in themes.THEMES:
            self.register_theme(theme)
        self.theme = themes.DEFAULT

    def compose(self) -> ComposeResult:
        yield self.widget

    def on_ready(self) -> None:
        self.set_timer(0.3, self.go_on)

    def go_on(self) -> None:
        """Draw the next frame once this one is painted."""
        if self.frame == WARM:
            making.clear()
            self.started = time.process_time()
        if self.frame == self.frames + WARM:
            took = time.process_time() - self.started
            self.result.write_text(json.dumps({"seconds": took / self.frames, "made": sum(making) / self.frames}))
            self.exit()
            return
        self.step(self.frame)
        self.frame += 1
        self.call_after_refresh(self.go_on)


WARM = 5
"""Frames before the clock is started."""


def draw(name: str, frames: int) -> dict[str, float]:
    """Seconds of CPU a frame, and of them before Textual sees it."""
    width, height = DRAWN[name][1]
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "result"
        words = python("benchmarks.plots", "--draw", name, "--frames", str(frames), "--result", str(result))
        with Program(words, width=width, height=height) as program:
            program.until(lambda screen: result.exists() and result.read_text(), 120)
            found: dict[str, float] = json.loads(result.read_text())
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=60)
    parser.add_argument("--draw", help=argparse.SUPPRESS)
    parser.add_argument("--result", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.draw:
        One(chosen.draw, chosen.frames, chosen.result).run()
        return 0
    print(measure.machine())
    missing = [name for name, module in PEERS.items() if importlib.util.find_spec(module) is None]
    found = {name: draw(name, chosen.frames) for name in DRAWN if name not in missing}
    own = found["gridtui"]["seconds"]
    print("\na redraw of two curves at 160x20, CPU")
    for name, cost in found.items():
        if DRAWN[name][1] == (160, 20):
            print(f"  {name:16} {cost['seconds'] * 1000:8.2f} ms  {cost['seconds'] / own:7.2f}x of ours")
    for name in missing:
        print(f"  {name:16} is not installed")
    print("\nall of it new")
    for name, words in (("map", "the map, 1,000 nodes, 120x40"), ("board", "the board, 40 rows, 160x42")):
        cost = found[name]
        print(f"  {words:30} {cost['seconds'] * 1000:8.2f} ms, of which its parts {cost['made'] * 1000:.2f} ms")
    print()
    return 0 if measure.aim("a plot's redraw, seconds of CPU", own, AIM) else 1


if __name__ == "__main__":
    sys.exit(main())
