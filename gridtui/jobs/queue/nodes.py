"""How far each node is trusted with jobs. Owns the table `node`: who drained it, and the quarantine of nodes that fail jobs.

A failed job says little of its node: it may be the job. So a failure counts against the node when it is the first one of its submission
in the node's present row of failures, or when that submission has succeeded somewhere already. One bad array then cannot shut the whole
grid, and a node that eats a good one is found after a few.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from ...model import clean
from ..model import Cause
from .model import Standing
from .step import Step

FAILURES = 5
BROKEN = 3
QUARANTINE = 300.0
"""Seconds of the first quarantine; each further one is twice as long."""
LONGEST = 4 * 3600.0

AGAINST = frozenset({None, Cause.EXIT, Cause.DISK})
"""What may be the node's fault. That a job takes too long or too much memory is its own."""

COLUMNS = "name, drained, drained_why, why, quarantined, failures, broken, quarantines"


def failed(step: Step, node: str, number: int, cause: Cause | None, why: str) -> None:
    """An attempt of a submission's job failed there."""
    if not node or cause not in AGAINST:
        return
    row = step.cursor.execute("SELECT suspects FROM node WHERE name = ?", (node,)).fetchone()
    suspects = json.loads(row[0]) if row else []
    if number in suspects:
        # flushed: successes of this very step count
        step.flush()
        done = step.cursor.execute("SELECT succeeded FROM submission WHERE number = ?", (number,)).fetchone()
        if not (done and done[0]):
            return
    else:
        suspects.append(number)
    _count(step, node, "failures", FAILURES, why, json.dumps(suspects[-2 * FAILURES :]))


def broken(step: Step, node: str, why: str) -> None:
    """A sandbox did not come up there."""
    if node:
        _count(step, node, "broken", BROKEN, why, None)


def _count(step: Step, node: str, column: str, limit: int, why: str, suspects: str | None) -> None:
    step.cursor.execute("INSERT OR IGNORE INTO node (name) VALUES (?)", (node,))
    count, until, quarantines = step.cursor.execute(
        f"SELECT {column}, quarantined, quarantines FROM node WHERE name = ?", (node,)
    ).fetchone()
    count += 1
    if count >= limit and until <= step.now:
        until = step.now + min(LONGEST, QUARANTINE * 2 ** min(quarantines, 10))
        quarantines += 1
    # When the quarantine is over it is on trial: the next one that counts begins another.
    step.cursor.execute(
        f"UPDATE node SET {column} = ?, why = ?, quarantined = ?, quarantines = ?, suspects = coalesce(?, suspects) WHERE name = ?",
        (min(count, limit - 1) if until > step.now else count, clean(why, 200), until, quarantines, suspects, node),
    )


def succeeded(step: Step, node: str) -> None:
    """A job succeeded there: all is forgiven."""
    step.cursor.execute(
        "UPDATE node SET failures = 0, broken = 0, quarantines = 0, quarantined = 0, suspects = '[]', why = ''"
        " WHERE name = ? AND (failures > 0 OR broken > 0 OR quarantines > 0)",
        (node,),
    )


def drain(step: Step, node: str, why: str) -> None:
    """No more jobs for it until `undrain`; those that it has go on."""
    step.cursor.execute(
        "INSERT INTO node (name, drained, drained_why) VALUES (?, 1, ?)"
        " ON CONFLICT (name) DO UPDATE SET drained = 1, drained_why = excluded.drained_why",
        (node, clean(why, 200)),
    )


def undrain(step: Step, node: str) -> None:
    """It may have jobs again, whatever was held against it."""
    step.cursor.execute("DELETE FROM node WHERE name = ?", (node,))


def standings(rows: Iterable[tuple[Any, ...]]) -> dict[str, Standing]:
    """Rows of COLUMNS as values, without those of which nothing is to be said."""
    found = {}
    for name, drained, drained_why, why, quarantined, failures, bad, quarantines in rows:
        if drained or quarantined or failures or bad:
            reason = drained_why if drained else why
            found[name] = Standing(name, bool(drained), reason, quarantined, failures, bad, quarantines)
    return found
