"""How jobs get to nodes and from them: placed, reported, published, lost. Owns these transitions, and the fence.

The fence: a report counts only for the newest attempt of a job that is on a node. Whatever else turns up (an old copy after a
partition, an attempt whose job has ended meanwhile) is ended and forgotten, and nothing of it is ever fetched.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import takewhile
from typing import NamedTuple

from ...model import clean
from ..model import PLACED, Cause, JobId, JobState, Key, Level, Order, Phase, Placement, Report, Spec
from . import nodes
from .model import Taken
from .step import Step, element

MOST_LOSSES = 20
"""Attempts of one job that were lost with their node, or whose sandbox did not come up, after which it is given up."""
LONGEST = 300.0
"""Seconds: the most that a job waits for its next try."""

SOON = 60.0
"""Seconds: an attempt that was turned away within them did nothing worth speaking of."""

_TURNED_AWAY = frozenset({Cause.REFUSED, Cause.BROKEN, Cause.EVICTED})
_NEW = {Phase.RUNNING: JobState.RUNNING, Phase.FROZEN: JobState.FROZEN}
_WHY = {
    Cause.WALL: "its wall time was over",
    Cause.MEMORY: "out of memory",
    Cause.DISK: "no space left on the node",
    Cause.CANCELLED: "cancelled",
    Cause.EVICTED: "gave way to the node's owner",
    Cause.REFUSED: "refused by the node",
    Cause.BROKEN: "its sandbox did not come up",
}


def due(not_before: float, now: float) -> bool:
    """Whether a job's pause is over. A pause longer than any that we make means that the clock was set back."""
    return not_before <= now or not_before > now + 2 * LONGEST


def pause(tries: int) -> float:
    """Seconds before the next try, after so many: 1, 2, 4, ..., 300."""
    return min(LONGEST, 2.0 ** min(max(tries, 1) - 1, 10))


class _Row(NamedTuple):
    """A job and its current attempt."""

    number: int
    stored: int
    state: JobState
    attempt: int
    wish: str
    failures: int
    losses: int
    retries: int
    node: str
    placed: float
    started: float | None
    over: float | None
    exit: int | None
    cause: Cause | None
    why: str


def _row(step: Step, id: JobId) -> _Row | None:
    found = step.cursor.execute(
        "SELECT j.number, j.element, j.state, j.attempt, j.wish, j.failures, j.losses, s.retries,"
        " a.node, a.placed, a.started, a.ended, a.exit, a.cause, a.why"
        " FROM job j JOIN submission s USING (number) JOIN attempt a USING (number, element, attempt)"
        " WHERE j.number = ? AND j.element = ?",
        (id.number, element(id)),
    ).fetchone()
    if not found:
        return None
    row = _Row(*found)
    return row._replace(state=JobState(row.state), cause=Cause(row.cause) if row.cause else None)


def place(step: Step, placements: Sequence[Placement], spec: Callable[[int], Spec]) -> list[Order]:
    """Commit attempts. Those are passed over that may no longer start: cancelled, held or placed meanwhile."""
    orders = []
    for one in placements:
        number, stored = one.id.number, element(one.id)
        row = step.cursor.execute(
            "SELECT j.state, j.attempt, j.not_before, j.item, s.awaited, s.cpus FROM job j JOIN submission s USING (number)"
            " WHERE number = ? AND element = ?",
            (number, stored),
        ).fetchone()
        if row is None:
            continue
        state, attempt, not_before, item, awaited, cpus = row
        if state != JobState.QUEUED or awaited or not due(not_before, step.now):
            continue
        attempt += 1
        step.cursor.execute(
            "INSERT INTO attempt (number, element, attempt, node, cpus, level, gpus, placed) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                number,
                stored,
                attempt,
                one.node,
                cpus if one.node else 0.0,
                one.level,
                " ".join(map(str, one.gpus)),
                step.now,
            ),
        )
        step.cursor.execute(
            "UPDATE job SET state = ?, attempt = ?, node = ?, exit = NULL, why = '', started = NULL, ended = NULL"
            " WHERE number = ? AND element = ?",
            (JobState.STARTING, attempt, one.node, number, stored),
        )
        step.moved(number, JobState.QUEUED, JobState.STARTING)
        step.left[number].append(stored)
        key = step.key(number, stored, attempt)
        orders.append(Order(key, spec(number), text(item), one.node, one.level, one.gpus))
    return orders


