"""An app over a terminal that takes less than is drawn: a line of 2 kB/s, a window that somebody has stopped.

Textual (8.2) hands frames to a thread through a short queue, and waits where that is full: with it wait keys, timers and every connection.
Here frames are left out while the terminal is behind, and once it has taken all, the newest state is painted whole.
"""

from __future__ import annotations

from rich.console import RenderableType
from textual.app import App
from textual.message import Message
from textual.screen import Screen

from .driver import Driver


class Paced(App[int]):
    """Draws no more than its terminal takes."""

    class CaughtUp(Message, bubble=False):
        """The terminal has taken all; frames were left out meanwhile."""

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, Paced.CaughtUp)

    def _behind(self) -> Driver | None:
        driver = self._driver
        return driver if isinstance(driver, Driver) and driver.behind else None

    def _display(self, screen: Screen[object], renderable: RenderableType | None) -> None:
        if renderable is not None and (driver := self._behind()) is not None:
            driver.owe(lambda: self.post_message(Paced.CaughtUp()))
        else:
            super()._display(screen, renderable)

    def bell(self) -> None:
        if self._behind() is None:
            super().bell()

    def on_paced_caught_up(self) -> None:
        """What is on the terminal is not what the screen believes: all of it is drawn again."""
        if self.screen_stack and self.is_running:
            self.screen.refresh()
