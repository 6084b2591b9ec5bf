"""The latency board: a row a node, its figures, and a strip over time. Draws what it is given; `latency` says what a row is."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from textual import events
from textual.geometry import Region

from ...model import PingMethod, Status
from .. import heat, latency
from ..arrange import Group
from ..metrics import BY_NAME, WITH_HISTORY, Metric, Scale, scale
from ..states import face
from ..text import width
from .fleet_lines import FleetLines
from .lines import Parts


class LatencyBoard(FleetLines):
    """`status`, `history` and `interval` are asked for visible nodes only: the scale and the axis are those of what is seen."""

    HEAD = 2

    def __init__(
        self,
        status: Callable[[str], Status],
        history: Callable[[str, str], Sequence[float]],
        interval: Callable[[str, str], float],
        clock: Callable[[], float] = time.time,
        marked: Callable[[str], bool] = lambda name: False,
        *,
        id: str | None = None,
    ) -> None:
        """`history` gives a node's values of a metric, oldest first, NaN where there is none; `interval` the seconds between two of them."""
        super().__init__(marked, id=id)
        self._status = status
        self._history = history
        self._interval = interval
        self._clock = clock
        self._metric = BY_NAME["rtt"]
        self._scale = Scale(0.0001, 0.001, log=True)
        self._step = 1.0
        self._longest = 8
        self._values: dict[str, Sequence[float]] = {}
        self._layout_now = latency.lay_out(80, 8, self._metric)

    # ---- what it shows ----

    @property
    def metric(self) -> Metric:
        """What is shown over time."""
        return self._metric

    @property
    def metrics(self) -> Sequence[Metric]:
        """What can be shown over time."""
        return WITH_HISTORY

    def colour_by(self, metric: Metric) -> None:
        """Show something else over time."""
        if metric != self._metric and metric in WITH_HISTORY:
            self._metric = metric
            self._values.clear()
            self._lay_out()
            self.look()

    # ---- lines ----

    def look(self) -> None:
        self._measure(self._seen_names())
        super().look()

    def _seen_names(self) -> list[str]:
        first, last = self._visible()
        return [line for line in self._lines[first:last] if isinstance(line, str)]

    def _measure(self, names: Sequence[str]) -> None:
        """The scale and the span of a cell, over what is in view."""
        series, cells = self._metric.series, max(1, self._layout_now.strip)
        values: list[float] = []
        longest, least = 0.0, 1e9
        self._values = {name: self._history(name, series) for name in names}
        for name, found in self._values.items():
            if found:
                interval = self._interval(name, series)
                longest, least = max(longest, len(found) * interval), min(least, interval)
                values += found
        step = latency.cell_span(max(longest / cells, min(least, 1.0)))
        measured = scale(self._metric, values)
        if (step, measured) != (self._step, self._scale):
            self._step, self._scale = step, measured
            self._made.clear()
            self.refresh(Region(0, 0, self.size.width, self.HEAD))

    def parts(self, index: int) -> Parts:
        line, layout = self._lines[index], self._layout_now
        if isinstance(line, Group):
            return latency.header(line, self._metric, layout)
        status, series = self._status(line), self._metric.series
        values = self._values[line] if line in self._values else self._history(line, series)
        found = latency.figures(values)
        strip = latency.strip(values, self._interval(line, series), self._clock(), layout.strip, self._step)
        local = status.trips.method is PingMethod.LOCAL
        return latency.row(line, face(status), found, strip, self._metric, self._scale, layout, local)

    def heading(self, y: int) -> Parts:
        if y:
            return latency.titles(self._layout_now, self._step)
        parts = heat.legend(self._metric, self._scale, self.size.width)
        lost = (("   × lost", "critical"),) if self._metric.name == "rtt" else ()
        return (*parts[:-1], *lost) if parts and parts[-1][0].strip().startswith("·") else parts

    def arranged(self) -> None:
        longest = max((width(line) for line in self._lines if isinstance(line, str)), default=8)
        if longest > self._longest or longest < self._longest - 8:  # folding a group must not move all columns
            self._longest = longest
            self._lay_out()

    def on_resize(self, event: events.Resize) -> None:
        self._lay_out()

    def _lay_out(self) -> None:
        self._layout_now = latency.lay_out(self.scrollable_content_region.width or 80, self._longest, self._metric)
        self._strips.clear()
        self._measure(self._seen_names())
        self._made.clear()
        self.refresh()
