"""Indices of an array, and ids of jobs, as people write them: `1-1000:2,5`, `12.1-10`. Pure."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence

from ...errors import UsageError
from ...model import clean
from ..model import After, End, JobId

MOST = 1_000_000
"""Elements of one array."""
LARGEST = 999_999_999
"""What an index can be: it is part of names of files."""

_RANGE = re.compile(r"([0-9]{1,9})(?:-([0-9]{1,9})(?::([0-9]{1,9}))?)?", re.ASCII)
_ID = re.compile(r"([1-9][0-9]{0,8})(?:\.([0-9].*)|-([1-9][0-9]{0,8}))?", re.ASCII)
_WRITE = "write 1-1000, 1-999:2 or 1-5,8"
_IDS = "ids are written 12, 12.7 for an element of an array, 12.1-10 for several, 12-15 for several submissions"


def indices(text: str, most: int = MOST) -> tuple[int, ...]:
    """Indices in the order in which they are written: `1-4,9` or `0-100:10`. Raises UsageError."""
    found: list[int] = []
    for part in text.split(","):
        match = _RANGE.fullmatch(part.strip())
        if not match:
            hint = "how many run at once is for the queue to say" if re.search(r"%[0-9]+$", part) else _WRITE
            raise UsageError(f"`{clean(text, 60)}` are no indices", hint=hint)
        first = int(match[1])
        last = int(match[2]) if match[2] else first
        step = int(match[3]) if match[3] else 1
        if last < first or step == 0:
            why = "counts by nothing" if step == 0 else "ends before it begins"
            raise UsageError(f"`{clean(part.strip(), 60)}` {why}", hint=_WRITE)
        piece = range(first, last + 1, step)
        if len(found) + len(piece) > most:
            raise UsageError(f"`{clean(text, 60)}` are more than {most:,} indices")
        found.extend(piece)
    if len(set(found)) < len(found):
        seen: set[int] = set()
        twice = next(index for index in found if index in seen or seen.add(index))  # type: ignore[func-returns-value]
        raise UsageError(f"`{clean(text, 60)}` names {twice} twice")
    return tuple(found)


def spell_indices(found: Sequence[int]) -> str:
    """A short text that `indices` reads as exactly `found`; empty for none."""
    parts, at = [], 0
    while at < len(found):
        step = found[at + 1] - found[at] if at + 1 < len(found) else 0
        end = at
        while step > 0 and end + 1 < len(found) and found[end + 1] - found[end] == step:
            end += 1
        if end - at < (1 if step == 1 else 2):
            parts.append(str(found[at]))
            at += 1
            continue
        parts.append(f"{found[at]}-{found[end]}" + ("" if step == 1 else f":{step}"))
        at = end + 1
    return ",".join(parts)


def ids(texts: Iterable[str]) -> tuple[JobId, ...]:
    """Ids of jobs: `12`, `12.7`, `12.1-10:3`, `12-15`, several divided by commas. Each once. Raises UsageError."""
    found: dict[JobId, None] = {}
    for text in texts:
        for part in text.split(","):
            found.update(dict.fromkeys(_ids(part.strip(), text)))
            if len(found) > MOST:
                raise UsageError(f"`{clean(text, 60)}` are more than {MOST:,} jobs")
    return tuple(found)


def _ids(part: str, text: str) -> Sequence[JobId]:
    match = _ID.fullmatch(part)
    if not match:
        raise UsageError(f"`{clean(part or text, 60)}` is no job's id", hint=_IDS)
    number = int(match[1])
    if match[2]:
        return [JobId(number, index) for index in indices(match[2])]
    last = int(match[3]) if match[3] else number
    if last < number or last - number >= MOST:
        raise UsageError(f"`{clean(part, 60)}` is no range of jobs", hint=_IDS)
    return [JobId(one) for one in range(number, last + 1)]


def after(text: str) -> tuple[After, ...]:
    """What a job comes after: `12`, `13.4:any`, `12,14:failed`. Raises UsageError."""
    found = []
    for part in text.split(","):
        name, how = split_end(part)
        found += [After(one, how) for one in _ids(name, text)]
    return tuple(found)


def split_end(text: str) -> tuple[str, End]:
    """`12.4:any` is 12.4 and ANY; without a word behind the colon it is OK. Raises UsageError."""
    name, colon, word = text.rpartition(":")
    if not colon or word.strip().isdecimal():  # the step of `12.1-9:2`
        return text.strip(), End.OK
    try:
        return name.strip(), End(word.strip())
    except ValueError:
        near = difflib.get_close_matches(word, [*End], 1)
        hint = f"did you mean {near[0]}?" if near else f"it is one of {', '.join(End)}"
        raise UsageError(f"`{clean(word, 40)}` is no way for a job to end", hint=hint) from None


def spell_after(one: After) -> str:
    """The text that `after` reads as `one`."""
    return str(one.id) if one.how is End.OK else f"{one.id}:{one.how}"
