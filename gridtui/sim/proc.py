"""A simulated machine's files under /proc, as the kernel writes them (proc(5)). Pure text of a `Machine`; knows no frame and no probe.

Written for speed, since a thousand machines are asked every other second: one format string a file, and what never changes is made once.
"""

# ruff: noqa: UP031 - `%d` takes the fractions off floats by itself, and one % a file is as fast as it gets

from __future__ import annotations

from collections.abc import Callable

from .machine import HERTZ, Machine
from .population import Volume

_SECTOR = 512


def stat(machine: Machine) -> str:
    """/proc/stat without its `intr` and `softirq` lines. user, nice, system, idle, iowait, irq, softirq, steal, guest, guest_nice, in ticks."""
    t = machine.uptime
    wait = 0.02 if machine.person.role == "web" else 0.06
    steal = 0.02 if machine.person.hardware.virt == "kvm" else 0.0
    rows = []
    users = systems = idles = waits = softs = steals = 0
    for core, busy in enumerate(machine.core_seconds()):
        ticks = busy * HERTZ
        idle = t * HERTZ - ticks
        user, system, soft, stolen = (
            int(ticks * 0.74),
            int(ticks * (0.235 - steal)),
            int(ticks * 0.025),
            int(ticks * steal),
        )
        waiting = int(idle * wait)
        idle_ticks = int(idle * (1 - wait))
        users += user
        systems += system
        softs += soft
        steals += stolen
        waits += waiting
        idles += idle_ticks
        rows.append("cpu%d %d 0 %d %d %d 0 %d %d 0 0" % (core, user, system, idle_ticks, waiting, soft, stolen))
    cpus = machine.person.hardware.cpus
    return (
        "cpu  %d 0 %d %d %d 0 %d %d 0 0\n%s\nctxt %d\nbtime %d\nprocesses %d\nprocs_running %d\nprocs_blocked %d\n"
        % (
            users,
            systems,
            idles,
            waits,
            softs,
            steals,
            "\n".join(rows),
            t * 400 + machine.cpu_seconds * cpus * 2500,
            machine.booted + machine.clock,
            1200 + t * 0.4 + machine.cpu_seconds * cpus * 1.5,
            machine.running,
            round(machine.io * 3 - 0.6) if machine.io > 0.4 else 0,
        )
    )  # fmt: skip


def loadavg(machine: Machine) -> str:
    """/proc/loadavg."""
    cpus = machine.person.hardware.cpus
    return "%.2f %.2f %.2f %d/%d %d\n" % (
        machine.load1,
        machine.load5,
        machine.load15,
        machine.running,
        180 + 9 * cpus + machine.running,
        2000 + int(machine.uptime * 0.4) % 4_000_000,
    )


def uptime(machine: Machine) -> str:
    """/proc/uptime: seconds up, and idle seconds of all CPUs."""
    cpus = machine.person.hardware.cpus
    return "%.2f %.2f\n" % (machine.uptime, (machine.uptime - machine.cpu_seconds) * cpus)


