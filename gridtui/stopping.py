"""How a person ends a run that is under way: asked once it ends politely, asked twice at once. Owns the counting; ends nothing."""

from __future__ import annotations

from collections.abc import Callable

STOPPED = "the run was stopped before it came to this node"
"""What is said of a node that was not begun."""


class Stop:
    """Asks a run to end: once politely, twice hard. Made by the caller, who keeps it."""

    def __init__(self) -> None:
        self.count = 0
        self._heard: list[Callable[[], None]] = []

    def ask(self) -> None:
        """Stop; again: stop hard."""
        self.count += 1
        for hear in tuple(self._heard):
            hear()

    def listen(self, hear: Callable[[], None]) -> None:
        """Be called at each `ask`."""
        self._heard.append(hear)
