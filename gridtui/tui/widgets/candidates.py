"""What may be typed next, over the lower lines of a screen, and what is wrong with what was typed. Draws what it is given; a click chooses."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from ..offers import Offer
from ..text import fit, plain, width
from ..themes import palette
from .lines import Parts
from .strips import strip

MOST = 8
"""Lines at once; the rest is scrolled to."""
SHARE = 3
"""At most one of so many lines of the screen is covered."""


class Candidates(Widget):
    """Hidden while there is nothing to say."""

    ALLOW_SELECT = False

    class Picked(Message):
        """One was clicked."""

        def __init__(self, index: int) -> None:
            super().__init__()
            self.index = index

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._offers: Sequence[Offer] = ()
        self._chosen: int | None = None
        self._first = 0
        self._wrong: Parts = ()
        self.owner: Widget | None = None
        """The line that it speaks for."""

    @property
    def offers(self) -> Sequence[Offer]:
        return self._offers

    def show(self, owner: Widget, offers: Sequence[Offer], chosen: int | None = None, wrong: Parts = ()) -> None:
        """The offers for `owner`, the chosen one of them in view, below what is `wrong`."""
        self.owner = owner
        self._offers, self._chosen, self._wrong = offers, chosen, wrong
        self._lay()
        # The line that it stands above may be on its way to its place.
        self.call_after_refresh(self._lay)

    def hide(self, owner: Widget) -> None:
        """`owner` has nothing to say; what another line says stays."""
        if self.owner is owner:
            self.owner = None
            self._offers, self._chosen, self._wrong = (), None, ()
            self.display = False

    def _lay(self) -> None:
        if self.owner is None or not self.is_attached:
            return
        rows = min(len(self._offers), self._room()) + bool(self._wrong)
        self.display = rows > 0
        if not rows:
            return
        self.styles.height = rows
        below = self.screen.size.height - self.owner.region.y if self.owner.region.height else 1
        self.styles.offset = (0, -max(1, below))
        room = rows - bool(self._wrong)
        at = self._chosen or 0
        self._first = max(0, min(self._first, at, len(self._offers) - room))
        self._first = max(self._first, at - room + 1)
        self.refresh()

    def _room(self) -> int:
        return min(MOST, max(0, (self.screen.size.height - 2) // SHARE))

    def render_line(self, y: int) -> Strip:
        colours, cells = palette(self.app), self.size.width
        if self._wrong:
            if y == 0:
                return strip(((" ", "text"), *self._wrong), colours, cells, "raised")
            y -= 1
        at = self._first + y
        if at >= len(self._offers):
            return strip((), colours, cells, "raised")
        offer, here = self._offers[at], at == self._chosen
        longest = max(width(plain(one.word)) for one in self._offers[self._first : self._first + self.size.height])
        room = max(8, min(longest, cells // 2, 44))
        count = f" {at + 1}/{len(self._offers)} " if here else " "
        about = fit(offer.help, max(0, cells - 4 - room - len(count)))
        parts: Parts = (
            ("▌ " if here else "  ", "primary" if here else "text"),
            (fit(offer.word, room), "strong" if here else "key"),
            ("  ", "text"),
            (about, "dim"),
            (count, "faint"),
        )
        return strip(parts, colours, cells, "cursor" if here else "raised")

    def on_click(self, event: events.Click) -> None:
        event.stop()
        index = self._first + event.y - bool(self._wrong)
        if self.owner is not None and 0 <= index < len(self._offers):
            self.owner.post_message(self.Picked(index))

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self._scroll(1)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self._scroll(-1)

    def _scroll(self, step: int) -> None:
        room = self.size.height - bool(self._wrong)
        self._first = max(0, min(len(self._offers) - room, self._first + step))
        self.refresh()
