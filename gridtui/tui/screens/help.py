"""The help: every key, command and sign, the ones of the screen below first. Owns the search; what it says is `guide`'s."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen, Screen
from textual.widgets import Input

from .. import guide
from ..actions import TITLES, Scope, bindings, of
from ..widgets.completing import Completing
from ..widgets.lines import Lines, Parts

if TYPE_CHECKING:
    from ..app import Dashboard


def scopes(screen: Screen[Any]) -> list[Scope]:
    """What a screen is in the registry: all actions of the scope have a key there."""
    bound = {binding.id for binding in type(screen).BINDINGS if isinstance(binding, Binding)}
    mine: list[Scope] = [
        scope for scope in TITLES if (names := {action.name for action in of(scope)}) and names <= bound
    ]
    lists: list[Scope] = ["list"] if screen.query(Lines) else []
    return [*mine, *lists, "app"]


class HelpLines(Lines):
    """The text, with a cursor that only scrolls."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._told: Sequence[guide.Section] = ()
        self._text: list[Parts] = []

    def take(self, told: Sequence[guide.Section]) -> None:
        """Say this, from its beginning."""
        self._told = told
        self._lay()
        self.scroll_to(y=0, animate=False)

    def _lay(self) -> None:
        self._text = guide.lines(self._told, max(20, self.size.width - 2))
        self.replaced(len(self._text), 0)

    def parts(self, index: int) -> Parts:
        return self._text[index]

    def on_resize(self, event: events.Resize) -> None:
        super().on_resize(event)
        self._lay()


class HelpScreen(ModalScreen[None]):
    """All on one page."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("help")]

    def __init__(self, below: Screen[Any]) -> None:
        super().__init__()
        self._below = below
        self._told: list[guide.Section] = []

    def compose(self) -> ComposeResult:
        with Vertical(id="page"):
            yield HelpLines(id="lines")
            dashboard = cast("Dashboard", self.app)
            yield Completing(
                lambda text: (),
                self._searched,
                self.action_back,
                lambda: dashboard.typed("help"),
                "words of a key, a name or what it does",
                id="search",
            )

    def on_mount(self) -> None:
        dashboard = cast("Dashboard", self.app)
        page = self.query_one("#page")
        page.border_title = "Help"
        page.border_subtitle = f"{dashboard.key('search')} search  {dashboard.key('back')} back"
        self._told = guide.sections(scopes(self._below), dashboard.keys, dashboard.commands_of(self._below).values())
        self._lines.take(self._told)
        self.set_focus(self._lines)

    @property
    def _lines(self) -> HelpLines:
        return self.query_one(HelpLines)

    @property
    def _box(self) -> Completing:
        return self.query_one("#search", Completing)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """While something is searched for, the key is a character like others."""
        return not (action == "search" and isinstance(self.focused, Input))

    def action_search(self) -> None:
        self._box.display = True
        self.set_focus(self._box)  # at once: what is typed on quickly would be taken for keys
        self._box.start(self._box.value)

    @on(Input.Changed, "#search")
    def _searching(self, event: Input.Changed) -> None:
        self._lines.take(guide.found(self._told, event.value))

    def _searched(self, words: str) -> None:
        self._box.typed.remember(words)
        self.set_focus(self._lines)

    def action_back(self) -> None:
        if self._box.display:
            self._box.value = ""
            self._box.display = False
            self.set_focus(self._lines)
        elif self.is_active:  # the key may come twice before the screen is gone
            self.dismiss(None)
