"""A recording, or a part of one, as a file of its own that can be given away. Owns the copying; what is replaced is `redacting`'s."""

from __future__ import annotations

import math
import os
import tempfile
from array import array
from collections.abc import Iterator, Sequence
from pathlib import Path

from ..errors import StateError
from ..store.database import Database
from . import packing, words
from .recording import Recording
from .redacting import Redaction
from .schema import MIGRATIONS
from .tiers import TIERS, Tier

AT_ONCE = 200
"""Nodes of which a window is in memory at once."""


def export(
    recording: Recording, path: Path, since: float, until: float, names: Sequence[str], redacted: bool = True
) -> int:
    """Write a span of some nodes to a new file, redacted unless that is not wished; gives its size in bytes.

    It is there whole or not at all. Raises StateError.
    """
    if path.exists():
        raise StateError(f"{path} is there already", hint="name another file, or remove it")
    try:
        with tempfile.TemporaryDirectory(prefix=".gridtui-export-", dir=path.parent) as folder:
            database = Database.open("recording", MIGRATIONS, Path(folder))
            try:
                _copy(recording, database, since, until, names, redacted)
                # One file, that also opens where nothing can be written beside it.
                database.value("PRAGMA journal_mode = DELETE")
            finally:
                database.close()
            os.replace(Path(folder, "recording.db"), path)
        return path.stat().st_size
    except OSError as error:
        raise StateError(f"{path} cannot be written: {error.strerror or error}") from error


def _copy(
    recording: Recording, database: Database, since: float, until: float, names: Sequence[str], redacted: bool
) -> None:
    redaction = Redaction(names) if redacted else None
    source = recording.database
    numbers = {recording.number(name): name for name in names}
    with database.write() as cursor:
        cursor.execute("INSERT INTO about VALUES ('exported', ?)", ("redacted" if redacted else "plain",))
        for number, body, facts in source.rows("SELECT id, body, facts FROM nodes"):
            if (name := numbers.get(number)) is None:
                continue
            if redaction:
                body = redaction.node(name, words.loads(body))
                facts = redaction.facts(words.loads(facts)) if facts else None
            shown = redaction.name(name) if redaction else name
            cursor.execute("INSERT INTO nodes VALUES (?, ?, ?, ?)", (number, shown, body, facts))
        ids = packing.pack([array("I", numbers).tobytes()])
        spans = [(max(since, begin), min(until, end), ids) for begin, end in recording.spans]
        cursor.executemany(
            "INSERT INTO spans (since, until, nodes) VALUES (?, ?, ?)", [one for one in spans if one[0] < one[1]]
        )
        for name, states in recording.states(names, since, since).items():
            for time, (verdict, reach) in states:
                body = words.state(verdict, reach)
                if redaction:
                    body = redaction.happened(words.Kind.STATE, words.loads(body))
                cursor.execute(_HAPPENED, (max(time, since), recording.number(name), int(words.Kind.STATE), body))
        rows = source.rows(
            "SELECT time, node, kind, body FROM happened WHERE time > ? AND time <= ? ORDER BY time, id", (since, until)
        )
        for time, node, kind, body in rows:
            if node is None or node in numbers:
                cursor.execute(
                    _HAPPENED, (time, node, kind, redaction.happened(kind, words.loads(body)) if redaction else body)
                )
    for tier in TIERS:
        for first, slots in _windows(recording, tier, since, until):
            for at in range(0, len(names), AT_ONCE):
                columns = recording.columns(tier, first, slots, names[at : at + AT_ONCE])
                lead = max(0, int(since) // tier.step - first)
                rest = min(slots, math.ceil(until / tier.step) - first)
                with database.write() as cursor:
                    cursor.executemany(
                        "INSERT INTO pieces (tier, node, start, span, slots, body) VALUES (?, ?, ?, 0, ?, ?)",
                        [
                            (tier.number, recording.number(name), first, slots, packing.pack(_cut(codes, lead, rest)))
                            for name, codes in columns.items()
                        ],
                    )


_HAPPENED = "INSERT INTO happened (time, node, kind, span, body) VALUES (?, ?, ?, 1, ?)"


def _windows(recording: Recording, tier: Tier, since: float, until: float) -> Iterator[tuple[int, int]]:
    """The windows of a tier that have anything of the span."""
    oldest = recording.oldest(tier)
    if oldest is None:
        return
    slots = tier.window // tier.step
    begin = int(max(since, oldest)) // tier.window
    for window in range(begin, math.ceil(min(until, recording.until + tier.window) / tier.window)):
        yield window * slots, slots


def _cut(columns: Sequence[bytes], lead: int, rest: int) -> Iterator[bytes]:
    """What is outside of the span is none of the reader's business."""
    for codes in columns:
        yield bytes(lead) + codes[lead:rest] + bytes(len(codes) - rest)
