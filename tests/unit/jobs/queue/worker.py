"""A process that works on a queue until it is killed, in the middle of whatever: `python -m tests.unit.jobs.queue.worker FOLDER SEED COUNT`.

After COUNT instructions of SQLite's machine it sends itself SIGKILL, which is within some transaction. What it was told to be done it says on standard
output, a line each, before it goes on.
"""

from __future__ import annotations

import os
import random
import signal
import sys
from pathlib import Path

from gridtui.jobs.model import PLACED, Cause, JobId, JobState, Level, Phase, Placement, Report, Spec
from gridtui.jobs.queue import Queue

EVERY = 20
"""Instructions between two looks at the count."""


def main(folder: Path, seed: int, count: int) -> None:
    chance = random.Random(seed)
    queue = Queue.open(folder)
    left = count

    def step() -> int:
        nonlocal left
        left -= EVERY
        if left <= 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return 0

    queue._database._connection.set_progress_handler(step, EVERY)
    now = 1000.0
    while True:
        now += 1.0
        what = chance.random()
        if what < 0.1:
            size = chance.randint(1, 30)
            number = queue.submit(Spec("true", retries=2), array=range(size), now=now)
            say("submitted", number, size)
        elif what < 0.15:
            if numbers := [one.number for one in queue.progress()]:
                for id in queue.cancel([JobId(chance.choice(numbers), 0)], now):
                    if queue.job(id).state is JobState.CANCELLED:
                        say("cancelled", id)
        elif what < 0.5:
            ready = [JobId(lot.number, index) for lot in queue.lots(now) for index in lot.ready][:10]
            for order in queue.place([Placement(id, "n1", Level.PLAIN) for id in ready], now):
                say("placed", order.key)
        else:
            keys = [one.attempt.key for one in queue.placed() if one.state in PLACED][:8]
            reports = [Report(key, Phase.ENDED, "n1", exit=chance.choice((0, 0, 1)), cause=Cause.EXIT) for key in keys]
            taken = queue.take(reports, now)
            for key, state in queue.published([(key, "/x", True, "") for key in taken.fetch], now).items():
                say("published", key, state)


def say(*words: object) -> None:
    """Only after the transaction: what is said must be true for ever."""
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
