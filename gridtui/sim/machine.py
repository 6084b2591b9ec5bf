"""One simulated machine's inner life: load, traffic, heat, users and the counters that follow from them. Knows no text format and no socket.

Activity is a sum of sine waves (from half a minute to a day) and of short bursts, so it is smooth, never repeats on the scale of
a demo, and has an integral in closed form. Counters are those integrals: however often and irregularly somebody looks, ticks and bytes
never run backwards, and their rates are exactly the activity that is shown. What follows with inertia (load averages, heat, pressure)
is smoothed over the time since the last look, as the kernel does it.
"""

from __future__ import annotations

import math
import random
import uuid
from dataclasses import dataclass

from .population import Ail, Person
from .spool import Spool

HERTZ = 100
"""Ticks a second in /proc/stat (USER_HZ, proc(5))."""
_TAU = 2 * math.pi


class Signal:
    """Activity between 0 and 1, with its integral. `at(t)` is for t >= 0 seconds."""

    __slots__ = ("_height", "_mean", "_period", "_shift", "_waves", "_width")

    def __init__(self, mean: float, chance: random.Random, lively: float = 0.85) -> None:
        """`mean` from 0 to 1; `lively` is how much of the room around it waves and bursts take, from 0 to 1."""
        room = lively * min(mean, 1 - mean)
        shares = [chance.uniform(0.5, 1) for _ in range(5)]
        periods = (
            chance.uniform(20, 60),
            chance.uniform(90, 240),
            chance.uniform(400, 1500),
            chance.uniform(5000, 20000),
            86400.0,
        )
        self._mean = mean
        self._waves = tuple(
            (room * share / sum(shares), _TAU / period, chance.uniform(0, _TAU))
            for share, period in zip(shares, periods, strict=True)
        )
        self._period = chance.uniform(100, 400)
        self._width = chance.uniform(12, 40)
        self._shift = chance.uniform(0, self._period)
        # Room is left above for single cores, which waver around the machine's mean (`Machine.core_seconds`).
        self._height = max(0.0, 1 - mean - room - 0.15 * min(mean, 1 - mean)) * lively * chance.uniform(0.2, 1)

    def at(self, t: float) -> tuple[float, float]:
        """Value at `t`, and its integral from 0 to `t`."""
        value = self._mean
        total = self._mean * t
        for size, speed, phase in self._waves:
            angle = speed * t + phase
            value += size * math.sin(angle)
            total += size / speed * (math.cos(phase) - math.cos(angle))
        if self._height:
            burst, area = self._burst(t + self._shift)
            value += burst
            total += area - self._burst(self._shift)[1]
        return value, total

    def _burst(self, t: float) -> tuple[float, float]:
        """A raised cosine of `_width` seconds at the start of every `_period`."""
        count, into = divmod(t, self._period)
        width = self._width
        area = count * self._height * width / 2
        if into >= width:
            return 0.0, area + self._height * width / 2
        angle = _TAU * into / width
        return (
            self._height * (1 - math.cos(angle)) / 2,
            area + self._height * (into - width / _TAU * math.sin(angle)) / 2,
        )


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who is logged in. Times are seconds since the epoch on the node's clock."""

    user: str
    tty: str
    origin: str
    since: float
    active: float
    """When a key was last pressed."""


@dataclass(frozen=True, slots=True)
class Process:
    """One line of a process list; `share` is per cent of one CPU."""

    pid: int
    user: str
    command: str
    share: float
    rss: int
    """Bytes."""
    seconds: float
    """CPU time so far."""


