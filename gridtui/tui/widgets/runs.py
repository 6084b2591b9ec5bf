"""The list of kept runs: one a line. Draws what it is given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..past import line
from .lines import Lines, Parts

if TYPE_CHECKING:
    from ...playbooks.artefacts import Kept


class RunLines(Lines):
    """In the order given."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._kept: Sequence[Kept] = ()
        self._now = 0.0

    def take(self, kept: Sequence[Kept], now: float) -> None:
        """Show these, with their age."""
        self._kept, self._now = kept, now
        self.replaced(len(kept))

    def parts(self, index: int) -> Parts:
        return line(self._kept[index], self._now, max(1, self.scrollable_content_region.width - 2))
