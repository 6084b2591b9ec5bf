"""For how long, and why: asked before alerts are acknowledged or silenced, or nodes put under maintenance. Owns the question; `alerts` reads what is typed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, cast

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input

from ...errors import UsageError
from ...model import Hush
from .. import alerts, text
from ..actions import bindings
from ..widgets.panel import Panel, Parts
from .question import wrapped

if TYPE_CHECKING:
    from ..app import Dashboard


class MuteScreen(ModalScreen[tuple[float | None, str] | None]):
    """One line: a time, where there is one, and a word why. Gives the seconds and the words; None when the reader leaves it."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("muting")]

    def __init__(self, hush: Hush, names: Sequence[str]) -> None:
        super().__init__()
        self._hush = hush
        self._names = names

    @property
    def dashboard(self) -> Dashboard:
        return cast("Dashboard", self.app)

    def compose(self) -> ComposeResult:
        with Vertical(id="box"):
            yield Panel(f"{alerts.VERBS[self._hush]} {_counted(len(self._names))}", id="words")
            yield Input(
                value=f"{alerts.SPANS[1]} " if self._hush is Hush.SILENCED else "", id="typed", select_on_focus=False
            )
            yield Panel("Enter says it", id="said")

    def on_mount(self) -> None:
        self.query_one("#words", Panel).show(self._page)
        box = self.query_one("#typed", Input)
        box.placeholder = "a word why" if self._hush is Hush.ACKNOWLEDGED else "1h  a word why"
        box.cursor_position = len(box.value)
        self.set_focus(box)
        self._preview()

    def _page(self, cells: int) -> list[Parts]:
        whom = self.dashboard.fleet.fold(self._names)
        lines = wrapped(text.plain(whom), cells, "strong")
        if self._hush is Hush.ACKNOWLEDGED:
            return [
                *lines,
                *wrapped(
                    "Somebody knows of it. What becomes worse, or goes wrong besides, is an alert again.", cells, "dim"
                ),
            ]
        keys = " ".join(map(self.dashboard.key, ("shorter", "longer")))
        offered: Parts = (("  ".join(alerts.SPANS), "accent"), (f"  {keys} take another, or type one", "dim"))
        if self._hush is Hush.SILENCED:
            return [*lines, offered]
        return [
            *lines,
            *wrapped(
                "Watched, but no alert, and it gets no jobs; without a time until it is taken back.", cells, "dim"
            ),
            offered,
        ]

    @on(Input.Changed, "#typed")
    def _preview(self) -> None:
        words, now = self.query_one("#typed", Input).value, self.dashboard.clock()
        self.query_one("#said", Panel).show(lambda cells: _folded(alerts.preview(self._hush, words, now), cells))

    @on(Input.Submitted, "#typed")
    def _given(self, event: Input.Submitted) -> None:
        event.stop()
        try:
            answer = alerts.typed(self._hush, event.value)
        except UsageError:
            return  # the line below tells
        if self.is_active:
            self.dismiss(answer)

    def action_longer(self) -> None:
        self._turn(1)

    def action_shorter(self) -> None:
        self._turn(-1)

    def _turn(self, step: int) -> None:
        box = self.query_one("#typed", Input)
        box.value = alerts.turned(self._hush, box.value, step)
        box.cursor_position = len(box.value)

    def action_unsaid(self) -> None:
        if self.is_active:
            self.dismiss(None)


def _counted(count: int) -> str:
    return f"{count} node{'' if count == 1 else 's'}"


def _folded(said: Parts, cells: int) -> list[Parts]:
    return [part for words, role in said for part in wrapped(words, cells, role)]
