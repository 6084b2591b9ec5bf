"""`Queue`: the one door to `queue.db`. Each method is one short transaction, whoever calls it and from whichever process.

Only the holder of the lease places jobs and takes reports; everything else may be called at any time. Times are `time.time()` of this
machine. Everything raises StateError (LockedError for the lease), and UsageError for jobs that do not exist.
"""

from __future__ import annotations

import contextlib
import getpass
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from ...errors import UsageError
from ...model import clean
from ...store import files
from ...store.database import Database
from ..model import After, Attempt, Group, Job, JobId, JobState, Key, Lot, Order, Placement, Report, Spec
from . import awaiting, lease, moves, nodes, pruning, reading, submitting, wake, wishes
from .lease import Holder
from .line import Line, Specs
from .model import Awaited, Placed, Progress, Standing, Taken
from .schema import MIGRATIONS
from .step import Step
from .wake import Waker

NAME = "queue"
DAY = 86400.0
HASTE = 0.05
"""Seconds: submitters hold the file for milliseconds, and a screen does not notice this."""


class Queue:
    """An open queue. Not for more than one thread."""

    def __init__(self, database: Database, folder: Path) -> None:
        self._database = database
        self._folder = folder
        self._specs = Specs()
        self._line: Line | None = None
        self.id: str = database.value("SELECT id FROM queue")
        """Eight hexadecimal digits, made with the queue: attempts' keys begin with them."""

    @classmethod
    def open(cls, folder: Path | None = None) -> Self:
        """Open the queue of the state folder (or of `folder`); a new one where there is none. Raises StateError."""
        folder = folder or files.folder()
        return cls(Database.open(NAME, MIGRATIONS, folder), folder)

    def close(self) -> None:
        """Close it. Nothing is lost, whatever was or was not closed."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @contextlib.contextmanager
    def _step(self, now: float | None = None) -> Iterator[Step]:
        with self._database.write() as cursor:
            step = Step(cursor, self.id, time.time() if now is None else now)
            yield step
            awaiting.settle(step)
            step.close()
        if self._line:
            self._line.apply(step)

    # What people do. Each of these wakes the dispatcher.

    def submit(
        self,
        spec: Spec,
        *,
        user: str = "",
        array: Sequence[int] = (),
        each: Sequence[str] = (),
        after: Sequence[After] = (),
        held: bool = False,
        now: float | None = None,
    ) -> int:
        """Submit one job, or an array: of `array`'s indices, or of `each`'s items with the indices 1 to n. Gives its number.

        It comes after all of `after`: it waits until they have ended, and is cancelled when one of them ended so that it can never
        start. `user` is whoever runs this unless said. Raises UsageError for what is no array, or comes after what does not exist.
        """
        with self._step(now) as step:
            number = submitting.submit(
                step, spec, user=user or _login(), array=array, each=each, after=after, held=held
            )
        self.wake()
        return number

    def cancel(self, ids: Sequence[JobId], now: float | None = None) -> list[JobId]:
        """End jobs. What waits is cancelled at once; what is on a node when the dispatcher has ended it there (`wishes`).

        Here and below, an id without an index is the whole submission, and what is given are the jobs of which something changed.
        """
        with self._step(now) as step:
            changed = wishes.cancel(step, ids)
        return self._tap(changed)

    def retry(self, ids: Sequence[JobId], now: float | None = None) -> list[JobId]:
        """Queue jobs again that failed, were lost or cancelled, with all their tries; and end the pause before a next try. What has
        succeeded stays. Raises UsageError where it comes after something that failed and was not retried."""
        with self._step(now) as step:
            changed = wishes.retry(step, ids)
        return self._tap(changed)

    def hold(self, ids: Sequence[JobId]) -> list[JobId]:
        """Keep jobs from starting. What is on a node gets a wish: the dispatcher stops it where it stands."""
        with self._step() as step:
            changed = wishes.hold(step, ids)
        return self._tap(changed)

    def release(self, ids: Sequence[JobId]) -> list[JobId]:
        """The reverse of `hold`."""
        with self._step() as step:
            changed = wishes.release(step, ids)
        return self._tap(changed)

    def prioritise(self, ids: Sequence[JobId], priority: int) -> list[JobId]:
        """Set the priority (-1000 to 1000) of whole submissions, also where an element is named."""
        with self._step() as step:
            changed = wishes.prioritise(step, ids, priority)
        return self._tap(changed)

    def drain(self, node: str, why: str = "") -> None:
        """No new jobs for a node; what it has goes on."""
        with self._step() as step:
            nodes.drain(step, node, why)
        self.wake()

    def undrain(self, node: str) -> None:
        """It may have jobs again; a quarantine ends too."""
        with self._step() as step:
            nodes.undrain(step, node)
        self.wake()

    def wake(self) -> None:
        """Tap the dispatcher on the shoulder. Never waits, never fails."""
        wake.wake(self._folder)

    def _tap(self, changed: list[JobId]) -> list[JobId]:
        if changed:
            self.wake()
        return changed

    # What the dispatcher does.

    @contextlib.contextmanager
    def lease(self) -> Iterator[Waker]:
        """Be the dispatcher for as long as the context lasts, and feel the taps. Raises LockedError at once while another is."""
        with lease.lease(self._folder), Waker(self._folder) as waker:
            yield waker

    @contextlib.contextmanager
    def hasty(self) -> Iterator[None]:
        """Calls within give up at once (StateError) where another process keeps the file locked, instead of waiting for it."""
        with self._database.hasty(HASTE):
            yield

    def beat(self) -> None:
        """Tell that the dispatcher is there; every few seconds."""
        lease.beat(self._folder)

    def warn(self, fleeting: Mapping[str, str]) -> None:
        """Tell on which nodes jobs end with the dispatcher's connection, and why, for people. Raises StateError."""
        lease.warn(self._folder, fleeting)

    def lots(self, now: float) -> list[Lot]:
        """What could start now: nothing awaited, not held, no pause before a next try. By no order.

        The first call reads them; later ones follow what changed. What is given never changes.
        """
        if self._line is None:
            self._line = Line(self._database, self._specs)
        return self._line.lots(now)

    def place(self, placements: Sequence[Placement], now: float) -> list[Order]:
        """Commit attempts, before anything is sent. An order for each; those that may no longer start have none."""
        if not placements:
            return []
        with self._step(now) as step:
            return moves.place(step, placements, lambda number: self._specs.get(step.cursor, number))

    def orders(self, keys: Sequence[Key]) -> list[Order]:
        """The orders of attempts that are placed, to be sent again; attempts that are over have none."""
        with self._database.read() as cursor:
            step = Step(cursor, self.id, 0.0)
            return moves.orders(step, keys, lambda number: self._specs.get(cursor, number))

    def placed(self) -> list[Placed]:
        """What is believed to be on nodes, with what people wish of it."""
        with self._database.read() as cursor:
            return reading.placed(cursor, self.id)

    def wishes(self) -> list[Key]:
        """Attempts that somebody wishes ended."""
        with self._database.read() as cursor:
            return reading.wishes(cursor, self.id, "cancel")

    def holds(self) -> list[Key]:
        """Attempts that somebody wishes stopped where they stand."""
        with self._database.read() as cursor:
            return reading.wishes(cursor, self.id, "hold")

    def take(self, reports: Sequence[Report], now: float) -> Taken:
        """What engines tell, in any order and any number of times. Only the newest attempt of a job counts (the fence).

        An attempt that ended stays `running` until `published`. What was refused, evicted or lost is queued again by itself.
        """
        if not reports:
            return Taken()
        with self._step(now) as step:
            return moves.take(step, reports)

    def published(self, done: Sequence[tuple[Key, str, bool, str]], now: float) -> dict[Key, JobState]:
        """What ended attempts made is here, or never will be: (key, the folder where it lies, whether all came, why not).

        Now they succeeded, failed, were cancelled, or are queued for a further try: the state of each job is given. A key is missing
        whose attempt no longer counts.
        """
        if not done:
            return {}
        with self._step(now) as step:
            return moves.published(step, done)

    def lose(self, keys: Sequence[Key], why: str, now: float) -> list[JobId]:
        """Attempts whose node was rebooted, or is gone for too long. Their jobs are queued again, 20 times at most."""
        with self._step(now) as step:
            return moves.lose(step, keys, why)

    def prune(self, now: float, *, days: float = 30.0, most: int = 100_000, limit: int | None = None) -> list[int]:
        """Forget submissions that ended more than `days` ago, and the oldest ones while more than `most` jobs have ended; `limit` of
        them at once. Gives their numbers."""
        return pruning.prune(self._database, now - days * DAY, most, limit)

    def tell(self, whys: Mapping[int, str]) -> None:
        """Why submissions have jobs that wait, by number, for people; empty where that is over."""
        if whys:
            with self._database.write() as cursor:
                rows = [(clean(why, 300), number) for number, why in whys.items()]
                cursor.executemany("UPDATE submission SET waits = ? WHERE number = ?", rows)

    def tell_nothing(self) -> None:
        """What an earlier dispatcher said of those that wait is old."""
        if self._database.value("SELECT 1 FROM submission WHERE waits <> '' LIMIT 1"):
            with self._database.write() as cursor:
                cursor.execute("UPDATE submission SET waits = '' WHERE waits <> ''")

    # What everybody sees.

    def jobs(
        self,
        *,
        numbers: Collection[int] = (),
        states: Collection[JobState] = (),
        name: str = "",
        user: str = "",
        node: str = "",
        limit: int | None = None,
        skip: int = 0,
        newest: bool = False,
    ) -> list[Job]:
        """Jobs by number and index, or the other way round with `newest`; all conditions together."""
        with self._database.read() as cursor:
            return reading.jobs(
                cursor,
                numbers=numbers,
                states=states,
                name=name,
                user=user,
                node=node,
                limit=limit,
                skip=skip,
                newest=newest,
            )

    def job(self, id: JobId) -> Job:
        """Raises UsageError when there is none, or where an array is named."""
        with self._database.read() as cursor:
            return reading.job(cursor, id)

    def spec(self, number: int) -> Spec:
        """Raises UsageError."""
        with self._database.read() as cursor:
            if not cursor.execute("SELECT 1 FROM spec WHERE number = ?", (number,)).fetchone():
                raise UsageError(f"there is no job {number}", hint="`gridtui job list` lists them")
            return self._specs.get(cursor, number)

    def attempts(self, id: JobId) -> list[Attempt]:
        """All attempts of one job, the first one first."""
        with self._database.read() as cursor:
            return reading.attempts(cursor, self.id, id)

    def after(self, number: int) -> list[Awaited]:
        """What a submission comes after."""
        with self._database.read() as cursor:
            return reading.awaited(cursor, number)

    def progress(
        self,
        *,
        group: Group | None = None,
        numbers: Collection[int] = (),
        limit: int | None = None,
        skip: int = 0,
        newest: bool = False,
        words: Collection[str] = (),
    ) -> list[Progress]:
        """One for each submission, by number; those of Group.ENDED by their end, the last one first. With `words` only those that have them
        all in their name, user, labels (`key=value`) or states, or as their number."""
        with self._database.read() as cursor:
            return reading.progress(
                cursor, group=group, numbers=numbers, limit=limit, skip=skip, newest=newest, words=words
            )

    def groups(self, words: Collection[str] = ()) -> dict[Group, int]:
        """How many submissions stand where: a sum that is kept; with `words` they are looked at, as by `progress`."""
        if words:
            chosen, values = reading.matching(words)
            rows = self._database.rows(f"SELECT stage, count(*) FROM submission WHERE {chosen} GROUP BY stage", values)
            return {Group(stage): count for stage, count in rows}
        found = reading.sums(self._database.rows("SELECT what, jobs FROM total"), "submissions")
        return {Group(word): count for word, count in found.items()}

    def counts(self) -> dict[JobState, int]:
        """How many jobs are in which state; a sum that is kept."""
        found = reading.sums(self._database.rows("SELECT what, jobs FROM total"), "jobs")
        return {JobState(word): count for word, count in found.items()}

    def usage(self, since: float, until: float, step: float) -> list[float]:
        """CPUs that jobs held on average in each `step` seconds from `since`. Raises UsageError for a span that has none."""
        with self._database.read() as cursor:
            return reading.usage(cursor, since, until, step)

    def standing(self) -> dict[str, Standing]:
        """The nodes of which something is to be said: drained, in quarantine, or failing."""
        return nodes.standings(self._database.rows(f"SELECT {nodes.COLUMNS} FROM node ORDER BY name"))

    def holder(self) -> Holder | None:
        """Who dispatches now."""
        return lease.holder(self._folder)


def _login() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""
