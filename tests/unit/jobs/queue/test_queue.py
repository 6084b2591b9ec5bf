"""What the queue promises, one thing at a time; all orders of all things are in test_against_small.py."""

from __future__ import annotations

import math
import random
import sqlite3
import time
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import count
from pathlib import Path

import pytest

from gridtui.errors import StateError, UsageError
from gridtui.jobs.model import (
    After,
    Cause,
    End,
    Group,
    Hours,
    Idle,
    Input,
    JobId,
    JobState,
    Key,
    Level,
    Lot,
    Mount,
    Needs,
    Order,
    Phase,
    Placement,
    Report,
    Sandbox,
    Spec,
)
from gridtui.jobs.queue import Awaited, Queue, record
from tests.unit.store.disks import disk

NOW = 1_000_000.0
TRUE = Spec("true")


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[Queue]:
    with Queue.open(tmp_path) as queue:
        yield queue


@pytest.fixture
def other(queue: Queue, tmp_path: Path) -> Iterator[Queue]:
    """Another process's view of the same queue."""
    with Queue.open(tmp_path) as other:
        yield other


def start(queue: Queue, *ids: JobId, node: str = "n1", now: float = NOW) -> list[Order]:
    orders = queue.place([Placement(id, node, Level.BWRAP, (0, 2)) for id in ids], now)
    queue.take([Report(order.key, Phase.RUNNING, node, level=Level.PLAIN) for order in orders], now)
    return orders


def finish(queue: Queue, *orders: Order, exit: int = 0, cause: Cause = Cause.EXIT, now: float = NOW) -> None:
    taken = queue.take([Report(one.key, Phase.ENDED, one.node, exit=exit, cause=cause) for one in orders], now)
    queue.published([(key, "/out", True, "") for key in taken.fetch], now)


def run(queue: Queue, *ids: JobId, node: str = "n1", exit: int = 0, now: float = NOW) -> None:
    finish(queue, *start(queue, *ids, node=node, now=now), exit=exit, now=now)


def states(queue: Queue, number: int) -> list[str]:
    return [job.state.value for job in queue.jobs(numbers=[number])]


def ready(queue: Queue, now: float = NOW) -> dict[int, list[int | None]]:
    return {lot.number: list(lot.ready) for lot in queue.lots(now)}


# Submissions


def test_a_job_is_what_was_submitted(queue: Queue) -> None:
    spec = Spec(
        "#!/usr/bin/python3\nprint('ü', \"'\")",
        name="na'me\udcff",
        labels={"project": "x; DROP TABLE job"},
        where="gpu.mem>=8G & @render",
        needs=Needs(2.5, 8 << 30, 2, 1 << 30, 5, 60.0),
        sandbox=Sandbox(Level.BWRAP, Level.SYSTEMD, True, "img", (Mount("/data", "/d", True),)),
        env={"A": "b\n\x1b[31m"},
        inputs=(Input("/home/\udcfe/x", "x"),),
        outputs=("*.png", "-rf"),
        into="/home/{id}",
        retries=3,
        priority=7,
        idle=Idle(1.0, 0.5, Hours(1320, 360), True, 3.0, 4.0, 5.0),
        pack=True,
        output_limit=1000,
    )
    assert record.from_json(record.to_json(spec)) == spec
    bare = record.from_json(record.to_json(TRUE))
    assert bare == TRUE and isinstance(hash(bare.needs), int)

    number = queue.submit(spec, user="eva", each=["a b", "", "\udcff\u2028", "x" * 5000], now=NOW)
    assert queue.spec(number) == spec
    jobs = queue.jobs()
    assert [str(job.id) for job in jobs] == ["1.1", "1.2", "1.3", "1.4"]
    assert [job.item for job in jobs] == ["a b", "", "\udcff\u2028", "x" * 5000]
    one = queue.job(JobId(1, 3))
    assert (one.user, one.name, one.priority, one.cpus, one.labels) == ("eva", "na'me?", 7, 2.5, spec.labels)
    assert (one.state, one.submitted, one.attempt, one.node) == (JobState.QUEUED, NOW, 0, "")
    (lot,) = queue.lots(NOW)
    assert lot == Lot(1, "eva", 7, spec, NOW, lot.ready)
    (order,) = queue.place([Placement(JobId(1, 3), "n1", Level.BWRAP, (1,))], NOW)
    assert order == Order(Key(queue.id, JobId(1, 3), 1), spec, "\udcff\u2028", "n1", Level.BWRAP, (1,))


