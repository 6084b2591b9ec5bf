"""Nodes that are drained, and those that fail jobs."""

from __future__ import annotations

import pytest

from gridtui.jobs.model import (
    Cause,
    JobId,
    Level,
    Phase,
    Placement,
    Report,
)
from gridtui.jobs.queue import Queue
from tests.unit.jobs.queue.steps import NOW, TRUE, finish, run, start, states


def test_a_node_that_is_drained(queue: Queue, other: Queue) -> None:
    other.drain("n1", "new\x07fan")
    other.drain("n1", "new fan")
    standing = queue.standing()["n1"]
    assert standing.drained and standing.closed(NOW) == "drained: new fan"
    number = queue.submit(TRUE)
    run(queue, JobId(number))
    assert queue.standing()["n1"].drained, "a success does not undrain it"
    other.undrain("n1")
    assert queue.standing() == {}


def test_a_node_that_fails_jobs_is_put_into_quarantine_for_longer_each_time(queue: Queue) -> None:
    now, lengths = NOW, []
    for round in range(4):
        for _ in range(5 if round == 0 else 1):
            assert not (one := queue.standing().get("n1")) or not one.closed(now)
            run(queue, JobId(queue.submit(TRUE)), exit=1, now=now)
        standing = queue.standing()["n1"]
        assert standing.closed(now) == "in quarantine: exit status 1" and standing.quarantines == round + 1
        # what it still has, fails too: no reason to make it longer
        run(queue, JobId(queue.submit(TRUE)), exit=1, now=now)
        assert queue.standing()["n1"].quarantined == standing.quarantined
        lengths.append(standing.quarantined - now)
        now = standing.quarantined
    assert lengths == [300, 600, 1200, 2400]
    run(queue, JobId(queue.submit(TRUE)), now=now)
    assert queue.standing() == {}


def test_one_bad_array_does_not_shut_the_grid(queue: Queue) -> None:
    number = queue.submit(TRUE, array=range(50))
    for index in range(40):
        run(queue, JobId(number, index), exit=1)
    assert queue.standing()["n1"].failures == 1 and not queue.standing()["n1"].closed(NOW)
    # it does well elsewhere: so it is the node
    run(queue, JobId(number, 40), node="n2")
    for index in range(41, 45):
        run(queue, JobId(number, index), exit=1)
    assert queue.standing()["n1"].closed(NOW) and list(queue.standing()) == ["n1"]


def test_sandboxes_that_break_count_against_the_node_alone(queue: Queue) -> None:
    number = queue.submit(TRUE)
    now = NOW
    for _ in range(3):
        (order,) = queue.place([Placement(JobId(number), "n1", Level.BWRAP)], now)
        report = Report(order.key, Phase.ENDED, "n1", cause=Cause.BROKEN, why="no user namespaces")
        assert queue.take([report], now).forget == [order.key]
        assert queue.job(JobId(number)).why == "no user namespaces"
        now += 300
    assert queue.standing()["n1"].closed(now - 300) == "in quarantine: no user namespaces"
    assert states(queue, number) == ["queued"]


@pytest.mark.parametrize("cause", [Cause.WALL, Cause.MEMORY, Cause.CANCELLED])
def test_what_is_the_jobs_own_fault(queue: Queue, cause: Cause) -> None:
    for _ in range(9):
        finish(queue, *start(queue, JobId(queue.submit(TRUE))), exit=137, cause=cause)
    assert queue.standing() == {}
