"""The alerts of now, what people said of them, and those that ended. Owns what is shown and whom the keys are for; `alerts` has the words."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType

from ...health.alerts import Alerts
from ...health.alerts import alerts as grouped
from ...model import Mute
from .. import alerts
from ..actions import bindings
from ..hints import hints
from ..widgets.alerts import AlertLines
from ..widgets.bars import Chunk, KeyBar, TextLine
from ..widgets.lines import Lines
from .place import Place

if TYPE_CHECKING:
    from collections.abc import Sequence


class AlertsScreen(Place):
    """The worst and newest first; what is behind a dead parent stands with it."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("alerts")]

    def __init__(self) -> None:
        super().__init__()
        self._found = Alerts()
        self._said: Sequence[Mute] = ()
        self._ended: Sequence[alerts.Ended] = ()

    @property
    def crumb(self) -> str:
        return "alerts"

    def compose(self) -> ComposeResult:
        yield TextLine("raised", id="summary")
        yield AlertLines(self.dashboard.marks.__contains__, id="list")
        yield TextLine("raised", cut=True, id="detail")
        yield KeyBar(hints("alerts"), self.dashboard.keys, id="keys")

    def on_mount(self) -> None:
        self.set_focus(self.rows)

    def on_screen_resume(self) -> None:
        super().on_screen_resume()
        self.freshen(True)

    @property
    def rows(self) -> AlertLines:
        return self.query_one(AlertLines)

    @property
    def node(self) -> str | None:
        """The node under the cursor."""
        return self.rows.node

    def freshen(self, changed: bool) -> None:
        """Show what is new."""
        dashboard = self.dashboard
        now = dashboard.clock()
        said = dashboard.fleet.mutes()
        if changed or said != self._said:
            status = dashboard.bridge.status
            self._found = grouped(status(name).verdict for name in dashboard.fleet.nodes)
            self._said = said
            self._ended = alerts.ended(dashboard.fleet.log())
            self.rows.take(self._found, said, self._ended, now)
        else:
            self.rows.tick(now)
        self._tell(now)

    def _tell(self, now: float) -> None:
        dashboard = self.dashboard
        first, second = alerts.summary(self._found, self._said, len(self._ended))
        marked: list[Chunk] = [((f"{len(dashboard.marks)} marked", "accent"),)] if len(dashboard.marks) else []
        self.query_one("#summary", TextLine).show(
            ([(("alerts", "title"),), *first], self.corner()), ([*marked, *second], ())
        )
        row = self.rows.row
        told: list[Chunk] = [(("all is well", "ok"),)] if row is None else alerts.details(row, now)
        self.query_one("#detail", TextLine).show((told, ()))

    @on(Lines.Moved)
    def _moved(self) -> None:
        self._tell(self.dashboard.clock())

    # ---- keys ----

    @on(Lines.Chosen)
    def _chosen(self) -> None:
        self.action_open()

    def action_open(self) -> None:
        node = self.node
        if node is None:
            self.rows.fold()
        else:
            self.dashboard.open_node(node)

    def action_fold(self) -> None:
        self.rows.fold()

    def action_fold_all(self) -> None:
        self.rows.fold_all()

    def action_mark(self) -> None:
        if (node := self.node) is not None:
            self.dashboard.marks.toggle(node)
            self.rows.action_down()
            self._remark()

    def action_mark_all(self) -> None:
        self.dashboard.marks.turn(self.rows.names)
        self._remark()

    def action_clear_marks(self) -> None:
        self.dashboard.marks.clear()
        self._remark()

    def _remark(self) -> None:
        self.rows.look()
        self.rows.refresh()
        self._tell(self.dashboard.clock())

    def action_acknowledge(self) -> None:
        self.dashboard.action_acknowledge()

    def action_silence(self) -> None:
        self.dashboard.action_silence()

    def action_maintain(self) -> None:
        self.dashboard.action_maintain()

    def action_take_back(self) -> None:
        self.dashboard.action_take_back()

    def action_retry(self) -> None:
        if (node := self.node) is not None:
            self.dashboard.retry(node)

    def action_shell(self) -> None:
        self.dashboard.open_shell(self.dashboard.muting.whom())

    def action_exec(self) -> None:
        self.dashboard.open_run("exec", *self._targets())

    def command_exec(self, words: str) -> None:
        """Run a command on the targets."""
        self.dashboard.run_command(words, *self._targets())

    def action_push(self) -> None:
        self.dashboard.open_run("push", *self._targets())

    def action_playbooks(self) -> None:
        self.dashboard.open_playbooks(*self._targets())

    def _targets(self) -> tuple[list[str], str]:
        """Whom a verb is for, and in words."""
        marks, names = self.dashboard.marks, self.dashboard.muting.whom()
        return names, marks.whom(names, len(self.dashboard.fleet.nodes)) if len(marks) else ""

    def action_events(self) -> None:
        self.dashboard.open_events()

    def neighbour(self, name: str, step: int) -> str | None:
        """The node that stands `step` nodes below `name`; the cursor goes there too."""
        names = self.rows.names
        if name not in names:
            return names[0] if names else None
        other = names[(names.index(name) + step) % len(names)]
        self.rows.seek(other)
        return other

    def action_back(self) -> None:
        if self.is_active:  # the key may come twice before the screen is gone
            self.dismiss(None)
