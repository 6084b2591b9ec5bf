"""How near nodes are to the inputs of a job, by bytes. Pure.

Only what would have to be sent counts, in steps of twice as much: between a node that lacks 3 GB and one that lacks 2.5 GB, room decides.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

Sizes = Mapping[str, int]
"""Inputs: digest to bytes."""
NEAR = 4 << 20
"""Bytes of inputs that a node may lack and still count as having them: they are there in an instant."""


def step(lacks: int) -> int:
    """0 where nothing to speak of is lacking; one more each time that it is twice as much."""
    return (lacks // NEAR).bit_length()


def distance(inputs: Sizes, holds: Collection[str]) -> int:
    """How far a node is from having the inputs, in those steps."""
    return step(sum(size for digest, size in inputs.items() if digest not in holds))


class Holders:
    """Who holds what of the inputs of one round's jobs."""

    def __init__(self, inputs: Iterable[Sizes], holds: Sequence[frozenset[str]]) -> None:
        wanted = frozenset(digest for sizes in inputs for digest in sizes)
        self._nodes: dict[str, list[int]] = {}
        if wanted:
            for node, there in enumerate(holds):
                for digest in wanted & there:
                    self._nodes.setdefault(digest, []).append(node)

    def by_distance(self, inputs: Sizes) -> list[int]:
        """Sets of nodes, the nearest first, each a number with a bit for each node; those that hold nothing are in none of them."""
        total = sum(inputs.values())
        held: dict[int, int] = {}
        for digest, size in inputs.items():
            for node in self._nodes.get(digest, ()):
                held[node] = held.get(node, 0) + size
        farthest = step(total)
        sets: dict[int, int] = {}
        for node, size in held.items():
            if (far := step(total - size)) < farthest:
                sets[far] = sets.get(far, 0) | 1 << node
        return [sets[far] for far in sorted(sets)]