def meminfo(machine: Machine) -> str:
    """/proc/meminfo: the lines that matter, in the kernel's order. kB."""
    hardware = machine.person.hardware
    total = hardware.memory // 1024 * 97 // 100
    used = int(total * min(0.97, machine.memory))
    cached = int((total - used) * 0.62)
    buffers = total // 90
    free = max(total // 100, total - used - cached - buffers)
    swap = hardware.swap // 1024
    swapped = int(swap * max(0.0, machine.memory - 0.6) * 0.5)
    return (
        "MemTotal:       %8d kB\nMemFree:        %8d kB\nMemAvailable:   %8d kB\nBuffers:        %8d kB\nCached:         %8d kB\n"
        "SwapCached:            0 kB\nActive:         %8d kB\nInactive:       %8d kB\nSwapTotal:      %8d kB\nSwapFree:       %8d kB\n"
        "Dirty:          %8d kB\nWriteback:             0 kB\nShmem:          %8d kB\nSReclaimable:   %8d kB\n"
        % (
            total,
            free,
            total - used,
            buffers,
            cached,
            used,
            cached,
            swap,
            swap - swapped,
            int(machine.io * 80000),
            total // 200,
            cached // 12,
        )
    )


def pressure(machine: Machine) -> tuple[str, str, str] | None:
    """/proc/pressure/cpu, memory and io; None where the kernel has no PSI. Shares are per cent, totals microseconds."""
    if not machine.person.hardware.pressure:
        return None
    line = "%s avg10=%.2f avg60=%.2f avg300=%.2f total=%d\n"
    cpu_share, io_share = (0.85 if machine.load1 > machine.person.hardware.cpus else 0.18), 0.22
    micro = 1e6
    return (
        line
        % (
            "some",
            100 * cpu_share * machine.cpu10,
            100 * cpu_share * machine.cpu60,
            100 * cpu_share * machine.cpu300,
            0.18 * machine.cpu_seconds * micro,
        )
        + line % ("full", 0, 0, 0, 0),
        line % ("some", 0, 0.02, 0.01, 4e-5 * machine.uptime * micro)
        + line % ("full", 0, 0, 0, 1e-5 * machine.uptime * micro),
        line
        % (
            "some",
            100 * io_share * machine.io10,
            100 * io_share * machine.io60,
            100 * io_share * machine.io300,
            io_share * machine.io_seconds * micro,
        )
        + line
        % (
            "full",
            60 * io_share * machine.io10,
            60 * io_share * machine.io60,
            60 * io_share * machine.io300,
            0.6 * io_share * machine.io_seconds * micro,
        ),
    )


def diskstats(machine: Machine) -> str:
    """/proc/diskstats: whole disks and one partition each, 17 figures a line (Documentation/admin-guide/iostats.rst)."""
    rows = []
    for index, name in enumerate(machine.person.hardware.disks):
        major, minor = (
            (259, index) if name.startswith("nvme") else (179, 0) if name.startswith("mmc") else (8, 16 * index)
        )
        done = machine.io_seconds * machine.disk_rate * (0.25 if index == 0 else 1.0)
        read, written = int(done * 0.4), int(done * 0.6)
        figures = (
            read // 32768,
            read // 400000,
            read // _SECTOR,
            read // 80000,
            written // 65536,
            written // 200000,
            written // _SECTOR,
            written // 40000,
            round(machine.io * 2),
            machine.io_seconds * 700,
            machine.io_seconds * 900,
        )
        row = "%4d %7d %s %d %d %d %d %d %d %d %d %d %d %d 0 0 0 0 0 0\n"
        rows.append(row % (major, minor, name, *figures))
        rows.append(row % (major, minor + 1, name + ("p1" if name[-1].isdigit() else "1"), *figures))
    return "".join(rows)


def net_dev(machine: Machine) -> str:
    """/proc/net/dev: loopback and the interfaces of the hardware."""
    rows = [
        "Inter-|   Receive                                                |  Transmit\n"
        " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n"
    ]
    row = "%6s: %d %d 0 %d 0 0 0 %d %d %d 0 0 0 0 0 0\n"
    local = int(2000 * machine.uptime)
    rows.append(row % ("lo", local, local // 300, 0, 0, local, local // 300))
    # Traffic is half steady and half activity: bytes are the integral of both.
    worked = 0.3 * machine.uptime + 0.7 / 0.3 * (0.7 * machine.cpu_seconds + 0.3 * machine.io_seconds)
    for (name, _), mean in zip(machine.person.hardware.nics, machine.network, strict=True):
        received, sent = int(worked * mean), int(worked * mean * 1.7)
        rows.append(
            row
            % (name, received, received // 900, received // 40_000_000_000, received // 2_000_000, sent, sent // 1100)
        )
    return "".join(rows)


def usage(machine: Machine, volume: Volume) -> float:
    """The share of `volume` in use now, from 0 to 1."""
    if machine.full and volume is machine.person.hardware.volumes[-1]:
        return 0.962 + 0.004 * machine.io60
    return min(0.88, volume.used * (0.8 + 0.4 * (machine.person.index * 37 % 100) / 100) + 0.02 * machine.io300)


def boot_id(machine: Machine) -> str:
    """/proc/sys/kernel/random/boot_id."""
    return machine.boot_id + "\n"


def effort(machine: Machine, blocks: int) -> str:
    """/proc/PID/stat of a probe loop that has given `blocks` answers: about 1.5 ms of CPU each, children included."""
    return "4711 (sh) S 4700 4711 4711 0 -1 4194304 412 %d 0 0 %d %d %d %d 20 0 1 0 %d 2654208 224 0\n" % (
        90 * blocks,
        blocks * 0.02,
        blocks * 0.02,
        blocks * 0.05,
        blocks * 0.06,
        machine.uptime * HERTZ,
    )


def nothing(machine: Machine) -> str:
    """A file that is not there."""
    return ""


_NO_PRESSURE = ("", "", "")

FILES: dict[str, Callable[[Machine], str]] = {
    "/proc/sys/kernel/random/boot_id": boot_id,
    "/proc/uptime": uptime,
    "/proc/loadavg": loadavg,
    "/proc/stat": stat,
    "/proc/meminfo": meminfo,
    "/proc/diskstats": diskstats,
    "/proc/net/dev": net_dev,
    "/proc/pressure/cpu": lambda machine: (pressure(machine) or _NO_PRESSURE)[0],
    "/proc/pressure/memory": lambda machine: (pressure(machine) or _NO_PRESSURE)[1],
    "/proc/pressure/io": lambda machine: (pressure(machine) or _NO_PRESSURE)[2],
}
"""Path to what is read there. A path that is not here is a file that the machine does not have."""
