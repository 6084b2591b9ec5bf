"""What all screens share that the reader goes to: where he is, the way back, and a line for commands. Owns no data of theirs."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from textual.screen import Screen
from textual.widget import Widget

from ..live import Live
from ..widgets.bars import Chunk
from ..widgets.candidates import Candidates
from ..widgets.command_line import CommandLine
from ..widgets.crumbs import Crumbs
from ..widgets.lines import Parts

if TYPE_CHECKING:
    from ..app import Dashboard

LAYER = "over"


class Place(Screen[None]):
    """A part of the trail. Questions and the help are none: they lie over one."""

    VERTICAL_BREAKPOINTS = [(0, "-tiny"), (9, "-short"), (16, "-tall")]  # noqa: RUF012 - declared so by Textual

    _trailed = True

    @property
    def dashboard(self) -> Dashboard:
        return cast("Dashboard", self.app)

    @property
    def crumb(self) -> str:
        """What the trail calls it: in a word or two, what the reader opened."""
        raise NotImplementedError

    @property
    def within(self) -> str:
        """What is chosen within it, and left before the screen is: a filter. Nothing by itself."""
        return ""

    def widen(self) -> None:
        """Leave what is `within`."""

    @property
    def layers(self) -> tuple[str, ...]:
        return (*super().layers, LAYER)

    def _extend_compose(self, widgets: list[Widget]) -> None:
        # As Textual does with its own: every screen has them, whatever it composes, before the first key comes.
        widgets.insert(0, Crumbs(id="crumbs"))
        widgets += [Candidates(id="candidates"), CommandLine(id="command-line")]
        super()._extend_compose(widgets)

    def on_screen_resume(self) -> None:
        self.show_crumbs()

    def show_crumbs(self) -> None:
        """Say where this is, if it is to be seen."""
        for crumbs in self.query("#crumbs").results(Crumbs):  # none while it is made, or goes
            crumbs.show(*self.dashboard.where())

    def corner(self) -> list[Chunk]:
        """What the first line below the trail says at its right end: nothing where the trail itself is shown, and says it."""
        chunks = self.dashboard.corner(self.size.width)
        self._trailed = False
        for crumbs in self.query("#crumbs").results(Crumbs):
            crumbs.say(chunks)
            self._trailed = crumbs.display
        return [] if self._trailed else chunks

    def on_resize(self) -> None:
        self.call_after_refresh(self._resized)

    def _resized(self) -> None:
        shown: object = self
        if self.query_one("#crumbs").display != self._trailed and isinstance(shown, Live):
            shown.freshen(False)  # a warning that stands in the corner does not wait for the clock

    def open_command_line(self, text: str = "", wrong: Parts = ()) -> None:
        """A line for a command, at the bottom; with what is wrong with the text that stands there."""
        self.query_one(CommandLine).open(text, wrong)
