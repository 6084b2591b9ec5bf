"""What the probes' sections hold on a simulated machine: what the system's tools print there. Pure text of a `Machine`; knows no frame.

Formats are those that `probes` reads: `grep . FILES`, `stat -f`, `who`, `systemctl list-units`, `nvidia-smi` in csv.
"""

from __future__ import annotations

import functools
import time
import uuid
from collections.abc import Callable

from . import proc
from .machine import Machine
from .population import Ail, Hardware

_BLOCK = 4096
_INODE = 16384  # bytes of disk an inode, as mke2fs(8) gives them


def devices(machine: Machine) -> str:
    """The real interfaces and disks: those with a driver."""
    return _devices(machine.person.hardware)


@functools.lru_cache(maxsize=64)
def _devices(hardware: Hardware) -> str:
    nets = [f"net {name}\n" for name, _ in hardware.nics if not name.startswith("wg")]
    return "".join([*nets, *(f"disk {name}\n" for name in hardware.disks)])


def filesystems(machine: Machine) -> str:
    """Device, type, mode and mount point of each local file system."""
    return "".join(
        f"259:{index + 1} {volume.kind} rw {volume.mount}\n"
        for index, volume in enumerate(machine.person.hardware.volumes)
    )


def figures(machine: Machine) -> str:
    """`stat -f -c '%S %b %f %a %c %d %n'`: block size, blocks, free, free to users, inodes, free inodes, name. ext4 keeps 5 % for root."""
    rows = []
    for volume in machine.person.hardware.volumes:
        blocks = volume.size // _BLOCK * 98 // 100
        kept = blocks // 20 if volume.kind == "ext4" else 0
        free = int((blocks - kept) * (1 - proc.usage(machine, volume)))
        inodes = volume.size // _INODE
        rows.append(
            f"{_BLOCK} {blocks} {free + kept} {free} {inodes} {int(inodes * (1 - volume.inodes))} {volume.mount}\n"
        )
    return "".join(rows)


def nvidia(machine: Machine) -> str:
    """`nvidia-smi --query-gpu=index,uuid,name,utilization.gpu,memory.total,memory.used,memory.free,temperature.gpu,power.draw`, and its status."""
    gpus = machine.person.hardware.gpus
    if not gpus:
        return ""
    rows = []
    for index, gpu in enumerate(gpus):
        share = min(1.0, machine.gpu * (1 if index == 0 else 0.82))
        reserved = gpu.memory // 90
        used = int((gpu.memory - reserved) * min(0.96, 0.15 + 0.7 * machine.gpu_heat))
        name = uuid.uuid5(uuid.NAMESPACE_OID, f"{machine.person.name} {index}")
        watts = gpu.watts * (0.1 + 0.88 * share)
        rows.append(
            f"{index}, GPU-{name}, {gpu.name}, {share * 100:.0f}, {gpu.memory}, {used}, {gpu.memory - reserved - used},"
            f" {machine.gpu_temperature(index):.0f}, {watts:.2f}\n"
        )
    return "".join(rows) + "status 0\n"


def reboot(machine: Machine) -> str:
    """`file` where a reboot is wanted, `ok` last. A boot is what cures it."""
    wanted = Ail.REBOOT in machine.person.ails and machine.uptime > 3600
    return "file\nok\n" if wanted else "ok\n"


def temperatures(machine: Machine) -> str:
    """Lines `PATH:VALUE` of hwmon, or of a board's thermal zone. Millidegrees."""
    hardware = machine.person.hardware
    if not hardware.sensors:
        return ""
    heat = int(machine.temperature * 1000)
    if hardware.arch == "aarch64":
        return f"/sys/class/thermal/thermal_zone0/type:cpu-thermal\n/sys/class/thermal/thermal_zone0/temp:{heat}\n"
    amd = "AMD" in hardware.cpu_model
    name, label = ("k10temp", "Tctl") if amd else ("coretemp", "Package id 0")
    rows = [f"/sys/class/hwmon/hwmon1/name:{name}\n"]
    disks = [disk for disk in hardware.disks if disk.startswith("nvme")]
    rows += [f"/sys/class/hwmon/hwmon{index + 2}/name:nvme\n" for index in range(len(disks))]
    rows.append(f"/sys/class/hwmon/hwmon1/temp1_input:{heat}\n")
    rows += [
        f"/sys/class/hwmon/hwmon{index + 2}/temp1_input:{33850 + int(12000 * machine.io60) + 1000 * index}\n"
        for index in range(len(disks))
    ]
    rows.append(f"/sys/class/hwmon/hwmon1/temp1_label:{label}\n")
    rows += [f"/sys/class/hwmon/hwmon{index + 2}/temp1_label:Composite\n" for index in range(len(disks))]
    if not amd:
        rows.append("/sys/class/hwmon/hwmon1/temp1_crit:100000\n")
    rows += [f"/sys/class/hwmon/hwmon{index + 2}/temp1_crit:84850\n" for index in range(len(disks))]
    return "".join(rows)


def units(machine: Machine) -> str:
    """`systemctl list-units --state=failed --plain --no-legend`, and its status."""
    if Ail.UNIT in machine.person.ails:
        return "backup.service loaded failed failed Nightly backup of /srv to the storage node\nstatus 0\n"
    return "status 0\n"


def ids(machine: Machine) -> str:
    """The time now, and what intrusion detection wrote last: all is quiet, and files were compared in the night."""
    now = int(machine.now)
    return (
        f"now {now}\nschema=1\ntime={now - now % 120}\nbans=0\nfailed_logins=0\nchanged=0\n"
        f"changed_time={now - now % 86400}\nbaseline=ok\naudit=running\nend=1\n"
    )


def who(machine: Machine) -> str:
    """`who`, behind the line that says whether there is a utmp."""
    rows = [
        f"{session.user:8} {session.tty:12} {time.strftime('%Y-%m-%d %H:%M', time.gmtime(session.since))} ({session.origin})\n"
        for session in machine.sessions()
    ]
    return "".join(["utmp yes\n", *rows])


def terminals(machine: Machine) -> str:
    """The time now, and `stat -c '%X %u %n'` of the terminals: access time, owner, name."""
    rows = [
        f"{session.active:.0f} {1000 + seat} /dev/{session.tty}\n" for seat, session in enumerate(machine.sessions())
    ]
    return "".join([f"now {machine.now:.0f}\n", *rows, f"{machine.booted:.0f} 0 /dev/tty1\n"])


SECTIONS: dict[str, Callable[[Machine], str]] = {
    "devices": devices,
    "filesystems": filesystems,
    "filesystems.figures": figures,
    "gpus.nvidia": nvidia,
    "gpus.amd": proc.nothing,
    "ids": ids,
    "power": proc.nothing,
    "reboot": reboot,
    "temperatures": temperatures,
    "units": units,
    "users.who": who,
    "users.sessions": proc.nothing,
    "users.terminals": terminals,
}
"""Section name to its text."""