def text(item: bytes | None) -> str:
    """An item as it was given: bytes that are no UTF-8 as surrogates, as `os.fsdecode` has them."""
    return item.decode("utf-8", "surrogateescape") if item else ""


def take(step: Step, reports: Sequence[Report]) -> Taken:
    """What engines tell. In any order, any number of times."""
    taken = Taken()
    for report in reports:
        key = report.key
        if key.queue != step.queue:
            continue  # another controller's: not ours to touch
        row = _row(step, key.id)
        if row is None or row.attempt != key.attempt or row.state not in PLACED:
            if report.phase is not Phase.UNKNOWN:
                taken.forget.append(key)
        elif row.over is not None:
            # Ended, and not yet published: told again after the dispatcher was restarted.
            if report.phase is Phase.ENDED:
                taken.fetch.append(key)
            elif report.phase is Phase.LOST:
                _lost(step, row, report.why or "lost with its node, and what it made with it")
        else:
            _take(step, row, report, taken)
    return taken


def _take(step: Step, row: _Row, report: Report, taken: Taken) -> None:
    if report.phase is Phase.ENDED:
        _end(step, row, report, taken)
    elif report.phase is Phase.LOST:
        _lost(step, row, report.why or "lost with its node")
    elif report.phase is Phase.UNKNOWN:
        if row.wish == "cancel":
            _finish(step, row, JobState.CANCELLED, "cancelled")
        elif row.state is not JobState.STARTING:
            _lost(step, row, report.why or "its node no longer knows it")
    else:
        _seen(step, row, report)


def _seen(step: Step, row: _Row, report: Report) -> None:
    """It waits in its engine's queue, runs or stands still. Nothing is written where nothing changed."""
    node = row.node or clean(report.node, 255)
    state = _NEW.get(report.phase, row.state)
    if state is row.state and node == row.node:
        return
    started = _began(step, row, report) if report.phase in _NEW else row.started
    step.cursor.execute(
        "UPDATE attempt SET node = ?, started = ?, level = coalesce(?, level)"
        " WHERE number = ? AND element = ? AND attempt = ?",
        (node, started, report.level, row.number, row.stored, row.attempt),
    )
    if not row.node:
        _holds(step, row)
    step.cursor.execute(
        "UPDATE job SET state = ?, node = ?, started = ? WHERE number = ? AND element = ?",
        (state, node, started, row.number, row.stored),
    )
    if state is not row.state:
        step.moved(row.number, row.state, state)
    step.touch(row.number)


def _holds(step: Step, row: _Row) -> None:
    """An engine that places by itself has given it a node."""
    step.cursor.execute(
        "UPDATE attempt SET cpus = (SELECT cpus FROM submission WHERE number = ?1)"
        " WHERE number = ?1 AND element = ?2 AND attempt = ?3",
        (row.number, row.stored, row.attempt),
    )


def _began(step: Step, row: _Row, report: Report) -> float:
    """When it began, by our clock: what nodes tell are durations."""
    if row.started is not None:
        return row.started
    started = max(row.placed, min(step.now, step.now - (report.elapsed or 0.0)))
    step.began(row.number, started)
    return started


