"""What becomes of attempts: ends, tries and pauses, losses, the fence. All orders of all things are in test_against_small.py."""

from __future__ import annotations

from pathlib import Path

import pytest

from gridtui.jobs.model import (
    Cause,
    Group,
    JobId,
    JobState,
    Key,
    Level,
    Phase,
    Placement,
    Report,
    Spec,
)
from gridtui.jobs.queue import Queue
from tests.unit.jobs.queue.steps import NOW, TRUE, finish, ready, run, start, states


def test_an_attempt_from_beginning_to_end(queue: Queue) -> None:
    number = queue.submit(Spec("true", outputs=("x",)))
    (order,) = queue.place([Placement(JobId(number), "n1", Level.BWRAP, (0, 2))], NOW)
    assert queue.orders([order.key]) == [order] and order.gpus == (0, 2)
    assert queue.job(JobId(number)).state is JobState.STARTING
    queue.take([Report(order.key, Phase.RUNNING, "n1", level=Level.PLAIN, elapsed=2.0)], NOW + 5)
    assert queue.job(JobId(number)).started == NOW + 3, "nodes tell durations, not times"
    end = Report(
        order.key, Phase.ENDED, "n1", exit=0, cause=Cause.EXIT, elapsed=10.0, cpu=1.5, memory=77, output=5, tail=b"x"
    )
    # ended 47 s before we looked
    assert queue.take([end], NOW + 60).fetch == [order.key]
    assert queue.job(JobId(number)).state is JobState.RUNNING, "its outputs are not here"
    assert queue.placed()[0].attempt.ended == NOW + 13
    assert queue.take([end], NOW + 61).fetch == [order.key], "told again after a restart"
    assert queue.published([(order.key, "/here", True, "")], NOW + 62) == {order.key: JobState.SUCCEEDED}
    assert queue.published([(order.key, "/there", True, "")], NOW + 63) == {}
    (attempt,) = queue.attempts(JobId(number))
    assert (attempt.started, attempt.ended, attempt.exit, attempt.level) == (NOW + 3, NOW + 13, 0, Level.PLAIN)
    assert (attempt.cpu, attempt.memory, attempt.fetched, attempt.cause) == (1.5, 77, "/here", Cause.EXIT)
    job = queue.job(JobId(number))
    assert (job.state, job.exit, job.why, job.node, job.started, job.ended) == (
        *(JobState.SUCCEEDED, 0, "", "n1", NOW + 3, NOW + 13),
    )
    (progress,) = queue.progress()
    assert (progress.started, progress.ended, progress.group, progress.array) == (NOW + 3, NOW + 13, Group.ENDED, False)
    assert queue.orders([order.key]) == [] and queue.placed() == []
    assert queue.take([end], NOW + 70).forget == [order.key]


@pytest.mark.parametrize(
    ("exit", "cause", "ok", "trouble", "why"),
    [
        (1, Cause.EXIT, True, "", "exit status 1"),
        (137, Cause.EXIT, True, "", "signal 9"),
        (143, Cause.WALL, True, "", "its wall time was over"),
        (137, Cause.MEMORY, True, "", "out of memory"),
        (None, Cause.EXIT, True, "", "it ended in an unknown way"),
        (0, Cause.EXIT, False, "disk full here", "disk full here"),
        (0, Cause.EXIT, False, "", "its outputs could not be fetched"),
        (2, Cause.EXIT, False, "no link", "exit status 2; no link"),
        (0, Cause.WALL, True, "", "its wall time was over"),
    ],
)
def test_why_it_failed(queue: Queue, exit: int | None, cause: Cause, ok: bool, trouble: str, why: str) -> None:
    number = queue.submit(TRUE)
    (order,) = start(queue, JobId(number))
    queue.take([Report(order.key, Phase.ENDED, "n1", exit=exit, cause=cause)], NOW)
    assert queue.published([(order.key, "", ok, trouble)], NOW) == {order.key: JobState.FAILED}
    job = queue.job(JobId(number))
    assert (job.state, job.exit, job.why) == (JobState.FAILED, exit, why)


def test_tries_and_the_pauses_between_them(queue: Queue) -> None:
    number, now, pauses = queue.submit(Spec("false", retries=3)), NOW, []
    for _ in range(3):
        run(queue, JobId(number), exit=1, now=now)
        assert states(queue, number) == ["queued"] and queue.job(JobId(number)).why == "exit status 1"
        assert start(queue, JobId(number), now=now) == [], "not before its pause is over"
        pauses.append(next(s for s in (1, 2, 4) if ready(queue, now + s)))
        now += pauses[-1]
    run(queue, JobId(number), exit=1, now=now)
    assert pauses == [1, 2, 4] and states(queue, number) == ["failed"]
    assert [one.key.attempt for one in queue.attempts(JobId(number))] == [1, 2, 3, 4]
    assert queue.retry([JobId(number)], now) == [JobId(number)]
    run(queue, JobId(number), now=now)
    assert states(queue, number) == ["succeeded"] and queue.job(JobId(number)).attempt == 5
    assert queue.retry([JobId(number)], now) == [], "what succeeded stays"


