"""Who could start now: the lots that placement chooses from, kept in memory. Owns that memory; the tables are the truth.

What this process does is followed step by step; what others did is noticed by SQLite's data_version, and read anew for the submissions
that changed. 100,000 queued elements are 800 kB here: indices in arrays of integers, and one Spec for all that are alike.
"""

from __future__ import annotations

import heapq
from array import array
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ..model import NOWHERE, JobState, Lot, Spec
from . import record
from .moves import due
from .step import ALONE, Step

if TYPE_CHECKING:
    import sqlite3

    from ...store.database import Database

_SINGLE: Sequence[int | None] = (None,)
_FEW = 200
"""So many are taken out of an array one by one; for more it is made anew."""


class Specs:
    """Specifications by number. Equal ones are one object."""

    def __init__(self) -> None:
        self._known: dict[int, Spec] = {}
        self._alike: dict[str, Spec] = {}

    def get(self, cursor: sqlite3.Cursor, number: int) -> Spec:
        found = self._known.get(number)
        if found is None:
            (body,) = cursor.execute("SELECT body FROM spec WHERE number = ?", (number,)).fetchone()
            found = self._alike.get(body)
            if found is None:
                if len(self._alike) > 10_000:
                    self._alike.clear()
                found = self._alike[body] = record.from_json(body)
            if len(self._known) > 200_000:
                self._known.clear()
            self._known[number] = found
        return found


class Line:
    """The jobs that could start now, by submission."""

    def __init__(self, database: Database, specs: Specs) -> None:
        self._database = database
        self._specs = specs
        self._version = -1
        self._seen = -1
        """The newest change of the queue that is in here."""
        self._lots: dict[int, Lot] = {}
        self._ready: dict[int, array[int]] = {}
        """Of arrays: what `Lot.ready` is copied from."""
        self._stale: set[int] = set()
        """Lots whose `ready` is older than that."""
        self._anew: set[int] = set()
        """Submissions to be read."""
        self._pauses: list[tuple[float, int, int]] = []
        """(not before, number, element), a heap."""

    def lots(self, now: float) -> list[Lot]:
        """All of them, as they are now. What is given never changes."""
        version = self._database.version()
        paused = bool(self._pauses) and due(self._pauses[0][0], now)
        if version != self._version or self._anew or paused:
            with self._database.read() as cursor:
                if version != self._version:
                    self._follow(cursor)
                    self._version = version
                self._wake(cursor, now)
                for number in self._anew:
                    self._read(cursor, number, now)
                self._anew.clear()
        for number in self._stale:
            if number in self._lots:
                self._lots[number] = replace(self._lots[number], ready=self._ready[number][:])
        self._stale.clear()
        return list(self._lots.values())

    def _follow(self, cursor: sqlite3.Cursor) -> None:
        """See what others did."""
        newest, forgot = cursor.execute("SELECT changes, forgot FROM queue").fetchone()
        ready = "SELECT number FROM submission WHERE queued > 0 AND awaited = 0"
        if self._seen < 0:
            self._anew.update(number for (number,) in cursor.execute(ready))
        elif newest > self._seen:
            rows = cursor.execute("SELECT number FROM submission WHERE changed > ?", (self._seen,))
            self._anew.update(number for (number,) in rows)
        if forgot > self._seen:
            # What was cancelled and then forgotten is in no row.
            self._anew |= self._lots.keys() - {number for (number,) in cursor.execute(ready)}
        self._seen = newest

    def _wake(self, cursor: sqlite3.Cursor, now: float) -> None:
        """Let those back whose pause is over."""
        while self._pauses and due(self._pauses[0][0], now):
            _, number, stored = heapq.heappop(self._pauses)
            if number in self._anew:
                continue
            ready = self._ready.get(number)
            if ready is None:
                self._anew.add(number)
                continue
            # It may have been cancelled since, or be in its next pause.
            row = cursor.execute(
                "SELECT not_before FROM job WHERE number = ? AND element = ? AND state = 'queued'", (number, stored)
            ).fetchone()
            if row and due(row[0], now):
                place = bisect_left(ready, stored)
                if place == len(ready) or ready[place] != stored:
                    ready.insert(place, stored)
                    self._stale.add(number)
                if avoid := _avoided(cursor, number, stored):
                    lot = self._lots[number]
                    self._lots[number] = replace(lot, avoid={**lot.avoid, **avoid})

    def _read(self, cursor: sqlite3.Cursor, number: int, now: float) -> None:
        self._forget(number)
        row = cursor.execute(
            "SELECT user, priority, submitted, starting + running + frozen FROM submission"
            " WHERE number = ? AND queued > 0 AND awaited = 0",
            (number,),
        ).fetchone()
        if row is None:
            return
        user, priority, submitted, running = row
        ready = array("q")
        for stored, not_before in cursor.execute(
            "SELECT element, not_before FROM job WHERE number = ? AND state = 'queued' ORDER BY element", (number,)
        ):
            if due(not_before, now):
                ready.append(stored)
            else:
                heapq.heappush(self._pauses, (not_before, number, stored))
        if not ready:
            return
        single = ready[0] == ALONE
        if not single:
            self._ready[number] = ready
        self._lots[number] = Lot(
            number=number,
            user=user,
            priority=priority,
            spec=self._specs.get(cursor, number),
            submitted=submitted,
            ready=_SINGLE if single else ready[:],
            running=running,
            avoid=_avoided(cursor, number) or NOWHERE,
        )

    def _forget(self, number: int) -> None:
        self._lots.pop(number, None)
        self._ready.pop(number, None)
        self._stale.discard(number)

    def apply(self, step: Step) -> None:
        """Follow a step of this process that was committed."""
        if not step.change:
            return
        if step.change != self._seen + 1:
            # Something was done in between that is not in here: all of it is read at the next look.
            self._version = -1
            return
        self._seen = step.change
        self._anew |= step.anew
        for number in step.touched - step.anew:
            self._left(number, step.left.get(number, ()), step.counts.get(number))
        for not_before, number, stored in step.back:
            heapq.heappush(self._pauses, (not_before, number, stored))

    def _left(self, number: int, left: Sequence[int], counts: Mapping[JobState, int] | None) -> None:
        lot = self._lots.get(number)
        if lot is None:
            return
        ready = self._ready.get(number)
        if left and ready is not None:
            _remove(ready, left)
            self._stale.add(number)
        if left and not ready:
            self._forget(number)
        elif counts is not None:
            running = counts[JobState.STARTING] + counts[JobState.RUNNING] + counts[JobState.FROZEN]
            if running != lot.running:
                self._lots[number] = replace(lot, running=running)


def _avoided(cursor: sqlite3.Cursor, number: int, stored: int | None = None) -> Mapping[int | None, frozenset[str]]:
    """The nodes on which it went badly, for each element that is queued, or for one."""
    avoid: dict[int | None, frozenset[str]] = {}
    for element, node in cursor.execute(
        "SELECT DISTINCT a.element, a.node FROM attempt a JOIN job j USING (number, element)"
        " WHERE a.number = ?1 AND a.bad = 1 AND j.state = 'queued' AND (a.element = ?2 OR ?2 IS NULL)",
        (number, stored),
    ):
        index = None if element == ALONE else element
        avoid[index] = avoid.get(index, frozenset()) | {node}
    return avoid


def _remove(ready: array[int], left: Sequence[int]) -> None:
    if len(left) > _FEW:
        gone = set(left)
        kept = array("q", [stored for stored in ready if stored not in gone])
        ready[:] = kept
        return
    for stored in left:
        place = bisect_left(ready, stored)
        if place < len(ready) and ready[place] == stored:
            del ready[place]
