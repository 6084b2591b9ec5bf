"""A fleet without nodes: the interface of `gridtui.fleet.Fleet` over made-up, reproducible values.

Screens need data that can be repeated, so this is what Pilot and snapshot tests show, and what the dashboard's own benchmark
and the test in a real terminal run on. `advance` moves its time; with `live`, it moves by itself.
"""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from gridtui import inventory as inventories
from gridtui import push
from gridtui.errors import GridtuiError, SelectionError, ShellError, StateError, UsageError
from gridtui.events import Changed, Event, Noted, Seen
from gridtui.exec import Ending, OnLines, Outcome, Stop, Task
from gridtui.exec.signals import Fate as SignalFate
from gridtui.exec.signals import Signalled
from gridtui.health import DEFAULT_RULES, Ground, mutes
from gridtui.model import (
    Cost,
    Facts,
    Hush,
    Layer,
    Mute,
    Node,
    PingMethod,
    Reach,
    Reason,
    RoundTrips,
    Sample,
    State,
    Status,
    Unsupported,
    Verdict,
)
from gridtui.playbooks import model as books
from gridtui.playbooks.artefacts import Kept
from gridtui.playbooks.catalogue import Catalogue
from gridtui.playbooks.guard import Fate, Settled
from gridtui.playbooks.model import Plan, Told
from gridtui.posture.model import Look
from gridtui.probes import Container, Containers, Journal, Process
from gridtui.probes.cpu import Core, Cpu
from gridtui.probes.disks import Disk
from gridtui.probes.filesystems import FileSystem
from gridtui.probes.memory import Memory
from gridtui.probes.network import Interface
from gridtui.probes.pressure import Pressure
from gridtui.probes.reboot import Reboot
from gridtui.probes.temperatures import Temperature
from gridtui.probes.units import Unit
from gridtui.probes.users import Session
from gridtui.settings import Settings

from .books import PLAYBOOKS, look, story
from .grid import FakeJobs

START = 1_790_000_000.0
LENGTH = 300
GIB = 1 << 30


