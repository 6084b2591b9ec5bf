"""Every metric's one name, unit and meaning. Owns the table; measures nothing.

Probes fill these names in, rules and columns read them, selections compare with them. The bare noun is the share in
per cent, its parts are quantities. Units are those of `model`: SI, and per cent from 0 to 100.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

Unit = Literal["%", "B", "B/s", "s", "°C", "W", "1/s", ""]


@dataclass(frozen=True, slots=True)
class Metric:
    """One number that is known of a node."""

    name: str
    unit: Unit
    """Unit of the value in the core; '' is a plain number or count."""
    text: str
    """What it is, for people: one line."""


_ALL = (
    Metric("cpu", "%", "CPU in use, all cores"),
    Metric("cpu.user", "%", "CPU in user code, nice included"),
    Metric("cpu.system", "%", "CPU in the kernel, interrupts included"),
    Metric("cpu.iowait", "%", "CPU idle while waiting for I/O"),
    Metric("cpu.steal", "%", "CPU taken by the hypervisor"),
    Metric("cpu.core", "%", "CPU in use, busiest core"),
    Metric("load", "", "load average over 1 minute"),
    Metric("load5", "", "load average over 5 minutes"),
    Metric("load15", "", "load average over 15 minutes"),
    Metric("load.cpu", "", "load average over 1 minute, by logical CPU"),
    Metric("mem", "%", "memory in use"),
    Metric("mem.total", "B", "memory"),
    Metric("mem.free", "B", "memory that programs can still get (MemAvailable)"),
    Metric("mem.unused", "B", "memory that nothing uses, caches neither (MemFree)"),
    Metric("mem.used", "B", "memory in use"),
    Metric("swap", "%", "swap in use"),
    Metric("swap.total", "B", "swap"),
    Metric("swap.free", "B", "swap not in use"),
    Metric("swap.used", "B", "swap in use"),
    Metric("psi.cpu", "%", "time that some task waited for CPU, 10 s average"),
    Metric("psi.mem", "%", "time that some task waited for memory, 10 s average"),
    Metric("psi.io", "%", "time that some task waited for I/O, 10 s average"),
    Metric("psi.mem.full", "%", "time that all tasks waited for memory, 10 s average"),
    Metric("psi.io.full", "%", "time that all tasks waited for I/O, 10 s average"),
    Metric("disk", "%", "space in use on the fullest local file system"),
    Metric("disk.free", "B", "free space on the fullest local file system"),
    Metric("disk.inodes", "%", "inodes in use, worst local file system"),
    Metric("disk.read", "B/s", "read from local disks"),
    Metric("disk.write", "B/s", "written to local disks"),
    Metric("disk.busy", "%", "time in I/O, busiest local disk"),
    Metric("net.rx", "B/s", "received from the network"),
    Metric("net.tx", "B/s", "sent to the network"),
    Metric("net.errors", "1/s", "network errors and drops"),
    Metric("temp", "°C", "hottest sensor"),
    Metric("battery", "%", "charge of the battery"),
    Metric("battery.on", "", "1 when it runs on battery"),
    Metric("uptime", "s", "time since the boot"),
    Metric("clock", "s", "clock of the node minus clock of the controller"),
    Metric("users", "", "logged-in users"),
    Metric("users.idle", "s", "idle time of the least idle user"),
    Metric("units.failed", "", "failed systemd units"),
    Metric("reboot", "", "1 when a reboot is required"),
    Metric("ids.age", "s", "time since the node's intrusion detection last reported"),
    Metric("ids.bans", "", "addresses that are banned for failed logins"),
    Metric("ids.failed_logins", "", "failed logins within an hour"),
    Metric("ids.changed", "", "files that are not as the baseline has them"),
    Metric("ids.changed.age", "s", "time since files were last compared with the baseline"),
    Metric("posture.score", "", "how well the node is kept, of 100"),
    Metric("posture.high", "", "findings of high severity on how the node is kept"),
    Metric("posture.drift", "", "ways in which the node is less well kept than at the look before"),
    Metric("procs", "", "processes and threads"),
    Metric("procs.running", "", "runnable processes and threads"),
    Metric("gpu", "%", "busiest GPU"),
    Metric("gpu.count", "", "GPUs"),
    Metric("gpu.mem", "B", "memory of the largest GPU"),
    Metric("gpu.mem.free", "B", "most memory free on one GPU"),
    Metric("gpu.mem.used", "%", "memory in use, fullest GPU"),
    Metric("gpu.temp", "°C", "hottest GPU"),
    Metric("gpu.power", "W", "power of all GPUs"),
    Metric("rtt", "s", "last round trip"),
    Metric("rtt.min", "s", "shortest round trip of the recent ones"),
    Metric("rtt.avg", "s", "mean of the recent round trips"),
    Metric("rtt.max", "s", "longest round trip of the recent ones"),
    Metric("jitter", "s", "mean difference of neighbouring round trips"),
    Metric("loss", "%", "recent echoes lost"),
)

METRICS: Mapping[str, Metric] = MappingProxyType({metric.name: metric for metric in _ALL})
"""Name to metric, in the order of the documentation. `rtt*`, `jitter` and `loss` come from the monitor, the rest from probes."""

MEASURED_BY_MONITOR: frozenset[str] = frozenset({"rtt", "rtt.min", "rtt.avg", "rtt.max", "jitter", "loss"})
"""Metrics that need no login: known from round trips alone."""
