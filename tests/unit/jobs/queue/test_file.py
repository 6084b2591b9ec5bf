"""What can go wrong with the queue's file."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from gridtui.errors import StateError
from gridtui.jobs.model import (
    JobId,
)
from gridtui.jobs.queue import Queue
from tests.unit.jobs.queue.steps import TRUE, finish, ready, start, states
from tests.unit.store.disks import disk


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
