"""The help: every key, from the registry, and what the signs mean."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen

from ..actions import TITLES, Place, bindings, of, shown
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
            self.query_one(f"#keys-{index}", Panel).show(partial(_keys, place, keys))
        self.query_one("#signs", Panel).show(_signs)
        self.query_one("#page").focus()

    def action_back(self) -> None:
        if self.is_active:  # the key may come twice before the screen is gone
            self.dismiss(None)


def _keys(place: Place, keys: Mapping[str, str], cells: int) -> list[Parts]:
    """The keys of one place; the names for the settings file where there is room."""
    lines: list[Parts] = []
    for action in of(place):
        pressed = " ".join(shown(key) for key in keys.get(action.name, action.key).split(","))
        name = ((fit(action.name, 17), "dim"),) if cells >= 86 else ()
        lines.append(((fit(pressed, 14), "key"), *name, (action.help, "text")))
    return lines


def _signs(cells: int) -> list[Parts]:
    label = 31 if cells >= 86 else 14
    signs = [(f"{GLYPHS[kind]} {WORDS[kind]}", ROLES[kind], words) for kind, words in _SIGNS.items()]
    signs += [("·", "faint", "not known"), ("×", "critical", "an echo that was lost")]
    return [((fit(sign, label), role), (words, "text")) for sign, role, words in signs]
