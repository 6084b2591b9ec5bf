"""A line in which something is typed that is run, with what was typed before. Owns the keys of its history; runs nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import BindingType
from textual.widgets import Input

from ..actions import bindings


class Prompt(Input):
    """Remembers what was typed for as long as the program runs, and what it was told of before."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("prompt")]

    def __init__(self, placeholder: str, *, id: str | None = None) -> None:
        super().__init__(placeholder=placeholder, select_on_focus=False, id=id)
        self._past: list[str] = []
        self._at = 0
        self._draft = ""

    def validate_value(self, value: str) -> str:
        """What is pasted may hold characters that nobody sees, and would run."""
        return "".join(filter(str.isprintable, value))

    def recall(self, words: Sequence[str]) -> None:
        """What was typed before this program began, the oldest first; behind it stands what was typed since."""
        known = set(self._past)
        older = [one for one in words if one not in known and one.isprintable()]
        self._past[:0] = older
        self._at += len(older)

    def remember(self, words: str) -> None:
        """What was typed is run now."""
        if words in self._past:
            self._past.remove(words)
        self._past.append(words)
        self._at = len(self._past)

    def _go(self, step: int) -> None:
        if self._at == len(self._past):
            self._draft = self.value
        self._at = max(0, min(len(self._past), self._at + step))
        self.value = self._draft if self._at == len(self._past) else self._past[self._at]
        self.cursor_position = len(self.value)

    def action_older(self) -> None:
        self._go(-1)

    def action_newer(self) -> None:
        self._go(1)
