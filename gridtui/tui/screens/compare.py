"""Two to six nodes on the same axes, their values side by side, and the facts that differ. Owns which are compared; `compare` has the words."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container, VerticalScroll

from .. import compare
from ..actions import bindings
from ..compare import LEAST, MARKS
from ..hints import hints
from ..metrics import WITH_HISTORY, Metric, scale
from ..states import face
from ..widgets.bars import KeyBar, TextLine
from ..widgets.panel import Panel
from ..widgets.plot import Curve, Plot
from .place import Place


class ComparePage(VerticalScroll, inherit_bindings=False):
    """Plots and tables, scrolled together by the keys of any list."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("list")]

    def action_up(self) -> None:
        self.scroll_up(animate=False)

    def action_down(self) -> None:
        self.scroll_down(animate=False)

    def action_page_up(self) -> None:
        self.scroll_page_up(animate=False)

    def action_page_down(self) -> None:
        self.scroll_page_down(animate=False)

    def action_first(self) -> None:
        self.scroll_home(animate=False)

    def action_last(self) -> None:
        self.scroll_end(animate=False)


def _plot(metric: Metric) -> Plot:
    return Plot(
        metric.title,
        metric.form,
        high=metric.high,
        least=metric.least,
        binary=metric.binary,
        losses=metric.name == "rtt",
        scale=partial(scale, metric, fine=True) if metric.log else None,
        id=f"plot-{metric.name.replace('.', '-')}",
    )


class CompareScreen(Place):
    """Nodes side by side, live."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("compare")]
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (70, "-medium"), (120, "-wide")]  # noqa: RUF012 - declared so by Textual

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__()
        self.names = list(names)
        self.chosen = 0
        """Which of them the keys are for."""

    @property
    def crumb(self) -> str:
        return "compare"

    @property
    def node(self) -> str:
        """The node that is chosen."""
        return self.names[self.chosen]

    def compose(self) -> ComposeResult:
        yield TextLine("raised", cut=True, id="summary")
        with ComparePage(id="body"):
            with Container(id="plots"):
                for metric in WITH_HISTORY:
                    yield _plot(metric)
            yield Panel("Values, and how far each is from the median", id="values")
            yield Panel("Facts that differ", id="facts")
        yield KeyBar(hints("compare"), self.dashboard.keys, id="keys")

    def on_mount(self) -> None:
        self.query_one("#body").focus()

    def on_screen_resume(self) -> None:
        self.freshen(True)

    def freshen(self, changed: bool) -> None:
        """Show what is new."""
        dashboard = self.dashboard
        statuses = [dashboard.bridge.fresh_status(name) for name in self.names]
        scores = [dashboard.survey.score(name) for name in self.names]
        room = self.size.width
        self.query_one("#summary", TextLine).show(
            ([(("compare", "title"),), ((f"{len(self.names)} nodes", "dim"),)], self.corner()),
            (compare.letters(self.names, [face(status) for status in statuses], room, self.chosen), ()),
        )
        for metric in WITH_HISTORY:
            self._draw(metric)
        chosen = self.chosen
        self.query_one("#values", Panel).show(lambda cells: compare.values(statuses, scores, cells, chosen))
        self.query_one("#facts", Panel).show(lambda cells: compare.facts(statuses, cells))

    def _draw(self, metric: Metric) -> None:
        fleet = self.dashboard.fleet
        intervals = fleet.settings.intervals
        found: list[tuple[int, Sequence[float], float]] = []
        for number, name in enumerate(self.names):
            node = fleet.nodes[name]
            own = node.ping_interval or intervals.ping if metric.name == "rtt" else node.interval or intervals.fast
            found.append((number, fleet.history(name, metric.series), own))
        step = max(own for _, _, own in found)
        curves = [
            Curve("", compare.together(values, own, step), compare.role(number), MARKS[number])
            for number, values, own in found
        ]
        # The chosen one's is drawn over the others.
        curves.append(curves.pop(self.chosen))
        plot = self.query_one(f"#plot-{metric.name.replace('.', '-')}", Plot)
        plot.display = any(value == value for curve in curves for value in curve.values)
        plot.show(curves, step)

    # ---- keys ----

    def action_pick_left(self) -> None:
        self._pick(-1)

    def action_pick_right(self) -> None:
        self._pick(1)

    def _pick(self, step: int) -> None:
        self.chosen = (self.chosen + step) % len(self.names)
        self.freshen(False)

    def action_open(self) -> None:
        self.dashboard.open_node(self.node)

    def action_drop(self) -> None:
        if len(self.names) <= LEAST:
            self.app.notify(f"a comparison is of {LEAST} nodes at least", markup=False, severity="warning")
            return
        del self.names[self.chosen]
        self.chosen = min(self.chosen, len(self.names) - 1)
        self.freshen(False)

    def action_back(self) -> None:
        if self.is_active:  # the key may come twice before the screen is gone
            self.dismiss(None)
