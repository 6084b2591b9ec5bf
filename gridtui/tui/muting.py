"""Acknowledging, silencing and maintenance from keys and commands: whom it is for, what is asked, what is told. Owns no state: the fleet does."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import TYPE_CHECKING

from ..errors import GridtuiError, UsageError
from ..model import Hush, Mute, clean
from .opening import Opening

if TYPE_CHECKING:
    from .app import Dashboard


_NOBODY = "there is no node under the cursor, and none is marked"


class Muting:
    """What the dashboard says of alerts, for who sits before it."""

    def __init__(self, dashboard: Dashboard) -> None:
        self._dashboard = dashboard

    def whom(self) -> list[str]:
        """Whom it is for: what is marked, else the node under the cursor (of a header, its nodes) or on whose page the reader is."""
        dashboard = self._dashboard
        if len(dashboard.marks):
            return dashboard.marks.names
        screen: object = dashboard.screen
        if screen is dashboard.fleet_screen:
            return dashboard.fleet_screen.under
        name = getattr(screen, "node", None)
        return [name] if isinstance(name, str) and name in dashboard.fleet.nodes else []

    def ask(self, names: Sequence[str], hush: Hush) -> None:
        """For how long, and why; then say it of these nodes."""
        if not self._fit(names):
            return
        from .screens.muting import MuteScreen

        def answered(answer: tuple[float | None, str] | None) -> None:
            if answer is not None:
                self.say(names, hush, *answer)

        self._dashboard.push_screen(MuteScreen(hush, names), answered)

    def say(self, names: Sequence[str], hush: Hush, seconds: float | None, why: str) -> None:
        """Say it of these nodes."""
        self._run(self._say(tuple(names), hush, seconds, why))

    def take_back(self, names: Sequence[str]) -> None:
        """Take back what was said of these nodes."""
        if self._fit(names):
            self._run(self._take_back(tuple(names)))

    def command(self, hush: Hush, words: str) -> None:
        """`1h new fans`, as it is typed behind the command. Raises GridtuiError."""
        from .alerts import typed

        names = self.whom()
        if not names:
            raise UsageError(_NOBODY)
        self.say(names, hush, *typed(hush, words))

    def _fit(self, names: Sequence[str]) -> bool:
        if not names:
            self._tell(_NOBODY)
        return bool(names)

    def _run(self, work: Awaitable[None]) -> None:
        self._dashboard.run_worker(work, group="muting")

    async def _say(self, names: Sequence[str], hush: Hush, seconds: float | None, why: str) -> None:
        from ..health import mute_text

        fleet = self._dashboard.fleet
        try:
            said = await fleet.mute(names, hush, seconds=seconds, why=why)
        except GridtuiError as error:
            self._complain(error)
            return
        if not said:
            self._tell("there is no alert of its own to acknowledge")
            return
        names = [one.node for one in said]
        words = mute_text(said[0], self._dashboard.clock())
        self._dashboard.ledger.note(words, names)
        self._tell(f"{fleet.fold(names)}: {words}")

    async def _take_back(self, names: Sequence[str]) -> None:
        fleet = self._dashboard.fleet
        try:
            taken: Sequence[Mute] = await fleet.unmute(names)
        except GridtuiError as error:
            self._complain(error)
            return
        if not taken:
            self._tell("there is nothing to take back")
            return
        names = list(dict.fromkeys(one.node for one in taken))
        self._dashboard.ledger.note(f"taken back: {', '.join(sorted({str(one.hush) for one in taken}))}", names)
        self._tell(f"{fleet.fold(names)}: taken back")

    def _tell(self, words: str) -> None:
        self._dashboard.notify(clean(words, 300), markup=False, timeout=4)

    def _complain(self, error: GridtuiError) -> None:
        self._dashboard.notify(clean(str(error), 300), markup=False, severity="warning")


class Hushing(Opening):
    """The dashboard's part that is told of alerts, by keys, entries of the palette and commands."""

    muting: Muting

    def action_acknowledge(self) -> None:
        """Somebody knows of it."""
        self.muting.ask(self.muting.whom(), Hush.ACKNOWLEDGED)

    def action_silence(self) -> None:
        """No alerts for a while."""
        self.muting.ask(self.muting.whom(), Hush.SILENCED)

    def action_maintain(self) -> None:
        """They are worked on."""
        self.muting.ask(self.muting.whom(), Hush.MAINTENANCE)

    def action_take_back(self) -> None:
        """Take back what was said."""
        self.muting.take_back(self.muting.whom())

    def command_acknowledge(self, words: str) -> None:
        """With a word why."""
        self.muting.command(Hush.ACKNOWLEDGED, words)

    def command_silence(self, words: str) -> None:
        """For how long, and a word why."""
        self.muting.command(Hush.SILENCED, words)

    def command_maintain(self, words: str) -> None:
        """For how long, where it is to end by itself, and a word why."""
        self.muting.command(Hush.MAINTENANCE, words)