def test_a_single_job_has_no_index(queue: Queue) -> None:
    number = queue.submit(TRUE)
    (job,) = queue.jobs()
    assert (str(job.id), job.user != "", job.submitted == pytest.approx(time.time(), abs=60)) == ("1", True, True)
    assert ready(queue) == {number: [None]}
    assert queue.job(JobId(number)) == job


@pytest.mark.parametrize(
    ("array", "each", "what"),
    [
        ((1, 2, 1), (), "more than once"),
        ((-1,), (), "an index is from 0 to 999999999, not -1"),
        ((10**9,), (), "not 1000000000"),
        ((1,), ("a",), "not both"),
        ((), ("a\0b",), "NUL"),
        ((), ("\ud800",), "no text"),
        (range(1_000_001), (), "1,000,000 elements at most, not 1,000,001"),
    ],
)
def test_what_is_no_array(queue: Queue, array: Sequence[int], each: Sequence[str], what: str) -> None:
    with pytest.raises(UsageError, match=what):
        queue.submit(TRUE, array=array, each=each)
    assert queue.jobs() == [] and queue.groups() == {}


def test_elements_start_in_the_order_of_their_indices(queue: Queue) -> None:
    number = queue.submit(TRUE, array=(7, 3, 5))
    assert ready(queue) == {number: [3, 5, 7]}
    assert [job.id.index for job in queue.jobs()] == [3, 5, 7]
    assert [job.id.index for job in queue.jobs(newest=True)] == [7, 5, 3]


def test_a_queue_has_a_name_of_its_own(queue: Queue, other: Queue, tmp_path: Path) -> None:
    assert queue.id == other.id
    assert Key.parse(str(Key(queue.id, JobId(1), 1))) == Key(queue.id, JobId(1), 1)
    (tmp_path / "second").mkdir()
    with Queue.open(tmp_path / "second") as second:
        assert second.id != queue.id


# What waits, and the line in memory


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


# Attempts


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


def test_what_gave_way_goes_on_for_ever(queue: Queue) -> None:
    number = queue.submit(TRUE)
    for _ in range(50):
        (order,) = start(queue, JobId(number))
        taken = queue.take([Report(order.key, Phase.ENDED, cause=Cause.EVICTED, exit=143)], NOW)
        assert taken.forget == [order.key] and taken.fetch == []
    assert states(queue, number) == ["queued"] and ready(queue) == {number: [None]}


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


# What people ask


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


# What comes after what


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


# Nodes


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


# What faces ask


def test_jobs_by_what_is_asked(queue: Queue) -> None:
    first = queue.submit(Spec("true", name="a"), user="eva", array=range(5))
    second = queue.submit(Spec("true", name="b"), user="max")
    run(queue, JobId(first, 1), node="n2", exit=1)
    start(queue, JobId(second))

    def ids(**asked: object) -> list[str]:
        return [str(job.id) for job in queue.jobs(**asked)]  # type: ignore[arg-type]

    assert ids(user="max") == ids(name="b") == ids(states=[JobState.RUNNING]) == ids(node="n1") == ["2"]
    assert ids(states=[JobState.FAILED]) == ids(node="n2") == ["1.1"]
    assert ids(states=[JobState.QUEUED, JobState.FAILED], user="eva") == ["1.0", "1.1", "1.2", "1.3", "1.4"]
    assert ids(numbers=[first], states=[JobState.QUEUED], limit=2, skip=1) == ["1.2", "1.3"]
    assert ids(newest=True, limit=2) == ["2", "1.4"]
    assert ids(numbers=[9]) == ids(name="c") == ids(states=[JobState.LOST]) == []


