"""The saved views: a list in which they are opened, kept and deleted. Owns the list; what a view is, is `views.View`'s."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input

from ...errors import UsageError
from .. import text
from ..actions import bindings, of
from ..columns import Parts
from ..hints import hints
from ..views import View, told
from ..widgets.bars import Chunk, KeyBar, TextLine
from ..widgets.lines import Lines

if TYPE_CHECKING:
    from .viewing import ViewingScreen


class ViewLines(Lines):
    """A view a line."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._views: list[tuple[str, View]] = []
        self._settings: frozenset[str] = frozenset()

    def take(self, views: Mapping[str, View], settings: frozenset[str]) -> None:
        """Show these; `settings` are from there."""
        self._views, self._settings = list(views.items()), settings
        self.replaced(len(self._views))

    @property
    def here(self) -> str | None:
        """The view under the cursor."""
        return self._views[self.cursor][0] if self._views else None

    def seek(self, name: str) -> None:
        """Put the cursor on a view."""
        for index, (one, _) in enumerate(self._views):
            if one == name:
                self.go(index)

    def parts(self, index: int) -> Parts:
        name, view = self._views[index]
        cells = max((text.width(one) for one, _ in self._views), default=0)
        cells = min(cells, max(8, self.size.width // 3))
        room = max(0, self.size.width - 2 - cells - 2)
        more = "  (settings)" if name in self._settings else ""
        return (
            (text.fit(name, cells) + "  ", "strong"),
            (text.fit(told(view) + more, room), "dim"),
        )


class ViewsScreen(ModalScreen[None]):
    """Over the fleet."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("views")]
    VERTICAL_BREAKPOINTS = [(0, "-tiny"), (9, "-short")]  # noqa: RUF012 - declared so by Textual

    def __init__(self, fleet: ViewingScreen) -> None:
        super().__init__()
        self._fleet = fleet
        self._sure = ""

    def compose(self) -> ComposeResult:
        with Vertical(id="box"):
            yield TextLine("raised", cut=True, id="title")
            yield ViewLines(id="list")
            yield Input(placeholder="a name for what is shown now", id="name", select_on_focus=False)
            yield KeyBar(hints("views", of("views")), self._fleet.dashboard.keys, id="keys")

    @property
    def _lines(self) -> ViewLines:
        return self.query_one(ViewLines)

    @property
    def _box(self) -> Input:
        return self.query_one("#name", Input)

    def on_mount(self) -> None:
        self._show()
        self.set_focus(self._lines)

    def _show(self, words: str = "", role: str = "text") -> None:
        views = self._fleet.dashboard.views
        known = views.all()
        self._lines.take(known, frozenset(filter(views.of_settings, known)))
        if not words and not known:
            words, role = f"none is kept yet: {self._fleet.dashboard.key('save_view')} keeps what is shown", "dim"
        chunks: list[Chunk] = [(("Views", "title"),)]
        if words:
            chunks.append(((text.plain(words), role),))
        self.query_one("#title", TextLine).show((chunks, ()))

    @on(Lines.Chosen)
    def _clicked(self) -> None:
        self.action_open_view()

    @on(Lines.Moved)
    def _moved(self) -> None:
        self._sure = ""
        self._show()

    def action_open_view(self) -> None:
        name = self._lines.here
        if name is not None and self.is_active:
            view = self._fleet.dashboard.views.find(name)
            self.dismiss(None)
            self._fleet.show_view(view)

    def action_save_view(self) -> None:
        self._box.display = True
        self._box.value = self._lines.here or ""
        self._box.cursor_position = len(self._box.value)
        self.set_focus(self._box)  # at once: what is typed on quickly would be taken for keys

    @on(Input.Submitted, "#name")
    def _named(self, event: Input.Submitted) -> None:
        event.stop()
        name = event.value.strip()
        if name:
            try:
                self._fleet.dashboard.views.save(name, self._fleet.view)
            except UsageError as error:
                self._show(str(error), "critical")
                return
        self._close()
        self._show(f"{name} is kept" if name else "")
        self._lines.seek(name)

    def action_delete_view(self) -> None:
        name = self._lines.here
        if name is None:
            return
        if self._sure != name:
            self._sure = name
            self._show(f"{self._fleet.dashboard.key('delete_view')} again deletes {name}", "warning")
            return
        self._sure = ""
        try:
            self._fleet.dashboard.views.delete(name)
        except UsageError as error:
            self._show(str(error), "critical")
        else:
            self._show(f"{name} is deleted")

    def action_back(self) -> None:
        if self._box.has_focus:
            self._close()
            self._show()
        elif self.is_active:  # the key may come twice before the screen is gone
            self.dismiss(None)

    def _close(self) -> None:
        self._box.display = False
        self.set_focus(self._lines)
