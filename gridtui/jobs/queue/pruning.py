"""What is forgotten: submissions that ended long ago, or too many. Outputs and logs are not ours to remove: the caller is told the numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...store.database import Database
from .step import STATES

if TYPE_CHECKING:
    import sqlite3


def prune(database: Database, before: float, most: int, limit: int | None = None) -> list[int]:
    """Forget what ended `before`, and the oldest of the rest while they have more than `most` jobs; `limit` at most, in one transaction."""
    left, old = most, []
    jobs = " + ".join(STATES)
    rows = database.rows(f"SELECT number, ended, {jobs} FROM submission WHERE stage = 'ended' ORDER BY ended DESC")
    for number, ended, count in rows:
        left -= count
        if ended < before or left < 0:
            old.append(number)
    if not old:
        return []
    with database.write() as cursor:
        return [number for number in (old if limit is None else old[-limit:]) if _forget(cursor, number)]


def _forget(cursor: sqlite3.Cursor, number: int) -> bool:
    row = cursor.execute(f"SELECT stage, {', '.join(STATES)} FROM submission WHERE number = ?", (number,)).fetchone()
    if row is None or row[0] != "ended":
        return False  # retried meanwhile
    # Child rows go with it (ON DELETE CASCADE).
    cursor.execute("DELETE FROM submission WHERE number = ?", (number,))
    cursor.executemany(
        "UPDATE total SET jobs = jobs - ? WHERE what = ?",
        [
            (1, "submissions ended"),
            *((count, f"jobs {state}") for state, count in zip(STATES, row[1:], strict=True) if count),
        ],
    )
    cursor.execute("UPDATE queue SET changes = changes + 1, forgot = changes + 1")
    return True