def test_progress_by_group_and_page(queue: Queue) -> None:
    numbers = [queue.submit(TRUE) for _ in range(6)]
    for now, number in enumerate((3, 1, 2)):
        run(queue, JobId(number), now=NOW + now)
    start(queue, JobId(5))
    assert [one.number for one in queue.progress(group=Group.ENDED)] == [2, 1, 3]
    assert [one.number for one in queue.progress(group=Group.ENDED, limit=1, skip=1)] == [1]
    assert [one.number for one in queue.progress(group=Group.WAITING)] == [4, 6]
    assert [one.number for one in queue.progress(group=Group.RUNNING)] == [5]
    assert [one.number for one in queue.progress(newest=True, limit=2)] == [6, 5]
    assert [one.number for one in queue.progress(numbers=[6, 2])] == [2, 6]
    assert queue.groups() == {Group.ENDED: 3, Group.RUNNING: 1, Group.WAITING: 2}
    assert queue.counts() == {JobState.SUCCEEDED: 3, JobState.RUNNING: 1, JobState.QUEUED: 2}
    assert len(numbers) == sum(one.jobs for one in queue.progress())


def _tick(ticks: Iterator[int]) -> int:
    next(ticks)
    return 0


def test_what_the_screen_asks_costs_no_more_where_there_is_more(queue: Queue) -> None:
    """Counted in instructions of SQLite's machine: neither all elements of an array nor all submissions are looked at."""
    connection = queue._database._connection
    connection.execute("PRAGMA synchronous = OFF")
    asked: dict[str, Callable[[], object]] = {
        **{f"progress {group}": partial(queue.progress, group=group, limit=10) for group in Group},
        "page": lambda: queue.jobs(numbers=[1], states=[JobState.QUEUED], limit=10),
        "last page": lambda: queue.jobs(numbers=[1], states=[JobState.QUEUED], limit=10, newest=True),
        "all": lambda: queue.jobs(limit=10),
        "newest": lambda: queue.jobs(limit=10, newest=True),
        "running": lambda: queue.jobs(states=[JobState.RUNNING], limit=10),
        **{one.__name__: one for one in (queue.placed, queue.wishes, queue.holds, queue.groups, queue.counts)},
    }

    def costs() -> dict[str, int]:
        found = {}
        for name, ask in asked.items():
            ticks = count()
            connection.set_progress_handler(partial(_tick, ticks), 10)
            ask()
            connection.set_progress_handler(None, 0)
            found[name] = 10 * next(ticks)
        return found

    for now in range(36):
        queue.submit(TRUE, array=range(20) if not now else ())
        if 12 < now <= 24:
            run(queue, JobId(now + 1), now=NOW + now)
    start(queue, *(JobId(number) for number in range(2, 14)), JobId(1, 7))
    few = costs()
    start(queue, JobId(queue.submit(TRUE, array=range(20_000)), 7))
    for now in range(150):
        run(queue, JobId(queue.submit(TRUE)), now=NOW + now)
        queue.submit(TRUE)
    many = costs()
    assert all(many[name] < 2 * few[name] + 500 for name in few), (few, many)


def test_use_over_time(queue: Queue) -> None:
    long = queue.submit(Spec("true", needs=Needs(cpus=2.0)))
    short = queue.submit(TRUE)
    waits = queue.submit(TRUE)
    (first,) = start(queue, JobId(long), now=NOW)
    queue.place([Placement(JobId(waits), "", Level.PLAIN)], NOW)
    (second,) = start(queue, JobId(short), now=NOW + 15)
    finish(queue, second, now=NOW + 20)
    assert queue.usage(NOW - 10, NOW + 50, 10) == pytest.approx([0, 2, 2.5, 2, 2, 2])
    finish(queue, first, now=NOW + 25)
    assert queue.usage(NOW - 10, NOW + 50, 10) == pytest.approx([0, 2, 2.5, 1, 0, 0])
    assert queue.usage(NOW + 5, NOW + 6, 1) == pytest.approx([2])
    for step in (0, -1, 1e-9, 1e9):
        with pytest.raises(UsageError, match="cannot be shown"):
            queue.usage(NOW, NOW + 10, step)


