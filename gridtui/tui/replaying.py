"""Looking at what was recorded, in the same dashboard: from live to a replay and back, and the keys that move the moment. Owns which of
the two is shown; the recording is `replay.Replay`'s.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from textual import on

from ..errors import GridtuiError
from .actions import of
from .bridge import Fresh
from .commanding import Commanding
from .screens.place import Place
from .widgets.bars import KeyBar
from .widgets.playhead import Playhead

if TYPE_CHECKING:
    from .bridge import Source
    from .replay import Replay

BEFORE = 600.0
"""Seconds before the end at which a replay begins, and before an event from which one is opened."""
LEAD = 30.0
SPEEDS = (1, 2, 5, 10, 30, 60, 300, 1800)
TICK = 0.5
"""Seconds between two moments while it plays."""
LEAP = 30
"""Steps of a leap."""

LIVE_ONLY = frozenset(
    {
        "jobs",
        "posture",
        "playbooks",
        "runs",
        "retry",
        "survey",
        "look_again",
        "processes",
        "containers",
        "drain",
        "shell",
    }
)
"""What asks nodes, or is about now: off in a replay, beside all that changes something."""


class Replaying(Commanding):
    """The dashboard's part that shows the past."""

    clock_of: Callable[[], float]
    """The time of day, where nothing is replayed."""
    key: Callable[[str], str]
    begins_with: Replay | None = None
    """What is shown from the start, with no fleet behind it."""

    @property
    def replay(self) -> Replay | None:
        """What is replayed; None while it is live."""
        return self._replay

    _replay: Replay | None = None
    _live: Source | None = None
    _playing = False
    _speed = 10.0
    _opening = False

    def now(self) -> float:
        """The moment that is shown."""
        return self._replay.time or self.clock_of() if self._replay is not None else self.clock_of()

    def refused(self, name: str) -> bool:
        if self._replay is not None and name in LIVE_ONLY:
            self.notify("this is a recording: that works live alone", markup=False, severity="warning", timeout=3)
            return True
        return super().refused(name)

    # ---- from live to the past, and back ----

    def action_history(self) -> None:
        """What was recorded, or live again."""
        if self._live is not None:
            self.run_worker(self._go_live(), group="replay")
        elif self._replay is not None:
            self.notify("there is no fleet behind this recording", markup=False, timeout=3)
        else:
            event = getattr(self.screen, "moment", None)
            self._look_back(lambda replay: event - LEAD if event is not None else replay.until - BEFORE)

    def command_history(self, words: str) -> None:
        """What was recorded, from a moment on."""
        from ..recorder import moments

        moments.moment(words, self.now())  # complain at once

        def at(replay: Replay) -> float:
            return moments.moment(
                words, replay.until if self._live is None and self._replay is not None else self.clock_of()
            )

        if self._replay is not None:
            self._go(at(self._replay))
        else:
            self._look_back(at)

    def _look_back(self, at: Callable[[Replay], float]) -> None:
        from .replay import Replay

        try:
            path = self.fleet.recording
        except GridtuiError as error:
            self.notify(str(error), markup=False, severity="warning")
            return
        if path is None:
            self.notify("nothing was recorded of these nodes yet", markup=False, severity="warning")
        elif not self._opening:
            self._opening = True
            self.run_worker(self._open(Replay(path, self.fleet.settings, self.fleet.nodes), at), group="replay")

    async def _open(self, replay: Replay, at: Callable[[Replay], float]) -> None:
        try:
            await replay.start()
            await replay.seek(at(replay))
        except GridtuiError as error:
            await replay.close()
            self.notify(str(error), markup=False, severity="warning")
            return
        finally:
            self._opening = False
        self._live, self.fleet = self.fleet, replay
        self.begin_replay(replay)
        self._refresh_all()

    def begin_replay(self, replay: Replay) -> None:
        """Show a replay: all that is asked of nodes is asked of it."""
        self._replay = replay
        self._playing = True
        self.bridge.lend(replay)
        self._name_keys()
        self._ticker = self.set_interval(TICK, self._tick)

    async def _go_live(self) -> None:
        replay, live = self._replay, self._live
        if replay is None or live is None:
            return
        self._ticker.stop()
        self.fleet, self._live, self._replay = live, None, None
        self._playing = False
        self.bridge.lend(None)
        self._name_keys()
        for screen in self.screen_stack:
            for bar in screen.query(Playhead):
                await bar.remove()
        self._refresh_all()
        await replay.close()

    def _name_keys(self) -> None:
        """Nothing can be changed in what was: other keys are of use."""
        for screen in self.screen_stack:
            screen.query(KeyBar).refresh()

    async def close_sources(self) -> None:
        """Close what is shown, and the fleet behind it."""
        await self.fleet.close()
        if self._live is not None:
            await self._live.close()

    # ---- the moment ----

    def _tick(self) -> None:
        replay = self._replay
        if replay is None or not self._playing:
            return
        wanted = replay.time + TICK * self._speed
        if not replay.covers(wanted) and (start := replay.next_start(replay.time)) is not None:
            wanted = max(wanted, start)  # nothing is to be seen where nothing was recorded
        if wanted >= replay.until:
            self._playing = False
        self._go(wanted)

    def _go(self, moment: float) -> None:
        if (replay := self._replay) is not None:
            self.run_worker(self._seek(replay, moment), group="replay")

    async def _seek(self, replay: Replay, moment: float) -> None:
        try:
            await replay.seek(moment)
        except GridtuiError as error:
            self._playing = False
            self.notify(str(error), markup=False, severity="error")
            return
        if replay is self._replay:
            self._refresh_all()

    def _refresh_all(self) -> None:
        """Another moment is shown: everything is news."""
        self.bridge.touch()
        self.show_playhead()
        if self.screen is self.fleet_screen and not self._playing:
            self.fleet_screen.add_up()  # who asks for one moment wants to see all of it
            self.fleet_screen.order()
        self.post_message(Fresh())

    def show_playhead(self) -> None:
        """The bar, on whatever screen is on top."""
        replay = self._replay
        screen = self.screen_stack[-1] if self.screen_stack else None
        if replay is None or not isinstance(screen, Place) or not screen.is_mounted:
            return
        bars = list(screen.query(Playhead))
        if not bars:
            bars = [Playhead()]
            screen.mount(bars[0], before="#keys" if screen.query("#keys") else None)
        back = f"{self.key('history')} live" if self._live is not None else ""
        keys = f"{self._pair('play')} hold  {self._pair('step_back', 'step_on')} step  {self._pair('alarm_back', 'alarm_on')} alarm  {self._pair('slower', 'faster')} speed"
        state = (replay.since, replay.until, replay.time, replay.alarms, self._playing, self._speed)
        bars[0].show(*state, back, keys)

    def _pair(self, *names: str) -> str:
        return " ".join(map(self.key, names))

    @on(Playhead.Went)
    def _went(self, event: Playhead.Went) -> None:
        self._go(event.moment)

    # ---- keys ----

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """The keys of a replay mean something in one alone."""
        if self._replay is None and action in REPLAY_KEYS:
            return False
        return super().check_action(action, parameters)

    def action_play(self) -> None:
        if self._replay is not None:
            at_end = self._replay.time >= self._replay.until
            self._playing = not self._playing
            self.show_playhead()
            if self._playing and at_end:
                self._go(self._replay.since)

    def action_step_on(self) -> None:
        self._step(1)

    def action_step_back(self) -> None:
        self._step(-1)

    def action_leap_on(self) -> None:
        self._step(LEAP, pause=False)

    def action_leap_back(self) -> None:
        self._step(-LEAP, pause=False)

    def _step(self, steps: int, pause: bool = True) -> None:
        if (replay := self._replay) is not None:
            self._playing = self._playing and not pause
            self._go(replay.time + steps * replay.step)

    def action_alarm_on(self) -> None:
        self._to(self._replay.alarm_after(self._replay.time) if self._replay else None)

    def action_alarm_back(self) -> None:
        self._to(self._replay.alarm_before(self._replay.time) if self._replay else None)

    def _to(self, moment: float | None) -> None:
        self._playing = False
        if moment is None:
            self.notify("there is no other alarm that way", markup=False, timeout=2)
            self.show_playhead()
        else:
            self._go(moment)

    def action_faster(self) -> None:
        self._pace(1)

    def action_slower(self) -> None:
        self._pace(-1)

    def _pace(self, step: int) -> None:
        at = min(range(len(SPEEDS)), key=lambda index: abs(SPEEDS[index] - self._speed)) + step
        self._speed = float(SPEEDS[max(0, min(len(SPEEDS) - 1, at))])
        self.show_playhead()


REPLAY_KEYS: frozenset[str] = frozenset(action.name for action in of("replay"))
