"""What the queue tells of jobs, submissions and attempts. Reads only; every answer is one state of the content.

Faces ask once a second: what they ask goes through an index and is a page, or is a sum that is kept.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ...errors import UsageError
from ...model import NOTHING
from ..model import PLACED, Attempt, Cause, Group, Job, JobId, JobState, Key, Level
from . import awaiting
from .model import Awaited, Placed, Progress
from .moves import text
from .step import STATES, element, job_id

if TYPE_CHECKING:
    import sqlite3

_JOB = "number, element, state, item, attempt, node, exit, why, started, ended"
_ATTEMPT = "a.number, a.element, a.attempt, a.node, a.placed, a.started, a.ended, a.exit, a.cause, a.why, a.level, a.cpu, a.memory, a.fetched"
_PROGRESS = "number, name, user, priority, submitted, stage, is_array, cpus, awaited, started, ended, waits, "
_PROGRESS += ", ".join(STATES)
_LABELLED = "(labels <> '{}' AND EXISTS (SELECT 1 FROM json_each(labels) one WHERE instr(lower(one.key || '=' || one.value), ?)))"
MOST_WORDS, MOST_LETTERS = 16, 200
_PLACED_WORDS = ", ".join(f"'{state}'" for state in sorted(PLACED))
_MOST_STEPS = 100_000
_STATES = {state.value: state for state in STATES}


class _Titles:
    """What jobs have of their submissions, read once each."""

    def __init__(self, cursor: sqlite3.Cursor) -> None:
        self._cursor = cursor
        self._known: dict[int, tuple[str, str, float, int, float, str, Mapping[str, str], str]] = {}

    def __getitem__(self, number: int) -> tuple[str, str, float, int, float, str, Mapping[str, str], str]:
        if number not in self._known:
            *plain, labels, waits = self._cursor.execute(
                "SELECT name, user, submitted, priority, cpus, waits, labels, awaited FROM submission WHERE number = ?",
                (number,),
            ).fetchone()
            read: Mapping[str, str] = NOTHING if labels == "{}" else MappingProxyType(json.loads(labels))
            self._known[number] = (*plain, read, comes_after(self._cursor, number) if waits else "")
        return self._known[number]


def jobs(
    cursor: sqlite3.Cursor,
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
    """By number and index; `newest` the other way round."""
    where, values, index = [], list[Any](), ""
    if numbers:
        where.append(f"number IN ({_marks(numbers)})")
        values += numbers
    if states:
        where.append(f"state IN ({_marks(states)})")
        values += states
        if not numbers:
            # a hundred thousand submissions that have none of these are passed over by their counts
            some = "stage = 'running'" if PLACED.issuperset(states) else " + ".join(sorted(states)) + " > 0"
            where.append(f"number IN (SELECT number FROM submission WHERE {some})")
            if PLACED.issuperset(states):
                index = " INDEXED BY job_state"  # as in `placed`
    for column, value in (("name", name), ("user", user)):
        if value:
            where.append(f"number IN (SELECT number FROM submission WHERE {column} = ?)")
            values.append(value)
    if node:
        where.append("node = ?")
        values.append(node)
    way = "DESC" if newest else "ASC"
    order = f"ORDER BY number {way}, element {way}"
    chosen, page = " AND ".join(where) or "1", (-1 if limit is None else limit, skip)
    if skip and len(numbers) == 1:
        # Rows that are skipped are counted in an index, and not read.
        chosen, values = (
            f"number = ? AND element IN (SELECT element FROM job WHERE {chosen} {order} LIMIT ? OFFSET ?)",
            [*numbers, *values, *page],
        )
        page = (-1, 0)
    rows = cursor.execute(
        f"SELECT {_JOB} FROM job{index} WHERE {chosen} {order} LIMIT ? OFFSET ?", (*values, *page)
    ).fetchall()
    titles = _Titles(cursor)
    return [_job(row, titles) for row in rows]


def job(cursor: sqlite3.Cursor, id: JobId) -> Job:
    """Raises UsageError when there is no such job, or more than one."""
    rows = cursor.execute(
        f"SELECT {_JOB} FROM job WHERE number = ?1 AND (element = ?2 OR ?2 = -1) LIMIT 2", (id.number, element(id))
    ).fetchall()
    if len(rows) == 2:
        raise UsageError(f"{id} is an array", hint=f"name one of its elements: {job_id(*rows[0][:2])}")
    if not rows:
        raise UsageError(f"there is no job {id}", hint="`gridtui job list` lists them")
    return _job(rows[0], _Titles(cursor))


def _job(row: tuple[Any, ...], titles: _Titles) -> Job:
    number, stored, state, item, attempt, node, exit_status, why, started, ended = row
    name, user, submitted, priority, cpus, told, labels, waits = titles[number]
    if waits and state in ("queued", "held"):
        why = waits
    elif told and state == "queued":
        why = f"{why}; {told}" if why else told
    return Job(
        id=job_id(number, stored),
        name=name,
        user=user,
        state=_STATES[state],
        submitted=submitted,
        priority=priority,
        node=node,
        attempt=attempt,
        exit=exit_status,
        why=why,
        item=text(item),
        started=started,
        ended=ended,
        cpus=cpus,
        labels=labels,
    )


def awaited(cursor: sqlite3.Cursor, number: int) -> list[Awaited]:
    """What a submission comes after, in the order in which it was said."""
    return awaiting.listed(
        cursor.execute(
            "SELECT target, element, how, met FROM awaited WHERE number = ? ORDER BY rowid", (number,)
        ).fetchall()
    )


def comes_after(cursor: sqlite3.Cursor, number: int) -> str:
    """What is still awaited, in words."""
    open_ones = [str(one.after.id) for one in awaited(cursor, number) if one.met is None]
    more = f" and {len(open_ones) - 3} more" if len(open_ones) > 3 else ""
    return f"comes after {', '.join(open_ones[:3])}{more}"


def attempts(cursor: sqlite3.Cursor, queue: str, id: JobId) -> list[Attempt]:
    """All of one job, the first one first."""
    rows = cursor.execute(
        f"SELECT {_ATTEMPT} FROM attempt a WHERE number = ? AND element = ? ORDER BY attempt", (id.number, element(id))
    )
    return [_attempt(queue, row) for row in rows]


def _attempt(queue: str, row: tuple[Any, ...]) -> Attempt:
    number, stored, attempt, node, placed_at, started, ended, exit_status, cause, why, level, cpu, memory, fetched = row
    return Attempt(
        key=Key(queue, job_id(number, stored), attempt),
        node=node,
        placed=placed_at,
        started=started,
        ended=ended,
        exit=exit_status,
        cause=Cause(cause) if cause else None,
        why=why,
        level=Level(level),
        cpu=cpu,
        memory=memory,
        fetched=fetched,
    )


def placed(cursor: sqlite3.Cursor, queue: str) -> list[Placed]:
    """All that is believed to be on nodes."""
    # Without statistics SQLite would look at all elements of each array (13 ms of 100,000).
    rows = cursor.execute(
        f"SELECT j.state, s.user, j.wish, {_ATTEMPT} FROM submission s JOIN job j INDEXED BY job_state USING (number)"
        " JOIN attempt a USING (number, element, attempt)"
        f" WHERE s.stage = 'running' AND j.state IN ({_PLACED_WORDS}) ORDER BY number, element"
    )
    return [
        Placed(_attempt(queue, tuple(row)), JobState(state), user, wish == "cancel", wish == "hold")
        for state, user, wish, *row in rows
    ]


def wishes(cursor: sqlite3.Cursor, queue: str, wish: str) -> list[Key]:
    """Attempts on nodes of which somebody wishes that."""
    rows = cursor.execute(
        "SELECT number, element, attempt FROM submission s JOIN job j INDEXED BY job_state USING (number)"
        f" WHERE s.stage = 'running' AND j.state IN ({_PLACED_WORDS}) AND j.wish = ?",
        (wish,),
    )
    return [Key(queue, job_id(number, stored), attempt) for number, stored, attempt in rows]


def progress(
    cursor: sqlite3.Cursor,
    *,
    group: Group | None = None,
    numbers: Collection[int] = (),
    limit: int | None = None,
    skip: int = 0,
    newest: bool = False,
    words: Collection[str] = (),
) -> list[Progress]:
    """By number rising; those of ENDED by their end, the last one first. With `words` only those that `matching` chooses."""
    where, values = ["1"], list[Any]()
    if group:
        where.append(f"stage = '{group}'")
    if numbers:
        where.append(f"number IN ({_marks(numbers)})")
        values += numbers
    if words:
        chosen, bound = matching(words)
        where.append(chosen)
        values += bound
    order = "ended DESC, number DESC" if group is Group.ENDED else "number DESC" if newest else "number"
    # Named, because the planner would sort all that ended; and rows that are skipped are counted in the index, not read.
    index = " INDEXED BY submission_ended" if group is Group.ENDED and not numbers else ""
    chosen = f"SELECT number FROM submission{index} WHERE {' AND '.join(where)} ORDER BY {order} LIMIT ? OFFSET ?"
    rows = cursor.execute(
        f"SELECT {_PROGRESS} FROM submission WHERE number IN ({chosen}) ORDER BY {order}",
        (*values, -1 if limit is None else limit, skip),
    )
    return [_progress(row) for row in rows]


def _progress(row: tuple[Any, ...]) -> Progress:
    number, name, user, priority, submitted, stage, array, cpus, waits, started, ended, why, *counts = row
    return Progress(
        number=number,
        name=name,
        user=user,
        priority=priority,
        submitted=submitted,
        counts={state: count for state, count in zip(STATES, counts, strict=True) if count},
        group=Group(stage),
        array=bool(array),
        cpus=cpus,
        waits=bool(waits),
        started=started,
        ended=ended,
        why="" if waits or not counts[STATES.index(JobState.QUEUED)] else why,
    )


def matching(words: Collection[str]) -> tuple[str, list[str]]:
    """SQL that holds where every word is in a submission's name, user or labels (`key=value`), or in a state that jobs of it are in, or is its
    number; and its values. ASCII letters may be large or small. It looks at every submission: 100,000 take some 100 ms."""
    parts, values = [], list[str]()
    for word in list(words)[:MOST_WORDS]:
        small = "".join(char.lower() if char.isascii() else char for char in word[:MOST_LETTERS])
        places = ["instr(lower(name), ?)", "instr(lower(user), ?)", _LABELLED, "number = ?"]
        places += [f"{state} > 0" for state in STATES if small in state]
        parts.append(f"({' OR '.join(places)})")
        values += [small] * 4
    return " AND ".join(parts) or "1", values


def sums(rows: Iterable[tuple[str, int]], what: str) -> dict[str, int]:
    """The kept sums over the whole queue of one kind."""
    pairs = ((label.partition(" "), count) for label, count in rows)
    return {word: count for (kind, _, word), count in pairs if kind == what and count}


_ALONE_IN_A_STEP = "coalesce(started, placed) >= ?1 + ?3 * CAST((ended - ?1) / ?3 AS INTEGER)"


def usage(cursor: sqlite3.Cursor, since: float, until: float, step: float) -> list[float]:
    """CPUs that our attempts held on average in each step; attempts that still wait in an engine's queue hold none.

    What began and ended within one step is added up by SQLite, in an index that has all it takes: that is most of it.
    """
    steps = int((until - since) / step) if step > 0 else 0
    if not 0 < steps <= _MOST_STEPS:
        raise UsageError(f"{since:g} to {until:g} in steps of {step:g} s cannot be shown")
    held = [0.0] * (steps + 1)
    """CPU steps that are not whole."""
    edges = [0.0] * (steps + 2)
    """Where whole steps of an attempt begin and end."""
    end = since + steps * step
    for index, seconds in cursor.execute(
        "SELECT CAST((ended - ?1) / ?3 AS INTEGER) AS step, sum(cpus * (ended - coalesce(started, placed)))"
        f" FROM attempt INDEXED BY attempt_ended WHERE ended > ?1 AND ended < ?2 AND {_ALONE_IN_A_STEP} GROUP BY step",
        (since, end, step),
    ):
        held[index] += seconds / step
    for cpus, began, finished in _across(cursor, since, end, step):
        begin, finish = max(0.0, (began - since) / step), min(float(steps), (finished - since) / step)
        if finish <= begin:
            continue
        first, last = int(begin), int(finish)
        if first == last:
            held[first] += cpus * (finish - begin)
        else:
            held[first] += cpus * (first + 1 - begin)
            held[last] += cpus * (finish - last)
            edges[first + 1] += cpus
            edges[last] -= cpus
    whole, means = 0.0, []
    for index in range(steps):
        whole += edges[index]
        means.append(max(0.0, whole + held[index]))
    return means


def _across(cursor: sqlite3.Cursor, since: float, until: float, step: float) -> Iterator[tuple[float, float, float]]:
    """(CPUs, begin, end) of the attempts within the span that lie in more than one step, those that go on included."""
    # What ended later than the longest attempt lasted began after the span.
    yield from cursor.execute(
        "SELECT cpus, coalesce(started, placed), ended FROM attempt INDEXED BY attempt_ended"
        " WHERE ended > ?1 AND ended < ?2 + (SELECT longest FROM queue) + 1 AND placed < ?2"
        f" AND NOT (ended < ?2 AND {_ALONE_IN_A_STEP})",
        (since, until, step),
    )
    yield from cursor.execute(
        "SELECT a.cpus, coalesce(a.started, a.placed), ?1 FROM submission s"
        " JOIN job j INDEXED BY job_state USING (number) JOIN attempt a USING (number, element, attempt)"
        f" WHERE s.stage = 'running' AND j.state IN ({_PLACED_WORDS}) AND a.ended IS NULL",
        (until,),
    )


def _marks(values: Collection[object] | Sequence[object]) -> str:
    return ", ".join("?" * len(values))
