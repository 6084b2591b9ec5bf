"""What faces ask: by what, in pages, at what cost; the use over time; and what is forgotten."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count

import pytest

from gridtui.errors import UsageError
from gridtui.jobs.model import (
    After,
    Group,
    JobId,
    JobState,
    Level,
    Needs,
    Phase,
    Placement,
    Report,
    Spec,
)
from gridtui.jobs.queue import Queue
from tests.unit.jobs.queue.steps import NOW, TRUE, finish, ready, run, start


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


def test_so_many_are_forgotten_at_once(queue: Queue) -> None:
    numbers = [queue.submit(TRUE) for _ in range(5)]
    for at, number in enumerate(numbers):
        run(queue, JobId(number), now=NOW + at)
    later = NOW + 1e9
    assert [set(queue.prune(later, limit=2)) for _ in range(4)] == [{1, 2}, {3, 4}, {5}, set()]


def test_why_jobs_wait_is_shown_of_those_that_wait(queue: Queue, other: Queue) -> None:
    first, array = queue.submit(TRUE), queue.submit(TRUE, array=(1, 2))
    after = queue.submit(TRUE, after=[After(JobId(array))])
    other.lots(NOW)
    queue.tell({first: "needs 1 cpus, 0\033 free", array: "down", after: "no"})
    start(queue, JobId(array, 1))
    assert [job.why for job in other.jobs()] == ["needs 1 cpus, 0· free", "", "down", f"comes after {array}"]
    assert [one.why for one in other.progress()] == ["needs 1 cpus, 0· free", "down", ""]
    queue.hold([JobId(first)])
    assert queue.job(JobId(first)).why == "" and queue.progress(numbers=[first])[0].why == ""
    queue.release([JobId(first)])
    queue.tell_nothing()
    assert {one.why for one in other.progress()} == {""}
    assert ready(queue) == {first: [None], array: [2]}, "what follows the queue is not disturbed"


def test_words_choose_submissions(queue: Queue) -> None:
    """In the name, the user, a label, a state, or as the number: every word, whatever it is."""
    one = queue.submit(Spec("true", name="Render 50%", labels={"project": "Titles", "team": "x"}), user="ada", now=1)
    two = queue.submit(Spec("true", name="render_b"), user="ben", array=[1, 2], now=2)
    three = queue.submit(Spec("true", name="o'clock"), user="ada", held=True, now=3)

    def chosen(words: str) -> list[int]:
        found = queue.progress(words=words.split())
        assert sum(queue.groups(words.split()).values()) == len(found)
        assert queue.progress(words=words.split(), group=Group.WAITING, limit=1, skip=1) == found[1:2]
        return [one.number for one in found]

    for words, numbers in {
        "": [one, two, three],
        "RENDER": [one, two],
        "render ada": [one],
        "project=titles": [one],
        "team": [one],
        "ct=t": [one],
        "held": [three],
        "queue": [one, two],
        "queued ben": [two],
        str(two): [two],
        "%": [one],
        "_": [two],
        "o'": [three],
        "'": [three],
        "failed": [],
        "Ä": [],
    }.items():
        assert chosen(words) == numbers, words
    assert chosen(" ".join(["r"] * 500) + "x" * 5000) == [one, two]
