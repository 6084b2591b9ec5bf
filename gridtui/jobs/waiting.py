"""Why jobs that could start do not, told to the queue, so that everybody can see it. Owns how often that is worked out; the rules are placement's.

It is for people: so many submissions a second as a large grid bears, the ones that were told longest ago first, and nothing about those
that were there for a moment alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from .model import Lot
from .offering import Offering
from .placement import YET, waiting
from .queue import Queue, Standing

FRESH = 2.0
"""Seconds for which a submission may be ready before anything is said: most have a node by then."""
BEGINNING = 60.0
"""Seconds of dispatching in which a node may be looked at for the first time: nothing is said yet of jobs that may go there."""
OLD = 10.0
"""Seconds after which what was said is worked out again."""
MANY = 2000.0
"""Submissions that are gone through a second: with more of them it is done less often."""
LOOKS = 10_000
"""Pairs of a submission and a node that are looked at in one go: some 50 ms."""


class Reasons:
    """What one dispatcher said of those that wait."""

    def __init__(self, queue: Queue, offering: Offering, nodes: Callable[[], Sequence[str]]) -> None:
        self._queue, self._offering, self._nodes = queue, offering, nodes
        self._since: dict[int, float] = {}
        """When submissions were first seen to be ready."""
        self._said: dict[int, tuple[float, str]] = {}
        self._next: float | None = None
        self._began = 0.0

    def tell(self, lots: Sequence[Lot], standing: Mapping[str, Standing], now: float, clock: float) -> None:
        """Look at some of `lots`, which are ready and got nothing. `clock` does not jump. Raises StateError."""
        if self._next is None:
            self._began = clock
            self._queue.tell_nothing()
        elif clock < self._next:
            return
        self._next = clock + len(lots) / MANY
        ready = {lot.number: lot for lot in lots}
        for number in self._since.keys() - ready.keys():
            del self._since[number]
        for number in ready:
            self._since.setdefault(number, clock)
        news = {number: "" for number, (_, why) in self._said.items() if why and number not in ready}
        due = [number for number, since in self._since.items() if clock - since >= FRESH and self._due(number, clock)]
        names = self._nodes()
        due.sort(key=lambda number: self._said[number][0] if number in self._said else -1.0)
        if chosen := due[: max(1, LOOKS // max(1, len(names)))]:
            offers, match = self._offering.offers(names, standing, now), self._offering.match()
            kept = self._offering.kept
            for number in chosen:
                why = waiting(ready[number], offers, match, now)
                if clock - self._began < BEGINNING and any(reason in why for reason in YET):
                    continue
                if number in kept:
                    why = f"room is kept for it on {kept[number]}; {why}"
                if number not in self._said or self._said[number][1] != why:
                    news[number] = why
                self._said[number] = clock, why
        self._queue.tell(news)
        self._said = {number: said for number, said in self._said.items() if number in ready}

    def _due(self, number: int, clock: float) -> bool:
        return number not in self._said or clock - self._said[number][0] >= OLD
