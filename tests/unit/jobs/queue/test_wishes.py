"""What people ask of jobs: cancel, hold, release, retry, prioritise."""

from __future__ import annotations

import pytest

from gridtui.errors import UsageError
from gridtui.jobs.model import (
    Cause,
    Group,
    JobId,
    Level,
    Phase,
    Placement,
    Report,
    Spec,
)
from gridtui.jobs.queue import Queue
from tests.unit.jobs.queue.steps import NOW, TRUE, finish, ready, start, states


def test_cancelling_what_is_on_a_node(queue: Queue, other: Queue) -> None:
    number = queue.submit(TRUE, array=(1, 2, 3))
    one, two = start(queue, JobId(number, 1), JobId(number, 2))
    assert other.cancel([JobId(number)]) == [JobId(number, 3), JobId(number, 1), JobId(number, 2)]
    assert other.cancel([JobId(number)]) == []
    assert states(queue, number) == ["running", "running", "cancelled"]
    assert set(queue.wishes()) == {one.key, two.key}
    # one ended by itself just before, and well
    finish(queue, one)
    finish(queue, two, exit=143, cause=Cause.CANCELLED)
    assert states(queue, number) == ["succeeded", "cancelled", "cancelled"]
    assert queue.wishes() == [] and queue.job(JobId(number, 2)).why == "cancelled"


@pytest.mark.parametrize("phase", [Phase.LOST, Phase.UNKNOWN])
def test_cancelling_what_its_node_does_not_have(queue: Queue, phase: Phase) -> None:
    number = queue.submit(TRUE)
    (order,) = queue.place([Placement(JobId(number), "n1", Level.PLAIN)], NOW)
    queue.cancel([JobId(number)])
    queue.take([Report(order.key, phase)], NOW)
    assert states(queue, number) == ["cancelled"] and queue.attempts(JobId(number))[0].ended == NOW


def test_an_order_that_never_arrived_is_sent_again(queue: Queue) -> None:
    number = queue.submit(TRUE)
    (order,) = queue.place([Placement(JobId(number), "n1", Level.PLAIN)], NOW)
    assert queue.take([Report(order.key, Phase.UNKNOWN)], NOW) == queue.take([], NOW)
    assert queue.orders([one.attempt.key for one in queue.placed()]) == [order]


def test_holding_parts_of_an_array(queue: Queue) -> None:
    number = queue.submit(Spec("true", retries=1), array=(1, 2, 3))
    (order,) = start(queue, JobId(number, 1))
    assert queue.hold([JobId(number, 1), JobId(number, 2)]) == [JobId(number, 1), JobId(number, 2)]
    assert states(queue, number) == ["running", "held", "queued"] and ready(queue) == {number: [3]}
    assert queue.placed()[0].held
    finish(queue, order, exit=1)
    assert states(queue, number) == ["held", "held", "queued"], "it does not start again by itself"
    assert queue.release([JobId(number)]) == [JobId(number, 1), JobId(number, 2)]
    assert ready(queue, NOW + 1) == {number: [1, 2, 3]}


def test_held_from_the_beginning(queue: Queue) -> None:
    number = queue.submit(TRUE, array=(1, 2), held=True)
    assert ready(queue) == {} and queue.progress()[0].group is Group.WAITING
    queue.release([JobId(number, 2)])
    assert ready(queue) == {number: [2]}


def test_what_was_chosen_and_then_cancelled_is_not_placed(queue: Queue, other: Queue) -> None:
    numbers = [queue.submit(TRUE) for _ in range(3)]
    chosen = [Placement(JobId(number), "n1", Level.PLAIN) for number in numbers]
    other.cancel([JobId(numbers[0])])
    other.hold([JobId(numbers[1])])
    assert [order.key.id.number for order in queue.place([*chosen, *chosen], NOW)] == numbers[2:]
    assert queue.place([Placement(JobId(99), "n1", Level.PLAIN)], NOW) == []


@pytest.mark.parametrize("what", ["cancel", "hold", "release", "retry"])
def test_jobs_that_do_not_exist(queue: Queue, what: str) -> None:
    queue.submit(TRUE, array=(1, 2))
    for id in (JobId(2), JobId(1, 3)):
        with pytest.raises(UsageError, match=f"there is no job {id}; `gridtui job list` lists them"):
            getattr(queue, what)([JobId(1, 1), id])
    assert states(queue, 1) == ["queued", "queued"], "all or nothing"
    with pytest.raises(UsageError, match=r"1 is an array; name one of its elements: 1\.1"):
        queue.job(JobId(1))
    for read in (lambda: queue.job(JobId(7)), lambda: queue.spec(7)):
        with pytest.raises(UsageError, match="there is no job 7"):
            read()


def test_priorities_are_of_whole_submissions(queue: Queue) -> None:
    number = queue.submit(TRUE, array=(1, 2))
    assert queue.prioritise([JobId(number, 2)], -1000) == [JobId(number)]
    assert queue.prioritise([JobId(number)], -1000) == []
    assert queue.lots(NOW)[0].priority == queue.job(JobId(number, 1)).priority == -1000
    with pytest.raises(UsageError, match="from -1000 to 1000, not 1001"):
        queue.prioritise([JobId(number)], 1001)