def _end(step: Step, row: _Row, report: Report, taken: Taken) -> None:
    key = step.key(row.number, row.stored, row.attempt)
    why = clean(report.why, 500) or (_WHY.get(report.cause, "") if report.cause else "")
    node = row.node or clean(report.node, 255)
    if report.cause in _TURNED_AWAY:
        row = row._replace(node=node)
        taken.forget.append(key)
        if report.cause is Cause.BROKEN:
            nodes.broken(step, node, why)
        _turned_away(step, row, report.cause, why)
        return
    if not row.node:
        _holds(step, row)
    row = row._replace(node=node)
    started = _began(step, row, report)
    # While no controller looked it may have ended long ago; its start and how long it took tell when.
    ended = step.now if report.elapsed is None or row.started is None else min(step.now, started + report.elapsed)
    ended = max(started, ended)
    step.lasted(ended - row.placed)
    step.cursor.execute(
        "UPDATE attempt SET node = ?, started = ?, ended = ?, exit = ?, cause = ?, why = ?, level = coalesce(?, level), cpu = ?, memory = ?"
        " WHERE number = ? AND element = ? AND attempt = ?",
        (
            *(node, started, ended, report.exit, report.cause, why),
            *(report.level, report.cpu, report.memory, row.number, row.stored, row.attempt),
        ),
    )
    step.cursor.execute(
        "UPDATE job SET state = ?, node = ?, started = ? WHERE number = ? AND element = ?",
        (JobState.RUNNING, node, started, row.number, row.stored),
    )
    if row.state is not JobState.RUNNING:
        step.moved(row.number, row.state, JobState.RUNNING)
    step.touch(row.number)
    taken.fetch.append(key)


def _turned_away(step: Step, row: _Row, cause: Cause, why: str) -> None:
    """Through no fault of its own it did not run to its end."""
    _close(step, row, cause, why, bad=cause is not Cause.EVICTED)
    losses = row.losses + (cause is Cause.BROKEN)
    if row.wish == "cancel":
        _finish(step, row, JobState.CANCELLED, "cancelled")
    elif losses >= MOST_LOSSES:
        _finish(step, row, JobState.FAILED, f"given up after {losses} attempts: {why}")
    else:
        soon = step.now - row.placed < SOON
        wait = pause(_turns(step, row)) if soon or cause is not Cause.EVICTED else 0.0
        _requeue(step, row, wait, why, losses=losses)


def _turns(step: Step, row: _Row) -> int:
    """How often in a row it was turned away soon after it came, this time included: a node that does so must not keep everybody busy."""
    ends = step.cursor.execute(
        "SELECT cause, ended - placed FROM attempt WHERE number = ? AND element = ? ORDER BY attempt DESC LIMIT 12",
        (row.number, row.stored),
    )
    return sum(1 for _ in takewhile(lambda end: end[0] in _TURNED_AWAY and end[1] < SOON, ends))


def _lost(step: Step, row: _Row, why: str) -> None:
    why = clean(why, 500)
    _close(step, row, None, why, bad=False)
    losses = row.losses + 1
    if row.wish == "cancel":
        _finish(step, row, JobState.CANCELLED, "cancelled")
    elif losses >= MOST_LOSSES:
        _finish(step, row, JobState.LOST, f"given up after {losses} attempts: {why}")
    else:
        _requeue(step, row, pause(losses) if losses > 1 else 0.0, why, losses=losses)


def lose(step: Step, keys: Sequence[Key], why: str) -> list[JobId]:
    """Their node went away with them. Gives the jobs that are queued again, or given up."""
    lost = []
    for key in keys:
        row = _row(step, key.id) if key.queue == step.queue else None
        if row and row.attempt == key.attempt and row.state in PLACED:
            _lost(step, row, why)
            lost.append(key.id)
    return lost


def published(step: Step, done: Sequence[tuple[Key, str, bool, str]]) -> dict[Key, JobState]:
    """What ended attempts made is here, or cannot be had: (key, where it lies, whether all of it came, why not). Gives where their
    jobs stand then; those are missing whose attempt is not the one that counts."""
    states = {}
    for key, fetched, ok, trouble in done:
        row = _row(step, key.id) if key.queue == step.queue else None
        if row is None or row.attempt != key.attempt or row.state not in PLACED or row.over is None:
            continue
        well = row.exit == 0 and row.cause in (None, Cause.EXIT)
        why = "" if well else row.why or _said(row)
        if not ok:
            why = "; ".join(part for part in (why, clean(trouble, 500) or "its outputs could not be fetched") if part)
        failed = not (well and ok)
        step.cursor.execute(
            "UPDATE attempt SET fetched = ?, why = ?, bad = ? WHERE number = ? AND element = ? AND attempt = ?",
            (_stored(fetched), why, failed, row.number, row.stored, row.attempt),
        )
        states[key] = _decide(step, row, well, failed, why)
    return states


