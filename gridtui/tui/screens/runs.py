"""The runs of playbooks that were kept: when, what, how it ended. Owns the list; `playbook` shows the one that is opened."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType

from ...errors import GridtuiError
from .. import past, text
from ..actions import bindings
from ..hints import hints
from ..widgets.bars import Chunk, KeyBar, TextLine
from ..widgets.lines import Lines
from ..widgets.panel import Panel
from ..widgets.runs import RunLines
from .place import Place

if TYPE_CHECKING:
    from ...playbooks.artefacts import Kept


class RunsScreen(Place):
    """The newest first."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("runs")]

    def __init__(self) -> None:
        super().__init__()
        self._kept: list[Kept] = []
        self._said: Chunk = ()

    @property
    def crumb(self) -> str:
        return "runs"

    def compose(self) -> ComposeResult:
        yield TextLine("raised", cut=True, id="summary")
        yield RunLines(id="list")
        yield Panel("How it ended", id="ended")
        yield TextLine("raised", cut=True, id="detail")
        yield KeyBar(hints("runs"), self.dashboard.keys, id="keys")

    def on_mount(self) -> None:
        self.set_focus(self._list)

    def on_screen_resume(self) -> None:
        try:
            self._kept = list(reversed(self.dashboard.fleet.playbook_runs()))
        except GridtuiError as error:
            self._say(str(error))
        self.show()

    @property
    def _list(self) -> RunLines:
        return self.query_one(RunLines)

    def _say(self, words: str) -> None:
        self._said = ((text.plain(words), "critical"),)

    def freshen(self, changed: bool) -> None:
        """The clock has moved."""
        self.show()

    def show(self) -> None:
        """Draw what is known."""
        dashboard, lines = self.dashboard, self._list
        lines.take(self._kept, dashboard.clock())
        count = len(self._kept)
        first: list[Chunk] = [(("runs", "title"),), ((f"{count} kept", "dim"),)]
        self.query_one("#summary", TextLine).show((first, self.corner()))
        chosen = self._chosen()
        ended = past.ended(chosen, dashboard.fleet.fold) if chosen is not None else []
        self.query_one("#ended", Panel).show(lambda cells: past.page(ended, cells))
        explained: list[Chunk] = [] if self._kept else [(("no run is kept yet", "dim"),)]
        if chosen is not None:
            explained = [((str(chosen.folder), "dim"),)]
        self.query_one("#detail", TextLine).show(([self._said] if self._said else explained, ()))

    def _chosen(self) -> Kept | None:
        at = self._list.cursor
        return self._kept[at] if at < len(self._kept) else None

    @on(Lines.Moved)
    def _moved(self) -> None:
        self._said = ()
        self.show()

    @on(Lines.Chosen)
    def _clicked(self) -> None:
        self.action_open_run()

    def action_open_run(self) -> None:
        chosen = self._chosen()
        if chosen is None:
            return
        if self.dashboard.playbook_screen.running:
            self._say("something runs: it can be looked at once that has ended")
            self.show()
            return
        # The app's, not ours: this screen goes in the middle of it.
        self.dashboard.run_worker(self._open(chosen), group="kept", exclusive=True)

    async def _open(self, kept: Kept) -> None:
        try:
            await self.dashboard.open_kept(kept)
        except GridtuiError as error:
            self._say(str(error))
            self.show()

    def action_back(self) -> None:
        if self.is_active:  # the key may come twice before the screen is gone
            self.dismiss(None)
