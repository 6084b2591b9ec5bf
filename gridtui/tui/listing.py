"""What a list of jobs is made of: all submissions, or one array's elements; how long it is, what is read for a row, what a row says. Draws nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..jobs.model import Group, Job, JobId, JobState
from . import text, work
from .columns import Parts
from .desk import Desk
from .work import View

if TYPE_CHECKING:
    from ..jobs.queue import Progress


class Listing:
    """One of the two. `read` is called before `sizes`; rows are what `load` gives, and mean nothing to others."""

    views: Sequence[View]
    words: tuple[str, ...] = ()
    """Only what has all of these is listed."""

    def read(self) -> None:
        """Read what `size` needs."""

    def size(self, segment: Any) -> int:
        """Rows of a segment."""
        raise NotImplementedError

    def load(self, segment: Any, first: int, count: int) -> Sequence[Any]:
        """Read some rows of a segment."""
        raise NotImplementedError

    def id(self, row: Any) -> JobId:
        """Whose row it is."""
        raise NotImplementedError

    def job(self, row: Any) -> Job | None:
        """The one job of a row, if it is one."""
        raise NotImplementedError

    def node(self, row: Any) -> str:
        """The node that has a row's job, or had it; none where it never had one, and of a whole array."""
        job = self.job(row)
        return job.node if job is not None else ""

    def titles(self, cells: int) -> Parts:
        """The titles of the columns."""
        raise NotImplementedError

    def row(self, row: Any, cells: int) -> Parts:
        """A row."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Entry:
    """A submission; `job` where it is a single one."""

    progress: Progress
    job: Job | None = None


class Submissions(Listing):
    """All submissions: what runs, what waits, what has ended."""

    views = work.SUBMISSIONS

    def __init__(self, desk: Desk, clock: Callable[[], float]) -> None:
        self._desk, self._clock = desk, clock
        self._chosen: Mapping[Group, int] = {}

    def read(self) -> None:
        """How many have the words."""
        if self.words:
            self._chosen = self._desk.jobs.groups(self.words)

    def size(self, segment: Any) -> int:
        group: Group = segment
        return (self._chosen if self.words else self._desk.groups).get(group, 0)

    def load(self, segment: Any, first: int, count: int) -> Sequence[Entry]:
        """Two questions: the submissions, and the jobs of those that are single."""
        jobs = self._desk.jobs
        found = jobs.progress(group=segment, limit=count, skip=first, words=self.words)
        single = [one.number for one in found if not one.array]
        known = {job.id.number: job for job in jobs.list(numbers=single)} if single else {}
        return [Entry(one, known.get(one.number)) for one in found]

    def id(self, row: Any) -> JobId:
        entry: Entry = row
        return JobId(entry.progress.number)

    def job(self, row: Any) -> Job | None:
        entry: Entry = row
        return entry.job

    def titles(self, cells: int) -> Parts:
        return work.titles(work.layout(cells))

    def row(self, row: Any, cells: int) -> Parts:
        return work.row(row.progress, row.job, self._clock(), work.layout(cells))


class Elements(Listing):
    """One array's elements, by what matters; within a state by index."""

    views = work.ELEMENTS

    def __init__(self, desk: Desk, clock: Callable[[], float], number: int) -> None:
        self._desk, self._clock, self.number = desk, clock, number
        self.progress: Progress | None = None
        self.command = ""

    def read(self) -> None:
        """The array's sums."""
        found = self._desk.jobs.progress(numbers=[self.number])
        self.progress = found[0] if found else None

    def size(self, segment: Any) -> int:
        state: JobState = segment
        return self.progress.counts.get(state, 0) if self.progress is not None else 0

    def load(self, segment: Any, first: int, count: int) -> Sequence[Job]:
        jobs = self._desk.jobs
        size = self.size(segment)
        if first > size // 2:
            # Counted from the end: what is skipped costs, and the end is where people jump to.
            found = jobs.list(
                numbers=[self.number], states=[segment], limit=count, skip=max(0, size - first - count), newest=True
            )[::-1]
        else:
            found = jobs.list(numbers=[self.number], states=[segment], limit=count, skip=first)
        if found and not self.command:  # all elements have one
            self.command = text.plain(" ".join(jobs.show(found[0].id).spec.command[:1000].split()))
        return found

    def id(self, row: Any) -> JobId:
        job: Job = row
        return job.id

    def job(self, row: Any) -> Job | None:
        job: Job = row
        return job

    def titles(self, cells: int) -> Parts:
        return work.element_titles(work.element_layout(cells))

    def row(self, row: Any, cells: int) -> Parts:
        return work.element(row, self._clock(), work.element_layout(cells))
