"""Whose turn it is: the user with the least running, then the most urgent submission, the one with the fewest running, the oldest. Pure.

A turn is one job. So two users share the grid in halves, whatever they have queued, and two arrays of one user as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from heapq import heapify, heappop, heapreplace

from ..model import Lot, Needs

LEAST = 0.1
"""CPUs that a job counts for at least: who asks for none has turns as others have."""
GPU = 4.0
"""CPUs that a GPU counts for."""

_Place = tuple[int, int, float, int, Lot]


def weight(needs: Needs) -> float:
    """What a job adds to its user's use of the grid."""
    return max(LEAST, needs.cpus) + GPU * needs.gpus


class Turns:
    """Submissions of all users, one after the other. Whoever was given a job goes behind those that have less."""

    def __init__(self, lots: Iterable[Lot], usage: Mapping[str, float]) -> None:
        queues: dict[str, list[_Place]] = {}
        for lot in lots:
            place = (-lot.priority, lot.running, lot.submitted, lot.number, lot)
            queue = queues.get(lot.user)
            if queue is None:
                queues[lot.user] = [place]
            else:
                queue.append(place)
        self._users: list[tuple[float, float, str, list[_Place]]] = []
        for user, queue in queues.items():
            heapify(queue)
            self._users.append((usage.get(user, 0.0), min(place[2] for place in queue), user, queue))
        heapify(self._users)

    def next(self) -> Lot | None:
        """The submission whose turn it is; None when all have left."""
        return self._users[0][3][0][4] if self._users else None

    def took(self, cost: float, *, last: bool = False) -> None:
        """It was given a job of that weight, its last one perhaps."""
        queue = self._users[0][3]
        priority, running, submitted, number, lot = queue[0]
        if last:
            heappop(queue)
        elif len(queue) > 1:
            heapreplace(queue, (priority, running + 1, submitted, number, lot))
        else:
            queue[0] = (priority, running + 1, submitted, number, lot)
        self._pay(cost)

    def leave(self, cost: float = 0.0) -> None:
        """It gets nothing more in this round; what was kept for it costs as if it ran."""
        heappop(self._users[0][3])
        self._pay(cost)

    def _pay(self, cost: float) -> None:
        usage, oldest, user, queue = self._users[0]
        if not queue:
            heappop(self._users)
        elif cost:
            heapreplace(self._users, (usage + cost, oldest, user, queue))
