"""The dashboard: a table of contents. Screens, keys, themes and the bridge meet here; each has a file of its own."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import ClassVar

from textual.app import SystemCommand
from textual.binding import BindingType
from textual.events import Event, Key
from textual.screen import Screen
from textual.types import CSSPathType

from ..errors import GridtuiError, SettingsError, UsageError
from . import ahead, themes, top
from .actions import ACTIONS, BY_NAME, bindings
from .alarm import Alarm, titled
from .asking import Asking
from .bridge import Bridge, Fresh, Source
from .columns import checked
from .desk import Desk
from .driver import Driver
from .duty import Duty
from .keeping import Keeping
from .keys import keymap, shown
from .litter import LOOK, Litter
from .live import Live
from .marks import Marks
from .muting import Muting
from .replaying import Replaying
from .screens.fleet import FleetScreen
from .shells import Shells
from .survey import Survey
from .use import free
from .views import Views
from .widgets.bars import Chunk

BEAT = 1.0
"""Seconds between two looks at clock and round trips when no event comes."""


_HERE = Path(__file__).parent
# Absolute: Textual looks for relative ones beside the file of the class that is run, which may be a subclass.
_SHEETS = (_HERE / "app.tcss", *sorted((_HERE / "screens").glob("*.tcss")))


class Dashboard(Replaying):
    """One app over one fleet. `clock` gives the time of day, for pictures that can be repeated."""

    TITLE = "gridtui"
    CSS_PATH: ClassVar[CSSPathType | None] = [*_SHEETS]
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("app"), *bindings("replay")]

    def __init__(self, fleet: Source, banner: str = "", clock: Callable[[], float] = time.time) -> None:
        settings = fleet.settings.dashboard
        self.keys = keymap(settings.keys)
        checked(settings.columns)
        self.fleet = fleet
        self.banner = banner
        self.clock_of = clock
        self.clock = self.now
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
        self.theme = themes.worn(settings.theme, no_colour=self.no_color)
        self.bridge = Bridge(fleet, self.post_message)
        self.marks = Marks(fleet.nodes)
        self.keeping = Keeping(lambda error: self.notify(str(error), markup=False, severity="warning"))
        self.views = Views(settings.views, self.keeping)
        self.asking = Asking(self)
        if fleet.ask is None:
            fleet.ask = self.asking.secret
        self.fleet_screen = FleetScreen()
        self.runs = {}
        self.litter = Litter()
        self.survey = Survey(self)
        self.desk = Desk(lambda: fleet.jobs, clock)
        self.duty = Duty(lambda: fleet.jobs)
        self.shells = Shells(self)
        self.muting = Muting(self)
        self.alarm = Alarm(self.bell if settings.bell else None, self._entitle if settings.title else None)

    async def on_event(self, event: Event) -> None:
        if isinstance(event, Key):
            self.litter.touched()
        await super().on_event(event)

    def refresh_css(self, animate: bool = True) -> None:
        if self.screen_stack:
            super().refresh_css(animate)
        else:  # Textual would parse all sheets, and again when the first screen comes: nothing has a style yet
            self.stylesheet.set_variables(self.get_css_variables())

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
        self.run_worker(asyncio.to_thread(self.known.warm), group="ahead")
        self.litter.begin()
        self.set_interval(LOOK, self.litter.look)
        self.set_interval(BEAT, lambda: self.post_message(Fresh()))

    async def _watch(self) -> None:
        try:
            await self.bridge.run(self._started)
        except GridtuiError as error:
            self.failure = error
            self.exit(1)

    def _started(self) -> None:
        if self.begins_with is not None:
            self.begin_replay(self.begins_with)
        if not self.off_duty:
            self.duty.begin()

    async def on_unmount(self) -> None:
        await self.shells.end()
        if "ledger" in vars(self):  # else nothing was done from here
            await self.ledger.close()
        await self.duty.end()
        self.litter.end()
        await self.keeping.close()

    def on_fresh(self) -> None:
        """Let the screen on top show what is new; others catch up when they come back."""
        self.show_playhead()
        if self.replay is None and self.desk.use.due(now := self.clock()):
            self.desk.use.look(now, free(map(self.bridge.status, self.fleet.nodes)))
        if self.away:
            return  # what changed is shown once the terminal is ours again
        changed = self.bridge.take_changed()
        if changed and self.begins_with is None:
            self.alarm.look(map(self.bridge.live_status, self.bridge.fleet.nodes))
        screen = self.screen_stack[-1] if self.screen_stack else None  # none once the program ends
        shown: object = screen
        if screen is not None and isinstance(shown, Live) and screen.is_mounted and self.is_running:
            with self.batch_update():
                shown.freshen(changed)
                self.show_crumbs()

    def corner(self, cells: int) -> list[Chunk]:
        """What stands at the upper right of every screen."""
        return top.right(self.banner, self.clock(), cells, self.alarm.count, self.read_only)

    def _entitle(self, words: str) -> None:
        if isinstance(self._driver, Driver) and titled():
            self._driver.title(words)

    @property
    def off_duty(self) -> str:
        """Why this dashboard does not dispatch jobs; empty where it does while nobody else does."""
        if self.read_only:
            return "this is read-only"
        return "" if self.fleet.settings.dashboard.dispatch else "dashboard.dispatch is false"

    def goes_on(self) -> list[Chunk]:
        """What runs while the reader looks elsewhere."""
        running = [screen for screen in self.runs.values() if screen.running]
        if not running:
            return []
        from .endings import RUNNING

        return [((f"{RUNNING} {screen.NOUN} runs on {screen.busy()}", "accent"),) for screen in running]

    def action_activity(self) -> None:
        self.open_activity()

    def action_help(self) -> None:
        from .screens.help import HelpScreen

        if not isinstance(self.screen, HelpScreen):
            self.push_screen(HelpScreen(self.screen))

    def targets(self, shown: Sequence[str]) -> list[str]:
        """Whom an action is for: what is marked, else what is shown."""
        return self.marks.targets(shown)

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

    def _fatal_error(self) -> None:
        # Textual would print a traceback with local variables: no traceback reaches a user unasked. `run` raises it again
        # once the terminal is restored, and the command line decides what to show of it.
        self.failure = self._exception
        self._close_messages_no_wait()


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
    app.litter.hush()
    try:
        result = await app.run_async()
    finally:
        app.litter.end()
        for number in signals:
            loop.remove_signal_handler(number)
        await app.close_sources()
    if app.failure is not None:
        raise app.failure
    return 128 + caught[0] if caught else result or 0


def run(fleet: Source, banner: str = "") -> int:
    """Show the dashboard until the reader leaves it; gives the exit status, 128 + n after signal n.

    `banner` is always in sight, e.g. `SIMULATED NODES`. Starts and closes `fleet`. Raises SettingsError for a key or a theme
    that does not exist, UsageError without a terminal, and what `Fleet.start` raises; the terminal is restored before.
    """
    return asyncio.run(serve(Dashboard(fleet, banner)))
