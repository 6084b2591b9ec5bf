"""The help: every key, from the registry, and what the signs mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen

from ..actions import TITLES, bindings, of, shown
from ..states import GLYPHS, ROLES, WORDS, Kind
from ..text import fit
from ..widgets.panel import Panel, Parts

if TYPE_CHECKING:
    from ..app import Dashboard

_SIGNS = {
    Kind.UP: "answers all the way, no rule holds against it",
    Kind.WARNING: "a rule's warning range, or not answering but not yet for long enough",
    Kind.CRITICAL: "a rule's critical range",
    Kind.DOWN: "does not answer; the layer says how far we came: icmp, tcp, banner, login, shell",
    Kind.UNKNOWN: "answers, but cannot be judged",
    Kind.PENDING: "not heard of yet",
    Kind.EXPLAINED: "behind a parent that is down: no alert of its own",
    Kind.MAINTENANCE: "watched, but never an alert",
}


class HelpScreen(ModalScreen[None]):
    """All keys on one page."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("help")]

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="page"):
            for index in range(len(TITLES)):
                yield Panel(list(TITLES.values())[index], id=f"keys-{index}")
            yield Panel("Signs", id="signs")

    def on_mount(self) -> None:
        keys = cast("Dashboard", self.app).keys
        for index, place in enumerate(TITLES):
            lines: list[Parts] = []
            for action in of(place):
                names = " ".join(shown(key) for key in keys.get(action.name, action.key).split(","))
                lines.append(((fit(names, 14), "key"), (fit(action.name, 17), "dim"), (action.help, "text")))
            self.query_one(f"#keys-{index}", Panel).show(lambda cells, lines=lines: lines)  # type: ignore[misc]
        signs: list[Parts] = [
            ((fit(f"{GLYPHS[kind]} {WORDS[kind]}", 31), ROLES[kind]), (words, "text")) for kind, words in _SIGNS.items()
        ]
        signs.append(((fit("·", 31), "faint"), ("not known", "text")))
        signs.append(((fit("×", 31), "critical"), ("an echo that was lost", "text")))
        self.query_one("#signs", Panel).show(lambda cells: signs)
        self.query_one("#page").focus()

    def action_back(self) -> None:
        self.dismiss(None)
