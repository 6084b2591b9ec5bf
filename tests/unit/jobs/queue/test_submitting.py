"""How a submission gets into the queue, and comes out as it was given."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from gridtui.errors import UsageError
from gridtui.jobs.model import (
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
    Placement,
    Sandbox,
    Spec,
)
from gridtui.jobs.queue import Queue, record
from tests.unit.jobs.queue.steps import NOW, TRUE, ready


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
