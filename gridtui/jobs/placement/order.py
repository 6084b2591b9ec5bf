"""Whose turn it is: the user with the least running, then the most urgent submission, the one with the fewest running, the oldest. Pure.

A turn is one job. So two users share the grid in halves, whatever they have queued, and two arrays of one user as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from heapq import heapify, heappop, heappush, heapreplace

from ..model import Lot
from .grid import Kind


@dataclass(slots=True, eq=False)
class Turn:
    """One submission in a round."""

    lot: Lot
    kind: Kind | None = None
    next: int = 0
    """Which of its jobs comes next; those before have a node, or none now."""


_Place = tuple[int, int, float, int, Turn]
"""What orders submissions of one user: minus the priority, how many run, when it was submitted, its number."""


class _Queue:
    """One user's submissions. Most are single jobs or wait long: those that had no turn yet stay sorted, the others are in a heap."""

    __slots__ = ("again", "fresh", "oldest")

    def __init__(self, places: list[_Place]) -> None:
        self.oldest = min(place[2] for place in places)
        places.sort(reverse=True)
        self.fresh = places
        self.again: list[_Place] = []

    def first(self) -> _Place:
        fresh, again = self.fresh, self.again
        if fresh and (not again or fresh[-1] < again[0]):
            return fresh[-1]
        return again[0]

    def drop(self) -> None:
        """The first one leaves."""
        fresh, again = self.fresh, self.again
        if fresh and (not again or fresh[-1] < again[0]):
            fresh.pop()
        else:
            heappop(again)

    def more(self) -> None:
        """One more job of the first one runs."""
        fresh, again = self.fresh, self.again
        if fresh and (not again or fresh[-1] < again[0]):
            priority, running, submitted, number, turn = fresh.pop()
            heappush(again, (priority, running + 1, submitted, number, turn))
        else:
            priority, running, submitted, number, turn = again[0]
            heapreplace(again, (priority, running + 1, submitted, number, turn))


class Turns:
    """Submissions of all users, one after the other. Whoever was given a job goes behind those that have less."""

    def __init__(self, turns: Iterable[Turn], usage: Mapping[str, float]) -> None:
        places: dict[str, list[_Place]] = {}
        for turn in turns:
            lot = turn.lot
            place = (-lot.priority, lot.running, lot.submitted, lot.number, turn)
            mine = places.get(lot.user)
            if mine is None:
                places[lot.user] = [place]
            else:
                mine.append(place)
        queues = [(user, _Queue(mine)) for user, mine in places.items()]
        self._users = [(usage.get(user, 0.0), queue.oldest, user, queue) for user, queue in queues]
        heapify(self._users)

    def next(self) -> Turn | None:
        """The submission whose turn it is; None when all have left."""
        return self._users[0][3].first()[4] if self._users else None

    def firsts(self) -> list[Turn]:
        """Each user's next submission, in the order of their turns."""
        return [user[3].first()[4] for user in sorted(self._users, key=lambda user: user[:3])]

    def took(self, cost: float, *, last: bool = False) -> None:
        """It was given a job of that weight, its last one perhaps."""
        queue = self._users[0][3]
        if last:
            queue.drop()
        else:
            queue.more()
        self._pay(cost)

    def leave(self, cost: float = 0.0) -> None:
        """It gets nothing more in this round; what was kept for it costs as if it ran."""
        self._users[0][3].drop()
        self._pay(cost)

    def _pay(self, cost: float) -> None:
        usage, oldest, user, queue = self._users[0]
        if not queue.fresh and not queue.again:
            heappop(self._users)
        elif cost:
            heapreplace(self._users, (usage + cost, oldest, user, queue))
