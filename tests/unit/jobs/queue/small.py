"""The queue in as few words as possible: plain objects, no tables, nothing kept twice. What the real one is compared with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from gridtui.jobs.model import ENDED, PLACED, After, Cause, End, JobId, JobState, Key, Phase, Report


@dataclass
class SmallJob:
    state: JobState
    attempt: int = 0
    wish: str = ""
    failures: int = 0
    losses: int = 0
    not_before: float = 0.0
    over: Report | None = None
    """Its current attempt ended like this, and is not published."""
    away: int = 0
    """How often in a row it was turned away soon after it was placed."""
    placed: float = 0.0
    successes: int = 0


@dataclass
class SmallSubmission:
    jobs: dict[int | None, SmallJob]
    retries: int
    after: dict[After, bool | None] = field(default_factory=dict)

    @property
    def waits(self) -> bool:
        return None in self.after.values()


class Small:
    """All submissions by number."""

    def __init__(self, queue: str) -> None:
        self.queue = queue
        self.all: dict[int, SmallSubmission] = {}

    def job(self, id: JobId) -> SmallJob:
        return self.all[id.number].jobs[id.index]

    def jobs(self) -> dict[JobId, SmallJob]:
        return {
            JobId(number, index): job for number, one in sorted(self.all.items()) for index, job in one.jobs.items()
        }

    def those(self, id: JobId) -> list[tuple[JobId, SmallJob]]:
        """What an id means: without an index all of them."""
        one = self.all[id.number]
        indices = [*one.jobs] if id.index is None else [id.index]
        return [(JobId(id.number, index), one.jobs[index]) for index in indices]

    def ready(self, now: float) -> set[JobId]:
        return {
            id
            for id, job in self.jobs().items()
            if job.state is JobState.QUEUED and not self.all[id.number].waits and job.not_before <= now
        }

    def judge(self, after: After) -> bool | None:
        states = [job.state for _, job in self.those(after.id)]
        if not ENDED.issuperset(states):
            return None
        if after.how is End.OK:
            return all(state is JobState.SUCCEEDED for state in states)
        return after.how is End.ANY or any(state in (JobState.FAILED, JobState.LOST) for state in states)

    def settle(self) -> None:
        """Judge what ended, until nothing follows from it any more."""
        changed = True
        while changed:
            changed = False
            for one in self.all.values():
                for after, met in one.after.items():
                    if met is None and (judged := self.judge(after)) is not None:
                        one.after[after], changed = judged, True
                        if not judged:
                            self.give_up(one)

    def give_up(self, one: SmallSubmission) -> None:
        for job in one.jobs.values():
            if job.state in (JobState.QUEUED, JobState.HELD):
                job.state = JobState.CANCELLED

    def submit(
        self, number: int, indices: Sequence[int | None], retries: int, after: tuple[After, ...], held: bool
    ) -> None:
        state = JobState.HELD if held else JobState.QUEUED
        self.all[number] = SmallSubmission({index: SmallJob(state) for index in indices}, retries)
        self.all[number].after = dict.fromkeys(after)
        self.settle()

    def place(self, ids: list[JobId], now: float) -> list[Key]:
        keys = []
        for id in ids:
            if id in self.ready(now):
                job = self.job(id)
                job.state, job.attempt, job.over, job.placed = JobState.STARTING, job.attempt + 1, None, now
                keys.append(Key(self.queue, id, job.attempt))
        return keys

    def current(self, key: Key) -> SmallJob | None:
        """The fence: the job, if this is the attempt that counts."""
        one = self.all.get(key.id.number)
        job = one.jobs.get(key.id.index) if one else None
        return job if job and key.queue == self.queue and job.attempt == key.attempt and job.state in PLACED else None

    def take(self, report: Report, now: float) -> str:
        """What the dispatcher is to do: `fetch`, `forget` or nothing."""
        job = self.current(report.key)
        if report.key.queue != self.queue:
            return ""
        if job is None:
            return "" if report.phase is Phase.UNKNOWN else "forget"
        if job.over:
            if report.phase is Phase.LOST:
                self.lose(report.key, now)
            return "fetch" if report.phase is Phase.ENDED else ""
        if report.phase is Phase.RUNNING:
            job.state = JobState.RUNNING
        elif report.phase is Phase.FROZEN:
            job.state = JobState.FROZEN
        elif report.phase is Phase.LOST:
            self.lose(report.key, now)
        elif report.phase is Phase.UNKNOWN and job.wish == "cancel":
            job.away = 0
            self.end(job, JobState.CANCELLED)
        elif report.phase is Phase.UNKNOWN and job.state is not JobState.STARTING:
            self.lose(report.key, now)
        elif report.phase is Phase.ENDED:
            return self.over(job, report, now)
        self.settle()
        return ""

    def over(self, job: SmallJob, report: Report, now: float) -> str:
        if report.cause not in (Cause.REFUSED, Cause.BROKEN, Cause.EVICTED):
            job.state, job.over, job.away = JobState.RUNNING, report, 0
            return "fetch"
        job.losses += report.cause is Cause.BROKEN
        soon = now - job.placed < 60
        job.away = job.away + 1 if soon else 0
        if job.wish == "cancel":
            self.end(job, JobState.CANCELLED)
        elif job.losses >= 20:
            self.end(job, JobState.FAILED)
        else:
            at_once = report.cause is Cause.EVICTED and not soon
            self.again(job, now + (0.0 if at_once else min(300.0, 2.0 ** (max(job.away, 1) - 1))))
        self.settle()
        return "forget"

    def lose(self, key: Key, now: float) -> bool:
        job = self.current(key)
        if job is None:
            return False
        job.losses, job.away = job.losses + 1, 0
        if job.wish == "cancel":
            self.end(job, JobState.CANCELLED)
        elif job.losses >= 20:
            self.end(job, JobState.LOST)
        else:
            self.again(job, now + (min(300.0, 2.0 ** (job.losses - 1)) if job.losses > 1 else 0.0))
        self.settle()
        return True

    def published(self, key: Key, ok: bool, now: float) -> JobState | None:
        job = self.current(key)
        if job is None or job.over is None:
            return None
        report = job.over
        if report.exit == 0 and report.cause in (None, Cause.EXIT) and ok:
            job.successes += 1
            self.end(job, JobState.SUCCEEDED)
        elif report.cause is Cause.CANCELLED or job.wish == "cancel":
            self.end(job, JobState.CANCELLED)
        elif job.failures >= self.all[key.id.number].retries:
            self.end(job, JobState.FAILED)
        else:
            job.failures += 1
            self.again(job, now + min(300.0, 2.0 ** (job.failures - 1)))
        self.settle()
        return job.state

    def end(self, job: SmallJob, state: JobState) -> None:
        job.state, job.wish, job.over = state, "", None

    def again(self, job: SmallJob, not_before: float) -> None:
        job.state = JobState.HELD if job.wish == "hold" else JobState.QUEUED
        job.wish, job.over, job.not_before = "", None, not_before

    def cancel(self, id: JobId) -> set[JobId]:
        changed = set()
        for each, job in self.those(id):
            if job.state in (JobState.QUEUED, JobState.HELD):
                job.state, job.wish = JobState.CANCELLED, ""
                changed.add(each)
            elif job.state in PLACED and job.wish != "cancel":
                job.wish = "cancel"
                changed.add(each)
        self.settle()
        return changed

    def hold(self, id: JobId) -> set[JobId]:
        changed = set()
        for each, job in self.those(id):
            if job.state is JobState.QUEUED:
                job.state = JobState.HELD
                changed.add(each)
            elif job.state in PLACED and not job.wish:
                job.wish = "hold"
                changed.add(each)
        return changed

    def release(self, id: JobId) -> set[JobId]:
        changed = set()
        for each, job in self.those(id):
            if job.state is JobState.HELD:
                job.state = JobState.QUEUED
                changed.add(each)
            elif job.state in PLACED and job.wish == "hold":
                job.wish = ""
                changed.add(each)
        return changed

    def retry(self, id: JobId, now: float) -> set[JobId] | None:
        """None where it comes after what still can never be."""
        one = self.all[id.number]
        unwell = (JobState.FAILED, JobState.CANCELLED, JobState.LOST)
        those = [
            (each, job)
            for each, job in self.those(id)
            if job.state in unwell or (job.state is JobState.QUEUED and job.not_before > now)
        ]
        if not those:
            return set()
        judged = {after: self.judge(after) for after, met in one.after.items() if met is False}
        if False in judged.values():
            return None
        one.after |= judged
        for _, job in those:
            if job.state in unwell:
                job.failures = job.losses = 0
            job.state, job.not_before = JobState.QUEUED, 0.0
        return {each for each, _ in those}

    def prune(self) -> set[int]:
        gone = {number for number, one in self.all.items() if all(job.state in ENDED for job in one.jobs.values())}
        for number in gone:
            del self.all[number]
        return gone
