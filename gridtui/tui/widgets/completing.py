"""A line that is completed while it is typed, with what was typed before. Owns its keys and what is chosen; what may be typed comes from outside.

Enter and Esc are looked at before the line's own keys, and wait until what was typed before them has been taken in: a slow link delivers
a whole line in one piece, with what is meant for the screen behind it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from typing import ClassVar

from textual._context import active_message_pump
from textual.binding import BindingType
from textual.css.query import NoMatches
from textual.widgets import Input

from ..actions import bindings
from ..offers import Offer, ghost
from ..typed import Typed
from .candidates import Candidates
from .lines import Parts

PATIENCE = 1.0
"""Seconds that a line may take for the keys before Enter: one that is going takes no more of them."""


class Completing(Input):
    """`offered` gives what may come at the end of a text; `entered` and `left` are told at once of Enter and Esc."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("line")]

    def __init__(
        self,
        offered: Callable[[str], Sequence[Offer]],
        entered: Callable[[str], None],
        left: Callable[[], None],
        typed: Callable[[], Typed],
        placeholder: str = "",
        *,
        id: str | None = None,
    ) -> None:
        super().__init__(placeholder=placeholder, select_on_focus=False, id=id)
        self._offered, self._entered, self._left = offered, entered, left
        self._typed = typed
        self._offers: Sequence[Offer] = ()
        self._chosen: int | None = None
        self._draft = ""
        """What was typed before one was chosen."""
        self._ours = False
        self._wrong: Parts = ()

    def validate_value(self, value: str) -> str:
        """What is pasted may hold characters that nobody sees."""
        return "".join(filter(str.isprintable, value))

    @property
    def typed(self) -> Typed:
        """What was typed before: read when it is wanted first."""
        return self._typed()

    # ---- what may come ----

    def start(self, text: str = "") -> None:
        """Begin anew with a text. The caller gives it the focus."""
        self.typed.rest()
        self._wrong = ()
        self._write(text)
        self._look()

    def complain(self, wrong: Parts) -> None:
        """Say what is wrong, until something else is typed."""
        self._wrong = wrong
        self._show()

    def watch_value(self, before: str, value: str) -> None:
        if not self._ours and self.has_focus:
            self.typed.rest()
            self._wrong = ()
            self._look(self.cursor_position >= len(before))  # the cursor has not moved yet

    def _look(self, at_the_end: bool = True) -> None:
        """What may come behind what is typed now."""
        self._chosen, self._draft = None, self.value
        self._offers = self._offered(self.value) if at_the_end else []
        if len(self._offers) == 1 and self._offers[0].text == self.value:
            self._offers = []  # it stands there
        self._show()

    def _show(self) -> None:
        self._suggestion = ghost(self.value, self._offers) if self._chosen is None else ""
        try:
            candidates = self.screen.query_one(Candidates)
        except NoMatches:
            return  # the screen is going
        candidates.show(self, self._offers, self._chosen, self._wrong)

    def _write(self, text: str) -> None:
        """Put a text there that nobody typed."""
        self._ours = True
        try:
            self.value = text
            self.cursor_position = len(text)
        finally:
            self._ours = False

    def on_focus(self) -> None:
        self._look()

    def on_blur(self) -> None:
        for candidates in self.screen.query(Candidates).results(Candidates):
            candidates.hide(self)

    # ---- choosing ----

    def _choose(self, step: int) -> None:
        if not self._offers:
            return
        self._wrong = ()
        if len(self._offers) == 1:
            self._take(self._offers[0])
            return
        count = len(self._offers) + 1  # with what was typed
        at = (0 if self._chosen is None else self._chosen + 1) + step
        at %= count
        self._chosen = at - 1 if at else None
        self._write(self._offers[at - 1].text if at else self._draft)
        self._show()

    def _take(self, offer: Offer) -> None:
        """It is the one: what may come behind it is offered."""
        self._write(offer.text)
        self._look()

    def on_candidates_picked(self, event: Candidates.Picked) -> None:
        event.stop()
        if event.index < len(self._offers):
            self._take(self._offers[event.index])
            self.screen.set_focus(self)

    def action_complete(self) -> None:
        self._choose(1)

    def action_complete_back(self) -> None:
        self._choose(-1)

    def action_older(self) -> None:
        if self._chosen is not None:
            self._choose(-1)
        elif (line := self.typed.older(self.value)) is not None:
            self._recall(line)

    def action_newer(self) -> None:
        if self._chosen is None and (line := self.typed.newer()) is not None:
            self._recall(line)
        else:
            self._choose(1)

    def _recall(self, line: str) -> None:
        self._write(line)
        self._offers, self._chosen = [], None
        self._show()

    # ---- the end ----

    async def action_enter_line(self) -> None:
        await self._settle()
        self._entered(self.value)

    async def action_leave_line(self) -> None:
        await self._settle()
        self._left()

    async def _settle(self) -> None:
        """Wait for the keys before this one: they are on their way to this widget, and this one has overtaken them."""
        taken = asyncio.Event()
        if active_message_pump.get(None) is not self and self.call_later(taken.set):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(taken.wait(), PATIENCE)
