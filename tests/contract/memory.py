"""A small honest engine: real processes of this machine, nodes that are folders. It loses messages, and dies on purpose.

`World` is what outlives an engine: nodes with their spools, and what runs there. `Memory` is the engine over it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import shutil
import signal
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from gridtui.errors import ConnectError, EngineError
from gridtui.jobs.engines.protocol import Engine, Ground
from gridtui.jobs.model import Cause, JobId, Key, Level, Order, Phase, Report, Spec


@dataclass(eq=False)
class Held:
    """An attempt on a node."""

    order: Order
    folder: Path
    process: asyncio.subprocess.Process | None = None
    phase: Phase = Phase.RUNNING
    exit: int | None = None
    ended: bool = False
    gone: bool = False
    """It was lost or forgotten: nothing more is told of it."""
    keeper: asyncio.Task[None] | None = None

    @property
    def output(self) -> bytes:
        return (self.folder / "output").read_bytes()


@dataclass(eq=False)
class Machine:
    """A node."""

    name: str
    folder: Path
    reachable: bool = True
    closed: str = ""
    fleeting: str = ""
    spool: dict[Key, Held] = field(default_factory=dict)


class World:
    """Nodes, and what runs on them."""

    def __init__(self, folder: Path, names: Sequence[str], rng: random.Random | None = None, loss: float = 0.0) -> None:
        self.machines = {name: Machine(name, folder / name) for name in names}
        self.rng, self.loss = rng or random.Random(0), loss
        self.ran: Counter[JobId] = Counter()
        """Processes started for each job."""
        self.starts: Counter[Key] = Counter()
        """Orders that arrived for each attempt."""
        self.engines: set[Memory] = set()
        self.held: list[Held] = []
        """All attempts there ever were."""
        self.late = False
        """Answers to starts come after the ends of what they started."""

    def lost(self) -> bool:
        return self.rng.random() < self.loss

    async def start(self, machine: Machine, order: Order) -> Report:
        self.starts[order.key] += 1
        if order.key in machine.spool:
            return self.report(machine, machine.spool[order.key])
        held = machine.spool[order.key] = Held(order, machine.folder / str(order.key))
        self.held.append(held)
        (held.folder / "work").mkdir(parents=True)
        for item in order.spec.inputs:
            target = held.folder / "work" / item.name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(item.path, target)
        (held.folder / "output").touch()
        self.ran[order.key.id] += 1
        env = os.environ | dict(order.spec.env) | {"GRIDTUI_ITEM": order.item, "GRIDTUI_INDEX": str(order.key.id.index)}
        with (held.folder / "output").open("ab") as output:
            held.process = await asyncio.create_subprocess_exec(
                "sh",
                "-c",
                order.spec.command,
                cwd=held.folder / "work",
                env=env,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        held.keeper = asyncio.create_task(self._keep(machine, held))
        answer = self.report(machine, held)
        if self.late:
            await asyncio.wait([held.keeper])
        return answer

    async def _keep(self, machine: Machine, held: Held) -> None:
        assert held.process
        code = await held.process.wait()
        if held.gone:
            return
        held.exit, held.phase = (code if code >= 0 else 128 - code), Phase.ENDED
        self.tell(self.report(machine, held))

    def tell(self, report: Report) -> None:
        machine = self.machines[report.node]
        for engine in self.engines:
            if machine.reachable and not self.lost():
                engine.news.put_nowait(report)

    def report(self, machine: Machine, held: Held) -> Report:
        if held.phase is not Phase.ENDED:
            return Report(held.order.key, held.phase, machine.name, level=Level.PLAIN)
        output = held.output
        return Report(
            held.order.key,
            held.phase,
            machine.name,
            exit=held.exit,
            cause=Cause.CANCELLED if held.ended else Cause.EXIT,
            level=Level.PLAIN,
            output=len(output),
            tail=output if len(output) <= 4096 else b"",
        )

    def reboot(self, name: str) -> None:
        """All that runs there is gone, and the node knows it."""
        for held in self.machines[name].spool.values():
            if held.phase is not Phase.ENDED:
                held.gone, held.phase = True, Phase.LOST
                self.kill(held)

    def kill(self, held: Held, number: int = signal.SIGKILL) -> None:
        if held.process and held.process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(held.process.pid, number)

    async def close(self) -> None:
        for held in self.held:
            held.gone = True
            self.kill(held)
            if held.keeper:
                await held.keeper


class Memory:
    """The engine."""

    name: ClassVar[str] = "memory"
    places: ClassVar[bool] = True

    def __init__(self, world: World) -> None:
        self.world = world
        self.news: asyncio.Queue[Report] = asyncio.Queue()
        self._answered: set[str] = set()
        world.engines.add(self)

    def _machine(self, node: str) -> Machine:
        """Raises ConnectError where it cannot be reached."""
        machine = self.world.machines[node]
        if not machine.reachable or self.world.lost():
            self._answered.discard(node)
            raise ConnectError(f"{node}: no route to host")
        return machine

    async def inputs(self, spec: Spec) -> Mapping[str, int]:
        return {item.path: 1 for item in spec.inputs}

    async def start(self, orders: Sequence[Order]) -> Sequence[Report]:
        found = []
        for order in orders:
            await asyncio.sleep(0)
            with contextlib.suppress(ConnectError):
                # An order that arrived is carried out, whatever becomes of who sent it.
                report = await asyncio.shield(self.world.start(self._machine(order.node), order))
                self._machine(order.node)  # the answer may be lost, too
                found.append(report)
        return found

    async def poll(self, node: str, keys: Sequence[Key]) -> Sequence[Report]:
        await asyncio.sleep(0)
        try:
            machine = self._machine(node)
        except ConnectError:
            return []
        self._answered.add(node)
        found = [self.world.report(machine, held) for held in machine.spool.values()]
        return found + [Report(key, Phase.UNKNOWN, node) for key in keys if key not in machine.spool]

    def ground(self, node: str) -> Ground | None:
        if node not in self._answered:
            return None
        machine = self.world.machines[node]
        return Ground(frozenset({Level.PLAIN}), 1 << 30, machine.closed, fleeting=machine.fleeting)

    async def changes(self) -> AsyncIterator[Report]:
        while True:
            yield await self.news.get()

    async def end(self, node: str, keys: Sequence[Key], *, grace: float) -> None:
        with contextlib.suppress(ConnectError):
            for held in self._held(node, keys):
                held.ended = True
                self.world.kill(held, signal.SIGTERM)
                self.world.kill(held, signal.SIGCONT)
                if held.process:
                    asyncio.get_running_loop().call_later(grace, _kill, held.process)

    def _held(self, node: str, keys: Sequence[Key]) -> list[Held]:
        machine = self._machine(node)
        found = [machine.spool[key] for key in keys if key in machine.spool]
        return [held for held in found if held.phase in (Phase.RUNNING, Phase.FROZEN)]

    async def freeze(self, node: str, keys: Sequence[Key], frozen: bool) -> None:
        with contextlib.suppress(ConnectError):
            for held in self._held(node, keys):
                self.world.kill(held, signal.SIGSTOP if frozen else signal.SIGCONT)
                held.phase = Phase.FROZEN if frozen else Phase.RUNNING
                self.world.tell(self.world.report(self.world.machines[node], held))

    async def read(self, node: str, key: Key, offset: int, limit: int) -> bytes:
        held = self._machine(node).spool.get(key)
        if held is None:
            raise EngineError(f"{node} has no attempt {key}")
        return held.output[offset : offset + limit]

    async def fetch(
        self, node: str, key: Key, patterns: Sequence[str], into: Path, log: Path, limit: int
    ) -> Sequence[str]:
        await asyncio.sleep(0)
        held = self._machine(node).spool.get(key)
        if held is None:
            raise EngineError(f"{node} has no attempt {key}")
        part = log.with_suffix(".part")
        part.write_bytes(held.output[:limit])
        part.replace(log)
        work, names = held.folder / "work", []
        for path in sorted({path for pattern in patterns for path in work.glob(pattern) if path.is_file()}):
            target = into / path.relative_to(work)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)
            names.append(str(path.relative_to(work)))
        return names

    async def forget(self, node: str, keys: Sequence[Key]) -> None:
        with contextlib.suppress(ConnectError):
            machine = self._machine(node)
            for key in keys:
                if held := machine.spool.pop(key, None):
                    held.gone = True
                    self.world.kill(held)
                    shutil.rmtree(held.folder)

    async def close(self) -> None:
        self.world.engines.discard(self)


def _kill(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def engine(world: World) -> Engine:
    """The engine as the protocol has it: that it does is checked by the type checker here."""
    return Memory(world)
