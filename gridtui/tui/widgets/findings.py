"""The list of a node's findings: one a line. Draws what it is given."""

from __future__ import annotations

from collections.abc import Sequence

from ...posture.model import Finding
from ..upkeep import line
from .lines import Lines, Parts


class FindingLines(Lines):
    """In the order given."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._findings: Sequence[Finding] = ()

    def take(self, findings: Sequence[Finding]) -> None:
        """Show these. The cursor stays on its finding."""
        here = self.finding
        self._findings = findings
        cursor = next((at for at, one in enumerate(findings) if here is not None and one.id == here.id), None)
        self.replaced(len(findings), cursor)

    @property
    def finding(self) -> Finding | None:
        """The finding under the cursor."""
        return self._findings[self.cursor] if self.cursor < len(self._findings) else None

    def parts(self, index: int) -> Parts:
        return line(self._findings[index], max(1, self.scrollable_content_region.width - 2))
