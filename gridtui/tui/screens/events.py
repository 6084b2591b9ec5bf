"""The event log: what happened, newest last. Owns what is shown of it; the words are `story`'s."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType

from ...events import Event
from .. import story
from ..actions import bindings
from ..hints import hints
from ..text import width
from ..widgets.bars import KeyBar, TextLine
from ..widgets.lines import Lines, Parts
from .place import Place

if TYPE_CHECKING:
    pass


class EventLines(Lines):
    """The log's lines. At the last one it follows what happens."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.events: Sequence[Event] = ()
        self._column = 12
        self._now = 0.0

    def take(self, events: Sequence[Event], now: float) -> None:
        """Show these events."""
        follow = self.cursor >= self.count - 1
        self.events, self._now = events, now
        names = (width(event.node) for event in events if event.node)
        self._column = max(8, min(24, max(names, default=8)))
        self.replaced(len(events), len(events) - 1 if follow else None)
        if follow:
            self.action_last()

    def parts(self, index: int) -> Parts:
        return story.line(self.events[index], self._column, self._now)

    @property
    def node(self) -> str | None:
        """The node of the event under the cursor."""
        return self.events[self.cursor].node if self.cursor < len(self.events) else None


class EventsScreen(Place):
    """What happened since the start."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("events")]

    def __init__(self) -> None:
        super().__init__()
        self._alarms = False

    @property
    def crumb(self) -> str:
        return "events"

    def compose(self) -> ComposeResult:
        yield TextLine("raised", id="summary")
        yield EventLines(id="log")
        yield KeyBar(hints("events"), self.dashboard.keys, id="keys")

    def on_mount(self) -> None:
        self.query_one(EventLines).focus()

    def on_screen_resume(self) -> None:
        self.freshen(True)

    def freshen(self, changed: bool) -> None:
        """Show what is new."""
        dashboard = self.dashboard
        now = dashboard.clock()
        log = self.query_one(EventLines)
        if changed or not log.count:
            shown = story.alarming if self._alarms else story.told
            log.take([event for event in dashboard.fleet.log() if shown(event)], now)
        what = "alarms" if self._alarms else "events"
        left = [(("event log", "title"),), ((f"{log.count} {what}", "dim"),)]
        self.query_one("#summary", TextLine).show((left, self.corner()))

    @property
    def moment(self) -> float | None:
        """When the event under the cursor happened: a replay begins a little before."""
        log = self.query_one(EventLines)
        return story.when(log.events[log.cursor]) if log.cursor < len(log.events) else None

    @on(Lines.Chosen)
    def _chosen(self) -> None:
        self.action_open()

    def action_open(self) -> None:
        name = self.query_one(EventLines).node
        if name is not None and name in self.dashboard.fleet.nodes:
            self.dashboard.open_node(name)

    def action_alarms(self) -> None:
        self._alarms = not self._alarms
        self.freshen(True)

    def action_back(self) -> None:
        if self.is_active:  # the key may come twice before the screen is gone
            self.dismiss(None)