@pytest.mark.parametrize("seed", range(5))
def test_use_is_what_the_attempts_add_up_to(queue: Queue, seed: int) -> None:
    chance = random.Random(seed)
    queue._database._connection.execute("PRAGMA synchronous = OFF")
    for _ in range(60):
        id = JobId(queue.submit(Spec("true", needs=Needs(cpus=chance.choice((0.0, 0.5, 1.0, 3.0))))))
        placed = NOW + chance.uniform(0, 100)
        (order,) = queue.place([Placement(id, chance.choice(("", "n1")), Level.PLAIN)], placed)
        began = placed + chance.choice((0.0, 5.0))
        if chance.random() < 0.8:
            queue.take([Report(order.key, Phase.RUNNING, "n1")], began)
        if chance.random() < 0.8:
            ended = began + chance.choice((0.0, 0.1, 3.0, 10.0, 77.0))
            if chance.random() < 0.8:
                finish(queue, order, now=ended)
            else:
                queue.lose([order.key], "", ended)
    attempts = [(one, job.cpus) for job in queue.jobs() for one in queue.attempts(job.id)]
    for _ in range(20):
        since, step, steps = NOW + chance.uniform(-20, 150), chance.choice((0.3, 1.0, 10.0, 40.0)), chance.randint(1, 8)
        expected = [0.0] * steps
        for one, cpus in attempts:
            if not one.node:
                continue  # still in its engine's queue
            begin, end = one.placed if one.started is None else one.started, one.ended or math.inf
            for index in range(steps):
                at = since + index * step
                expected[index] += cpus * max(0.0, min(end, at + step) - max(begin, at)) / step
        assert queue.usage(since, since + steps * step + step / 2, step) == pytest.approx(expected, abs=1e-6)


def test_old_submissions_are_forgotten(queue: Queue) -> None:
    old, late, open_one = queue.submit(TRUE), queue.submit(TRUE, array=(1, 2)), queue.submit(TRUE, array=(1, 2))
    (order,) = start(queue, JobId(old))
    finish(queue, order)
    run(queue, JobId(late, 1), JobId(late, 2), now=NOW + 86400)
    run(queue, JobId(open_one, 1))
    assert queue.prune(NOW + 86400 * 1.5, days=1) == [old]
    assert queue.take([Report(order.key, Phase.ENDED, exit=0)], NOW).forget == [order.key]
    assert queue.attempts(JobId(old)) == [] and queue.counts() == {JobState.SUCCEEDED: 3, JobState.QUEUED: 1}
    assert queue.prune(NOW, days=9, most=2) == [] and queue.prune(NOW, days=9, most=1) == [late]
    assert [one.number for one in queue.progress()] == [open_one]
    assert queue.submit(TRUE) == open_one + 1
    queue.cancel([JobId(open_one), JobId(open_one + 1)], NOW)
    assert len(queue.prune(NOW + 1e9)) == 2 and queue.groups() == {}
    assert queue.submit(TRUE) == open_one + 2, "numbers are in keys: none is given twice"


# What can go wrong with the file


def test_a_full_disk(tmp_path: Path) -> None:
    with disk(tmp_path / "small", kilobytes=1500) as folder, Queue.open(folder) as queue:
        number = queue.submit(TRUE, array=range(10))
        (order,) = start(queue, JobId(number, 1))
        with pytest.raises(StateError, match=r"queue\.db cannot be written: the disk is full; free some space there"):
            queue.submit(TRUE, array=range(100_000))
        assert len(queue.jobs()) == 10 and ready(queue)[number] == [0, *range(2, 10)]
        finish(queue, order)
        assert states(queue, number).count("succeeded") == 1


def test_a_damaged_file_is_left_as_it_is(tmp_path: Path) -> None:
    with Queue.open(tmp_path) as queue:
        queue.submit(TRUE, array=range(1000))
    path = tmp_path / "queue.db"
    path.write_bytes(b"\0" * 100 + path.read_bytes()[100:])
    before = path.read_bytes()
    with pytest.raises(StateError, match=r"queue\.db is damaged: .*sqlite3 queue\.db \.recover"):
        Queue.open(tmp_path)
    assert path.read_bytes() == before


def test_who_holds_the_file_is_waited_for(queue: Queue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    queue.submit(TRUE)
    queue._database._connection.execute("PRAGMA busy_timeout = 50")
    with sqlite3.connect(tmp_path / "queue.db", isolation_level=None) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StateError, match="locked by another process"):
            queue.cancel([JobId(1)])
        assert states(queue, 1) == ["queued"]
        holder.execute("ROLLBACK")
    holder.close()
    assert queue.cancel([JobId(1)]) == [JobId(1)]
