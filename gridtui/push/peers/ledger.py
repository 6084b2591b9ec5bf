"""What is known of each node's end, and who hears of it. Owns outcomes and the list of those that the star serves."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from ...model import Node
from ..model import Progress, Transfer
from ..transfer import Told

Ended = Callable[[Transfer], None]
Say = Callable[[str], None]


class Ledger:
    """One run's. `star` maps a node to why it goes over the star."""

    def __init__(self, nodes: Sequence[Node], told: Told | None, ended: Ended | None, say: Say | None) -> None:
        self.nodes = list(nodes)
        self.began = time.monotonic()
        self.outcomes: dict[str, Transfer] = {}
        self.star: dict[str, str] = {}
        self._told, self._ended, self._said = told, ended, say

    @property
    def seconds(self) -> float:
        """Since the run began."""
        return time.monotonic() - self.began

    def tell(self, progress: Progress) -> None:
        """Progress of one node."""
        if self._told:
            self._told(progress)

    def say(self, text: str) -> None:
        """A line for people."""
        if self._said:
            self._said(text)

    def note(self, outcome: Transfer) -> None:
        """What came of one node."""
        self.outcomes[outcome.node] = outcome
        if self._ended:
            self._ended(outcome)