class FakeNode:
    """One made-up machine: smooth random walks from its own seed."""

    def __init__(self, node: Node, seed: int) -> None:
        self.node = node
        self.random = random.Random(seed)
        self.base = 0.0002 + self.random.random() ** 3 * 0.02
        self.load = self.random.random()
        self.cpus = self.random.choice((4, 8, 16))
        self.phase = self.random.random() * 6
        self.history: dict[str, deque[float]] = {}
        self.trips: deque[float] = deque(maxlen=LENGTH)
        self.step = 0
        self.failed: Layer | None = None
        self.error = ""
        self.reasons: tuple[Reason, ...] = ()
        self.since = 0.0
        self.sample: Sample | None = None
        self.facts: Facts | None = None
        self.pending = True

    def tick(self, now: float, full: bool = True) -> None:
        """One sample and two echoes later. Without `full`, only what the table needs (for load)."""
        rng = self.random
        self.step += 1
        down = self.failed is not None
        for _ in range(2):
            lost = down or rng.random() < (0.08 if "lossy" in self.node.name else 0.001)
            self.trips.append(
                math.nan if lost else self.base * (1 + 0.2 * rng.random() + (rng.random() < 0.04) * 3 * rng.random())
            )
        self.pending = False
        if down:
            return
        wave = 0.5 + 0.5 * math.sin(self.phase + self.step / 20)
        self.load = min(1.0, max(0.0, self.load + rng.uniform(-0.06, 0.06) + (wave - self.load) * 0.03))
        mem = 30 + 50 * abs(math.sin(self.phase))
        flow = 2e6 * self.load**3
        metrics = {
            "cpu": 100 * self.load,
            "load": self.cpus * self.load * 1.1,
            "load5": self.cpus * self.load,
            "load15": self.cpus * self.load * 0.9,
            "mem": mem,
            "mem.total": 32.0 * GIB,
            "mem.used": 32.0 * GIB * mem / 100,
            "mem.free": 32.0 * GIB * (1 - mem / 100),
            "swap": 3.0,
            "disk": 20 + 60 * abs(math.cos(self.phase)),
            "disk.read": flow * rng.random(),
            "disk.write": flow * 2 * rng.random(),
            "net.rx": flow * (1 + rng.random()),
            "net.tx": flow * rng.random(),
            "temp": 38 + 30 * self.load,
            "uptime": 86400.0 * (1 + 37 * abs(math.sin(self.phase))) + 2 * self.step,
            "clock": 0.0021,
        }
        if self.node.labels.get("role") == "gpu":
            metrics |= {"gpu": 90 * wave, "gpu.count": 2.0, "gpu.temp": 50 + 20 * wave}
        if self.reasons and self.reasons[0].value is not None:
            metrics[self.reasons[0].rule] = self.reasons[0].value
        self.sample = Sample(
            self.node.name,
            now,
            parts=self._parts(metrics) if full else {},
            metrics=metrics,
            cost=Cost(0.0016, 5210, 0.012),
        )
        if full:
            for name in ("cpu", "mem", "load", "net.rx", "net.tx", "disk.read", "disk.write", "temp"):
                self.history.setdefault(name, deque(maxlen=LENGTH)).append(metrics[name])
            self.facts = self.facts or self._facts(now)

    def _parts(self, metrics: Mapping[str, float]) -> dict[str, object]:
        cpu = metrics["cpu"]
        cores = tuple(
            Core(n, min(100.0, max(0.0, cpu + 25 * math.sin(n * 2 + self.step / 5)))) for n in range(self.cpus)
        )
        total = int(metrics["mem.total"])
        return {
            "cpu": Cpu(self.cpus, cpu, cpu * 0.7, cpu * 0.2, 1.0, 0.0, cores),
            "memory": Memory(
                total, int(metrics["mem.free"]), int(metrics["mem.free"] / 3), GIB, 6 * GIB, 4 * GIB, 3 * GIB
            ),
            "disks": (Disk("nvme0n1", metrics["disk.read"], metrics["disk.write"], 12.0), Disk("sda", 0.0, 0.0, 0.0)),
            "network": (
                Interface("eno1", metrics["net.rx"], metrics["net.tx"], 0.0),
                Interface("wg0", 120.0, 80.0, 0.5),
            ),
            "pressure": Pressure(3.0, 0.0, 1.2, 0.0, 0.4),
            "gpus": Unsupported("no nvidia-smi and no amdgpu"),
            "temperatures": (Temperature("k10temp Tctl", metrics["temp"], 95.0), Temperature("nvme Composite", 41.0)),
            "units": (Unit("certbot.service", "Certbot [b]renewal[/]"),) if self.reasons else (),
            "users": (Session("ada", "pts/0", "198.18.0.1", 620.0),),
            "reboot": Reboot(bool(self.reasons), ("linux-image-6.1.0-26-amd64",)),
            "filesystems": (
                FileSystem(
                    "/",
                    "ext4",
                    "259:2",
                    False,
                    400 * GIB,
                    int(metrics["disk"] * 4 * GIB),
                    int((100 - metrics["disk"]) * 4 * GIB),
                    10**7,
                    9 * 10**6,
                ),
                FileSystem("/boot/efi", "vfat", "259:1", False, GIB // 2, GIB // 64, GIB // 2, None, None),
            ),
        }

    def _facts(self, now: float) -> Facts:
        return Facts(
            self.node.name,
            now,
            hostname=self.node.name,
            os="debian",
            os_version="12",
            os_name="Debian GNU/Linux 12 (bookworm)",
            kernel="6.1.0-25-amd64",
            arch="x86_64",
            virt="kvm",
            vendor="Supermicro",
            product="SYS-1029P",
            cpu_model="AMD EPYC 7302 16-Core Processor",
            cpus=self.cpus,
            cores=self.cpus // 2,
            memory=32 * GIB,
            capabilities=frozenset({"systemd", "bwrap", "nft", "python3", "rsync", "podman"}),
            shell="/bin/bash",
        )

    def round_trips(self) -> RoundTrips:
        known = [value for value in self.trips if value == value]
        last = self.trips[-1] if self.trips else math.nan
        return RoundTrips(
            PingMethod.LOCAL if self.node.local else PingMethod.ICMP,
            len(self.trips),
            len(known),
            None if last != last else last,
            min(known, default=None),
            sum(known) / len(known) if known else None,
            max(known, default=None),
            0.0001 if known else None,
        )

    def verdict(self) -> Verdict:
        if self.pending:
            return Verdict(self.node.name, State.UNKNOWN, self.since)
        state = State.CRITICAL if self.failed else max((reason.state for reason in self.reasons), default=State.OK)
        return Verdict(self.node.name, state, self.since, self.failed, self.reasons, maintenance=self.node.maintenance)

    def status(self, now: float) -> Status:
        reach = Reach(now, self.failed, self.error, PingMethod.ICMP, self.pending)
        return Status(self.node, reach, self.round_trips(), self.verdict(), self.sample, self.facts)


def nodes(count: int) -> Iterable[Node]:
    """Plausible nodes of two sites and three roles."""
    roles = ("web", "db", "gpu")
    width = max(2, len(str(count)))
    for number in range(1, count + 1):
        role, site = roles[number % 7 % 3], ("berlin", "oslo")[number % 2]
        yield Node(
            f"{role}{number:0{width}}",
            f"198.18.{number // 250}.{number % 250 + 1}",
            groups=tuple(sorted((role, site, "linux"))),
            labels={"role": role, "site": site},
        )


def answer(name: str, task: Task) -> Outcome:
    """Most nodes say the same, some not, one fails, one is not reached."""
    kind = sum(name.encode()) % 7
    if name == "silent":
        return Outcome(name, Ending.UNREACHABLE, layer="tcp", error=f"root@{name}:22: connection refused")
    if kind == 0:
        return Outcome(name, Ending.FAILED, 3, b"one\ntwo\n", b"no such file\n", 0.2)
    if kind == 1:
        return Outcome(name, Ending.OK, 0, b"one\ntwo and a half\nthree\n", b"", 0.2)
    return Outcome(name, Ending.OK, 0, b"one\ntwo\nthree\n", b"", 0.1)


class FakeFleet:
    """The interface of `Fleet`; `extra` nodes come first."""

    def __init__(
        self, count: int = 12, extra: Sequence[Node] = (), live: bool = False, settings: Settings | None = None
    ) -> None:
        self.fakes = {node.name: FakeNode(node, seed) for seed, node in enumerate([*extra, *nodes(count)])}
        self.nodes = {name: fake.node for name, fake in self.fakes.items()}
        self.settings = settings or Settings()
        self.inventory = inventories.localhost()
        self.ran: list[tuple[Task, tuple[str, ...]]] = []
        self.pushed: list[tuple[push.Plan, tuple[str, ...], bool]] = []
        self.answer = answer
        """What a node makes of a command."""
        self.played: list[tuple[Plan, tuple[str, ...]]] = []
        self.refusal: GridtuiError | None = None
        self.taken_back: list[tuple[str, str]] = []
        self.story = story
        """What happens in a playbook's run."""
        self.kept: list[Kept] = []
        self.looked: list[str] = []
        self.known: dict[str, Look] = {}
        self.jobs = FakeJobs(lambda: self.now, self.allow_changes)
        self.said: dict[str, Sequence[Mute]] = {}
        """What people said of alerts."""
        self.processes = [
            Process(4021, "postgres", "postgres", "R", 187.0, 3 * GIB, 90_210.0, 14, 0, 1, 900),
            Process(33, "[b]kworker[/]", "root", "S", 3.0, 0, 12.0, 1, -20, 2, 12, ours=True),
            Process(812, "ada-shell", "ada", "S", 0.0, 5 * GIB, 3.0, 1, 0, 1, 77_000, ours=True),
        ]
        self.signals: list[tuple[str, int, str, bool]] = []
        """Signals that were to be sent: node, process, signal, through sudo."""
        self.journals = {
            "certbot.service": Journal(
                "certbot.service",
                {"ActiveState": "failed", "Result": "exit-code", "ExecMainStatus": "1"},
                tuple(f"2026-09-21T14:0{n % 10}:00+0000 certbot[91]: [b]try[/] {n} failed" for n in range(60)),
            )
        }
        self.boxes = Containers(
            (
                Container("docker", "0f3a0f3a0f3a", "web-[b]1[/]", "nginx:1.27", "Up 3 hours", "0.0.0.0:80->80/tcp"),
                Container("docker", "1f3a0f3a0f3a", "old", "busybox", "Exited (1) 2 days ago"),
            ),
            ("docker",),
            ("podman: this login may not ask it",),
        )
        self.held: set[str] = set()
        """Nodes on which a command does not end before `let_go`, or a stop."""
        self.secret: str | None = None
        self._gone_on = asyncio.Event()
        self.ask: Callable[[str], Awaitable[str | None]] | None = None
        self.ping_method = PingMethod.RAW
        self.recording: Path | None = None
        self.recording_trouble = ""
        self.live = live
        self.now = time.time() if live else START
        self.retried: list[str] = []
        self.closed = self.started = False
        self.start_error: Exception | None = None
        self._log: deque[Event] = deque(maxlen=1000)
        self._queue: dict[str, Event] = {}
        self._others: deque[Event] = deque()
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._events: Callable[[str], None] | None = None

    # ---- Fleet ----

    def status(self, name: str) -> Status:
        status = self.fakes[name].status(self.now)
        return replace(status, verdict=self.verdict(name))

    def verdict(self, name: str) -> Verdict:
        """With a dead parent blamed, and what was said of it."""
        fake = self.fakes[name]
        verdict = fake.verdict()
        parent = fake.node.parent
        if fake.failed and parent is not None and self.fakes[parent].failed:
            verdict = replace(verdict, blamed=parent)
        return mutes.muted(verdict, self.said.get(name, ()), self.now)

    def mutes(self) -> Sequence[Mute]:
        return [one for said in self.said.values() for one in said if mutes.active(one, self.now)]

    async def mute(
        self, names: Iterable[str], hush: Hush, *, seconds: float | None = None, why: str = ""
    ) -> Sequence[Mute]:
        self.allow_changes()
        if self.refusal:
            raise self.refusal
        made: list[Mute] = []
        for name in names:
            node, verdict = self.nodes[name], self.verdict(name)
            if hush is Hush.ACKNOWLEDGED:
                given = mutes.acknowledgement(node, verdict, self.now, "ada", why)
            else:
                given = mutes.said(node, hush, self.now, None if seconds is None else self.now + seconds, "ada", why)
            if given is not None:
                made.append(given)
                self._say(name, [*(one for one in self.said.get(name, ()) if one.hush is not hush), given])
        return made

    async def unmute(self, names: Iterable[str], *hushes: Hush) -> Sequence[Mute]:
        self.allow_changes()
        taken: list[Mute] = []
        for name in names:
            gone = [one for one in self.said.get(name, ()) if one.hush in (hushes or tuple(Hush))]
            taken += gone
            self._say(name, [one for one in self.said.get(name, ()) if one not in gone])
        return taken

    def _say(self, name: str, said: Sequence[Mute]) -> None:
        before = self.verdict(name)
        self.said[name] = said
        self.emit(Changed(self.now, name, before, self.verdict(name)))

    def select(self, text: str) -> list[str]:
        """A stand-in for the selection language: `state=down`, `cpu>50`, `@group`, or a name's beginning."""
        text = text.strip()
        if text.startswith("@"):
            if not any(text[1:] in node.groups for node in self.nodes.values()):
                raise SelectionError(
                    f"there is no group `{text[1:]}`", text=text, position=1, hint="did you mean `web`?"
                )
            return [name for name, node in self.nodes.items() if text[1:] in node.groups]
        if text == "state=down":
            return [name for name, fake in self.fakes.items() if fake.failed]
        if text.startswith("cpu>"):
            try:
                limit = float(text[4:])
            except ValueError:
                raise SelectionError("a number is missing after `>`", text=text, position=4) from None
            return [n for n, fake in self.fakes.items() if fake.sample and fake.sample.metrics["cpu"] > limit]
        found = [name for name in self.nodes if name.startswith(text)]
        if not found:
            raise SelectionError(f"there is no node `{text}`", text=text, position=0)
        return found

    def history(self, name: str, metric: str) -> Sequence[float]:
        fake = self.fakes[name]
        return list(fake.trips if metric == "rtt" else fake.history.get(metric, ()))

    def log(self) -> Sequence[Event]:
        return tuple(self._log)

    async def events(self) -> AsyncIterator[Event]:
        while True:
            while self._others:
                yield self._others.popleft()
            while self._queue:
                name = next(iter(self._queue))
                del self._queue[name]
                yield Seen(name, self.status(name))  # of now, as the real one
            self._wake.clear()
            await self._wake.wait()

    async def start(self) -> None:
        if self.start_error:
            raise self.start_error
        self.started = True
        if self.live:
            self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        self.closed = True
        if self._task:
            self._task.cancel()

    def retry(self, name: str) -> None:
        self.retried.append(name)

    async def top(self, name: str, count: int = 20) -> tuple[Process, ...]:
        if self.fakes[name].failed:
            raise ShellError(f"{name} is not connected")
        return tuple(self.processes)

    async def journal(self, name: str, unit: str, lines: int = 300) -> Journal:
        if self.fakes[name].failed:
            raise ShellError(f"{name} is not connected")
        return self.journals.get(unit) or Journal(unit, error="this login may not read it", barred=True)

    async def containers(self, name: str) -> Containers:
        return self.boxes

    def grounds(self, name: str) -> Sequence[Ground]:
        return tuple(
            Ground(reason, DEFAULT_RULES[reason.rule].crit, None, 0, 5)
            if reason.rule in DEFAULT_RULES
            else Ground(reason)
            for reason in self.fakes[name].verdict().reasons
        )

    async def signal(
        self,
        name: str,
        process: Process,
        signal: str,
        *,
        sudo: bool = False,
        ask: Callable[[str], Awaitable[str | None]] | None = None,
    ) -> Signalled:
        self.allow_changes()
        self.signals.append((name, process.pid, signal, sudo))
        if sudo and ask:
            self.secret = await ask("[sudo] password for all nodes")
        if process not in self.processes:
            return Signalled(SignalFate.GONE, "not sent: it has ended")
        if signal in ("TERM", "KILL"):
            self.processes.remove(process)
        return Signalled(SignalFate.SENT, "sent")

    def fold(self, names: Iterable[str]) -> str:
        # An inventory has no such names as the hostile ones here, and ClusterShell takes none.
        every = list(names)
        odd = [name for name in every if "[" in name]
        return ",".join(filter(None, [inventories.fold(name for name in every if "[" not in name), *odd]))

    def allow_changes(self) -> None:
        if self.settings.guard.read_only:
            raise UsageError("this is read-only: nothing may change a node")

    def shell(self, name: str) -> list[str]:
        self.allow_changes()
        return ["/bin/sh", "-c", f"echo 'a shell on {name}'; exec /bin/sh -i"]

    async def exec(
        self,
        task: Task | str,
        *,
        names: Iterable[str] | None = None,
        lines: OnLines | None = None,
        ended: Callable[[Outcome], None] | None = None,
        ask: Callable[[str], Awaitable[str | None]] | None = None,
        stop: Stop | None = None,
    ) -> dict[str, Outcome]:
        assert isinstance(task, Task) and names is not None and lines and ended and stop
        self.allow_changes()
        chosen = tuple(names)
        self.ran.append((task, chosen))
        if task.sudo and ask:
            self.secret = await ask("[sudo] password for all nodes")
        outcomes: dict[str, Outcome] = {}
        stop.listen(self._gone_on.set)
        self._gone_on.clear()
        for name in chosen:
            if name in self.held:
                lines(name, "stdout", [b"at it: \x1b[31m[b]50%[/]"])
                continue
            outcomes[name] = self.answer(name, task)
            ended(outcomes[name])
        if left := [name for name in chosen if name in self.held]:
            await self._gone_on.wait()
            if stop.count == 1 and task.command == "stubborn":
                self._gone_on.clear()
                await self._gone_on.wait()
            for name in left:
                outcomes[name] = self.answer(name, task)
                if stop.count:
                    outcomes[name] = Outcome(name, Ending.CANCELLED, left=stop.count > 1, error="stopped")
                ended(outcomes[name])
        return outcomes

    async def push(
        self,
        plan: push.Plan,
        *,
        names: Iterable[str] | None = None,
        via_peers: bool = False,
        say: Callable[[str], None] | None = None,
        told: push.Told | None = None,
        ended: Callable[[push.Transfer], None] | None = None,
        stop: push.Stop | None = None,
    ) -> dict[str, push.Transfer]:
        assert names is not None and told and ended and stop and say
        self.allow_changes()
        chosen = tuple(names)
        self.pushed.append((plan, chosen, via_peers))
        feeder = chosen[0] if via_peers else ""
        say("web01 feeds [b]web02[/]")
        stop.listen(self._gone_on.set)
        self._gone_on.clear()
        outcomes: dict[str, push.Transfer] = {}
        for number, name in enumerate(chosen):
            told(push.Progress(name, push.Stage.CONNECTING))
            if name in self.held:
                done, rate = (number + 1) * 11_000_000, 3_000_000.0
                told(push.Progress(name, push.Stage.SENDING, done, 300_000_000, rate, 12, None, feeder))
                continue
            ending = push.Ending.FAILED if sum(name.encode()) % 7 == 0 else push.Ending.OK
            error = "no space left on device: [b]/srv\x1b[2J".replace("\x1b", "·") if ending != "ok" else ""
            outcomes[name] = push.Transfer(
                name, ending, 0, 9000, 300_000_000, 9000, 40, 0, 12.5, error, via="rsync", feeder=feeder
            )
            ended(outcomes[name])
        if left := [name for name in chosen if name in self.held]:
            await self._gone_on.wait()
            for name in left:
                ending = push.Ending.CANCELLED if stop.count else push.Ending.OK
                outcomes[name] = push.Transfer(name, ending, error="stopped" if stop.count else "")
                ended(outcomes[name])
        return outcomes

    def playbooks(self) -> Catalogue:
        return Catalogue({one.name: one for one in PLAYBOOKS})

    def playbook_runs(self) -> Sequence[Kept]:
        return self.kept

    async def playbook(
        self,
        plan: Plan,
        *,
        names: Iterable[str] | None = None,
        told: Told | None = None,
        ended: Callable[[books.Outcome], None] | None = None,
        ask: Callable[[str], Awaitable[str | None]] | None = None,
        stop: Stop | None = None,
    ) -> books.Result:
        assert names is not None and told and ended and stop
        if not plan.check:
            self.allow_changes()
        if self.refusal is not None:
            raise self.refusal
        chosen = tuple(names)
        self.played.append((plan, chosen))
        if plan.become_password:
            assert ask
            self.secret = await ask("[sudo] password for all nodes")
        stop.listen(self._gone_on.set)
        self._gone_on.clear()
        outcomes: dict[str, books.Outcome] = {}
        for happened in self.story(plan, chosen):
            if isinstance(happened, books.Outcome):
                outcomes[happened.node] = happened
                ended(happened)
            else:
                told(happened)
        if left := [name for name in chosen if name not in outcomes]:
            await self._gone_on.wait()
            for name in left:
                ending = books.Ending.CANCELLED if stop.count else books.Ending.OK
                outcomes[name] = books.Outcome(name, ending, seconds=4.0)
                ended(outcomes[name])
        return books.Result("20260921T141320-0f3a", Path("/tmp/none"), outcomes)

    async def rollback_playbook(
        self, run: str = "", where: str = "", *, password: str | None = None, told: Told | None = None
    ) -> Mapping[str, Settled]:
        assert told
        names = self.select(where) if where in self.nodes else list(self.nodes)
        self.taken_back.append((run, where))
        for name in names:
            told(books.Said("took the change back", name))
            told(books.Guarded(name, books.GuardState.ROLLED_BACK))
        return {name: Settled(name, Fate.ROLLED_BACK) for name in names}

    async def posture(self, *, names: Iterable[str] | None = None) -> Mapping[str, Look]:
        assert names is not None
        self.looked += names
        return {name: look(name, self.now) for name in names}

    async def known_posture(self, problem: Callable[[StateError], None] | None = None) -> AsyncIterator[Look]:
        for one in self.known.values():
            yield one

    def let_go(self) -> None:
        """Commands on held nodes end now."""
        self._gone_on.set()

    # ---- what makes it move ----

    def emit(self, event: Event) -> None:
        if isinstance(event, Seen):
            self._queue[event.node] = event
        else:
            self._others.append(event)
            self._log.append(event)
        self._wake.set()

    def advance(self, ticks: int = 1, names: Iterable[str] | None = None, full: bool = True) -> None:
        """Samples of 2 s from all nodes, or from some."""
        chosen = list(names) if names is not None else list(self.fakes)
        for _ in range(ticks):
            if not self.live:
                self.now += 2.0
            for name in chosen:
                self.fakes[name].tick(self.now, full)
        for name in chosen:
            self.emit(Seen(name, self.status(name)))

    def ill(self, name: str, *reasons: tuple[str, State, str, float | None]) -> None:
        """Let rules hold against a node."""
        before = self.verdict(name)
        fake = self.fakes[name]
        fake.since = self.now
        fake.reasons = tuple(Reason(rule, state, words, self.now, value) for rule, state, words, value in reasons)
        self.emit(Changed(self.now, name, before, self.verdict(name)))

    def fail(self, name: str, layer: Layer, error: str) -> None:
        """Let a node be down."""
        fake = self.fakes[name]
        before, fake.since = self.verdict(name), self.now
        fake.pending = False
        fake.failed, fake.error = layer, error
        fake.reasons = (Reason("reach", State.CRITICAL, f"{layer}: {error}", self.now),)
        self.emit(Changed(self.now, name, before, self.verdict(name)))
        self.emit(Seen(name, self.status(name)))

    def heal(self, name: str) -> None:
        """Let a node be well again."""
        fake = self.fakes[name]
        before, fake.since = self.verdict(name), self.now
        fake.failed, fake.error, fake.reasons = None, "", ()
        self.emit(Changed(self.now, name, before, self.verdict(name)))
        self.emit(Seen(name, self.status(name)))

    def note(self, name: str | None, text: str, alarm: bool = False) -> None:
        self.emit(Noted(self.now, name, text, alarm))

    async def _run(self) -> None:
        """One sample per node each 2 s, spread evenly."""
        names = list(self.fakes)
        slices = 20
        at = 0
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            self.now = time.time()
            self.advance(1, names[at::slices], full=len(names) <= 100)
            at = (at + 1) % slices
            due += 2.0 / slices
            await asyncio.sleep(max(0.0, due - loop.time()))


def sick_fleet(count: int = 38, ticks: int = 150, settings: Settings | None = None) -> FakeFleet:
    """The fleet of the pictures: mostly well, some ill, one down, one that never answered, hostile names."""
    extra = [
        Node("this-machine", "127.0.0.1", local=True, groups=("here",)),
        Node("データベース東京一号機", "198.18.9.1", groups=("db",), labels={"site": "tokyo", "role": "db"}),
        Node("[red]x[/]\x1b[31m", "198.18.9.2", groups=("web",), labels={"site": "[b]oslo"}),
        Node("silent", "198.18.9.3", groups=("web",), labels={"site": "oslo", "role": "web"}),
        Node("resting", "198.18.9.4", groups=("web",), labels={"site": "oslo", "role": "web"}, maintenance=True),
    ]
    fleet = FakeFleet(count, extra, settings=settings)
    fleet.advance(ticks, [name for name in fleet.nodes if name != "silent"])
    for fake in fleet.fakes.values():
        fake.since = START
    names = list(fleet.nodes)
    fleet.note("resting", "the host key is not the known one: SHA256:3xoF0c", alarm=True)
    fleet.ill(
        names[7],
        ("disk", State.CRITICAL, "/var is 97 % full", 97.0),
        ("load", State.WARNING, "load 14.2 on 8 CPUs", 14.2),
    )
    fleet.now += 12
    fleet.ill(names[9], ("temp", State.WARNING, "86 °C at k10temp Tctl", 86.0))
    fleet.now += 31
    fleet.fail(names[11], Layer.TCP, "connection refused by 198.18.0.7 port 22")
    fleet.now += 95
    fleet.advance(3, [name for name in names if name != "silent"])
    fleet.note(None, "this machine slept for 12 min")
    return fleet


def lonely(node: Node) -> Node:
    """The node without a group."""
    return replace(node, groups=())
