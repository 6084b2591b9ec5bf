"""The dispatcher's lease, and the tap on its shoulder: with real second processes."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gridtui.errors import LockedError, StateError
from gridtui.jobs.model import JobId, Spec
from gridtui.jobs.queue import Queue, Waker

ROOT = Path(__file__).parents[4]
DISPATCH = (
    "import pathlib, sys\n"
    "from gridtui.jobs.queue import Queue\n"
    "with Queue.open(pathlib.Path(sys.argv[1])) as queue, queue.lease():\n"
    "    print('held', flush=True)\n"
    "    sys.stdin.read()\n"
)


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[Queue]:
    # A state folder may lie deeper than a socket's name can be long.
    folder = tmp_path / ("deep" * 20) / ("er" * 20)
    folder.mkdir(parents=True)
    with Queue.open(folder) as queue:
        yield queue


def folder(queue: Queue) -> Path:
    return queue._folder


@pytest.fixture
def dispatcher(queue: Queue) -> Iterator[subprocess.Popen[bytes]]:
    """Another process that holds the lease until its input ends."""
    words = [sys.executable, "-c", DISPATCH, str(folder(queue))]
    with subprocess.Popen(words, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stdin is not None
        assert process.stdout.readline() == b"held\n"
        try:
            yield process
        finally:
            process.kill()


def test_one_dispatches_and_others_are_told_who(queue: Queue, dispatcher: subprocess.Popen[bytes]) -> None:
    holder = queue.holder()
    assert holder is not None
    assert (holder.pid, holder.host) == (dispatcher.pid, socket.gethostname())
    assert time.time() - 60 < holder.since <= holder.beat + 1
    with (
        pytest.raises(LockedError, match=rf"another run holds the lock dispatcher \(process {dispatcher.pid}\)"),
        queue.lease(),
    ):
        pass
    assert queue.holder() == holder, "asking took nothing away"


def test_a_dispatcher_that_is_killed_holds_nothing(queue: Queue, dispatcher: subprocess.Popen[bytes]) -> None:
    dispatcher.send_signal(signal.SIGKILL)
    dispatcher.wait()
    assert (folder(queue) / "dispatcher.json").exists()
    assert queue.holder() is None
    with queue.lease() as waker:
        assert queue.holder().pid == os.getpid()  # type: ignore[union-attr]
        queue.wake()
        assert waker.drain() and not waker.drain()
    assert queue.holder() is None and not list(folder(queue).glob("dispatcher.[jw]*"))


def test_a_process_with_the_number_of_a_dead_dispatcher_is_not_it(queue: Queue) -> None:
    with queue.lease():
        path = folder(queue) / "dispatcher.json"
        document = json.loads(path.read_text())
        path.write_text(json.dumps(document | {"born": document["born"] - 1}))
        assert queue.holder() is None
        # on another machine only its beat tells
        path.write_text(json.dumps(document | {"host": "elsewhere", "pid": 1}))
        assert queue.holder().host == "elsewhere"  # type: ignore[union-attr]
        os.utime(path, (1, 1))
        assert queue.holder() is None
        queue.beat()
        assert queue.holder() is not None
        path.write_text("[]")
        assert queue.holder() is None
        path.write_text("{")
        assert queue.holder() is None


async def test_what_people_do_wakes_the_dispatcher(queue: Queue) -> None:
    queue.wake()  # nobody is there
    with queue.lease() as waker:
        assert not await waker.wait(0.01)
        number = queue.submit(Spec("true"))
        assert await waker.wait(10)
        assert not await waker.wait(0.01), "one tap, felt once"
        for change in (queue.hold, queue.release, queue.cancel, queue.retry):
            assert change([JobId(number)]) and waker.drain()
            assert not change([JobId(number)]) or change == queue.retry
            assert not waker.drain(), "nothing changed, nothing to do"
        queue.prioritise([JobId(number)], 5)
        assert waker.drain()
        queue.drain("n1", "why")
        assert waker.drain()
        queue.undrain("n1")
        assert waker.drain()


async def test_a_tap_ends_the_wait_at_once_and_a_storm_never_blocks(queue: Queue) -> None:
    with queue.lease() as waker:
        waiting = asyncio.create_task(waker.wait(60))
        await asyncio.sleep(0)
        with Queue.open(folder(queue)) as other:
            other.wake()
        assert await waiting
        for _ in range(5000):  # the socket holds some hundreds
            queue.wake()
        assert await waker.wait(0) and not waker.drain()


def test_where_no_socket_can_be_made(tmp_path: Path) -> None:
    (tmp_path / "dispatcher.wake").mkdir()
    with pytest.raises(StateError, match=r"dispatcher\.wake cannot be made"):
        Waker(tmp_path)
