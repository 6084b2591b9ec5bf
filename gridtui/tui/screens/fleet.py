"""The fleet's screen: the summary, the table, the filter. Owns what is shown and in which order; the table draws it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType

from .. import detail, top
from ..actions import bindings
from ..arrange import Group, adding
from ..hints import hints
from ..pane import Coloured
from ..slices import Slices
from ..widgets.bars import Chunk, KeyBar, TextLine
from ..widgets.fleet_table import FleetTable, TableHeader
from ..widgets.lines import Lines
from .looking import Look
from .viewing import ViewingScreen

CALM = 2.0
"""Seconds between two orders of the table while nothing but numbers changes: rows that jump cannot be read."""
SHARE = 60
"""An ordering that takes t seconds is repeated after SHARE * t at the earliest, so that it costs less than 2 % of a core."""
_TITLE: Chunk = (("gridtui", "title"),)


class FleetScreen(ViewingScreen):
    """All nodes, problems first."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("fleet")]

    def __init__(self) -> None:
        super().__init__()
        self._total = Group("", {})
        self._adding: Slices[Group] | None = None
        self._added_at = self._took_adding = 0.0
        self._waiting = False

    @property
    def crumb(self) -> str:
        return "fleet"

    def compose(self) -> ComposeResult:
        dashboard = self.dashboard
        settings = dashboard.fleet.settings
        yield TextLine("raised", id="summary")
        yield TableHeader(id="titles")
        yield FleetTable(
            dashboard.bridge.fresh_status,
            lambda name: dashboard.fleet.history(name, "rtt"),
            settings.intervals.fast,
            settings.dashboard.columns,
            dashboard.clock,
            dashboard.survey.posture,
            dashboard.marks.__contains__,
            {"gpu", "posture"},
            self._history,
            id="table",
        )
        yield TextLine("raised", cut=True, id="detail")
        yield self.filter_box()
        yield KeyBar(hints("fleet"), dashboard.keys, id="keys")

    def make(self, look: Look) -> Coloured:
        dashboard = self.dashboard
        if look == "map":
            from ..widgets.heat import HeatMap

            return HeatMap(dashboard.bridge.status, dashboard.marks.__contains__, dashboard.survey.posture, id="map")
        from ..widgets.latency import LatencyBoard

        return LatencyBoard(
            dashboard.bridge.fresh_status,
            self._history,
            self._interval,
            dashboard.clock,
            dashboard.marks.__contains__,
            id="board",
        )

    def _history(self, name: str, metric: str) -> Sequence[float]:
        """What was measured, of whatever is shown: a replay takes the place of the fleet."""
        return self.dashboard.fleet.history(name, metric)

    def _interval(self, name: str, metric: str) -> float:
        """Seconds between two values of a node's history."""
        fleet = self.dashboard.fleet
        node, intervals = fleet.nodes[name], fleet.settings.intervals
        return node.ping_interval or intervals.ping if metric == "rtt" else node.interval or intervals.fast

    def on_mount(self) -> None:
        super().on_mount()
        self.table.focus()

    def on_screen_resume(self) -> None:
        self.order()

    # ---- what is new ----

    def freshen(self, changed: bool) -> None:
        """Show what is new. `changed`: something other than numbers is, so the order may be another."""
        now = time.monotonic()
        self._waiting = self._waiting or changed
        due = self.ordered_at + max(0.0 if self._waiting else CALM, SHARE * self.took)
        # Not both at once: with 5,000 nodes each takes some 20 ms, in slices.
        if self._adding is None and now >= self._added_at + max(CALM, SHARE * self._took_adding):
            self._add_slowly()
        elif now >= due and not self.reordering:
            self._waiting = False
            self.reorder()
            return
        self.pane.look()
        self.summarise()
        self.explain()

    def ordered(self) -> None:
        if self.dashboard.survey:
            self.table.leave_out(self.table.without - {"posture"})
        self.summarise()
        self.explain()

    def add_up(self) -> None:
        """The fleet's means and sums, now."""
        total = self._sums()
        total.at_once()
        self._added(total)

    def _add_slowly(self) -> None:
        total = self._adding = self._sums()
        if total.go_on():
            self._added(total)
        else:
            self.run_worker(self._add_on(total), group="add", exclusive=True)

    async def _add_on(self, total: Slices[Group]) -> None:
        if await total.finish(lambda: total is self._adding):
            self._added(total)

    def _sums(self) -> Slices[Group]:
        return Slices(adding(list(self.dashboard.fleet.nodes), self.dashboard.bridge.status))

    def _added(self, total: Slices[Group]) -> None:
        self._adding = None
        self._total, self._took_adding = total.result, total.took
        self._added_at = time.monotonic()
        if "gpu" in self._total.means:
            self.table.leave_out(self.table.without - {"gpu"})

    def summarise(self) -> None:
        dashboard = self.dashboard
        nodes = len(dashboard.fleet.nodes)
        self.query_one("#titles", TableHeader).show(self.table.layout_now, self.sort, self.descending)
        wide = self.size.width >= 100
        first = [*([_TITLE] if wide else ()), *top.counts(self.counts, nodes)]
        second = [
            *dashboard.goes_on(),
            *top.unrecorded(dashboard.fleet.recording_trouble),
            *top.chosen(self.selection, len(self.shown), nodes),
            *top.marked(len(dashboard.marks)),
            *top.together(self._total, wide),
            *top.ping(dashboard.fleet.ping_method, wide),
            *top.order(self.sort, self.descending, self.by),
        ]
        self.query_one("#summary", TextLine).show((first, self.corner()), (second, ()))

    def explain(self) -> None:
        """The detail line: the node under the cursor, in words."""
        line = self.query_one("#detail", TextLine)
        if self.complaint:
            line.show((self.complaint, ()))
            return
        now, status = self.dashboard.clock(), self.dashboard.bridge.status
        if (name := self.pane.node) is not None:
            line.show((detail.node(status(name), now), ()))
        elif (header := self.header) is not None:
            worst = status(header.worst) if header.worst is not None else None
            line.show((detail.group(header, worst, now), ()))
        else:
            line.show((detail.nothing(self.selection), ()))

    @on(FleetTable.Laid)
    def _titles(self) -> None:
        self.summarise()

    # ---- acting ----

    @property
    def whom(self) -> str:
        """Whom an action is for, in words."""
        return self.dashboard.marks.whom(self.shown, len(self.dashboard.fleet.nodes))

    @on(Lines.Chosen)
    def _chosen(self) -> None:
        self.action_open()

    def action_open(self) -> None:
        if self.header is not None:
            self.action_fold()
        elif (name := self.pane.node) is not None:
            self.dashboard.open_node(name)

    def action_retry(self) -> None:
        if (name := self.pane.node) is not None:
            self.dashboard.retry(name)

    def action_shell(self) -> None:
        names = self.dashboard.marks.names or [name for name in (self.pane.node,) if name is not None]
        self.dashboard.open_shell(names)

    def action_exec(self) -> None:
        self.dashboard.open_run("exec", self.targets, self.whom)

    def command_exec(self, words: str) -> None:
        """Run a command on the targets."""
        self.dashboard.run_command(words, self.targets, self.whom)

    def action_push(self) -> None:
        self.dashboard.open_run("push", self.targets, self.whom)

    def action_playbooks(self) -> None:
        self.dashboard.open_playbooks(self.targets, self.whom)

    def action_posture(self) -> None:
        if (name := self.pane.node) is not None:
            self.dashboard.open_posture(name)

    def action_survey(self) -> None:
        self.dashboard.run_worker(self.dashboard.survey.ask_all(self.targets), group="posture")

    def action_jobs(self) -> None:
        self.dashboard.open_jobs()

    def action_alerts(self) -> None:
        self.dashboard.open_alerts()

    def action_events(self) -> None:
        self.dashboard.open_events()
