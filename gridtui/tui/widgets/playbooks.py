"""The list of playbooks: one a line. Draws what it is given."""

from __future__ import annotations

from collections.abc import Sequence

from ...playbooks.model import Playbook
from ..choice import line
from ..text import width
from .lines import Lines, Parts


class PlaybookLines(Lines):
    """Marked ones carry the number of their turn."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._playbooks: Sequence[Playbook] = ()
        self._marked: Sequence[str] = ()
        self._longest = 8

    def take(self, playbooks: Sequence[Playbook], marked: Sequence[str]) -> None:
        """Show these."""
        self._playbooks, self._marked = playbooks, tuple(marked)
        self._longest = max((width(one.name) for one in playbooks), default=8)
        self.replaced(len(playbooks))

    def parts(self, index: int) -> Parts:
        one = self._playbooks[index]
        turn = self._marked.index(one.name) + 1 if one.name in self._marked else 0
        return line(one, turn, self._longest, max(1, self.scrollable_content_region.width - 2))
