"""What could start now, kept in memory: how little it asks and holds, and what it must not overlook."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

from gridtui.jobs.model import (
    JobId,
    Spec,
)
from gridtui.jobs.queue import Queue
from tests.unit.jobs.queue.steps import NOW, TRUE, ready, run, start


def test_the_line_asks_nothing_while_nothing_changes(queue: Queue, other: Queue) -> None:
    queue.submit(TRUE, array=range(1000))
    queue.lots(NOW)
    asked: list[str] = []
    queue._database._connection.set_trace_callback(asked.append)
    first = queue.lots(NOW)
    assert asked == ["PRAGMA data_version"]
    start(queue, JobId(1, 0), JobId(1, 999), JobId(1, 500))
    asked.clear()
    second = queue.lots(NOW)
    assert asked == ["PRAGMA data_version"], "what this process did is followed, not read"
    assert len(first[0].ready) == 1000 and first[0].running == 0, "what was given does not change"
    assert len(second[0].ready) == 997 and second[0].running == 3
    other.prioritise([JobId(1)], 5)
    assert queue.lots(NOW)[0].priority == 5


def test_a_hundred_thousand_elements_are_small_in_memory(queue: Queue) -> None:
    queue.submit(Spec("x" * 10_000), array=range(100_000))
    tracemalloc.start()
    try:
        kept = queue.lots(NOW)
        held, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(kept[0].ready) == 100_000
    assert held < 4 << 20 and peak < 40 << 20


def test_alike_submissions_share_one_specification(queue: Queue) -> None:
    for _ in range(3):
        queue.submit(Spec("true", env={"A": "b"}))
    assert len({id(lot.spec) for lot in queue.lots(NOW)}) == 1


def test_a_pause_that_is_over_for_what_was_cancelled_meanwhile(queue: Queue) -> None:
    number = queue.submit(Spec("false", retries=5), array=(1, 2, 3))
    run(queue, JobId(number, 2), exit=1)
    assert ready(queue) == {number: [1, 3]}
    queue.cancel([JobId(number, 2)], NOW)
    assert ready(queue) == ready(queue, NOW + 600) == {number: [1, 3]}


def test_a_clock_that_was_set_back_makes_no_job_wait_for_ever(queue: Queue, tmp_path: Path) -> None:
    number = queue.submit(Spec("false", retries=5))
    run(queue, JobId(number), exit=1)
    assert ready(queue, NOW) == {}
    assert ready(queue, NOW - 86400) == {number: [None]}
    with Queue.open(tmp_path) as fresh:
        assert ready(fresh, NOW) == {} and ready(fresh, NOW - 86400) == {number: [None]}
    assert len(start(queue, JobId(number), now=NOW - 86400)) == 1
