"""What is forgotten: submissions that ended long ago, or too many. Outputs and logs are not ours to remove: the caller is told the numbers."""

from __future__ import annotations

from ...store.database import Database
from .step import STATES


def prune(database: Database, before: float, most: int) -> list[int]:
    """Forget what ended `before`, and the oldest of the rest while they have more than `most` jobs. A transaction for each."""
    left, forgotten = most, []
    jobs = " + ".join(STATES)
    rows = database.rows(f"SELECT number, ended, {jobs} FROM submission WHERE stage = 'ended' ORDER BY ended DESC")
    for number, ended, count in rows:
        left -= count
        if (ended < before or left < 0) and _forget(database, number):
            forgotten.append(number)
    return forgotten


def _forget(database: Database, number: int) -> bool:
    with database.write() as cursor:
        row = cursor.execute(
            f"SELECT stage, {', '.join(STATES)} FROM submission WHERE number = ?", (number,)
        ).fetchone()
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
