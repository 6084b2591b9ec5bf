"""Processes that are killed in the middle of a transaction, and several that work on one queue at once."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from gridtui.jobs.model import ENDED, Cause, Group, JobId, JobState, Key, Level, Phase, Placement, Report, Spec
from gridtui.jobs.queue import Queue

ROOT = Path(__file__).parents[4]
SUBMISSIONS, SIZE = 15, 8


def work(folder: Path, seed: int, count: int) -> list[list[str]]:
    """Let a worker work until it kills itself; what it said was done."""
    words = [sys.executable, "-m", "tests.unit.jobs.queue.worker", str(folder), str(seed), str(count)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    return [line.split() for line in done.stdout.splitlines()]


def whole(queue: Queue) -> None:
    """What is kept twice says the same."""
    database = queue._database
    assert database.value("PRAGMA integrity_check") == "ok"
    assert database.rows("PRAGMA foreign_key_check") == []
    jobs = queue.jobs()
    assert queue.counts() == Counter(job.state for job in jobs)
    by_number: dict[int, Counter[JobState]] = {}
    for job in jobs:
        by_number.setdefault(job.id.number, Counter())[job.state] += 1
    assert {one.number: one.counts for one in queue.progress()} == by_number
    assert queue.groups() == Counter(one.group for one in queue.progress())
    for job in jobs:
        open_ones = [one for one in queue.attempts(job.id) if one.ended is None]
        assert len(open_ones) <= 1 and (not open_ones or open_ones[0].key.attempt == job.attempt)


def test_what_was_said_to_be_done_stays_done(tmp_path: Path) -> None:
    chance = random.Random(20260522)
    submitted: dict[int, int] = {}
    states: dict[str, str] = {}
    placed: set[str] = set()
    for kill in range(12):
        for what, name, *rest in work(tmp_path, kill, chance.randrange(100, 60_000)):
            if what == "submitted":
                submitted[int(name)] = int(rest[0])
            elif what == "placed":
                assert name not in placed, "one key, one order"
                placed.add(name)
            elif what == "published":
                states[name.rpartition(".")[0]] = rest[0]
            else:
                states[f"{Key.parse(min(placed)).queue if placed else ''}.{name}"] = "cancelled"  # type: ignore[union-attr]
        with Queue.open(tmp_path) as queue:
            whole(queue)
            progress = {one.number: one for one in queue.progress()}
            # one more than was said at most, and that one whole
            assert submitted.keys() <= progress.keys()
            assert all(progress[number].jobs == size for number, size in submitted.items())
            jobs = {f"{queue.id}.{job.id}": job for job in queue.jobs()}
            for name in placed:
                key = Key.parse(name)
                assert key and key in {one.key for one in queue.attempts(key.id)}
            for name, state in states.items():
                if state in ENDED:
                    assert jobs[name].state == state
    assert len(placed) > 50 and len(submitted) > 5, "it did something"
    assert Counter(states.values())["succeeded"] > 20


def test_two_submit_and_cancel_while_a_third_dispatches(tmp_path: Path) -> None:
    code = "from tests.unit.jobs.queue import test_killed as t; import sys, pathlib; t.submitting(pathlib.Path(sys.argv[1]), int(sys.argv[2]))"
    others = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path), str(seed)], cwd=ROOT) for seed in range(2)]
    chance, now, successes, live = random.Random(1), 1000.0, Counter[JobId](), dict[JobId, Key]()
    with Queue.open(tmp_path) as queue:
        while any(other.poll() is None for other in others) or queue.groups().keys() - {Group.ENDED}:
            now += 1000.0
            ready = [JobId(lot.number, index) for lot in queue.lots(now) for index in lot.ready]
            for order in queue.place([Placement(id, "n1", Level.PLAIN) for id in ready], now):
                assert order.key.id not in live, "on two nodes at once"
                live[order.key.id] = order.key
            keys = list(live.values())
            chance.shuffle(keys)
            reports = [Report(key, Phase.ENDED, "n1", exit=chance.choice((0, 0, 1)), cause=Cause.EXIT) for key in keys]
            taken = queue.take(reports, now)
            assert set(taken.fetch) == set(keys) and not taken.forget
            for key, state in queue.published([(key, "", True, "") for key in taken.fetch], now).items():
                del live[key.id]
                successes[key.id] += state is JobState.SUCCEEDED
        whole(queue)
        jobs = queue.jobs()
    assert [other.wait() for other in others] == [0, 0]
    assert len(jobs) == 2 * SUBMISSIONS * SIZE
    assert all(successes[job.id] == (job.state is JobState.SUCCEEDED) for job in jobs)
    assert {job.state for job in jobs} == {JobState.SUCCEEDED, JobState.CANCELLED}


def submitting(folder: Path, seed: int) -> None:
    """What another process does."""
    chance = random.Random(seed)
    with Queue.open(folder) as queue:
        for _ in range(SUBMISSIONS):
            number = queue.submit(Spec("true", retries=50), array=range(SIZE), user=f"user{seed}")
            if chance.random() < 0.5:
                queue.cancel([JobId(number, chance.randrange(SIZE))])


@pytest.mark.parametrize("count", [1, 2_000, 30_000])
def test_a_submission_that_was_killed_is_whole_or_not_there(tmp_path: Path, count: int) -> None:
    code = (
        "import os, signal, sys, pathlib\n"
        "from gridtui.jobs.queue import Queue\n"
        "from gridtui.jobs.model import Spec\n"
        "queue = Queue.open(pathlib.Path(sys.argv[1]))\n"
        "queue._database._connection.set_progress_handler(lambda: os.kill(os.getpid(), 9) or 0, int(sys.argv[2]))\n"
        "queue.submit(Spec('true'), array=range(10_000))\n"
    )
    Queue.open(tmp_path).close()
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path), str(count)], cwd=ROOT)
    assert done.returncode == -signal.SIGKILL
    with Queue.open(tmp_path) as queue:
        assert queue.jobs() == [] and queue.lots(0.0) == []
        whole(queue)
        assert queue.submit(Spec("true"), array=range(3)) == 1
