"""An app in which nothing changes a node where nothing may (`guard.read_only`). Owns the one place that every key, click, entry of the
palette and command passes on its way to what it does; the core refuses by itself too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from textual.actions import ActionParseResult
from textual.dom import DOMNode

from ..errors import GridtuiError
from .actions import BY_NAME
from .haste import Hasty

if TYPE_CHECKING:
    from .bridge import Source


class Guarding(Hasty):
    """Refuses actions by their names."""

    fleet: Source

    async def run_action(
        self,
        action: str | ActionParseResult,
        default_namespace: DOMNode | None = None,
        namespaces: Mapping[str, DOMNode] | None = None,
    ) -> bool:
        name = action.rpartition(".")[2].partition("(")[0] if isinstance(action, str) else action[1]
        return self.refused(name) or await super().run_action(action, default_namespace, namespaces)

    @property
    def read_only(self) -> bool:
        """Whether nothing may change a node."""
        return self.fleet.settings.guard.read_only

    def refused(self, name: str) -> bool:
        """Whether an action may change a node where nothing may; then the reader is told."""
        if name not in BY_NAME or not BY_NAME[name].changes:
            return False
        try:
            self.fleet.allow_changes()
        except GridtuiError as error:
            self.notify(str(error), markup=False, severity="warning")
            return True
        return False
