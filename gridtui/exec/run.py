"""One task on many nodes: fan-out, batches, time-outs, and the two ways of stopping. Owns who runs when; `execution` owns how.

A failing node is a value in the result and never ends the rest. Knows no selection, no log and no screen.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from ..errors import SshError
from ..model import Node
from ..stopping import STOPPED, Stop
from .execution import GRACE, GRACE_ROOT, Budget, Execution, OnLines
from .plan import Plan
from .sudo import Ask, Password
from .task import Ending, Outcome, Task

if TYPE_CHECKING:
    from ..ssh import Pool

TOTAL = 256 << 20
"""Bytes of output that one run keeps over all nodes."""


class Run:
    """One run. `finish` is called once."""

    def __init__(
        self,
        task: Task,
        nodes: Sequence[Node],
        pool: Pool,
        plan: Plan,
        *,
        lines: OnLines | None = None,
        ended: Callable[[Outcome], None] | None = None,
        ask: Ask | None = None,
        stop: Stop | None = None,
        total: int = TOTAL,
    ) -> None:
        self._task, self._nodes, self._pool, self._plan = task, nodes, pool, plan
        self._lines, self._ended = lines, ended
        self._password = Password(ask) if task.sudo else None
        self._budget = Budget(total)
        self._outcomes: dict[str, Outcome] = {}
        self._running: set[Execution] = set()
        self._logins: set[asyncio.Task[None]] = set()
        self._halted: tuple[Ending, str] | None = None
        self._failures = 0
        self._tolerated = plan.tolerated(len(nodes))
        self._stop = stop
        if stop:
            stop.listen(self._stopped)

    async def finish(self) -> dict[str, Outcome]:
        """Every node's outcome, in the order of the nodes."""
        loop = asyncio.get_running_loop()
        alarm = None
        if self._plan.timeout is not None:
            alarm = loop.call_later(self._plan.timeout, self._overdue)
        try:
            position = 0
            for size in self._plan.sizes(len(self._nodes)):
                if self._halted:
                    break
                await self._batch(self._nodes[position : position + size])
                position += size
        finally:
            if alarm:
                alarm.cancel()
        for node in self._nodes:
            if node.name not in self._outcomes:
                self._note(Outcome(node.name, Ending.SKIPPED, error=self._halted[1] if self._halted else STOPPED))
        return {node.name: self._outcomes[node.name] for node in self._nodes}

    async def _batch(self, nodes: Sequence[Node]) -> None:
        queue = iter(nodes)
        async with asyncio.TaskGroup() as group:
            for _ in range(min(self._plan.fanout, len(nodes))):
                group.create_task(self._work(queue))

    async def _work(self, queue: Iterator[Node]) -> None:
        for node in queue:
            if self._halted:
                return
            self._note(await self._one(node))

    async def _one(self, node: Node) -> Outcome:
        runner = asyncio.current_task()
        assert runner is not None
        self._logins.add(runner)
        try:
            connection = await self._pool.connect(node)
        except SshError as error:
            return Outcome(node.name, Ending.UNREACHABLE, layer=error.layer, error=str(error))
        except asyncio.CancelledError:
            if not self._halted:
                raise
            runner.uncancel()
            return Outcome(node.name, Ending.SKIPPED, error=self._halted[1])
        finally:
            self._logins.discard(runner)
        if self._halted:
            return Outcome(node.name, Ending.SKIPPED, error=self._halted[1])
        execution = Execution(
            node.name,
            self._task,
            connection,
            self._budget,
            lines=self._lines,
            password=self._password,
            grace=self._grace(node),
            remote=not node.local,
        )
        self._running.add(execution)
        try:
            return await execution.finish()
        finally:
            self._running.discard(execution)

    def _grace(self, node: Node) -> float:
        return GRACE_ROOT if not node.local and self._pool.endpoint(node).user == "root" else GRACE

    def _note(self, outcome: Outcome) -> None:
        self._outcomes[outcome.node] = outcome
        if outcome.status in (Ending.FAILED, Ending.TIMEOUT, Ending.UNREACHABLE):
            self._failures += 1
            if self._failures > self._tolerated and not self._halted:
                self._halted = (Ending.SKIPPED, f"{self._failures} failed, more than the {self._tolerated} that may")
        if self._ended:
            self._ended(outcome)

    # stopping

    def _overdue(self) -> None:
        why = f"the time for the whole run, {self._plan.timeout:g} s, was over"
        self._halt(Ending.TIMEOUT, why)

    def _stopped(self) -> None:
        assert self._stop is not None
        if self._stop.count == 1:
            self._halt(Ending.CANCELLED, STOPPED)
        else:
            for execution in tuple(self._running):
                execution.abandon()

    def _halt(self, ending: Ending, why: str) -> None:
        """No node starts any more, and those that run are ended."""
        self._halted = self._halted or (ending, why)
        for login in tuple(self._logins):
            login.cancel()
        for execution in tuple(self._running):
            execution.interrupt(ending, "stopped" if ending is Ending.CANCELLED else why)
