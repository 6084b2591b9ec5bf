"""One plan on many nodes: the star. Fan-out, logins, what to do without rsync, time-outs, stopping. Owns who runs when.

A failing node is a value in the result and never ends the rest. Knows no selection, no log and no screen.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from dataclasses import replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeVar

from ..errors import SshError
from ..model import Node, clean
from ..settings import Ssh
from ..ssh.masters import Masters
from ..stopping import STOPPED, Stop
from . import command, guard
from .model import FANOUT, Direction, Ending, Plan, Progress, Stage, Transfer
from .packages import how_to_install
from .transfer import RETRY, NoRsync, Rsync, Told

if TYPE_CHECKING:
    from ..ssh import Pool

T = TypeVar("T")


class Sftp(StrEnum):
    """When files go over SFTP and not through rsync."""

    AUTO = "auto"
    """Where there is no rsync."""
    NEVER = "never"
    ONLY = "only"


class Run:
    """One run. `finish` is called once.

    `told` gets what is new of a node, several times a second; `ended` each outcome; `pool` (or what makes it: asyncssh takes
    0.4 s to load) is for SFTP alone.
    `rate` is the most that all nodes together get, in bytes a second: each has its share of those that run at once.
    """

    def __init__(
        self,
        plan: Plan,
        nodes: Sequence[Node],
        settings: Ssh,
        *,
        pool: Pool | Callable[[], Awaitable[Pool]] | None = None,
        fanout: int = FANOUT,
        timeout: float | None = None,
        rate: int | None = None,
        sftp: Sftp = Sftp.AUTO,
        told: Told | None = None,
        ended: Callable[[Transfer], None] | None = None,
        stop: Stop | None = None,
    ) -> None:
        self._plan, self._nodes, self._settings = plan, nodes, settings
        self._pool, self._sftp = pool, sftp
        self._fanout = max(1, min(fanout, len(nodes)))
        self._timeout = timeout
        self._rate = max(1, rate // self._fanout) if rate else None
        self._told, self._ended = told, ended
        self._outcomes: dict[str, Transfer] = {}
        self._running: set[Rsync] = set()
        self._waiting: set[asyncio.Task[Any]] = set()
        self._halted: tuple[Ending, str] | None = None
        self._stop = stop
        if stop:
            stop.listen(self._stopped)

    async def finish(self) -> dict[str, Transfer]:
        """Every node's outcome, in the order of the nodes. Raises UsageError where a source is missing."""
        guard.check(self._plan)
        if self._plan.direction is Direction.PULL and not self._plan.options.dry_run:
            os.makedirs(command.here(self._plan.destination), exist_ok=True)
        loop = asyncio.get_running_loop()
        alarm = None
        if self._timeout is not None:
            why = f"the time for the whole run, {self._timeout:g} s, was over"
            alarm = loop.call_later(self._timeout, self._halt, Ending.TIMEOUT, why)
        try:
            async with Masters(self._settings) as masters:
                queue = iter(self._nodes)
                async with asyncio.TaskGroup() as group:
                    for _ in range(self._fanout):
                        group.create_task(self._work(queue, masters))
        finally:
            if alarm:
                alarm.cancel()
        for node in self._nodes:
            if node.name not in self._outcomes:
                self._note(Transfer(node.name, Ending.SKIPPED, error=self._halted[1] if self._halted else STOPPED))
        return {node.name: self._outcomes[node.name] for node in self._nodes}

    async def _work(self, queue: Iterator[Node], masters: Masters) -> None:
        for node in queue:
            if self._halted:
                return
            began = time.monotonic()
            self._tell(Progress(node.name, Stage.CONNECTING))
            outcome = await self._one(node, masters)
            self._note(replace(outcome, seconds=time.monotonic() - began))

    async def _one(self, node: Node, masters: Masters) -> Transfer:
        if self._plan.direction is Direction.PUSH or self._plan.options.dry_run:
            return await self._move(node, masters)
        folder = command.folder(self._plan, node.name)
        try:
            os.makedirs(folder, mode=0o755, exist_ok=True)
            handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError as error:
            return Transfer(node.name, Ending.FAILED, error=f"{clean(folder)}: {(error.strerror or '').lower()}")
        try:
            if not await self._interruptible(_hold(handle, self._plan.options.wait)):
                if self._halted:
                    return Transfer(node.name, Ending.SKIPPED, error=self._halted[1])
                why = f"another transfer to {clean(folder)} goes on"
                return Transfer(node.name, Ending.FAILED, error=why)
            return await self._move(node, masters)
        finally:
            os.close(handle)
            with contextlib.suppress(OSError):
                os.rmdir(folder)  # what a failed login leaves empty

    async def _move(self, node: Node, masters: Masters) -> Transfer:
        if self._sftp is Sftp.ONLY and not node.local:
            return await self._over_sftp(node)
        try:
            link = await self._interruptible(masters.open(node))
        except SshError as error:
            why = str(error).removeprefix(f"{node.name}: ")
            return Transfer(node.name, Ending.UNREACHABLE, layer=error.layer, error=why)
        if link is None or self._halted:
            assert self._halted
            return Transfer(node.name, Ending.SKIPPED, error=self._halted[1])
        rsync = Rsync(self._plan, link, rate=self._rate, told=self._told)
        self._running.add(rsync)
        try:
            return await rsync.finish()
        except NoRsync as missing:
            hint = how_to_install(missing.distribution)
            if self._sftp is Sftp.NEVER or node.local or self._pool is None:
                return Transfer(node.name, Ending.FAILED, exit=127, error=f"there is no rsync: {hint}")
            outcome = await self._over_sftp(node)
            return outcome if outcome.ok else replace(outcome, error=f"there is no rsync ({hint}): {outcome.error}")
        finally:
            self._running.discard(rsync)

    async def _over_sftp(self, node: Node) -> Transfer:
        from .sftp import move  # loads asyncssh

        if self._pool is None:
            return Transfer(node.name, Ending.FAILED, error="SFTP needs a pool of connections", via="sftp")
        pool = await self._pool() if callable(self._pool) else self._pool
        outcome = await self._interruptible(move(self._plan, node, pool, self._tell))
        if outcome is None:
            assert self._halted
            return Transfer(node.name, self._halted[0], error=self._halted[1], via="sftp")
        return outcome

    async def _interruptible(self, work: Coroutine[Any, Any, T]) -> T | None:
        """Wait for something that a stop ends at once; None when it did."""
        task = asyncio.ensure_future(work)
        self._waiting.add(task)
        try:
            return await task
        except asyncio.CancelledError:
            runner = asyncio.current_task()
            if not self._halted or (runner and runner.cancelling()):
                task.cancel()
                raise
            return None
        finally:
            self._waiting.discard(task)

    def _tell(self, progress: Progress) -> None:
        if self._told:
            self._told(progress)

    def _note(self, outcome: Transfer) -> None:
        self._outcomes[outcome.node] = outcome
        if self._ended:
            self._ended(outcome)

    # stopping

    def _stopped(self) -> None:
        assert self._stop is not None
        if self._stop.count == 1:
            self._halt(Ending.CANCELLED, "stopped")
        else:
            for rsync in tuple(self._running):
                rsync.abandon()

    def _halt(self, ending: Ending, why: str) -> None:
        """No node starts any more, and those that run are ended; what has arrived is kept."""
        self._halted = self._halted or (ending, why)
        for task in tuple(self._waiting):
            task.cancel()
        for rsync in tuple(self._running):
            rsync.interrupt(ending, why)


async def _hold(handle: int, wait: float) -> bool:
    """Lock a folder against other pulls into it (flock(2), freed when we end, however that is)."""
    until = time.monotonic() + wait
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= until:
                return False
            await asyncio.sleep(RETRY)
        else:
            return True
