"""Made-up jobs over a real queue: the interface of `gridtui.jobs.jobs.Jobs`, without nodes that run anything."""

from __future__ import annotations

import asyncio
import atexit
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from pathlib import Path

from gridtui.errors import GridtuiError, LockedError
from gridtui.jobs.jobs import Shown
from gridtui.jobs.model import (
    After,
    Cause,
    Group,
    Input,
    Job,
    JobId,
    JobState,
    Key,
    Level,
    Needs,
    Phase,
    Placement,
    Report,
    Sandbox,
    Spec,
)
from gridtui.jobs.placement import Why
from gridtui.jobs.queue import Holder, Progress, Queue, Standing
from gridtui.stopping import Stop


class FakeJobs:
    """The queue is made when it is asked for the first time."""

    def __init__(self, now: Callable[[], float], changes: Callable[[], None]) -> None:
        self._now, self._changes = now, changes
        self._queue: Queue | None = None
        self.found: Holder | None = None
        """Who dispatches."""
        self.locked = False
        """Somebody else dispatches."""
        self.refusals: list[GridtuiError] = []
        """What the next tries to dispatch or to read meet."""
        self.mute: GridtuiError | None = None
        """Why output cannot be had."""
        self.dispatched: list[Stop] = []
        self.said: dict[str, list[bytes]] = {}
        """What an attempt says, by its job and number: `12.7/1`."""
        self.more = asyncio.Event()
        """Set: what runs says no more, and has ended."""
        self.whys: list[Why] = []
        self.reads = 0
        self.asked: list[JobId] = []

    @property
    def queue(self) -> Queue:
        if self._queue is None:
            self._queue = Queue.open(_folder())
            atexit.register(self._queue.close)  # most tests never close their fleet
        return self._queue

    def adopt(self, folder: Path) -> None:
        """Take a copy of another queue."""
        assert self._queue is None
        self._queue = Queue.open(_folder(folder))
        atexit.register(self._queue.close)

    # ---- Jobs ----

    def counts(self) -> dict[JobState, int]:
        self.reads += 1
        if self.refusals:
            raise self.refusals.pop(0)
        return self.queue.counts()

    def groups(self, words: Sequence[str] = ()) -> dict[Group, int]:
        return self.queue.groups(words)

    def progress(
        self,
        *,
        group: Group | None = None,
        numbers: Sequence[int] = (),
        limit: int | None = None,
        skip: int = 0,
        words: Sequence[str] = (),
    ) -> list[Progress]:
        assert numbers or limit
        return self.queue.progress(group=group, numbers=numbers, limit=limit, skip=skip, words=words)

    def list(
        self,
        *,
        numbers: Sequence[int] = (),
        states: Iterable[JobState] = (),
        node: str = "",
        limit: int | None = None,
        skip: int = 0,
        newest: bool = False,
    ) -> list[Job]:
        assert limit or not states
        return self.queue.jobs(numbers=numbers, states=tuple(states), node=node, limit=limit, skip=skip, newest=newest)

    def show(self, id: JobId) -> Shown:
        queue = self.queue
        return Shown(queue.job(id), queue.spec(id.number), queue.attempts(id), queue.after(id.number))

    def holder(self) -> Holder | None:
        return self.found

    def standing(self) -> dict[str, Standing]:
        return self.queue.standing()

    def usage(self, since: float, until: float, step: float) -> Sequence[float]:
        return self.queue.usage(since, until, step)

    def cancel(self, ids: Sequence[JobId]) -> Sequence[JobId]:
        self._changes()
        return self.queue.cancel(ids, self._now())

    def retry(self, ids: Sequence[JobId]) -> Sequence[JobId]:
        self._changes()
        return self.queue.retry(ids, self._now())

    def hold(self, ids: Sequence[JobId]) -> Sequence[JobId]:
        self._changes()
        return self.queue.hold(ids)

    def release(self, ids: Sequence[JobId]) -> Sequence[JobId]:
        self._changes()
        return self.queue.release(ids)

    def prioritise(self, ids: Sequence[JobId], priority: int) -> Sequence[JobId]:
        self._changes()
        return self.queue.prioritise(ids, priority)

    def drain(self, node: str, why: str = "") -> None:
        self._changes()
        self.queue.drain(node, why)

    def undrain(self, node: str) -> None:
        self._changes()
        self.queue.undrain(node)

    async def explain(self, id: JobId) -> Sequence[Why]:
        self.asked.append(id)
        return self.whys

    async def logs(self, id: JobId, attempt: int | None = None, follow: bool = False) -> AsyncIterator[bytes]:
        if self.mute is not None:
            raise self.mute
        for piece in self.said.get(f"{id}/{attempt}", ()):
            yield piece
        if self.queue.job(id).state in (JobState.STARTING, JobState.RUNNING):
            await self.more.wait()
            yield b"the last line\n"

    async def dispatch(self, stop: Stop | None = None) -> None:
        assert stop
        if self.refusals:
            raise self.refusals.pop(0)
        if self.locked:
            raise LockedError("another run holds the lock dispatcher")
        asked = asyncio.Event()
        stop.listen(asked.set)
        self.dispatched.append(stop)
        self.found = Holder(os.getpid(), "here", self._now(), self._now())
        await asked.wait()
        self.found = None

    # ---- what makes it move ----

    def run(self, ids: Sequence[JobId], node: str, level: Level = Level.SYSTEMD, ago: float = 0.0) -> Sequence[Key]:
        """Jobs begin on a node, `ago` seconds before now."""
        then = self._now() - ago
        keys = [order.key for order in self.queue.place([Placement(id, node, level) for id in ids], then)]
        self.queue.take([Report(key, Phase.RUNNING, node, level=level, elapsed=0.0) for key in keys], then)
        return keys

    def finish(
        self,
        keys: Sequence[Key],
        node: str,
        exit: int = 0,
        cause: Cause = Cause.EXIT,
        why: str = "",
        ago: float = 0.0,
        took: float = 12.0,
    ) -> None:
        """They end."""
        then = self._now() - ago
        self.queue.take(
            [
                Report(key, Phase.ENDED, node, exit, cause, why, Level.SYSTEMD, took, 9.5, 310 << 20, 4000)
                for key in keys
            ],
            then,
        )
        self.queue.published([(key, "/srv/frames" if not exit else "", True, "") for key in keys], then)


