"""A queue of its own for each test, and another process's view of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gridtui.jobs.queue import Queue


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[Queue]:
    with Queue.open(tmp_path) as queue:
        yield queue


@pytest.fixture
def other(queue: Queue, tmp_path: Path) -> Iterator[Queue]:
    """Another process's view of the same queue."""
    with Queue.open(tmp_path) as other:
        yield other
