"""What is asked of one node while its page is open: processes again and again, containers and a unit's journal once. Owns when it is
asked and what came of it; knows no widget.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from ..errors import GridtuiError
from . import text

PATIENCE = 60.0
"""Seconds for an answer; each question has a shorter limit of its own."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a question: a value, or words that stand in its place."""

    value: Any = None
    words: str = ""
    role: str = "warning"


ASKING = Answer(words="asking the node ...", role="faint")


class Inquiry:
    """One question, asked anew as often as is wanted; the newest answer stays until there is another."""

    def __init__(self, told: Callable[[], None]) -> None:
        """`told` is called when there is another answer."""
        self._told = told
        self.answer: Answer | None = None
        self._turn = 0
        self._under_way = False

    @property
    def wanted(self) -> bool:
        """Whether somebody asked, and did not forget it since."""
        return self.answer is not None

    @property
    def under_way(self) -> bool:
        """Whether the node still has to answer."""
        return self._under_way

    def forget(self) -> None:
        """Nobody wants to know any more; an answer that is on its way counts no more."""
        self._turn += 1
        self.answer, self._under_way = None, False

    async def ask(self, question: Callable[[], Awaitable[Any]], nothing: str = "") -> None:
        """Put it; `nothing` is said of an answer that is empty. A failure is words, never an exception."""
        if self._under_way:
            return
        turn = self._turn
        self._under_way = True
        if self.answer is None:
            self.answer = ASKING
            self._told()
        try:
            value = await asyncio.wait_for(question(), PATIENCE)
            found = Answer(value) if value or not nothing else Answer(words=nothing)
        except GridtuiError as error:
            found = Answer(words=text.plain(str(error)))
        except TimeoutError:
            found = Answer(words=f"the node did not answer in {PATIENCE:.0f} s")
        finally:
            if turn == self._turn:
                self._under_way = False
        if turn == self._turn:
            self.answer = found
            self._told()
