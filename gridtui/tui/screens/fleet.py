"""The fleet's screen: the summary, the table, the filter. Owns what is shown and in which order; the table draws it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widget import Widget
from textual.widgets import Input

from .. import text, top
from ..actions import bindings, of
from ..arrange import Group, aggregate, arrange, count, group_keys, smallest_groups
from ..columns import BY_NAME
from ..rows import silence
from ..states import STATE_ROLES, Kind, face
from ..widgets.bars import Chunk, KeyBar, TextLine
from ..widgets.fleet_table import FleetTable, TableHeader
from ..widgets.lines import Lines
from .marking import MarkingScreen

CALM = 2.0
"""Seconds between two orders of the table while nothing but numbers changes: rows that jump cannot be read."""
SHARE = 60
"""An ordering that takes t seconds is repeated after SHARE * t at the earliest, so that it costs less than 2 % of a core."""
_TITLE: Chunk = (("gridtui", "title"),)


class FleetScreen(MarkingScreen):
    """All nodes, problems first."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("fleet")]

    def __init__(self) -> None:
        super().__init__()
        self._sort, self._descending, self._group = "problems", False, ""
        self._names: list[str] = []
        self._total = Group("", {})
        self._counts: Mapping[Kind, int] = {}
        self._added_at = self._adding = 0.0
        self._without: frozenset[str] = frozenset({"gpu", "posture"})
        self._ordered_at = 0.0
        self._took = 0.0
        self._waiting = False

    @property
    def crumb(self) -> str:
        return "fleet"

    def command_sort(self, words: str) -> None:
        """Sort by a column."""
        self._sort_by(words)

    def command_group(self, words: str) -> None:
        """Group by something, or not at all."""
        self._group = "" if words == "none" else words
        self.order()

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
            id="table",
        )
        yield TextLine("raised", cut=True, id="detail")
        yield Input(
            placeholder="a selection, e.g.  @web & state=down   or   load>4 , disk>90",
            id="filter",
            select_on_focus=False,
        )
        yield KeyBar([*of("fleet"), *of("app")], dashboard.keys, id="keys")

    def on_mount(self) -> None:
        nodes = self.dashboard.fleet.nodes
        self._groups = group_keys(nodes.values())
        self._smallest = smallest_groups(nodes)
        self.table.focus()

    def on_screen_resume(self) -> None:
        self.order()

    @property
    def table(self) -> FleetTable:
        return self.query_one("#table", FleetTable)

    @property
    def body(self) -> Widget:
        return self.table

    # ---- marks ----

    @property
    def shown(self) -> list[str]:
        return self.table.names

    @property
    def under(self) -> list[str]:
        return [name] if (name := self.table.node) is not None else []

    def marked(self) -> None:
        self.table.refresh()
        self._summarise()

    def step(self) -> None:
        self.table.action_down()

    @on(Lines.Marked)
    def _mark_clicked(self, event: Lines.Marked) -> None:
        if (name := self.table.node) is not None:
            if event.reach:
                self.mark_to(name)
            else:
                self.mark_one(name)

    # ---- what is new ----

    def freshen(self, changed: bool) -> None:
        """Show what is new. `changed`: something other than numbers is, so the order may be another."""
        now = time.monotonic()
        self._waiting = self._waiting or changed
        due = self._ordered_at + max(0.0 if self._waiting else CALM, SHARE * self._took)
        # Not both in one beat: with 5,000 nodes each takes some 20 ms, and a key press waits behind either.
        if now >= self._added_at + max(CALM, SHARE * self._adding):
            self._add_up()
        elif now >= due:
            self.order()
            return
        self.table.look()
        self._summarise()
        self.explain()

    def order(self) -> None:
        """Filter, sort and group again, now."""
        started = time.monotonic()
        dashboard = self.dashboard
        status = dashboard.bridge.status
        nodes = dashboard.fleet.nodes
        self._names = self.filtered()
        self._counts = count(map(status, nodes))
        lines = arrange(
            self._names, status, self._sort, self._descending, self._group, self._smallest, dashboard.survey.score
        )
        if dashboard.survey:
            self._without -= {"posture"}
        self.table.show(lines, self._without)
        self._summarise()
        self.explain()
        self._waiting = False
        self._ordered_at = time.monotonic()
        self._took = self._ordered_at - started

    def _add_up(self) -> None:
        """The fleet's means and sums."""
        started = time.monotonic()
        self._total = aggregate("", map(self.dashboard.bridge.status, self.dashboard.fleet.nodes))
        self._added_at = time.monotonic()
        self._adding = self._added_at - started
        if "gpu" in self._total.means:
            self._without -= {"gpu"}

    def _summarise(self) -> None:
        dashboard = self.dashboard
        nodes = len(dashboard.fleet.nodes)
        self.query_one("#titles", TableHeader).show(self.table.layout_now, self._sort, self._descending)
        wide = self.size.width >= 100
        first = [*([_TITLE] if wide else ()), *top.counts(self._counts, nodes)]
        second = [
            *dashboard.goes_on(),
            *top.chosen(self.selection, len(self._names), nodes),
            *top.marked(len(dashboard.marks)),
            *top.together(self._total, wide),
            *top.ping(dashboard.fleet.ping_method, wide),
            *top.order(self._sort, self._descending, self._group),
        ]
        self.query_one("#summary", TextLine).show((first, dashboard.corner(self.size.width)), (second, ()))

    def explain(self) -> None:
        """The detail line: the node under the cursor, in words."""
        line = self.query_one("#detail", TextLine)
        if self.complaint:
            line.show((self.complaint, ()))
            return
        name = self.table.node
        if name is None:
            words = f"no node matches {text.plain(self.selection)}" if self.selection else "the inventory has no nodes"
            line.show(([((words, "dim"),)], ()))
            return
        status = self.dashboard.bridge.status(name)
        seen, verdict, now = face(status), status.verdict, self.dashboard.clock()
        chunks: list[Chunk] = [
            ((f"{seen.glyph} ", seen.role), (text.plain(name), "strong"), (f" {seen.word}", seen.role))
        ]
        if seen.silent and (told := silence(status, seen, now)):
            chunks.append(((text.plain(told), "text"),))
        elif seen.kind is not Kind.UP and verdict.since:
            chunks.append(((f"for {text.age(now - verdict.since)}", "dim"),))
        if not seen.silent:
            chunks += [((text.plain(reason.text), STATE_ROLES[reason.state]),) for reason in verdict.reasons[:4]]
        if status.facts is not None and not verdict.reasons:
            facts = status.facts
            about = (facts.os_name, facts.kernel, f"{facts.cpus} CPUs" if facts.cpus else "", facts.cpu_model)
            chunks += [((text.plain(words), "dim"),) for words in about if words]
        line.show((chunks, ()))

    @on(FleetTable.Laid)
    def _titles(self) -> None:
        self._summarise()

    @on(Lines.Moved)
    def _moved(self) -> None:
        self.explain()

    # ---- order ----

    def _sort_by(self, name: str) -> None:
        self._sort = name
        self._descending = name in BY_NAME and BY_NAME[name].descending
        self.order()

    def action_column_left(self) -> None:
        self._neighbour(-1)

    def action_column_right(self) -> None:
        self._neighbour(1)

    def _neighbour(self, step: int) -> None:
        columns = [column.name for column, _ in self.table.layout_now.columns if column.key is not None]
        if self._sort in columns:
            self._sort_by(columns[(columns.index(self._sort) + step) % len(columns)])
        elif columns:
            self._sort_by(columns[0 if step > 0 else -1])

    def action_reverse(self) -> None:
        self._descending = not self._descending
        self.order()

    def action_problems(self) -> None:
        self._sort_by("problems")

    @on(TableHeader.Clicked)
    def _sort_clicked(self, event: TableHeader.Clicked) -> None:
        if event.column == self._sort:
            self.action_reverse()
        else:
            self._sort_by(event.column)

    def action_group(self) -> None:
        at = self._groups.index(self._group)
        self._group = self._groups[(at + 1) % len(self._groups)]
        self.order()

    # ---- nodes ----

    @property
    def targets(self) -> list[str]:
        """Whom an action is for."""
        return self.dashboard.targets(self.shown)

    @on(Lines.Chosen)
    def _chosen(self) -> None:
        self.action_open()

    def action_open(self) -> None:
        if (name := self.table.node) is not None:
            self.dashboard.open_node(name)

    def action_retry(self) -> None:
        if (name := self.table.node) is not None:
            self.dashboard.retry(name)

    def action_shell(self) -> None:
        names = self.dashboard.marks.names or [name for name in (self.table.node,) if name is not None]
        self.dashboard.open_shell(names)

    def action_exec(self) -> None:
        self.dashboard.open_run("exec", self.targets)

    def action_push(self) -> None:
        self.dashboard.open_run("push", self.targets)

    def action_playbooks(self) -> None:
        self.dashboard.open_playbooks(self.targets)

    def action_posture(self) -> None:
        if (name := self.table.node) is not None:
            self.dashboard.open_posture(name)

    def action_survey(self) -> None:
        self.dashboard.run_worker(self.dashboard.survey.ask_all(self.targets), group="posture")

    def action_jobs(self) -> None:
        self.dashboard.open_jobs()

    def action_events(self) -> None:
        self.dashboard.open_events()

    def neighbour(self, name: str, step: int) -> str | None:
        """The node that stands `step` nodes below `name`; the cursor goes there too."""
        names = self.table.names
        if name not in names:
            return names[0] if names else None
        other = names[(names.index(name) + step) % len(names)]
        self.table.seek(other)
        return other
