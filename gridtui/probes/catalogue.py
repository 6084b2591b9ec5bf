"""The list of all probes, in the order in which a block carries them. Owns nothing else."""

from __future__ import annotations

from . import (
    cpu,
    devices,
    disks,
    effort,
    filesystems,
    gpus,
    ids,
    load,
    memory,
    network,
    power,
    pressure,
    reboot,
    temperatures,
    units,
    uptime,
    users,
)
from .probe import Probe

PROBES: tuple[Probe, ...] = (
    uptime.PROBE,
    load.PROBE,
    cpu.PROBE,
    memory.PROBE,
    disks.PROBE,
    network.PROBE,
    pressure.PROBE,
    effort.PROBE,
    devices.PROBE,
    gpus.PROBE,
    temperatures.PROBE,
    reboot.PROBE,
    users.PROBE,
    units.PROBE,
    ids.PROBE,
    power.PROBE,
    filesystems.PROBE,
)
