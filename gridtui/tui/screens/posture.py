"""How one node is kept: its findings, what was seen, what drifted, and the way to mend it. Owns what is shown; `upkeep` has the words."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll

from ...errors import GridtuiError
from ...posture.model import Look
from .. import text, upkeep
from ..actions import bindings
from ..hints import hints
from ..widgets.bars import Chunk, KeyBar, TextLine
from ..widgets.findings import FindingLines
from ..widgets.lines import Lines
from ..widgets.panel import Panel
from .place import Place

if TYPE_CHECKING:
    pass


class PostureScreen(Place):
    """One node. What is known stands there at once; where nothing is, the node is asked."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("posture")]

    def __init__(self, name: str) -> None:
        super().__init__()
        self.node = name
        self._asking = False
        self._said: Chunk = ()

    @property
    def crumb(self) -> str:
        return f"posture of {self.node}"

    def compose(self) -> ComposeResult:
        yield TextLine("raised", cut=True, id="summary")
        yield FindingLines(id="list")
        with VerticalScroll(id="body"):
            yield Panel("What was seen", id="seen")
            yield Panel("Since the look before", id="drift")
            yield Panel("Not known", id="unknowns")
            yield Panel("What listens", id="ports")
        yield TextLine("raised", cut=True, id="detail")
        yield KeyBar(hints("posture"), self.dashboard.keys, id="keys")

    def on_mount(self) -> None:
        self.set_focus(self._list)

    def on_screen_resume(self) -> None:
        self._look_where_due()
        self.show()

    def _look_where_due(self) -> None:
        """Nothing is known yet, or a playbook has changed the node since."""
        if self.dashboard.survey.due(self.node):
            self.action_look_again()

    @property
    def _list(self) -> FindingLines:
        return self.query_one(FindingLines)

    def freshen(self, changed: bool) -> None:
        """The clock has moved."""
        self.show()

    def show(self) -> None:
        """Draw what is known."""
        dashboard = self.dashboard
        now = dashboard.clock()
        look = dashboard.survey.look(self.node) or Look(self.node)
        posture = look.posture
        first: list[Chunk] = [(("posture", "title"),), ((text.plain(self.node), "strong"),)]
        second = upkeep.verdict(look, now)
        if self._asking:
            second = [(("asking the node ...", "accent"),), *second]
        elif not second:
            second = [(("not looked at yet", "dim"),)]
        self.query_one("#summary", TextLine).show((first, self.corner()), (second, ()))
        findings = self._list
        findings.take(posture.findings if posture is not None else ())
        findings.styles.max_height = max(1, findings.count)
        chosen = findings.finding
        self.query_one("#seen", Panel).show(lambda cells: upkeep.details(chosen, cells) if chosen else [])
        self.query_one("#drift", Panel).show(lambda cells: upkeep.drift(look, now, cells))
        self.query_one("#unknowns", Panel).show(lambda cells: upkeep.unknowns(posture, cells) if posture else [])
        self.query_one("#ports", Panel).show(lambda cells: upkeep.ports(posture, cells) if posture else [])
        self.query_one("#detail", TextLine).show(([self._said] if self._said else self._explained(), ()))

    def _explained(self) -> list[Chunk]:
        chosen = self._list.finding
        if chosen is None or not chosen.playbook or chosen.accepted:
            return [(("no playbook mends it", "dim"),)] if chosen is not None and not chosen.accepted else []
        return [
            (
                (self.dashboard.key("mend"), "key"),
                (" a dry run of ", "text"),
                (text.plain(chosen.playbook), "accent"),
                (f" on {text.plain(self.node)}", "text"),
            )
        ]

    @on(Lines.Moved)
    def _moved(self) -> None:
        self._said = ()
        self.show()

    @on(Lines.Chosen)
    def _chosen(self) -> None:
        self.action_mend()

    # ---- asking ----

    def action_look_again(self) -> None:
        if not self._asking:
            self._asking = True
            self.run_worker(self._look(self.node), group="posture")
            self.show()

    async def _look(self, name: str) -> None:
        try:
            await self.dashboard.survey.ask([name])
        except GridtuiError as error:
            self._said = ((text.plain(str(error)), "critical"),)
        finally:
            self._asking = False
        if self.is_mounted:
            self.show()

    # ---- keys ----

    def action_mend(self) -> None:
        chosen = self._list.finding
        if chosen is None:
            return
        if not chosen.playbook:
            self._said = ((text.plain(chosen.advice) or "no playbook mends it", "text"),)
            self.show()
            return
        try:
            self.dashboard.mend(chosen, self.node)
        except GridtuiError as error:
            self._said = ((text.plain(str(error)), "critical"),)
            self.show()

    def action_next_node(self) -> None:
        self._step(1)

    def action_previous_node(self) -> None:
        self._step(-1)

    def _step(self, step: int) -> None:
        other = self.dashboard.fleet_screen.neighbour(self.node, step)
        if other is not None and other != self.node:
            self.node, self._said = other, ()
            self._list.go(0)
            self._look_where_due()
            self.show()

    def action_back(self) -> None:
        if self.is_active:  # the key may come twice before the screen is gone
            self.dismiss(None)
