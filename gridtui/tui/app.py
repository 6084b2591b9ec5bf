"""The dashboard: a table of contents. Screens, keys, themes and the bridge meet here; each has a file of its own."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, cast

from textual._context import active_message_pump
from textual.actions import ActionParseResult
from textual.app import App, SystemCommand
from textual.binding import BindingType
from textual.css.query import NoMatches
from textual.dom import DOMNode
from textual.events import Event, Key
from textual.screen import Screen
from textual.types import CSSPathType
from textual.widget import Widget

from ..errors import GridtuiError, SettingsError, UsageError
from . import ahead, themes
from .actions import ACTIONS, BY_NAME, bindings, keymap, shown
from .asking import Asking
from .bridge import Bridge, Fresh, Source
from .columns import checked
from .desk import Desk
from .driver import Driver
from .duty import Duty
from .live import Live
from .screens.fleet import FleetScreen
from .shells import Shells
from .survey import Survey
from .use import free
from .widgets.bars import Chunk

if TYPE_CHECKING:
    from ..jobs.model import JobId
    from ..playbooks.artefacts import Kept
    from ..playbooks.model import Plan
    from ..posture.model import Finding
    from .screens.playbook import PlaybookScreen
    from .screens.playbooks import PlaybooksScreen
    from .screens.run import RunScreen

BEAT = 1.0
"""Seconds between two looks at clock and round trips when no event comes."""


_HERE = Path(__file__).parent
# Absolute: Textual looks for relative ones beside the file of the class that is run, which may be a subclass.
_NOUNS = (
    "fleet",
    "node",
    "events",
    "help",
    "question",
    "exec",
    "transfer",
    "playbooks",
    "playbook",
    "runs",
    "posture",
    "jobs",
    "job",
)
_SHEETS = (_HERE / "app.tcss", *(_HERE / "screens" / f"{noun}.tcss" for noun in _NOUNS))


class Dashboard(App[int]):
    """One app over one fleet. `clock` gives the time of day, for pictures that can be repeated."""

    TITLE = "gridtui"
    CSS_PATH: ClassVar[CSSPathType | None] = [*_SHEETS]
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("app")]

    def __init__(self, fleet: Source, banner: str = "", clock: Callable[[], float] = time.time) -> None:
        settings = fleet.settings.dashboard
        self.keys = keymap(settings.keys)
        checked(settings.columns)
        self.fleet = fleet
        self.banner = banner
        self.clock = clock
        self.failure: BaseException | None = None
        self._begun = False
        super().__init__(driver_class=Driver)
        for theme in themes.THEMES:
            self.register_theme(theme)
        if settings.theme not in self.available_themes:
            raise SettingsError(
                f"dashboard.theme: there is no theme `{settings.theme}`",
                hint="one of " + ", ".join((*themes.CYCLE, "nord", "gruvbox", "dracula", "...")),
            )
        self.theme = settings.theme
        self.bridge = Bridge(fleet, self.post_message)
        self.asking = Asking(self)
        if fleet.ask is None:
            fleet.ask = self.asking.secret
        self.fleet_screen = FleetScreen()
        self.runs: dict[str, RunScreen] = {}
        """The screens that are kept while the reader looks elsewhere, as far as they were opened."""
        self.survey = Survey(self)
        self.desk = Desk(lambda: fleet.jobs, clock)
        self.duty = Duty(lambda: fleet.jobs)
        self.shells = Shells(self)

    def get_default_screen(self) -> Screen[None]:
        return self.fleet_screen

    def on_mount(self) -> None:
        self.set_keymap(self.keys)
        # The first paint comes before the first packet: the fleet starts once the table of pending nodes is there.
        self.call_after_refresh(self._begin)
        # A key in the same moment puts another screen on top, and the paint that was waited for may never come.
        self.set_timer(BEAT, self._begin)

    def _begin(self) -> None:
        if self._begun:
            return
        self._begun = True
        self.run_worker(self._watch(), group="bridge", exclusive=True)
        self.run_worker(self.survey.recall(), group="posture")
        self.run_worker(ahead.load(), group="ahead")
        self.set_interval(BEAT, lambda: self.post_message(Fresh()))

    async def _watch(self) -> None:
        try:
            await self.bridge.run(self._started)
        except GridtuiError as error:
            self.failure = error
            self.exit(1)

    def _started(self) -> None:
        if not self.off_duty:
            self.duty.begin()

    async def on_unmount(self) -> None:
        await self.shells.end()
        await self.duty.end()

    def on_fresh(self) -> None:
        """Let the screen on top show what is new; others catch up when they come back."""
        if self.desk.use.due(now := self.clock()):
            self.desk.use.look(now, free(map(self.bridge.status, self.fleet.nodes)))
        if self.away:
            return  # what changed is shown once the terminal is ours again
        changed = self.bridge.take_changed()
        screen = self.screen_stack[-1] if self.screen_stack else None  # none once the program ends
        shown: object = screen
        if screen is not None and isinstance(shown, Live) and screen.is_mounted and self.is_running:
            with self.batch_update():
                shown.freshen(changed)

    async def on_event(self, event: Event) -> None:
        if isinstance(event, Key):
            # People type faster than screens are made: a key waits until the one on top has its widgets.
            await self.screen._mounted_event.wait()
        await super().on_event(event)

    async def run_action(
        self,
        action: str | ActionParseResult,
        default_namespace: DOMNode | None = None,
        namespaces: Mapping[str, DOMNode] | None = None,
    ) -> bool:
        # What was typed behind the key that leaves comes to screens whose widgets are being removed.
        return self._exit or await super().run_action(action, default_namespace, namespaces)

    # ---- screens ----

    # Each is loaded when it is opened first, or ahead of that (see `ahead`): the first paint waits for none of them.

    def open_node(self, name: str) -> None:
        """The page of a node, over the screen that is shown."""
        from .screens.node import NodeScreen

        self.push_screen(NodeScreen(name))

    def open_events(self) -> None:
        from .screens.events import EventsScreen

        self.push_screen(EventsScreen())

    def open_run(self, name: str, nodes: Sequence[str]) -> None:
        """A screen that changes something, for these nodes; while something runs there, it is shown as it is."""
        try:
            self.fleet.allow_changes()
        except GridtuiError as error:
            self.notify(str(error), markup=False, severity="warning")
            return
        screen = self.run_screen(name)
        if screen not in self.screen_stack:
            screen.aim(nodes)
            self.push_screen(name)

    def run_screen(self, name: str) -> RunScreen:
        """The one screen for `exec`, `push` or `playbook`."""
        if name not in self.runs:
            from .screens.exec import ExecScreen
            from .screens.playbook import PlaybookScreen
            from .screens.transfer import TransferScreen

            made: dict[str, type[RunScreen]] = {
                "exec": ExecScreen,
                "push": TransferScreen,
                "playbook": PlaybookScreen,
            }
            self.runs[name] = made[name]()
            self.install_screen(self.runs[name], name)
        return self.runs[name]

    # ---- playbooks and posture ----

    @property
    def playbook_screen(self) -> PlaybookScreen:
        """Where playbooks run."""
        return cast("PlaybookScreen", self.run_screen("playbook"))

    @cached_property
    def playbooks_screen(self) -> PlaybooksScreen:
        """Where they are chosen."""
        from .screens.playbooks import PlaybooksScreen

        screen = PlaybooksScreen()
        self.install_screen(screen, "playbooks")
        return screen

    def open_playbooks(self, nodes: Sequence[str]) -> None:
        """The choice of a playbook for these nodes; a run that goes on, or whose end was not seen, is shown as it is."""
        screen = self.playbook_screen
        if screen.running or not screen.seen:
            self._show_playbook()
        elif self.playbooks_screen not in self.screen_stack:
            self.playbooks_screen.aim(nodes)
            self.push_screen("playbooks")

    def open_playbook(self, plan: Plan, nodes: Sequence[str], dry: bool) -> None:
        """Run a plan on these nodes, a dry run first where `dry`; while another one runs, that one is shown."""
        if not self.playbook_screen.running:
            self.playbook_screen.due(plan, nodes, dry)
        self._show_playbook()

    def _show_playbook(self) -> None:
        if self.playbook_screen not in self.screen_stack:
            self.push_screen("playbook")

    def open_runs(self) -> None:
        """The runs that were kept."""
        from .screens.runs import RunsScreen

        if not any(isinstance(screen, RunsScreen) for screen in self.screen_stack):
            self.push_screen(RunsScreen())

    async def open_kept(self, kept: Kept) -> None:
        """A run that was kept, as it was. Raises StateError."""
        from ..playbooks import replay
        from ..playbooks.model import Result
        from .course import Course
        from .screens.runs import RunsScreen

        now = [kept.time]
        course = Course(kept.nodes, lambda: now[0], kept.check)
        async for when, news in replay.progress(kept):
            now[0] = when
            course.take(news)
        course.end(Result(kept.run, kept.folder, replay.outcomes(kept)))
        self.playbook_screen.review(kept, course)
        if isinstance(self.screen, RunsScreen):
            await self.pop_screen()
        self._show_playbook()

    def open_posture(self, name: str) -> None:
        """How a node is kept."""
        from .screens.posture import PostureScreen

        self.push_screen(PostureScreen(name))

    def mend(self, finding: Finding, node: str) -> None:
        """The playbook that mends a finding, on its node, a dry run first. Raises UsageError where there is no such playbook."""
        from ..playbooks.model import Plan

        playbook = self.fleet.playbooks().find(finding.playbook)
        self.open_playbook(Plan((playbook,), diff=True, extra=dict(finding.variables)), [node], dry=True)

    # ---- shells ----

    @property
    def away(self) -> bool:
        """Whether another program has the terminal."""
        return isinstance(self._driver, Driver) and self._driver.away

    def open_shell(self, names: Sequence[str]) -> None:
        """A shell on each of these nodes."""
        self.shells.ask(names)

    # ---- jobs ----

    def open_jobs(self) -> None:
        """The queue."""
        from .screens.jobs import JobsScreen

        if not isinstance(self.screen, JobsScreen):
            self.push_screen(JobsScreen(self))

    def open_array(self, number: int) -> None:
        """The elements of an array."""
        from .screens.jobs import JobsScreen

        self.push_screen(JobsScreen(self, number))

    def open_job(self, id: JobId) -> None:
        """A job's page."""
        from .screens.job import JobScreen

        self.push_screen(JobScreen(id))

    @property
    def off_duty(self) -> str:
        """Why this dashboard does not dispatch jobs; empty where it does while nobody else does."""
        settings = self.fleet.settings
        if settings.guard.read_only:
            return "this is read-only"
        return "" if settings.dashboard.dispatch else "dashboard.dispatch is false"

    def goes_on(self) -> list[Chunk]:
        """What runs while the reader looks elsewhere."""
        running = [screen for screen in self.runs.values() if screen.running]
        if not running:
            return []
        from .endings import RUNNING

        return [((f"{RUNNING} {screen.NOUN} runs on {screen.busy()}", "accent"),) for screen in running]

    def action_help(self) -> None:
        from .screens.help import HelpScreen

        if not isinstance(self.screen, HelpScreen):
            self.push_screen(HelpScreen())

    def retry(self, name: str) -> None:
        """Try to reach a node now."""
        self.fleet.retry(name)
        self.notify(f"trying {name} now", markup=False, timeout=3)

    # ---- everywhere ----

    def action_next_theme(self) -> None:
        at = themes.CYCLE.index(self.theme) if self.theme in themes.CYCLE else -1
        self.theme = themes.CYCLE[(at + 1) % len(themes.CYCLE)]
        self.notify(f"theme {self.theme}", markup=False, timeout=2)

    def action_suspend(self) -> None:
        self.action_suspend_process()

    def action_leave(self) -> None:
        from .screens.run import HARD, RunScreen

        if isinstance(screen := self.screen, RunScreen) and screen.running and screen.stops < HARD:
            screen.stop()
        else:
            self.exit(0)

    async def action_quit(self) -> None:
        running = [screen for screen in self.runs.values() if screen.running]
        if not running:
            self.exit(0)
            return
        from .screens.question import ConfirmScreen

        def answered(answer: bool | None) -> None:
            if answer:
                self.exit(0)

        words = [
            (f"{screen.NOUN} still runs on {screen.busy()} nodes, and is cut off there.", "text") for screen in running
        ]
        self.push_screen(ConfirmScreen("Leave the dashboard?", words, *map(self.key, ("yes", "no"))), answered)

    def key(self, name: str) -> str:
        """The first key of an action, as people write it."""
        return shown(self.keys.get(name, BY_NAME[name].key).split(",")[0])

    def action_command_palette(self) -> None:
        """Open the palette."""
        from .screens.palette import Palette

        if not isinstance(self.screen, Palette):
            self.push_screen(Palette(id="--command-palette"))

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """The palette: what works on this screen, from the registry, and the themes."""
        for action in ACTIONS:
            target = next((owner for owner in (screen, self) if hasattr(owner, f"action_{action.name}")), None)
            if action.palette and target is not None:
                namespace = "app" if target is self else "screen"
                yield SystemCommand(
                    action.help, f"key {self.key(action.name)}", self._runner(f"{namespace}.{action.name}")
                )
        for name in (*themes.CYCLE, *(name for name in self.available_themes if name not in themes.CYCLE)):
            yield SystemCommand(f"Theme: {name}", "Wear this theme", self._wearer(name))

    def _runner(self, action: str) -> Callable[[], None]:
        def run() -> None:
            self.call_later(self.run_action, action)

        return run

    def _wearer(self, name: str) -> Callable[[], None]:
        def wear() -> None:
            self.theme = name

        return wear

    # ---- the end ----

    def _handle_exception(self, error: Exception) -> None:
        # The key that closes a screen may come before its widgets do, and messages of its own may be on their way to it:
        # they look for widgets, or a screen below, that are gone. So does all that is still said while the program ends.
        ending = self._exit or not self.is_running
        if isinstance(error, (NoMatches, IndexError)) and (
            ending or _going(active_message_pump.get(None)) or any(map(_going, _hands(error)))
        ):
            return
        super()._handle_exception(error)

    def _fatal_error(self) -> None:
        # Textual would print a traceback with local variables: no traceback reaches a user unasked. `run` raises it again
        # once the terminal is restored, and the command line decides what to show of it.
        self.failure = self._exception
        self._close_messages_no_wait()


