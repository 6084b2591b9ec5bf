"""A node's page: who it is, how it is, its plots, its parts, its own events. Owns what is shown; `sheets` has the words."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container, Horizontal, Vertical, VerticalScroll

from ...errors import GridtuiError
from ...model import Status
from .. import sheets, story, text, work
from ..actions import bindings, of
from ..states import STATE_ROLES, face
from ..widgets.bars import Chunk, KeyBar, TextLine
from ..widgets.panel import Panel
from ..widgets.plot import Curve, Plot
from .changes import ask_drain
from .place import Place

if TYPE_CHECKING:
    pass

PROCESSES_EVERY = 3.0
"""Seconds between two lists of processes while they are shown."""
EVENTS = 12
"""The newest events of the node that are shown."""

_PANELS: tuple[tuple[str, str, sheets.Sheet], ...] = (
    ("CPU", "left", sheets.cpu),
    ("Memory", "left", sheets.memory),
    ("Failed-units", "left", sheets.units),
    ("File-systems", "middle", sheets.filesystems),
    ("Disks", "middle", sheets.disks),
    ("Network", "middle", sheets.network),
    ("Reach", "middle", sheets.reach),
    ("Sensors", "right", sheets.temperatures),
    ("GPUs", "right", sheets.gpus),
    ("Users", "right", sheets.users),
    ("Facts", "right", sheets.facts),
    ("Inventory", "right", sheets.inventory),
)


def _rate(value: float | None) -> str:
    return text.UNKNOWN if value is None or value != value else f"{text.amount(value)}/s"


class NodeScreen(Place):
    """One node, live."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("node")]
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (70, "-medium"), (120, "-wide")]  # noqa: RUF012 - declared so by Textual

    def __init__(self, name: str) -> None:
        super().__init__()
        self.node = name
        self._processes = False

    @property
    def crumb(self) -> str:
        return self.node

    def compose(self) -> ComposeResult:
        yield TextLine("raised", cut=True, id="summary")
        with VerticalScroll(id="body"):
            yield Panel("Why", id="why")
            with Container(id="plots"):
                yield Plot("round trip", text.seconds, least=0.001, losses=True, id="plot-rtt")
                yield Plot("cpu", text.percent, high=100.0, id="plot-cpu")
                yield Plot("memory", text.percent, high=100.0, id="plot-mem")
                yield Plot("load", text.number, id="plot-load")
                yield Plot("gpu", text.percent, high=100.0, id="plot-gpu")
                yield Plot("network", _rate, least=1024.0, binary=True, id="plot-net")
                yield Plot("disk", _rate, least=1024.0, binary=True, id="plot-disk")
            yield Panel("Jobs", id="jobs")
            yield Panel("Processes", id="processes")
            with Horizontal(id="sheets"):
                for side in ("left", "middle", "right"):
                    with Vertical(id=side):
                        for title, where, _ in _PANELS:
                            if where == side:
                                yield Panel(title.replace("-", " "), id=f"sheet-{title.lower()}")
            yield Panel("Events", id="events")
        yield KeyBar([*of("node"), *of("app")], self.dashboard.keys, id="keys")

    def on_mount(self) -> None:
        self.query_one("#processes").display = False
        self.query_one("#body").focus()
        self.set_interval(PROCESSES_EVERY, self._list_processes)

    def on_screen_resume(self) -> None:
        self.freshen(True)

    def freshen(self, changed: bool) -> None:
        """Show what is new."""
        status = self.dashboard.bridge.fresh_status(self.node)
        self._summarise(status)
        self._draw_plots(status)
        for title, _, sheet in _PANELS:
            self.query_one(f"#sheet-{title.lower()}", Panel).show(lambda cells, sheet=sheet: sheet(status, cells))  # type: ignore[misc]
        self._tell_jobs()
        if changed:
            self._tell_events()

    def _tell_jobs(self) -> None:
        desk, now = self.dashboard.desk, self.dashboard.clock()
        desk.read_node(self.node)
        found, standing = desk.on_node, desk.standing.get(self.node)
        self.query_one("#jobs", Panel).show(lambda cells: work.on_node(found, standing, now, cells))

    def _summarise(self, status: Status) -> None:
        dashboard = self.dashboard
        now = dashboard.clock()
        seen, verdict, sample, facts = face(status), status.verdict, status.sample, status.facts
        first: list[Chunk] = [
            ((f"{seen.glyph} ", seen.role), (text.plain(self.node), "strong")),
            ((seen.word, seen.role),),
            ((text.plain(status.node.address), "dim"),),
        ]
        if sample is not None and (up := sample.metrics.get("uptime")) is not None:
            first.append((("up ", "dim"), (text.age(up), "text")))
        if facts is not None:
            about = (facts.os_name, facts.kernel, f"{facts.cpus} CPUs" if facts.cpus else "")
            first += [((text.plain(words), "dim"),) for words in about if words]
        since = f"for {text.age(now - verdict.since)}" if verdict.since else ""
        second: list[Chunk] = [((f"{seen.word} {since}".rstrip(), seen.role),)]
        if status.reach.failed is not None and status.reach.error:
            second.append(((text.plain(status.reach.error), "text"),))
        for reason in verdict.reasons:
            soft = " (not yet counted)" if reason.soft else ""
            since = f" for {text.age(now - reason.since)}" if reason.since else ""
            second.append(((text.plain(reason.text), STATE_ROLES[reason.state]), (f"{since}{soft}", "dim")))
        told = sum(text.width(words) for chunk in second for words, _ in chunk) + 2 * len(second)
        cut = told > self.size.width
        self.query_one("#why", Panel).show(lambda cells: sheets.why(status, cells) if cut else ())
        if not verdict.reasons and status.reach.up:
            second.append((("no rule holds against it", "dim"),))
        self.query_one("#summary", TextLine).show((first, dashboard.corner(self.size.width)), (second, ()))

    def _draw_plots(self, status: Status) -> None:
        fleet = self.dashboard.fleet
        intervals = fleet.settings.intervals
        node = status.node
        fast = node.interval or intervals.fast
        trips = fleet.history(self.node, "rtt")
        self._plot("rtt").show([Curve("", trips)], node.ping_interval or intervals.ping)
        gpu = fleet.history(self.node, "gpu")
        self._plot("gpu").display = any(value == value for value in gpu)
        self._plot("gpu").show([Curve("", gpu)], fast)
        for name in ("cpu", "mem", "load"):
            self._plot(name).show([Curve("", fleet.history(self.node, name))], fast)
        for name, pair in (("net", ("rx", "tx")), ("disk", ("read", "write"))):
            curves = [
                Curve(part, fleet.history(self.node, f"{name}.{part}"), role)
                for part, role in zip(pair, ("bar", "second"), strict=True)
            ]
            self._plot(name).show(curves, fast)

    def _plot(self, name: str) -> Plot:
        return self.query_one(f"#plot-{name}", Plot)

    def _tell_events(self) -> None:
        now = self.dashboard.clock()
        mine = [event for event in self.dashboard.fleet.log() if event.node == self.node and story.told(event)]
        lines = [story.line(event, 0, now) for event in reversed(mine[-EVENTS:])]
        self.query_one("#events", Panel).show(lambda cells: lines or [(("none since the start", "faint"),)])

    # ---- processes, on demand ----

    def action_processes(self) -> None:
        self._processes = not self._processes
        panel = self.query_one("#processes", Panel)
        if self._processes:
            panel.show(lambda cells: [(("asking the node ...", "faint"),)])
            panel.scroll_visible(animate=False)
            self._list_processes()
        else:
            panel.show(lambda cells: ())

    def _list_processes(self) -> None:
        if self._processes and self.is_current:
            self.run_worker(self._top(), group="processes", exclusive=True)

    async def _top(self) -> None:
        try:
            found = await asyncio.wait_for(self.dashboard.fleet.top(self.node), 15)
        except GridtuiError as error:
            words = text.plain(str(error))
            found = ()
        except TimeoutError:
            words, found = "the node did not answer in 15 s", ()
        else:
            words = "" if found else "no processes were told"
        if self._processes:
            for panel in self.query("#processes").results(Panel):  # none once the page is being closed
                panel.show(lambda cells: [((words, "warning"),)] if words else sheets.processes(found, cells))

    # ---- keys ----

    def action_retry(self) -> None:
        self.dashboard.retry(self.node)

    def action_shell(self) -> None:
        self.dashboard.open_shell([self.node])

    def action_exec(self) -> None:
        self.dashboard.open_run("exec", [self.node])

    def action_push(self) -> None:
        self.dashboard.open_run("push", [self.node])

    def action_playbooks(self) -> None:
        self.dashboard.open_playbooks([self.node])

    def action_posture(self) -> None:
        self.dashboard.open_posture(self.node)

    def action_drain(self) -> None:
        def say(words: str, role: str) -> None:
            self.app.notify(words, markup=False, severity="error" if role == "critical" else "information")

        ask_drain(self.dashboard, self.node, say)

    def action_jobs(self) -> None:
        self.dashboard.open_jobs()

    def action_events(self) -> None:
        self.dashboard.open_events()

    def action_back(self) -> None:
        if self.is_active:  # the key may come twice before the screen is gone
            self.dismiss(None)

    def action_next_node(self) -> None:
        self._step(1)

    def action_previous_node(self) -> None:
        self._step(-1)

    def _step(self, step: int) -> None:
        other = self.dashboard.fleet_screen.neighbour(self.node, step)
        if other is not None and other != self.node:
            self.node = other
            if self._processes:
                self.action_processes()
            self.freshen(True)
