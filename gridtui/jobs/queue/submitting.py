"""How a submission gets into the tables: one row of what all elements share, and one short row for each."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from ...errors import UsageError
from ..model import After, JobState, Spec
from . import awaiting, record
from .step import ALONE, Step

MOST = 1_000_000
"""Elements of one array."""
_LARGEST = 999_999_999
"""The largest index that a key can tell."""


def submit(
    step: Step,
    spec: Spec,
    *,
    user: str,
    array: Sequence[int],
    each: Sequence[str],
    after: Sequence[After],
    held: bool,
) -> int:
    """Write a submission, and give its number. Raises UsageError."""
    rows = _elements(array, each)
    state = JobState.HELD if held else JobState.QUEUED
    number = step.cursor.execute(
        "INSERT INTO submission (name, user, priority, submitted, cpus, labels, retries, is_array, stage)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'waiting')",
        (
            _plain(spec.name),
            _plain(user),
            spec.priority,
            step.now,
            spec.needs.cpus,
            json.dumps(dict(spec.labels)),
            spec.retries,
            bool(array or each),
        ),
    ).lastrowid
    assert number is not None
    step.cursor.execute("INSERT INTO spec (number, body) VALUES (?, ?)", (number, record.to_json(spec)))
    word = str(state.value)
    step.cursor.executemany(
        "INSERT INTO job (number, element, state, item) VALUES (?, ?, ?, ?)",
        ((number, stored, word, item) for stored, item in rows),
    )
    step.moved(number, None, state, len(array) or len(each) or 1)
    step.anew.add(number)
    if never := awaiting.wait(step, number, after):
        step.flush()
        awaiting.give_up(step, number, never)
    return number


def _elements(array: Sequence[int], each: Sequence[str]) -> Iterator[tuple[int, bytes | None]]:
    """What is stored of each: (element, item)."""
    if array and each:
        raise UsageError("an array has indices or items, not both")
    if len(array) > MOST or len(each) > MOST:
        raise UsageError(f"an array has {MOST:,} elements at most, not {len(array) or len(each):,}")
    if array:
        least, largest = min(array), max(array)
        if least < 0 or largest > _LARGEST:
            raise UsageError(f"an index is from 0 to {_LARGEST}, not {least if least < 0 else largest}")
        if len(set(array)) != len(array):
            raise UsageError("an index occurs more than once in the array")
        return ((index, None) for index in array)
    if each:
        if any("\0" in item for item in each):
            raise UsageError("an item cannot hold a NUL character")
        try:
            items = [item.encode("utf-8", "surrogateescape") for item in each]
        except UnicodeEncodeError:
            raise UsageError("an item holds what is no text") from None
        return enumerate(items, 1)
    return iter(((ALONE, None),))


def _plain(text: str) -> str:
    """What SQLite can hold and people can ask for; the specification keeps the name as it was given."""
    return text.encode("utf-8", "replace").decode()
