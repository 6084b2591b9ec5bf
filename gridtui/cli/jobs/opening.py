"""The queue, opened for a verb that needs no node: then no inventory is read either."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ...jobs.queue import Queue
from ..main import Context


@contextmanager
def queue(context: Context, *, changes: bool = False) -> Iterator[Queue]:
    """This user's queue on this machine. `changes`: refused where the settings are read-only (UsageError). Raises StateError."""
    if changes:
        context.settings().guard.allow_changes()
    with Queue.open() as opened:
        yield opened
