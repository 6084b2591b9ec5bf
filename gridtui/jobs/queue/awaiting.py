"""What comes after what. Owns the table `awaited`.

A submission waits as a whole, and only for what was there before it: numbers rise, so that a circle cannot be made. A thing that is
awaited is judged when it has ended, all of it: an element of an array that failed can be retried while others run.
"""

from __future__ import annotations

from collections.abc import Sequence

from ...errors import UsageError
from ..model import ENDED, After, End, JobId, JobState
from .model import Awaited
from .step import STATES, Step, element

_WORDS = {
    JobState.FAILED: "failed",
    JobState.CANCELLED: "was cancelled",
    JobState.LOST: "was lost",
    JobState.SUCCEEDED: "succeeded",
}


def wait(step: Step, number: int, after: Sequence[After]) -> str:
    """Let a new submission come after others. Gives why it can never start; empty when it can. Raises UsageError."""
    pending, never = 0, ""
    for one in dict.fromkeys(after):
        if one.id.number >= number or not _exists(step, one.id):
            raise UsageError(f"there is no job {one.id} to come after", hint="`gridtui job list` lists them")
        met, why = _judge(step, one)
        step.cursor.execute(
            "INSERT INTO awaited (number, target, element, how, met) VALUES (?, ?, ?, ?, ?)",
            (number, one.id.number, one.id.index, one.how, met),
        )
        pending += met is None
        never = never or why
    step.cursor.execute("UPDATE submission SET awaited = ? WHERE number = ?", (pending, number))
    return never


def again(step: Step, number: int) -> str:
    """Judge anew what a submission came after in vain, because it is retried. As `wait`."""
    never = ""
    step.flush()  # what it comes after may have been retried in this very step
    rows = step.cursor.execute(
        "SELECT rowid, target, element, how FROM awaited WHERE number = ? AND met = 0", (number,)
    ).fetchall()
    for rowid, target, index, how in rows:
        met, why = _judge(step, After(JobId(target, index), End(how)))
        step.cursor.execute("UPDATE awaited SET met = ? WHERE rowid = ?", (met, rowid))
        if met is None:
            step.cursor.execute("UPDATE submission SET awaited = awaited + 1 WHERE number = ?", (number,))
        never = never or why
    return never


def settle(step: Step) -> None:
    """Look at what comes after those that ended in this step, and after those that end by that."""
    step.flush()
    while step.ended:
        rows = step.cursor.execute(
            "SELECT rowid, number, target, element, how FROM awaited WHERE target = ? AND met IS NULL",
            (step.ended.pop(),),
        ).fetchall()
        for rowid, number, target, index, how in rows:
            met, why = _judge(step, After(JobId(target, index), End(how)))
            if met is None:
                continue
            step.cursor.execute("UPDATE awaited SET met = ? WHERE rowid = ?", (met, rowid))
            step.cursor.execute("UPDATE submission SET awaited = awaited - 1 WHERE number = ?", (number,))
            step.touch(number)
            step.anew.add(number)
            if why:
                give_up(step, number, why)
        step.flush()


def give_up(step: Step, number: int, why: str) -> None:
    """Cancel what waits of a submission, because it can never start."""
    for state in (JobState.QUEUED, JobState.HELD):
        changed = step.cursor.execute(
            "UPDATE job SET state = ?, why = ?, ended = ?, wish = '' WHERE number = ? AND state = ?",
            (JobState.CANCELLED, why, step.now, number, state),
        ).rowcount
        if changed:
            step.moved(number, state, JobState.CANCELLED, changed)
            step.finished(number, step.now)
            step.anew.add(number)


def listed(rows: Sequence[tuple[int, int | None, str, int | None]]) -> list[Awaited]:
    """Rows of (target, element, how, met) as values."""
    return [
        Awaited(After(JobId(target, index), End(how)), None if met is None else bool(met))
        for target, index, how, met in rows
    ]


def _exists(step: Step, id: JobId) -> bool:
    if id.index is None:
        found = step.cursor.execute("SELECT 1 FROM submission WHERE number = ?", (id.number,))
    else:
        found = step.cursor.execute("SELECT 1 FROM job WHERE number = ? AND element = ?", (id.number, element(id)))
    return found.fetchone() is not None


def _judge(step: Step, after: After) -> tuple[bool | None, str]:
    """Whether it is met; and where it can never be, why."""
    counts = _ends(step, after.id)
    if counts is None:
        return None, ""
    bad = counts[JobState.FAILED] + counts[JobState.LOST]
    if after.how is End.ANY or (after.how is End.FAILED and bad):
        return True, ""
    if after.how is End.OK:
        for state in (JobState.FAILED, JobState.LOST, JobState.CANCELLED):
            if counts[state]:
                return False, f"comes after {after.id}, which {_WORDS[state]}"
        return True, ""
    state = JobState.CANCELLED if counts[JobState.CANCELLED] else JobState.SUCCEEDED
    return False, f"comes after the failure of {after.id}, which {_WORDS[state]}"


def _ends(step: Step, id: JobId) -> dict[JobState, int] | None:
    """Its jobs by state, or None while not all of them have ended."""
    if id.index is not None:
        (word,) = step.cursor.execute(
            "SELECT state FROM job WHERE number = ? AND element = ?", (id.number, element(id))
        ).fetchone()
        counts = {state: int(state == word) for state in STATES}
    else:
        row = step.cursor.execute(
            f"SELECT {', '.join(STATES)} FROM submission WHERE number = ?", (id.number,)
        ).fetchone()
        counts = dict(zip(STATES, row, strict=True))
    return counts if not any(counts[state] for state in STATES if state not in ENDED) else None