def test_where_it_failed_is_told_to_placement(queue: Queue, tmp_path: Path) -> None:
    number = queue.submit(Spec("false", retries=9), array=(1, 2))
    queue.lots(NOW)
    run(queue, JobId(number, 1), node="n1", exit=1)
    run(queue, JobId(number, 1), node="n2", exit=1, now=NOW + 10)
    with Queue.open(tmp_path) as fresh:
        for one in (queue, fresh):
            (lot,) = one.lots(NOW + 99)
            assert lot.avoid == {1: {"n1", "n2"}}


@pytest.mark.parametrize("phase", [Phase.LOST, Phase.UNKNOWN])
def test_what_is_lost_with_its_node_is_no_failure(queue: Queue, phase: Phase) -> None:
    number, now = queue.submit(TRUE), NOW
    for _ in range(19):
        (order,) = start(queue, JobId(number), now=now)
        queue.take([Report(order.key, phase)], now)
        assert states(queue, number) == ["queued"]
        now += 600
    (order,) = start(queue, JobId(number), now=now)
    queue.take([Report(order.key, phase)], now)
    assert states(queue, number) == ["lost"]
    assert queue.job(JobId(number)).why.startswith("given up after 20 attempts: ")


def test_what_is_lost_before_it_was_fetched_runs_again(queue: Queue) -> None:
    number = queue.submit(TRUE)
    (order,) = start(queue, JobId(number))
    assert queue.take([Report(order.key, Phase.ENDED, "n1", exit=0, cause=Cause.EXIT)], NOW).fetch == [order.key]
    queue.take([Report(order.key, Phase.LOST, "n1", why="its report cannot be read")], NOW)
    assert states(queue, number) == ["queued"]
    assert queue.published([(order.key, "/out", True, "")], NOW) == {}
    run(queue, JobId(number))
    assert states(queue, number) == ["succeeded"]


def test_what_gave_way_goes_on_for_ever(queue: Queue) -> None:
    number, now = queue.submit(TRUE), NOW
    for _ in range(50):
        (order,) = start(queue, JobId(number), now=now)
        now += 100
        taken = queue.take([Report(order.key, Phase.ENDED, cause=Cause.EVICTED, exit=143)], now)
        assert taken.forget == [order.key] and taken.fetch == []
    assert states(queue, number) == ["queued"] and ready(queue, now) == {number: [None]}


@pytest.mark.parametrize("cause", [Cause.REFUSED, Cause.EVICTED])
def test_a_node_that_turns_it_away_at_once_is_not_asked_without_a_pause(queue: Queue, cause: Cause) -> None:
    number, now, pauses = queue.submit(TRUE), NOW, []
    for _ in range(12):
        (order,) = start(queue, JobId(number), now=now)
        queue.take([Report(order.key, Phase.ENDED, cause=cause)], now)
        pauses.append(next(s for s in (0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 300) if ready(queue, now + s)))
        now += pauses[-1]
    assert pauses == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]


def test_an_old_copy_never_publishes(queue: Queue) -> None:
    number = queue.submit(TRUE)
    (old,) = start(queue, JobId(number), node="n1")
    assert queue.lose([old.key], "no contact", NOW) == [JobId(number)]
    end = Report(old.key, Phase.ENDED, "n1", exit=0, cause=Cause.EXIT)
    assert queue.take([end], NOW).forget == [old.key], "before it was placed again"
    (new,) = start(queue, JobId(number), node="n2")
    taken = queue.take([end, Report(old.key, Phase.RUNNING, "n1"), Report(old.key, Phase.UNKNOWN, "n1")], NOW)
    assert (taken.fetch, taken.forget) == ([], [old.key, old.key])
    assert queue.published([(old.key, "/old", True, "")], NOW) == {}
    assert queue.lose([old.key], "again", NOW) == []
    finish(queue, new)
    assert states(queue, number) == ["succeeded"]
    assert queue.take([end], NOW).forget == [old.key]


def test_keys_of_other_queues_are_not_touched(queue: Queue) -> None:
    queue.submit(TRUE)
    (order,) = start(queue, JobId(1))
    theirs = Key("ffffffff", JobId(1), 1)
    assert queue.take([Report(theirs, phase) for phase in Phase], NOW) == type(queue.take([], NOW))()
    assert queue.published([(theirs, "", True, "")], NOW) == {} and queue.lose([theirs], "", NOW) == []
    assert queue.orders([theirs, order.key]) != [] and states(queue, 1) == ["running"]


def test_an_engine_that_places_by_itself(queue: Queue) -> None:
    number = queue.submit(TRUE)
    (order,) = queue.place([Placement(JobId(number), "", Level.PLAIN)], NOW)
    queue.take([Report(order.key, Phase.WAITING)], NOW)
    assert (queue.job(JobId(number)).state, queue.job(JobId(number)).node) == (JobState.STARTING, "")
    queue.take([Report(order.key, Phase.RUNNING, "node\x1b7")], NOW)
    assert queue.job(JobId(number)).node == "node·7" == queue.attempts(JobId(number))[0].node


def test_what_nodes_tell_is_neutralised(queue: Queue) -> None:
    number = queue.submit(TRUE)
    (order,) = start(queue, JobId(number))
    queue.take([Report(order.key, Phase.ENDED, exit=1, cause=Cause.EXIT, why="\x1b[2J" + "x" * 9999)], NOW)
    queue.published([(order.key, "", True, "")], NOW)
    why = queue.job(JobId(number)).why
    assert why.startswith("·[2J") and len(why) == 500
