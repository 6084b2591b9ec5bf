"""A panel of a node's page: its title on a rule, its lines below. Can have the focus; the screen gives it the whole page then."""

from __future__ import annotations

from textual import events
from textual.message import Message
from textual.strip import Strip

from ..sheets import Sheet, View
from ..text import fit, width
from ..themes import palette
from .panel import Panel
from .strips import strip


class SheetPanel(Panel, can_focus=True):
    """Is made again only when what it depends on has changed, and takes no room while it has nothing to say."""

    class Chosen(Message):
        """It was clicked again."""

        def __init__(self, name: str) -> None:
            super().__init__()
            self.sheet = name

    def __init__(self, sheet: Sheet) -> None:
        super().__init__(sheet.title, id=f"sheet-{sheet.name}")
        self.sheet = sheet
        self._since: object = None

    def tell(self, view: View) -> None:
        """Show what is new in it."""
        since = self.sheet.since(view), view.status.node.name
        if since == self._since:
            return
        self._since = since
        self.show(lambda cells: self.sheet.page(view, cells))
        if not self.display and self.has_focus:
            self.screen.focus_next()

    def get_content_height(self, container: object, viewport: object, width: int) -> int:
        height = super().get_content_height(container, viewport, width)  # type: ignore[arg-type]
        return max(0, height - 1)  # the gap below is the layout's

    def render_line(self, y: int) -> Strip:
        if y:
            return super().render_line(y)
        colours = palette(self.app)
        cells = self.size.width
        here = self.has_focus
        hint = " Enter: the whole page " if here and cells > width(self._title) + 30 else ""
        rule = "━" if here else "─"
        room = max(0, cells - width(self._title) - 3 - width(hint))
        return strip(
            (
                ("▌" if here else " ", "primary"),
                (fit(self._title, min(width(self._title), max(0, cells - 2))) + " ", "title"),
                (rule * room, "primary" if here else "track"),
                (hint, "dim"),
            ),
            colours,
            cells,
        )

    def on_focus(self) -> None:
        self.refresh()

    def on_blur(self) -> None:
        self.refresh()

    def on_click(self, event: events.Click) -> None:
        if self.has_focus and event.chain > 1:
            self.post_message(self.Chosen(self.sheet.name))
