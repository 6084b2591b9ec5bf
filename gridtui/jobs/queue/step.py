"""One write transaction of the queue. Owns the counts: every change of a job's state goes through a `Step`, which adds up what
changed and writes it once at the end. Takes no decision.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import TYPE_CHECKING

from ..model import PLACED, Group, JobId, JobState, Key

if TYPE_CHECKING:
    import sqlite3

ALONE = -1
"""The element of a job that is no part of an array."""
STATES = tuple(JobState)
_COUNTS = ", ".join(STATES)
_WAITING = (JobState.QUEUED, JobState.HELD)


def element(id: JobId) -> int:
    """As it is stored."""
    return ALONE if id.index is None else id.index


def job_id(number: int, stored: int) -> JobId:
    """The reverse of `element`."""
    return JobId(number, None if stored == ALONE else stored)


def group_of(counts: dict[JobState, int]) -> Group:
    """Where a submission with these jobs stands as a whole."""
    if any(counts[state] for state in PLACED):
        return Group.RUNNING
    return Group.WAITING if any(counts[state] for state in _WAITING) else Group.ENDED


class Step:
    """What one transaction does. `cursor` is open; nothing of it is seen by others before it is committed."""

    def __init__(self, cursor: sqlite3.Cursor, queue: str, now: float) -> None:
        self.cursor = cursor
        self.queue = queue
        self.now = now
        self.change = 0
        """The number of this change in the queue's life; 0 while nothing has changed."""
        self.counts: dict[int, dict[JobState, int]] = {}
        """The counts of each submission that was touched, once they are written."""
        self.left: dict[int, list[int]] = defaultdict(list)
        """Elements that were taken out of the line, for a node."""
        self.back: list[tuple[float, int, int]] = []
        """(not before, number, element) that came back into it."""
        self.anew: set[int] = set()
        """Submissions of which so much changed that whoever follows reads them again."""
        self.ended: set[int] = set()
        """Submissions of which jobs ended, that nobody has looked at for those that come after them."""
        self._longest = 0.0
        self._moves: dict[int, dict[JobState, int]] = defaultdict(lambda: defaultdict(int))
        self._touched: set[int] = set()
        self._spans: dict[int, tuple[float | None, float | None]] = {}

    def key(self, number: int, stored: int, attempt: int) -> Key:
        return Key(self.queue, job_id(number, stored), attempt)

    def touch(self, number: int) -> None:
        """Something of a submission changed, whatever its states."""
        self._touched.add(number)

    def moved(self, number: int, old: JobState | None, new: JobState, jobs: int = 1) -> None:
        """So many of its jobs went from one state to another (None: they are new). The rows are written by the caller."""
        self._touched.add(number)
        if old is not None:
            self._moves[number][old] -= jobs
        self._moves[number][new] += jobs

    def began(self, number: int, when: float) -> None:
        """One of its jobs began."""
        first, last = self._spans.get(number, (None, None))
        self._spans[number] = (when if first is None else min(first, when), last)

    def finished(self, number: int, when: float) -> None:
        """Some of its jobs have ended: those that come after are to be looked at."""
        first, last = self._spans.get(number, (None, None))
        self._spans[number] = (first, when if last is None else max(last, when))
        self.ended.add(number)

    def lasted(self, seconds: float) -> None:
        """An attempt ended, so long after it was placed."""
        self._longest = max(self._longest, seconds)

    def flush(self) -> None:
        """Write what was added up. Counts read from the tables are right after it."""
        for number, moves in self._moves.items():
            self._count(number, moves)
        self._moves.clear()
        for number, (first, last) in self._spans.items():
            self.cursor.execute(
                "UPDATE submission SET started = min(coalesce(started, ?1), coalesce(?1, started)),"
                " ended = max(coalesce(ended, ?2), coalesce(?2, ended)) WHERE number = ?3",
                (first, last, number),
            )
        self._spans.clear()

    def _count(self, number: int, moves: dict[JobState, int]) -> None:
        row = self.cursor.execute(f"SELECT stage, {_COUNTS} FROM submission WHERE number = ?", (number,)).fetchone()
        counts = dict(zip(STATES, row[1:], strict=True))
        old, new_one = row[0], not any(counts.values())
        for state, change in moves.items():
            counts[state] += change
        stage = group_of(counts)
        self.counts[number] = counts
        sets = ", ".join(f"{state} = {counts[state]:d}" for state in moves)
        self.cursor.execute(f"UPDATE submission SET stage = ?, {sets} WHERE number = ?", (stage, number))
        sums: list[tuple[int, str]] = [(change, f"jobs {state}") for state, change in moves.items() if change]
        if new_one:
            sums.append((1, f"submissions {stage}"))
        elif stage != old:
            sums += [(-1, f"submissions {old}"), (1, f"submissions {stage}")]
        self.add(sums)

    def add(self, sums: Iterable[tuple[int, str]]) -> None:
        """Add to sums over the whole queue."""
        self.cursor.executemany(
            "INSERT INTO total (jobs, what) VALUES (?, ?) ON CONFLICT (what) DO UPDATE SET jobs = jobs + excluded.jobs",
            sums,
        )

    def close(self) -> None:
        """Write the rest; the last thing before the commit."""
        self.flush()
        if not self._touched:
            return
        self.cursor.execute("UPDATE queue SET changes = changes + 1, longest = max(longest, ?)", (self._longest,))
        self.change = self.cursor.execute("SELECT changes FROM queue").fetchone()[0]
        self.cursor.executemany(
            "UPDATE submission SET changed = ? WHERE number = ?", [(self.change, number) for number in self._touched]
        )

    @property
    def touched(self) -> frozenset[int]:
        """The submissions of which something changed."""
        return frozenset(self._touched)
