"""The page of a node: plots and panels in columns, scrolled together. Owns what stands together, and which of it takes room."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical, VerticalScroll

from .. import text
from ..actions import bindings
from ..sheets import SHEETS, View
from .masonry import Masonry
from .plot import Curve, Plot
from .sheet import SheetPanel

BOXES: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = (
    ((), ("why",)),
    ((), ("jobs",)),
    (("cpu",), ("cpu",)),
    (("mem",), ("memory", "pressure")),
    ((), ("units",)),
    (("net",), ("network",)),
    (("disk",), ("disks", "filesystems")),
    (("gpu",), ("gpus",)),
    ((), ("processes",)),
    (("rtt",), ("reach",)),
    (("load",), ()),
    ((), ("temperatures",)),
    ((), ("containers",)),
    ((), ("users",)),
    ((), ("facts",)),
    ((), ("inventory",)),
    ((), ("absent",)),
    ((), ("events",)),
)
"""What stands together, in the order of the page: plots, and panels below them."""
SPANS = frozenset({"why", "jobs", "events"})
"""Panels that take all columns."""


def _rate(value: float | None) -> str:
    return text.UNKNOWN if value is None or math.isnan(value) else f"{text.amount(value)}/s"


def _plot(name: str) -> Plot:
    id = f"plot-{name}"
    match name:
        case "rtt":
            return Plot("round trip", text.seconds, least=0.001, losses=True, id=id)
        case "load":
            return Plot("load", text.number, id=id)
        case "net" | "disk":
            return Plot("network" if name == "net" else name, _rate, least=1024.0, binary=True, id=id)
    return Plot({"cpu": "CPU", "mem": "memory"}.get(name, name), text.percent, high=100.0, id=id)


class NodePage(VerticalScroll, inherit_bindings=False):
    """Moves by lines like any list, while no panel has the focus too."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("list")]

    def compose(self) -> ComposeResult:
        known = {sheet.name: sheet for sheet in SHEETS}
        with Masonry(id="sheets"):
            for plots, panels in BOXES:
                span = " -span" if SPANS & {*panels} else ""
                with Vertical(id=f"box-{(*panels, *plots)[0]}", classes=f"box{span}"):
                    for plot in plots:
                        yield _plot(plot)
                    for panel in panels:
                        yield SheetPanel(known[panel])

    def tell(self, view: View) -> None:
        """Show what is new in the panels."""
        for panel in self.query(SheetPanel):
            panel.tell(view)

    def draw(self, history: Callable[[str], Sequence[float]], trips: float, samples: float) -> None:
        """Show what is new in the plots. `history` gives a metric's values; then the seconds between two echoes, and two samples."""
        self._draw("rtt", trips, (("", "rtt", "bar"),), history)
        for name in ("cpu", "mem", "load", "gpu"):
            self._draw(name, samples, (("", name, "bar"),), history)
        self._draw("net", samples, (("rx", "net.rx", "bar"), ("tx", "net.tx", "second")), history)
        self._draw("disk", samples, (("read", "disk.read", "bar"), ("write", "disk.write", "second")), history)

    def _draw(
        self,
        name: str,
        interval: float,
        curves: Sequence[tuple[str, str, str]],
        history: Callable[[str], Sequence[float]],
    ) -> None:
        plot = self.query_one(f"#plot-{name}", Plot)
        found = [Curve(part, history(metric), role) for part, metric, role in curves]
        # Where nothing was measured there is nothing to see, and no room for it; a trip that was lost is something.
        plot.display = any(value == value or name == "rtt" for curve in found for value in curve.values)
        if plot.display:
            plot.show(found, interval)

    # ---- moving ----

    def action_up(self) -> None:
        self.scroll_relative(y=-1, animate=False)

    def action_down(self) -> None:
        self.scroll_relative(y=1, animate=False)

    def action_page_up(self) -> None:
        self.scroll_relative(y=1 - self.size.height, animate=False)

    def action_page_down(self) -> None:
        self.scroll_relative(y=self.size.height - 1, animate=False)

    def action_first(self) -> None:
        self.scroll_to(y=0, animate=False)

    def action_last(self) -> None:
        self.scroll_to(y=self.max_scroll_y, animate=False)
