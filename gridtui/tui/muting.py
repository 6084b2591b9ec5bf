"""Acknowledging, silencing and maintenance from keys and commands: whom it is for, what is asked, what is told. Owns no state: the fleet does."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import TYPE_CHECKING, Literal

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
        async def told() -> None:
            try:
                await work
            except GridtuiError as error:
                self._tell(str(error), "warning")

        self._dashboard.run_worker(told(), group="muting")

    async def _say(self, names: Sequence[str], hush: Hush, seconds: float | None, why: str) -> None:
        from ..health import mute_text

        said = await self._dashboard.fleet.mute(names, hush, seconds=seconds, why=why)
        if not said:
            self._tell("there is no alert of its own to acknowledge")
            return
        self._done(mute_text(said[0], self._dashboard.clock()), said)

    async def _take_back(self, names: Sequence[str]) -> None:
        taken = await self._dashboard.fleet.unmute(names)
        if taken:
            self._done(f"taken back: {', '.join(sorted({str(one.hush) for one in taken}))}", taken)
        else:
            self._tell("there is nothing to take back")

    def _done(self, words: str, mutes: Sequence[Mute]) -> None:
        names = list(dict.fromkeys(one.node for one in mutes))
        self._dashboard.ledger.note(words, names)
        self._tell(f"{self._dashboard.fleet.fold(names)}: {words}")

    def _tell(self, words: str, severity: Literal["information", "warning"] = "information") -> None:
        self._dashboard.notify(clean(words, 300), markup=False, severity=severity, timeout=4)


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