def _decide(step: Step, row: _Row, well: bool, failed: bool, why: str) -> JobState:
    if not failed:
        nodes.succeeded(step, row.node)
        return _finish(step, row, JobState.SUCCEEDED, "")
    if row.cause is Cause.CANCELLED or row.wish == "cancel":
        return _finish(step, row, JobState.CANCELLED, why if row.cause is not Cause.CANCELLED else "cancelled")
    if not well:
        nodes.failed(step, row.node, row.number, row.cause, why)
    failures = row.failures + 1
    if failures > row.retries:
        return _finish(step, row, JobState.FAILED, why)
    return _requeue(step, row, pause(failures), why, failures=failures)


def _said(row: _Row) -> str:
    if row.cause in _WHY and row.cause:
        return _WHY[row.cause]
    if row.exit is None:
        return "it ended in an unknown way"
    return f"signal {row.exit - 128}" if row.exit > 128 else f"exit status {row.exit}"


def _stored(path: str) -> str:
    # SQLite's text is UTF-8; what is none is shown, not used.
    return path.encode("utf-8", "replace").decode()


def _close(step: Step, row: _Row, cause: Cause | None, why: str, *, bad: bool) -> None:
    step.lasted(step.now - row.placed)
    step.cursor.execute(
        "UPDATE attempt SET node = ?, ended = coalesce(ended, ?), cause = coalesce(?, cause), why = ?, bad = ?"
        " WHERE number = ? AND element = ? AND attempt = ?",
        (row.node, max(step.now, row.placed), cause, why, bad, row.number, row.stored, row.attempt),
    )


def _finish(step: Step, row: _Row, state: JobState, why: str) -> JobState:
    ended = row.over if row.over is not None else step.now
    if row.over is None:
        step.lasted(ended - row.placed)
        step.cursor.execute(
            "UPDATE attempt SET ended = coalesce(ended, ?) WHERE number = ? AND element = ? AND attempt = ?",
            (max(ended, row.placed), row.number, row.stored, row.attempt),
        )
    step.cursor.execute(
        "UPDATE job SET state = ?, node = ?, exit = ?, why = ?, ended = ?, wish = '' WHERE number = ? AND element = ?",
        (state, row.node, row.exit, why, ended, row.number, row.stored),
    )
    step.moved(row.number, row.state, state)
    step.finished(row.number, ended)
    return state


def _requeue(
    step: Step, row: _Row, wait: float, why: str, *, failures: int | None = None, losses: int | None = None
) -> JobState:
    state = JobState.HELD if row.wish == "hold" else JobState.QUEUED
    not_before = step.now + wait
    step.cursor.execute(
        "UPDATE job SET state = ?, node = ?, exit = ?, why = ?, not_before = ?, failures = ?, losses = ?, wish = ''"
        " WHERE number = ? AND element = ?",
        (
            *(state, row.node, row.exit, why, not_before),
            *(row.failures if failures is None else failures, row.losses if losses is None else losses),
            *(row.number, row.stored),
        ),
    )
    step.moved(row.number, row.state, state)
    if state is JobState.QUEUED:
        step.back.append((not_before, row.number, row.stored))
    return state


def orders(step: Step, keys: Sequence[Key], spec: Callable[[int], Spec]) -> list[Order]:
    """The orders of attempts that nodes have or should have, to be sent again after a restart."""
    found = []
    for key in keys:
        row = step.cursor.execute(
            "SELECT j.state, j.item, a.node, a.level, a.gpus FROM job j JOIN attempt a USING (number, element, attempt)"
            " WHERE number = ? AND element = ? AND attempt = ?",
            (key.id.number, element(key.id), key.attempt),
        ).fetchone()
        if row and key.queue == step.queue and row[0] in PLACED:
            gpus = tuple(map(int, row[4].split()))
            found.append(Order(key, spec(key.id.number), text(row[1]), row[2], Level(row[3]), gpus))
    return found
