"""What an attempt wrote, wherever it lies now: on its node while it runs, here once it has ended. Owns the following of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

from ..errors import StateError, UsageError
from .engines.protocol import Engine
from .logs import Logs
from .model import ENDED, PLACED, Attempt, JobId, JobState
from .queue import Queue

PIECE = 64 << 10
OFTEN, SELDOM = 0.1, 1.0
"""Seconds between two looks for more, just after something came and after a while without."""


async def read(
    queue: Queue, logs: Logs, engine: Engine, id: JobId, number: int | None, follow: bool
) -> AsyncIterator[bytes]:
    """The output of one attempt, piece by piece; see `Jobs.logs`."""
    queue.job(id)  # raises UsageError where there is none
    offset, pause = 0, OFTEN
    attempt: Attempt | None = None
    while True:
        attempt = find(queue, id, number if attempt is None else attempt.key.attempt)
        if attempt is None:
            if not follow or queue.job(id).state in ENDED:
                return
            await asyncio.sleep(OFTEN)  # it waits for a node
            continue
        job = queue.job(id)
        there = attempt.key.attempt == job.attempt and job.state in PLACED
        if not there:
            for piece in kept(logs, attempt, offset):
                yield piece
            return
        if job.state is not JobState.STARTING:
            while data := await engine.read(attempt.node, attempt.key, offset, PIECE):
                offset += len(data)
                pause = OFTEN
                yield data
        if not follow:
            return
        await asyncio.sleep(pause)
        pause = min(SELDOM, pause * 1.5)


def find(queue: Queue, id: JobId, number: int | None) -> Attempt | None:
    """The attempt of that number, or the newest; None where the job has had none yet. Raises UsageError where there is no such one."""
    attempts = queue.attempts(id)
    if number is None:
        return attempts[-1] if attempts else None
    for attempt in attempts:
        if attempt.key.attempt == number:
            return attempt
    raise UsageError(f"job {id} has had {len(attempts)} attempts; there is no attempt {number}")


def kept(logs: Logs, attempt: Attempt, offset: int) -> Iterator[bytes]:
    """What is kept here of an attempt, from there on. Nothing is kept of one that wrote nothing, or was lost with its node."""
    path = logs.log(attempt.key)
    try:
        with path.open("rb") as stream:
            stream.seek(offset)
            yield from iter(lambda: stream.read(PIECE), b"")
    except FileNotFoundError:
        return
    except OSError as error:
        raise StateError(f"{path} cannot be read: {error.strerror}") from error