class Machine:
    """The state of one node. `advance(now)` brings it to a moment; the attributes then hold for that moment.

    `now` is wall-clock time of the controller, in seconds. Attributes are plain numbers; shares are from 0 to 1.
    """

    def __init__(self, person: Person, seed: int, now: float) -> None:
        hardware = person.hardware
        ails = person.ails
        chance = random.Random(f"machine {seed} {person.index}")  # noqa: S311 - repeatable on purpose
        busy = 0.97 if Ail.LOAD in ails else min(0.8, hardware.busy * chance.uniform(0.6, 1.4))
        self.person = person
        self._chance = chance
        self._cpu = Signal(busy, chance)
        self._io = Signal(min(0.6, 0.6 * busy + 0.03), chance)
        self._gpu = Signal(0.93 if Ail.HOT in ails else chance.uniform(0.3, 0.75), chance) if hardware.gpus else None
        self._wobbles = tuple(
            (_TAU / chance.uniform(15, 90), chance.uniform(0, _TAU)) for _ in range(min(8, hardware.cpus))
        )
        self._wobble_size = 0.8 * min(busy * 0.15, (1 - busy) * 0.15)
        self._queue = 4.2 if Ail.LOAD in ails else chance.uniform(0.85, 1.15)
        self._memory_base = chance.uniform(0.2, 0.5)
        self._memory_phase = chance.uniform(0, _TAU)
        self._ambient = 27.0 if person.parent else chance.uniform(21, 25)
        self._crowd = (
            chance.choice((0, 0, 0, 1, 1, 2))
            if person.role in ("gpu", "render", "storage")
            else chance.choice((0, 0, 0, 0, 1))
        )
        self.network = tuple(mean * chance.uniform(0.5, 1.6) for _, mean in hardware.nics)
        """Mean traffic of each interface, bytes a second."""
        self.disk_rate = chance.uniform(0.3, 1.6) * (4e6 if person.role == "pi" else 5e7)
        """Bytes a second on each disk at full activity."""
        self.clock = chance.choice((-1, 1)) * chance.uniform(40, 200) if Ail.CLOCK in ails else 0.0
        """The node's clock minus the true time, seconds."""
        self.full = Ail.DISK in ails
        self.spool = Spool()
        """The jobs that it was given."""
        self.latency = 0.35 if Ail.SLOW in ails else 0.0
        """Mean seconds by which an answer is late."""
        self.boot(now - chance.uniform(0.5, 200) * 86400)
        self._last = now - 86400.0  # so that the averages have come to rest before the first look
        for ago in (900, 300, 90, 30, 0):
            self.advance(now - ago)

    def boot(self, now: float) -> None:
        """Start afresh: every counter at 0, a new boot id."""
        self.boot_id = str(uuid.UUID(int=self._chance.getrandbits(128), version=4))
        self.booted = now
        self._last = now
        self.spool.reboot()
        self._given = 0.0
        self.cpu = self.io = self.gpu = 0.0
        self.cpu_seconds = self.io_seconds = self.gpu_seconds = 0.0
        """Integrals of the three: seconds at full activity since the boot."""
        self.uptime = 0.0
        self.load1 = self.load5 = self.load15 = 0.0
        self.running = 1
        """Runnable tasks."""
        self.cpu10 = self.cpu60 = self.cpu300 = 0.0
        self.io10 = self.io60 = self.io300 = 0.0
        self.heat = self.gpu_heat = 0.0
        self.memory = self._memory_base * 0.3

    def advance(self, now: float) -> None:
        """Bring the machine to `now`. Time that runs backwards is ignored: counters are monotonic."""
        step = now - self._last
        if step <= 0:
            return
        self._last = now
        t = self.uptime = now - self.booted
        cpu, self.cpu_seconds = self._cpu.at(t)
        io, self.io_seconds = self._io.at(t)
        # Jobs take what the rest leaves; the integral grows by as much.
        cpus = self.person.hardware.cpus
        given = self.spool.settle(now)
        share = max(0.0, min(given / cpus, 0.99 - self._wobble_size - cpu))
        self._given += share * step
        cpu += share
        self.cpu_seconds += self._given
        self.cpu, self.io = cpu, io
        fade10, fade60, fade300 = math.exp(-step / 10), math.exp(-step / 60), math.exp(-step / 300)
        runnable = cpus * ((cpu - share) * self._queue + 0.1 * io) + given
        self.running = max(1, round(runnable))
        self.load1 = runnable + (self.load1 - runnable) * fade60
        self.load5 = runnable + (self.load5 - runnable) * fade300
        self.load15 = runnable + (self.load15 - runnable) * math.exp(-step / 900)
        self.cpu10 = cpu + (self.cpu10 - cpu) * fade10
        self.cpu60 = cpu + (self.cpu60 - cpu) * fade60
        self.cpu300 = cpu + (self.cpu300 - cpu) * fade300
        self.io10 = io + (self.io10 - io) * fade10
        self.io60 = io + (self.io60 - io) * fade60
        self.io300 = io + (self.io300 - io) * fade300
        inertia = math.exp(-step / 25)
        self.heat = cpu + (self.heat - cpu) * inertia
        self.memory = self._memory_base + 0.1 * math.sin(_TAU * t / 2900 + self._memory_phase) + 0.25 * self.cpu60
        if self._gpu:
            gpu, self.gpu_seconds = self._gpu.at(t)
            self.gpu = gpu
            self.gpu_heat = gpu + (self.gpu_heat - gpu) * inertia

    @property
    def now(self) -> float:
        """The node's own clock at the last `advance`, seconds since the epoch."""
        return self._last + self.clock

    @property
    def temperature(self) -> float:
        """CPU package, °C. Follows the load within half a minute."""
        return self._ambient + 14 + 42 * self.heat

    def gpu_temperature(self, index: int) -> float:
        """°C. A hot one runs into its limit."""
        hot = index == 0 and Ail.HOT in self.person.ails
        return self._ambient + 12 + 3 * index + (60 if hot else 42) * self.gpu_heat

    def core_seconds(self) -> list[float]:
        """Busy seconds of each logical CPU. Neighbours waver against each other, so that their sum is the machine's."""
        t, size = self.uptime, self._wobble_size
        swing = [size / speed * (math.cos(phase) - math.cos(speed * t + phase)) for speed, phase in self._wobbles[::2]]
        busy = self.cpu_seconds
        count = len(swing)
        return [
            busy + (swing[core // 2 % count] if core % 2 == 0 else -swing[core // 2 % count])
            for core in range(self.person.hardware.cpus)
        ]

    def sessions(self) -> list[Session]:
        """Who is logged in now. They stay for a while, press keys now and then, and leave."""
        here = []
        now = self.now
        for seat in range(self._crowd):
            stay = 5400.0 + 1700 * seat
            shift = (self._memory_phase + seat) * 900
            since = now - (now + shift) % stay
            pause = 240.0 + 60 * seat
            active = max(since, now - (now + shift) % pause)
            user = ("ada", "grace", "linus", "ken")[(self.person.index + seat) % 4]
            here.append(Session(user, f"pts/{seat}", f"10.20.0.{20 + self.person.index % 200}", since, active))
        return here

    def processes(self) -> list[Process]:
        """The processes that matter, busiest first. Each has a fixed part of the machine's CPU time, so that shares and times agree."""
        hardware = self.person.hardware
        share, seconds = 100 * self.cpu * hardware.cpus, self.cpu_seconds * hardware.cpus
        rows = []
        part = 0.62
        for rank, command in enumerate((*hardware.services, "systemd-journald", "sshd", "systemd", "cron")):
            user = {"postgres": "postgres", "nginx": "www-data", "blender": "render"}.get(command, "root")
            pid = 1 if command == "systemd" else 700 + 37 * rank
            rss = int(hardware.memory * self.memory * 0.5 / (rank + 1) ** 2)
            rows.append(Process(pid, user, command, share * part, rss, seconds * part))
            part *= 0.38
        return rows
