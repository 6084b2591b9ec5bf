"""What nodes have left of one thing, kept so that "which nodes have at least this much" costs one look. Pure.

Nodes are numbered, a set of them is an integer with a bit for each. The amounts that jobs ask for are few and known before a round,
so there is a set for each, and what is left only shrinks within a round: a node leaves each set once at most.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence

from .fitting import CLOSE

NONE = float("-inf")
"""What is left where it is not known: nothing that is asked for fits."""


class Capacity:
    """One thing on all nodes. An amount of 0 asks for nothing: every node has it, whatever is left there."""

    __slots__ = ("_amounts", "_at", "least", "left", "sets")

    def __init__(self, amounts: Iterable[float], left: Sequence[float]) -> None:
        asked = set(amounts)
        self._amounts = sorted(amount for amount in asked if amount > 0)
        self.least = int(bool(asked) and min(asked) > 0)
        """The `index` of the least amount that is asked for."""
        self.left = list(left)
        sets = [0] * (len(self._amounts) + 1)
        self._at = [bisect_right(self._amounts, have + CLOSE) for have in self.left]
        for node, at in enumerate(self._at):
            sets[at] |= 1 << node
        for at in range(len(self._amounts) - 1, -1, -1):
            sets[at] |= sets[at + 1]
        self.sets = sets
        """The nodes that have that much left, by the number that `index` gives for an amount."""

    def index(self, amount: float) -> int:
        """Where to ask for an amount: one of those that it was made with, or 0 or less."""
        return bisect_left(self._amounts, amount) + 1 if amount > 0 else 0

    def take(self, node: int, amount: float) -> None:
        """Less by so much."""
        if amount <= 0:
            return
        self.left[node] = left = self.left[node] - amount
        at, amounts = self._at[node], self._amounts
        if at and amounts[at - 1] > left + CLOSE:
            bit = 1 << node
            while at and amounts[at - 1] > left + CLOSE:
                self.sets[at] ^= bit
                at -= 1
            self._at[node] = at
