"""What comes after what."""

from __future__ import annotations

import pytest

from gridtui.errors import UsageError
from gridtui.jobs.model import (
    After,
    End,
    JobId,
)
from gridtui.jobs.queue import Awaited, Queue
from tests.unit.jobs.queue.steps import TRUE, ready, run, start, states


@pytest.mark.parametrize(
    ("how", "exits", "expected"),
    [
        (End.OK, (0, 0), "queued"),
        (End.OK, (0, 1), "cancelled"),
        (End.ANY, (1, 1), "queued"),
        (End.FAILED, (0, 1), "queued"),
        (End.FAILED, (0, 0), "cancelled"),
    ],
)
@pytest.mark.parametrize("late", [False, True])
def test_after_an_array(queue: Queue, how: End, exits: tuple[int, int], expected: str, late: bool) -> None:
    first = queue.submit(TRUE, array=(1, 2))
    if not late:
        second = queue.submit(TRUE, after=[After(JobId(first), how)])
        assert second not in ready(queue) and queue.progress()[1].waits
        assert queue.job(JobId(second)).why == f"comes after {first}"
    run(queue, JobId(first, 1), exit=exits[0])
    if not late:
        assert states(queue, second) == ["queued"] and second not in ready(queue), "not before all of it has ended"
        assert start(queue, JobId(second)) == []
    run(queue, JobId(first, 2), exit=exits[1])
    if late:
        second = queue.submit(TRUE, after=[After(JobId(first), how)])
    assert states(queue, second) == [expected]
    assert (second in ready(queue)) is (expected == "queued")
    assert queue.after(second) == [Awaited(After(JobId(first), how), expected == "queued")]
    if expected == "cancelled":
        end = "failed" if how is End.OK else "succeeded"
        why = f"comes after {first}, which" if how is End.OK else f"comes after the failure of {first}, which"
        assert queue.job(JobId(second)).why == f"{why} {end}"


def test_after_an_element(queue: Queue) -> None:
    first = queue.submit(TRUE, array=(1, 2))
    second = queue.submit(TRUE, array=(1, 2), after=[After(JobId(first, 2)), After(JobId(first, 2))])
    run(queue, JobId(first, 2))
    assert ready(queue) == {first: [1], second: [1, 2]}


def test_a_chain_falls_at_once_and_is_retried_from_its_beginning(queue: Queue) -> None:
    numbers = [queue.submit(TRUE)]
    for _ in range(3):
        numbers.append(queue.submit(TRUE, after=[After(JobId(numbers[-1]))]))
    last = queue.submit(TRUE, after=[After(JobId(numbers[-1]), End.ANY)])
    queue.cancel([JobId(numbers[0])])
    assert [states(queue, number) for number in numbers] == [["cancelled"]] * 4
    assert ready(queue) == {last: [None]}
    assert queue.job(JobId(numbers[3])).why == f"comes after {numbers[2]}, which was cancelled"
    with pytest.raises(
        UsageError, match=f"{numbers[2]} comes after {numbers[1]}, which was cancelled; retry that one first"
    ):
        queue.retry([JobId(numbers[2])])
    queue.retry([JobId(number) for number in reversed(numbers)])
    assert ready(queue) == {numbers[0]: [None], last: [None]}
    for number in numbers:
        run(queue, JobId(number))
    assert [states(queue, number) for number in numbers] == [["succeeded"]] * 4


def test_circles_cannot_be_made(queue: Queue) -> None:
    for id in (JobId(1), JobId(2), JobId(7, 1)):
        with pytest.raises(UsageError, match=f"there is no job {id} to come after"):
            queue.submit(TRUE, after=[After(id)])
    assert queue.jobs() == []


def test_many_are_told_in_few_words(queue: Queue) -> None:
    numbers = [queue.submit(TRUE) for _ in range(6)]
    last = queue.submit(TRUE, after=[After(JobId(number)) for number in numbers])
    assert queue.job(JobId(last)).why == "comes after 1, 2, 3 and 3 more"
