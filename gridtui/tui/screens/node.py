"""A node's page: who it is, how it is and why, its plots, its parts, its own events. Owns what is shown; `sheets` has the words.

A panel with the focus can have the whole page: its rows are a list then, with a cursor, narrowed by words.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import Input

from ...events import Event
from ...model import Status
from .. import sheets, story, text
from ..actions import BY_NAME, bindings, of
from ..hints import hints
from ..inquiry import Inquiry
from ..sheets import View, processes
from ..states import STATE_ROLES, face
from ..trail import Step
from ..widgets.bars import Chunk, KeyBar, TextLine
from ..widgets.lines import Lines
from ..widgets.page import NodePage
from ..widgets.sheet import SheetPanel
from ..widgets.whole import Whole
from .changes import ask_drain
from .place import Place
from .signals import ask_signal

if TYPE_CHECKING:
    from ...probes import Process

PROCESSES_EVERY = 3.0
"""Seconds between two lists of processes while they are shown."""
PROCESSES = 5000
"""Processes that are asked for: the largest is not always among the busiest."""
_BY_NAME = {sheet.name: sheet for sheet in (*sheets.SHEETS, sheets.JOURNAL)}

_LISTED = {"narrow", "signal", "column_right"}
"""Actions that are of use in a list alone that has the whole page."""
_PAGE_KEYS = hints("node", [action for action in (*of("node"), *of("app")) if action.name not in _LISTED])
_WHOLE_KEYS = hints(
    "node", [action for action in (*of("node"), *of("app")) if action.name not in ("signal", "column_right")]
)


class NodeScreen(Place):
    """One node, live."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("node")]
    VERTICAL_BREAKPOINTS = [*Place.VERTICAL_BREAKPOINTS, (50, "-high")]  # noqa: RUF012 - declared so by Textual

    def __init__(self, name: str) -> None:
        super().__init__()
        self.node = name
        self._processes = Inquiry(self._again)
        self._containers = Inquiry(self._again)
        self._journal = Inquiry(self._again)
        self._unit = ""
        self._order = ("cpu", False)
        self._over: list[str] = []
        """The panels that have the whole page, the one that is seen last."""
        self._events: tuple[Event, ...] = ()

    @property
    def crumb(self) -> str:
        return self.node

    @property
    def within(self) -> str:
        if not self._over:
            return ""
        return f"journal of {self._unit}" if self._over[-1] == "journal" else _BY_NAME[self._over[-1]].title.lower()

    def widen(self) -> None:
        self._leave()

    def compose(self) -> ComposeResult:
        yield TextLine("raised", cut=True, id="summary")
        yield NodePage(id="body")
        yield Whole(lambda: self.dashboard.typed("narrow"), id="whole")
        yield KeyBar(_PAGE_KEYS, self.dashboard.keys, id="keys")

    def on_mount(self) -> None:
        self.query_one("#body").focus()
        self.set_interval(PROCESSES_EVERY, self._list_processes)

    def on_screen_resume(self) -> None:
        self.freshen(True)

    # ---- what is new ----

    def freshen(self, changed: bool) -> None:
        """Show what is new."""
        dashboard, node = self.dashboard, self.node
        status = dashboard.bridge.fresh_status(node)
        if changed:
            log = dashboard.fleet.log()
            self._events = tuple(event for event in log if getattr(event, "node", "") == node and story.told(event))
        dashboard.desk.read_node(node)
        self._summarise(status)
        view = self._view(status)
        if self._over:
            self.query_one(Whole).tell(view)
            return
        page = self.query_one(NodePage)
        page.tell(view)
        intervals, inventory = dashboard.fleet.settings.intervals, status.node
        page.draw(
            lambda metric: dashboard.fleet.history(node, metric),
            inventory.ping_interval or intervals.ping,
            inventory.interval or intervals.fast,
        )

    def _view(self, status: Status) -> View:
        desk = self.dashboard.desk
        return View(
            status,
            self.dashboard.clock(),
            tuple(self.dashboard.fleet.grounds(self.node)),
            self._events,
            tuple(desk.on_node),
            desk.standing.get(self.node),
            self._processes.answer,
            self._containers.answer,
            self._unit,
            self._journal.answer,
            bool(self._over),
            self._order,
        )

    def _again(self) -> None:
        """There is an answer."""
        if self.is_mounted and self.is_current:
            with self.app.batch_update():
                self.freshen(False)

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
        error = status.reach.error if status.reach.failed is not None else ""
        for reason in verdict.reasons:
            if error and text.plain(error) in text.plain(reason.text):
                continue  # a broken link is said already
            soft = " (not yet counted)" if reason.soft else ""
            since = f" for {text.age(now - reason.since)}" if reason.since else ""
            second.append(((text.plain(reason.text), STATE_ROLES[reason.state]), (f"{since}{soft}", "dim")))
        if not verdict.reasons and status.reach.up:
            second.append((("no rule holds against it", "dim"),))
        self.query_one("#summary", TextLine).show((first, self.corner()), (second, ()))

    # ---- a panel on the whole page ----

    def action_enlarge(self) -> None:
        """The panel with the focus on the whole page; there, what is under the cursor."""
        if self._over:
            self._enter()
        elif isinstance(panel := self.focused, SheetPanel):
            self._enlarge(panel.sheet.name)

    @on(SheetPanel.Chosen)
    def _chosen(self, event: SheetPanel.Chosen) -> None:
        self._enlarge(event.sheet)

    @on(Lines.Chosen)
    def _enter(self) -> None:
        key = self.query_one(Whole).lines.key
        match self._over[-1]:
            case "units" if key:
                self._read_journal(key)
                self._enlarge("journal")
            case "processes":
                self.action_signal()

    def _enlarge(self, name: str) -> None:
        if name in self._over:
            return
        self.dashboard.trail.forget()
        self._over.append(name)
        self._show_whole()

    def _show_whole(self) -> None:
        self.set_class(bool(self._over), "-whole")
        self.show_crumbs()
        listed = "processes" in self._over[-1:]
        self.query_one(KeyBar).take(hints("node") if listed else _WHOLE_KEYS if self._over else _PAGE_KEYS)
        if self._over:
            view = self._view(self.dashboard.bridge.fresh_status(self.node))
            self.query_one(Whole).open(_BY_NAME[self._over[-1]], view)
        else:
            self.freshen(True)

    def _leave(self) -> None:
        """Back by one panel; it can be gone forward to."""
        over, unit = tuple(self._over), self._unit
        self.dashboard.trail.left(Step(self.within, lambda: self._restore(over, unit)))
        self._shrink()

    def _restore(self, over: Sequence[str], unit: str) -> None:
        """The panels that had the whole page; what was asked of the node for the last of them is asked again."""
        self._over[:] = over
        match over[-1]:
            case "journal":
                self._read_journal(unit)
            case "processes":
                self._ask_processes()
            case "containers":
                self._ask_containers()
        self._show_whole()

    def _shrink(self) -> None:
        """One panel less on the whole page."""
        name = self._over.pop()
        if name == "journal":
            self._journal.forget()
        self._show_whole()
        if not self._over:
            panel = self.query_one(f"#sheet-{name}", SheetPanel)
            self.set_focus(panel if panel.display else self.query_one("#body"))

    def action_back(self) -> None:
        whole = self.query_one(Whole)
        if self._over and (whole.narrowed or isinstance(self.focused, Input)):
            whole.widen()
        elif self._over:
            self._leave()
        elif self.is_active:  # the key may come twice before the screen is gone
            self.dismiss(None)

    def action_narrow(self) -> None:
        if not self._over and isinstance(panel := self.focused, SheetPanel):
            self._enlarge(panel.sheet.name)
        if self._over:
            self.query_one(Whole).narrow()
        else:
            self._say("Tab chooses a panel, whose lines can be searched")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """While words are typed, keys that are characters are just that."""
        binding = BY_NAME.get(action)
        return not (binding and binding.priority and isinstance(self.focused, Input) and "app" not in binding.scopes)

    def _say(self, words: str, severity: str = "information") -> None:
        self.app.notify(words, markup=False, severity=severity, timeout=4)  # type: ignore[arg-type]

    # ---- on demand ----

    def _ask(self, inquiry: Inquiry, question: Callable[[], Awaitable[object]], nothing: str = "") -> None:
        self.run_worker(inquiry.ask(question, nothing), group="inquiry")

    def action_processes(self) -> None:
        if self._over and self._over[-1] == "processes":
            self._leave()
            self._processes.forget()
        else:
            self._over.clear()
            self._ask_processes()
            self._enlarge("processes")

    def _list_processes(self) -> None:
        if self._processes.wanted and self.is_current:
            self._ask_processes()

    def _ask_processes(self) -> None:
        node = self.node
        self._ask(self._processes, lambda: self.dashboard.fleet.top(node, PROCESSES), "no processes were told")

    def action_containers(self) -> None:
        if self._over and self._over[-1] == "containers":
            self._leave()
            self._containers.forget()
        else:
            self._over.clear()
            self._ask_containers()
            self._enlarge("containers")

    def _ask_containers(self) -> None:
        node = self.node
        self._containers.forget()
        self._ask(self._containers, lambda: self.dashboard.fleet.containers(node))

    def _read_journal(self, unit: str) -> None:
        node = self.node
        self._unit = unit
        self._journal.forget()
        self._ask(self._journal, lambda: self.dashboard.fleet.journal(node, unit))

    # ---- processes ----

    def action_column_left(self) -> None:
        self._sort(-1)

    def action_column_right(self) -> None:
        self._sort(1)

    def _sort(self, step: int) -> None:
        if not self._processes.wanted:
            self._say(f"{self.dashboard.key('processes')} lists processes, which can be sorted")
            return
        orders = list(processes.ORDERS)
        self._order = orders[(orders.index(self._order[0]) + step) % len(orders)], False
        self.freshen(False)

    def action_reverse(self) -> None:
        self._order = self._order[0], not self._order[1]
        self.freshen(False)

    def _process(self) -> Process | None:
        """The process under the cursor."""
        if not self._over or self._over[-1] != "processes" or self._processes.answer is None:
            return None
        key = self.query_one(Whole).lines.key
        found: tuple[Process, ...] = self._processes.answer.value or ()
        return next((one for one in found if processes.key(one) == key), None)

    def action_signal(self) -> None:
        process = self._process()
        if process is None:
            self._say(f"{self.dashboard.key('processes')} lists processes, to choose one from")
        else:
            ask_signal(self.dashboard, self.node, process, self._ask_processes)

    # ---- keys ----

    def action_retry(self) -> None:
        self.dashboard.retry(self.node)

    def action_shell(self) -> None:
        self.dashboard.open_shell([self.node])

    def action_exec(self) -> None:
        self.dashboard.open_run("exec", [self.node])

    def command_exec(self, words: str) -> None:
        """Run a command on the node."""
        self.dashboard.run_command(words, [self.node])

    def action_push(self) -> None:
        self.dashboard.open_run("push", [self.node])

    def action_playbooks(self) -> None:
        self.dashboard.open_playbooks([self.node])

    def action_posture(self) -> None:
        self.dashboard.open_posture(self.node)

    def action_drain(self) -> None:
        def say(words: str, role: str) -> None:
            self._say(words, "error" if role == "critical" else "information")

        ask_drain(self.dashboard, self.node, say)

    def action_jobs(self) -> None:
        self.dashboard.open_jobs()

    def action_alerts(self) -> None:
        self.dashboard.open_alerts()

    def action_events(self) -> None:
        self.dashboard.open_events()

    def action_next_node(self) -> None:
        self._step(1)

    def action_previous_node(self) -> None:
        self._step(-1)

    def _step(self, step: int) -> None:
        other = self.dashboard.fleet_screen.neighbour(self.node, step)
        if other is not None and other != self.node:
            self.dashboard.trail.forget()
            self.node = other
            for inquiry in (self._processes, self._containers, self._journal):
                inquiry.forget()
            # What was asked of the other node is gone with it.
            if {"processes", "containers", "journal"} & {*self._over}:
                self._over.clear()
                self._show_whole()
                self.set_focus(self.query_one("#body"))
            self.freshen(True)