def _folder(template: Path | None = None) -> Path:
    folder = Path(tempfile.mkdtemp(prefix="gridtui-jobs-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    if template is not None:
        shutil.copytree(template, folder, dirs_exist_ok=True)
    return folder


def ids(number: int, *indices: int) -> list[JobId]:
    """Elements of an array."""
    return [JobId(number, index) for index in indices]


RENDER = Spec(
    "#!/bin/sh\nset -e\nblender -b scene.blend -o frame-#### -f $GRIDTUI_INDEX\nsha256sum frame-*",
    name="render",
    labels={"project": "titles"},
    where="cpus>=4 & @linux",
    needs=Needs(cpus=2, memory=4 << 30, wall=3600.0),
    sandbox=Sandbox(least=Level.BWRAP),
    env={"TOKEN": "hunter2"},
    inputs=(Input("/home/ada/scene.blend", "scene.blend"),),
    outputs=("frame-*.png",),
    into="/home/ada/frames/{index}",
    retries=2,
)


_made: dict[float, Path] = {}


def busy(jobs: FakeJobs, now: float) -> None:
    """Fill a queue. Made once for each moment (it takes a second), and copied."""
    if now not in _made:
        template = FakeJobs(lambda: now, lambda: None)
        template.adopt(_folder())
        _fill(template, now)
        template.queue.close()
        _made[now] = template.queue._folder
    jobs.adopt(_made[now])
    jobs.whys = [
        Why("web03", "chosen", 0.91, "3.2 of 8 cores free"),
        *(Why(f"web{n:02}", "could", 0.4, "2.1 of 4 cores free") for n in (2, 4, 5, 7)),
        Why("web06", "no", 0.0, "drained: a new disk"),
        *(Why(f"db{n:02}", "no", 0.0, "1.2 of 8 cores free, 2 asked for") for n in (1, 2, 3)),
        Why("silent", "no", 0.0, "is down: tcp"),
    ]
    jobs.said["2.181/1"] = [
        b"Blender 4.2.1\n",
        *(b"Fra:181 Mem:310.2M \x1b[31m| Rendering %d / 64 samples [b]%d[/]\n" % (n, n) for n in range(1, 48)),
    ]


def _fill(jobs: FakeJobs, now: float) -> None:
    """A queue in the middle of its day: an array that runs, jobs that wait for others or are held, failures, hostile names, a drained node."""
    queue = jobs.queue
    queue.submit(Spec("make test", name="old"), user="ben", now=now - 9000)
    jobs.finish(jobs.run([JobId(1)], "web01", ago=8900), "web01", ago=8800)
    queue.submit(RENDER, user="ada", array=range(1, 401), now=now - 1900)
    for start in range(1, 181, 4):
        node = f"web{start % 20 + 1:02}"
        began = 1800 - start * 10
        keys = jobs.run(ids(2, *range(start, start + 4)), node, ago=began)
        jobs.finish(keys[1:], node, ago=max(0, began - 60), took=60)
        jobs.finish(
            keys[:1],
            node,
            exit=3 if start in (41, 89) else 0,
            why="no texture: [b]wood\x1b[2J" if start in (41, 89) else "",
            ago=max(0, began - 61),
            took=61,
        )
    for ago in (600, 300):
        for index in (41, 89):
            keys = jobs.run(ids(2, index), "db02", ago=ago)
            jobs.finish(keys, "db02", 3, why="no texture: [b]wood\x1b[2J", ago=ago - 10)
    running = {"web03": (181, 182), "db02": (183,), "gpu05": (184, 185, 186), "データベース東京一号機": (187,)}
    for node, indices in running.items():
        jobs.run(ids(2, *indices), node, ago=75)
    queue.submit(
        Spec("ffmpeg -i frame-%04d.png film.mp4", name="join"), user="ada", after=[After(JobId(2))], now=now - 1899
    )
    queue.submit(Spec("sleep 5", name="[red]hostile[/]\x1b[31m"), user="[b]eve", now=now - 400, held=True)
    queue.submit(Spec("python train.py", name="train", needs=Needs(8, gpus=1), priority=50), user="cyd", now=now - 300)
    jobs.run([JobId(5)], "gpu05", Level.CONTAINER, ago=250)
    queue.submit(Spec("wc -l", name="words", priority=-10), user="ben", each=["a.txt", "b c.txt"], now=now - 200)
    queue.submit(Spec("./flaky", name="flaky"), user="ben", now=now - 150)
    jobs.finish(jobs.run([JobId(7)], "db02", ago=140), "db02", 137, Cause.MEMORY, "out of memory", ago=100)
    queue.drain("web06", "a new disk")
