"""Blocks of one connection into samples. Owns the counters between two readings and the slow values that are carried forward.

Knows the layout of a block and no transport. Rates are taken over the node's own uptime, not over the time of arrival, which
the network and a busy controller blur. A FAST sample must cost the controller well under 0.1 ms: what only a detail screen looks
at is parsed on first access.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any

from ..model import Cost, Sample, Unsupported
from . import clock, cpu, devices, disks, effort, load, memory, network, pressure, uptime
from .catalogue import PROBES
from .counters import Counters, from_json
from .frame import FAST_SECTION, Block, Tier
from .loop import FAST_FILES, SEPARATOR
from .probe import parsed

SHORTEST = 0.05
"""Seconds between two readings below which no rate is taken: the uptime has steps of 0.01 s."""

_SLOW = tuple(probe for probe in PROBES if probe.sections and probe is not devices.PROBE)
_MEAN = 100  # answers that the mean cost looks back over
_WARM = 8  # answers before a mean of 10 ms steps says something
_FILES = len(FAST_FILES)


class Lazy(Mapping[str, Any]):
    """A frozen mapping of which some values are made on first access."""

    __slots__ = ("_made", "_makers")

    def __init__(self, made: dict[str, Any], makers: Mapping[str, Callable[[], Any]]) -> None:
        self._made = made
        self._makers = makers

    def __getitem__(self, key: str) -> Any:
        try:
            return self._made[key]
        except KeyError:
            value = self._made[key] = self._makers[key]()
            return value

    def __contains__(self, key: object) -> bool:
        return key in self._made or key in self._makers

    def __iter__(self) -> Iterator[str]:
        return iter({**self._made, **self._makers})

    def __len__(self) -> int:
        return len(self._made.keys() | self._makers.keys())

    def __repr__(self) -> str:
        return f"{type(self).__name__}({dict(self)!r})"


class Reading:
    """One node's samples over one connection. For the next one, `Reading(node, old.counters())`: rates go on, unless the node rebooted."""

    def __init__(self, node: str, counters: Mapping[str, Any] | None = None) -> None:
        self.node = node
        self._before: Counters | None = from_json(counters)
        self._devices = devices.Devices()
        self._slow_parts: dict[str, Any] = {}
        self._slow_metrics: dict[str, Mapping[str, float]] = {}
        self._slow: dict[str, float] = {}
        self._taken: dict[str, float] = {}
        self._effort: tuple[Tier, float] | None = None
        self._means: dict[Tier, tuple[int, float]] = {}

    def counters(self) -> dict[str, Any]:
        """The newest counters, JSON-able; {} before the first sample."""
        return self._before.to_json() if self._before is not None else {}

    def sample(self, block: Block, now: float, sent: float) -> Sample:
        """The sample that a block makes. `now` is its time; `sent` is when its tick was written (wall clocks of the controller).

        What cannot be understood is `Unsupported` in `parts` and absent from `metrics`. `parts["taken"]` has the time of each
        slow part, by name. Never raises over what a node sent.
        """
        pieces = (block.sections.get(FAST_SECTION, b"") + b"\n").split(SEPARATOR)
        if len(pieces) != _FILES:
            pieces = [b"wrong number of files"] * _FILES
        boot, up, loadavg, stat, meminfo, diskstats, netdev, psi_cpu, psi_memory, psi_io, own = pieces
        if (section := block.sections.get("devices")) is not None:
            self._devices = devices.parse(section)

        out: dict[str, float] = {}
        age = uptime.parse(boot, up)
        averages = load.parse(loadavg)
        parts: dict[str, Any] = {
            "uptime": age,
            "load": averages,
            "memory": _put(out, memory.parse(meminfo), memory.metrics),
            "pressure": _put(out, pressure.parse(psi_cpu, psi_memory, psi_io), pressure.metrics),
        }
        if isinstance(averages, load.Load):
            out.update(load.metrics(averages))
            if cpus := cpu.count(stat):
                out["load.cpu"] = averages.one / cpus
        boot_id = ""
        lazy: dict[str, Callable[[], float]] = {}
        if isinstance(age, uptime.Uptime):
            out["uptime"] = age.seconds
            boot_id = age.boot_id
            after = Counters(
                boot_id,
                age.seconds,
                cpu.totals(stat),
                stat[: stat.find(b"\nintr") + 1] or stat,
                disks.counters(diskstats, self._devices),
                network.counters(netdev, self._devices),
            )
            makers = self._rates(out, lazy, after, diskstats, netdev)
        else:
            makers = {
                "cpu": partial(cpu.parse, stat),
                "disks": partial(disks.parse, diskstats),
                "network": partial(network.parse, netdev),
            }
        if block.tier is not Tier.FAST or len(block.sections) > 1:
            self._take_slow(block, now, sent)
        parts.update(self._slow_parts)
        parts["taken"] = MappingProxyType(self._taken)
        out.update(self._slow)
        cost = Cost(self._cost(block.tier, own), block.size, max(0.0, block.ended - sent))
        return Sample(self.node, now, boot_id, Lazy(parts, makers), Lazy(out, lazy), cost)

    def _rates(
        self,
        out: dict[str, float],
        lazy: dict[str, Callable[[], float]],
        after: Counters,
        diskstats: bytes,
        netdev: bytes,
    ) -> dict[str, Callable[[], Any]]:
        before, seconds = self._earlier(after)
        known = self._devices
        if before is None:
            return {
                "cpu": partial(cpu.parse, after.stat),
                "disks": partial(disks.parse, diskstats, known),
                "network": partial(network.parse, netdev, known),
            }
        disks.measure(out, before.disks, after.disks, seconds)
        network.measure(out, before.nets, after.nets, seconds)
        if before.times is not None and after.times is not None:
            cpu.measure(out, before.times, after.times)
            if (total := out.get("cpu")) is not None:
                lazy["cpu.core"] = partial(_busiest, before, after, total)
        return {
            "cpu": partial(_cpu, before, after),
            "disks": partial(disks.parse, diskstats, known, before.disks, seconds),
            "network": partial(network.parse, netdev, known, before.nets, seconds),
        }

    def _earlier(self, after: Counters) -> tuple[Counters | None, float]:
        """The reading to take rates against, and the seconds between. None at first, after a reboot, and when time stood still."""
        before = self._before
        if before is not None and before.boot_id == after.boot_id:
            seconds = after.uptime - before.uptime
            if 0 <= seconds < SHORTEST:
                return None, 0.0  # keep the older reading: the next one is measured against that
            self._before = after
            return (before, seconds) if seconds > 0 else (None, 0.0)
        if before is not None:
            self._slow_parts, self._slow_metrics, self._slow, self._taken = {}, {}, {}, {}
            self._effort = None
        self._before = after
        return None, 0.0

    def _take_slow(self, block: Block, now: float, sent: float) -> None:
        # New dictionaries each time: samples handed out earlier keep theirs.
        parts, taken = dict(self._slow_parts), dict(self._taken)
        for probe in _SLOW:
            if probe.sections[0] in block.sections:
                value = parsed(probe, *(block.sections.get(name, b"") for name in probe.sections))
                self._slow_metrics[probe.name] = {} if isinstance(value, Unsupported) else probe.metrics(value)
            elif block.tier is Tier.SLOW:
                value = Unsupported("left out")
                self._slow_metrics.pop(probe.name, None)
            else:
                continue
            parts[probe.name], taken[probe.name] = value, now
        if block.clock is not None:
            offset = parts["clock"] = clock.measure(block, sent)
            taken["clock"] = now
            self._slow_metrics["clock"] = {} if isinstance(offset, Unsupported) else clock.metrics(offset)
        self._slow_parts, self._taken = parts, taken
        self._slow = {name: value for found in self._slow_metrics.values() for name, value in found.items()}

    def _cost(self, tier: Tier, own: bytes) -> float | None:
        """Mean CPU time of an answer of this tier, children included; None until enough of them make up for the steps of 10 ms."""
        spent = effort.parse(own)
        if isinstance(spent, Unsupported):
            return None
        if self._effort is not None:
            # The process that read the figure is itself not in it yet: the difference belongs to the answer before.
            last, earlier = self._effort
            if spent >= earlier:
                count, mean = self._means.get(last, (0, 0.0))
                count = min(count + 1, _MEAN)
                self._means[last] = (count, mean + (spent - earlier - mean) / count)
        self._effort = (tier, spent)
        count, mean = self._means.get(tier, (0, 0.0))
        return mean if count >= (_WARM if tier is Tier.FAST else 1) else None


def _put(out: dict[str, float], value: Any, metrics: Callable[[Any], Mapping[str, float]]) -> Any:
    if not isinstance(value, Unsupported):
        out.update(metrics(value))
    return value


def _busiest(before: Counters, after: Counters, total: float) -> float:
    return max(cpu.shares(before.cores(), after.cores()).values(), default=total)


def _cpu(before: Counters, after: Counters) -> Any:
    if after.times is None or before.times is None:
        return cpu.parse(after.stat)
    return cpu.parse(after.stat, (before.times, before.cores()))
