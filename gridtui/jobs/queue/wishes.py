"""What people ask of jobs at any time and from any process: cancel, retry, hold, release, prioritise. Owns these transitions.

What waits changes at once. What is on a node has a wish written beside it, which the dispatcher carries out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ...errors import UsageError
from ..model import PLACED, JobId, JobState
from . import awaiting
from .step import Step, element, job_id

PRIORITIES = range(-1000, 1001)
_WAITING = (JobState.QUEUED, JobState.HELD)
_UNWELL = (JobState.FAILED, JobState.CANCELLED, JobState.LOST)


def cancel(step: Step, ids: Sequence[JobId]) -> list[JobId]:
    """End jobs; what waits is over at once."""
    changed = []
    for id in _known(step, ids):
        ended = _set(step, id, _WAITING, JobState.CANCELLED, "why = 'cancelled', ended = ?, wish = ''", (step.now,))
        if ended:
            step.finished(id.number, step.now)
        changed += ended + _wish(step, id, "cancel", "wish <> 'cancel'")
    return changed


def retry(step: Step, ids: Sequence[JobId]) -> list[JobId]:
    """Give jobs that ended badly all their tries again, and end the pause of those that wait for the next one.

    What succeeded stays as it is. Raises UsageError where it comes after something that still can never be.
    """
    changed = []
    # A submission comes only after lower numbers: those are retried first.
    for id in _known(step, sorted(ids, key=lambda id: (id.number, element(id)))):
        where, values = _where(id)
        if not step.cursor.execute(
            f"SELECT 1 FROM job WHERE {where} AND (state IN (?, ?, ?) OR state = ? AND not_before > ?) LIMIT 1",
            (*values, *_UNWELL, JobState.QUEUED, step.now),
        ).fetchone():
            continue
        if why := awaiting.again(step, id.number):
            raise UsageError(f"{id} {why}", hint="retry that one first, or submit anew without it")
        fresh = "failures = 0, losses = 0, exit = NULL, why = '', started = NULL, ended = NULL, not_before = 0"
        changed += _set(step, id, _UNWELL, JobState.QUEUED, fresh, ())
        changed += _set(
            step, id, (JobState.QUEUED,), JobState.QUEUED, "not_before = 0", (), f"not_before > {step.now!r}"
        )
    return changed


def hold(step: Step, ids: Sequence[JobId]) -> list[JobId]:
    """Keep jobs from starting; those on nodes are stopped where they stand, as far as their engine can."""
    changed = []
    for id in _known(step, ids):
        changed += _set(step, id, (JobState.QUEUED,), JobState.HELD, "why = ''", ())
        changed += _wish(step, id, "hold", "wish = ''")
    return changed


def release(step: Step, ids: Sequence[JobId]) -> list[JobId]:
    """The reverse of `hold`."""
    changed = []
    for id in _known(step, ids):
        changed += _set(step, id, (JobState.HELD,), JobState.QUEUED, "why = ''", ())
        changed += _wish(step, id, "", "wish = 'hold'")
    return changed


def prioritise(step: Step, ids: Sequence[JobId], priority: int) -> list[JobId]:
    """Set the priority of whole submissions: it is one for all elements of an array."""
    if priority not in PRIORITIES:
        raise UsageError(f"a priority is from {PRIORITIES[0]} to {PRIORITIES[-1]}, not {priority}")
    changed = []
    for number in dict.fromkeys(id.number for id in _known(step, ids)):
        if step.cursor.execute(
            "UPDATE submission SET priority = ? WHERE number = ? AND priority <> ?", (priority, number, priority)
        ).rowcount:
            step.touch(number)
            step.anew.add(number)
            changed.append(JobId(number))
    return changed


def _known(step: Step, ids: Iterable[JobId]) -> list[JobId]:
    """All of them, each once; raises UsageError before anything is changed when one is unknown."""
    known = list(dict.fromkeys(ids))
    for id in known:
        where, values = _where(id)
        if not step.cursor.execute(f"SELECT 1 FROM job WHERE {where} LIMIT 1", values).fetchone():
            raise UsageError(f"there is no job {id}", hint="`gridtui job list` lists them")
    return known


def _where(id: JobId) -> tuple[str, tuple[int, ...]]:
    """A whole submission is meant where no index is given; the one job of it is the same."""
    if id.index is None:
        return "number = ?", (id.number,)
    return "number = ? AND element = ?", (id.number, id.index)


def _set(
    step: Step,
    id: JobId,
    old: Sequence[JobState],
    new: JobState,
    sets: str,
    values: tuple[object, ...],
    only: str = "1",
) -> list[JobId]:
    where, keys = _where(id)
    changed: list[JobId] = []
    for state in old:
        rows = step.cursor.execute(
            f"SELECT element FROM job WHERE {where} AND state = ? AND {only} ORDER BY element", (*keys, state)
        ).fetchall()
        if not rows:
            continue
        step.cursor.execute(
            f"UPDATE job SET state = ?, {sets} WHERE {where} AND state = ? AND {only}", (new, *values, *keys, state)
        )
        if new is not state:
            step.moved(id.number, state, new, len(rows))
        step.touch(id.number)
        step.anew.add(id.number)
        changed += [job_id(id.number, row[0]) for row in rows]
    return changed


def _wish(step: Step, id: JobId, wish: str, only: str) -> list[JobId]:
    where, keys = _where(id)
    placed = ", ".join("?" * len(PLACED))
    rows = step.cursor.execute(
        f"SELECT element FROM job WHERE {where} AND state IN ({placed}) AND {only}", (*keys, *PLACED)
    ).fetchall()
    if not rows:
        return []
    step.cursor.execute(
        f"UPDATE job SET wish = ? WHERE {where} AND state IN ({placed}) AND {only}", (wish, *keys, *PLACED)
    )
    step.touch(id.number)
    return [job_id(id.number, row[0]) for row in rows]
