"""What a screen is that follows the fleet: told when there is something new, without the app knowing its class."""

from __future__ import annotations

from typing import Protocol, runtime_checkable


@runtime_checkable
class Live(Protocol):
    """A screen that shows what changes."""

    def freshen(self, changed: bool) -> None:
        """Show what is new. `changed`: something other than numbers is."""