def _hands(error: BaseException) -> Iterator[object]:
    """Whose methods it went through. What a screen wants called after the next paint is called by the one that is on top by then."""
    trace = error.__traceback__
    while trace is not None:
        yield trace.tb_frame.f_locals.get("self")
        trace = trace.tb_next


def _going(pump: object) -> bool:
    """Whether this widget's screen is being taken away."""
    return isinstance(pump, Widget) and (
        not pump.is_attached or any(node._pruning or node._closing for node in pump.ancestors_with_self)
    )


async def serve(app: Dashboard) -> int:
    """Run the app on this loop until it ends or a signal ends it; then close the fleet. Gives the exit status, 128 + n after
    signal n. Raises UsageError without a terminal."""
    if not (sys.__stdin__ and sys.__stdin__.isatty() and sys.__stderr__ and sys.__stderr__.isatty()):
        # Textual reads keys from standard input and draws on standard error.
        raise UsageError("the dashboard needs a terminal", hint="`gridtui check` works without one")
    loop = asyncio.get_running_loop()
    caught: list[int] = []

    def end(number: int) -> None:
        caught.append(number)
        app.shells.hang_up()
        app.exit(128 + number)

    signals = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
    for number in signals:
        loop.add_signal_handler(number, end, number)
    try:
        result = await app.run_async()
    finally:
        for number in signals:
            loop.remove_signal_handler(number)
        await app.fleet.close()
    if app.failure is not None:
        raise app.failure
    return 128 + caught[0] if caught else result or 0


def run(fleet: Source, banner: str = "") -> int:
    """Show the dashboard until the reader leaves it; gives the exit status, 128 + n after signal n.

    `banner` is always in sight, e.g. `SIMULATED NODES`. Starts and closes `fleet`. Raises SettingsError for a key or a theme
    that does not exist, UsageError without a terminal, and what `Fleet.start` raises; the terminal is restored before.
    """
    return asyncio.run(serve(Dashboard(fleet, banner)))
