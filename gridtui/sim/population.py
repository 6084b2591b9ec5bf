"""Who lives in the simulated fleet: names, roles, sites, hardware and ailments. Owns the cast; knows no clock, no socket, no text format.

The cast is a pure function of the number of nodes, the seed and whether it is calm, so a demo or a benchmark can be repeated. Small fleets
hold the same characters as large ones: the first twelve nodes are cast by hand, later ones by a pattern and a little chance.
"""

from __future__ import annotations

import ipaddress
import random
from dataclasses import dataclass, field
from enum import StrEnum


class Ail(StrEnum):
    """What is wrong with a node, on purpose."""

    DISK = "disk"
    """A file system is nearly full."""
    LOAD = "load"
    """Far more to run than cores to run it."""
    UNIT = "unit"
    """A systemd unit failed."""
    HOT = "hot"
    """A GPU runs hot."""
    SLOW = "slow"
    """Answers late, and now and then very late."""
    CLOCK = "clock"
    """The clock is off."""
    DIES = "dies"
    """Dies and comes back in a cycle, with a new boot id."""
    OUTAGE = "outage"
    """A gateway that takes its whole site with it for a while, in a longer cycle."""
    BEHIND = "behind"
    """Behind a gateway with OUTAGE."""
    STRANGER = "stranger"
    """Nobody vouched for its host key: it is not in known_hosts."""
    IMPOSTOR = "impostor"
    """Its host key is another one than known_hosts says."""
    MAINTENANCE = "maintenance"
    """Under maintenance: watched, never an alert."""
    REBOOT = "reboot"
    """Waits for a reboot."""


@dataclass(frozen=True, slots=True)
class Volume:
    """A mounted local file system. Sizes in bytes; `used` is a share from 0 to 1."""

    device: str
    mount: str
    kind: str
    size: int
    used: float
    inodes: float


@dataclass(frozen=True, slots=True)
class Gpu:
    """A graphics card: `memory` in MiB, `watts` at full load."""

    name: str
    memory: int
    watts: int


@dataclass(frozen=True, slots=True)
class Hardware:
    """What a role's machine is made of; `busy` is the usual mean CPU share, `threads` are logical CPUs a core."""

    cpu_model: str
    vendor: str
    product: str
    arch: str
    virt: str
    cores: int
    threads: int
    sockets: int
    memory: int
    """Bytes."""
    swap: int
    volumes: tuple[Volume, ...]
    disks: tuple[str, ...]
    nics: tuple[tuple[str, float], ...]
    """Name and usual mean traffic, bytes a second."""
    gpus: tuple[Gpu, ...] = ()
    sensors: bool = True
    pressure: bool = True
    busy: float = 0.25
    os: str = "debian"
    os_version: str = "12"
    os_name: str = "Debian GNU/Linux 12 (bookworm)"
    kernel: str = "6.1.0-28-amd64"
    services: tuple[str, ...] = ()
    """What runs on it, the busiest first."""

    @property
    def cpus(self) -> int:
        return self.cores * self.threads


@dataclass(frozen=True, slots=True)
class Person:
    """One simulated node."""

    index: int
    name: str
    role: str
    site: str
    rack: str
    address: str
    hardware: Hardware
    ails: frozenset[Ail] = frozenset()
    parent: str | None = None
    labels: dict[str, str] = field(default_factory=dict)


_GIB = 1 << 30
_ROOT = Volume("/dev/vda1", "/", "ext4", 40 * _GIB, 0.35, 0.12)
_NVME = Volume("/dev/nvme0n1p2", "/", "ext4", 220 * _GIB, 0.31, 0.06)

HARDWARE: dict[str, Hardware] = {
    "web": Hardware(
        "Intel Xeon Processor (Icelake)", "QEMU", "Standard PC (Q35 + ICH9, 2009)", "x86_64", "kvm", 4, 1, 1, 8 * _GIB, 1 * _GIB,
        (_ROOT,), ("vda",), (("ens18", 4.0e6),), sensors=False, busy=0.28,
        services=("nginx", "php-fpm8.2", "varnishd", "redis-server"),
    ),
    "db": Hardware(
        "AMD EPYC 7313P 16-Core Processor", "Supermicro", "AS-1114S-WN10RT", "x86_64", "none", 16, 1, 1, 128 * _GIB, 8 * _GIB,
        (_NVME, Volume("/dev/nvme1n1", "/var/lib/postgresql", "xfs", 1800 * _GIB, 0.55, 0.01)),
        ("nvme0n1", "nvme1n1"), (("enp65s0f0", 2.2e7),), busy=0.35,
        services=("postgres", "pgbouncer", "node_exporter", "wal-g"),
    ),
    "render": Hardware(
        "AMD Ryzen 9 7950X 16-Core Processor", "ASUS", "ProArt X670E-CREATOR WIFI", "x86_64", "none", 16, 2, 1, 64 * _GIB, 0,
        (_NVME, Volume("/dev/nvme1n1p1", "/scratch", "ext4", 930 * _GIB, 0.48, 0.03)),
        ("nvme0n1", "nvme1n1"), (("enp6s0", 6.0e6),), busy=0.55,
        os_version="13", os_name="Debian GNU/Linux 13 (trixie)", kernel="6.12.48+deb13-amd64",
        services=("blender", "rsync", "python3", "deadlineworker"),
    ),
    "gpu": Hardware(
        "AMD EPYC 9354 32-Core Processor", "Dell Inc.", "PowerEdge R7625", "x86_64", "none", 32, 1, 1, 384 * _GIB, 16 * _GIB,
        (_NVME, Volume("/dev/nvme1n1", "/data", "xfs", 7100 * _GIB, 0.62, 0.02)),
        ("nvme0n1", "nvme1n1"), (("ens3f0np0", 8.0e7),),
        gpus=(Gpu("NVIDIA L40S", 46068, 350), Gpu("NVIDIA L40S", 46068, 350)), busy=0.3,
        os="ubuntu", os_version="24.04", os_name="Ubuntu 24.04.1 LTS", kernel="6.8.0-49-generic",
        services=("python3", "python3", "nvidia-persiste", "containerd"),
    ),
    "storage": Hardware(
        "Intel(R) Xeon(R) Silver 4310 CPU @ 2.10GHz", "HPE", "ProLiant DL380 Gen10 Plus", "x86_64", "none", 12, 2, 1, 96 * _GIB, 8 * _GIB,
        (_NVME, Volume("/dev/md0", "/srv", "xfs", 65000 * _GIB, 0.66, 0.04)),
        ("nvme0n1", "sda", "sdb", "sdc", "sdd"), (("eno1np0", 6.0e7),), busy=0.15,
        services=("nfsd", "smbd", "borg", "mdadm"),
    ),
    "gw": Hardware(
        "Intel(R) Celeron(R) N5105 @ 2.00GHz", "Protectli", "VP2420", "x86_64", "none", 4, 1, 1, 8 * _GIB, 0,
        (Volume("/dev/sda2", "/", "ext4", 110 * _GIB, 0.12, 0.03),), ("sda",), (("enp1s0", 2.5e6), ("wg0", 2.0e6)), busy=0.08,
        services=("unbound", "dnsmasq", "keepalived", "chronyd"),
    ),
    "pi": Hardware(
        "Cortex-A76", "", "Raspberry Pi 5 Model B Rev 1.0", "aarch64", "none", 4, 1, 1, 8 * _GIB, 200 << 20,
        (Volume("/dev/mmcblk0p2", "/", "ext4", 58 * _GIB, 0.27, 0.09),), ("mmcblk0",), (("eth0", 9.0e4),),
        pressure=False, busy=0.12, kernel="6.6.51+rpt-rpi-2712",
        services=("python3", "mosquitto", "chronyd", "rpicam-vid"),
    ),
}  # fmt: skip
"""Each role's machine. VMs have no sensors and the boards no PSI (their kernels leave it off), so that "not there" is seen too."""

_FIRST = ("web", "db", "gpu", "render", "web", "gw", "pi", "render", "pi", "web", "gpu", "storage")
_PATTERN = ("web", "render", "pi", "web", "render", "db", "pi", "web", "gpu", "render")
_SITES = ("harbour", "hill", "orchard", "mill", "quarry", "ferry", "chapel", "meadow")
_SITE_SIZE = 16
"""Boards behind one gateway."""

_CAST: dict[int, Ail] = {
    1: Ail.DISK,
    2: Ail.HOT,
    3: Ail.LOAD,
    4: Ail.DIES,
    6: Ail.SLOW,
    7: Ail.UNIT,
    9: Ail.CLOCK,
    10: Ail.MAINTENANCE,
    11: Ail.REBOOT,
    19: Ail.STRANGER,
    29: Ail.IMPOSTOR,
}
_BY_CHANCE = (Ail.DISK, Ail.LOAD, Ail.UNIT, Ail.SLOW, Ail.REBOOT)
_CHANCE = 0.02
"""Share of nodes beyond the hand-made cast that have something."""
_OUTAGE_FROM = 24
"""From this many nodes on, one gateway takes its site with it now and then."""

LARGEST = 60_000
"""Addresses 127.77.0.1 to 127.77.255.254 hold no more."""


def population(count: int, seed: int = 0, calm: bool = False) -> tuple[Person, ...]:
    """The cast of `count` nodes (1 to `LARGEST`), in the order of their addresses. Raises ValueError."""
    if not 1 <= count <= LARGEST:
        raise ValueError(f"{count} simulated nodes; from 1 to {LARGEST} are possible")
    roles = _roles(count)
    totals = {role: roles.count(role) for role in set(roles)}
    chance = random.Random(f"population {seed}")  # noqa: S311 - repeatable on purpose
    numbers = dict.fromkeys(totals, 0)
    people: list[Person] = []
    first = ipaddress.IPv4Address("127.77.0.1")
    for index, role in enumerate(roles):
        numbers[role] += 1
        number = numbers[role]
        site, parent = _place(role, number)
        name = (
            f"gw-{site}" if role == "gw" else f"{role}{number:0{max(2, len(str(totals[role])))}d}"
        )  # numbered as wide as the group needs, so that node sets fold
        ails: set[Ail] = set()
        if not calm:
            if ail := _CAST.get(index):
                ails.add(ail)
            elif index >= len(_FIRST) and role not in ("gw", "pi") and chance.random() < _CHANCE:
                ails.add(chance.choice(_BY_CHANCE))
            if site == _SITES[0] and role in ("gw", "pi") and count >= _OUTAGE_FROM:
                ails.add(Ail.OUTAGE if role == "gw" else Ail.BEHIND)
        rack = f"{'abcdefgh'[(number - 1) // 20 % 8]}{(number - 1) % 20 // 4 + 1}" if parent is None else "shelf"
        labels = {"site": site, "rack": rack, "role": role}
        if role == "gpu":
            labels["card"] = "l40s"
        people.append(
            Person(
                index, name, role, site, rack, str(first + index + 2 * (index // 254)), HARDWARE[role], frozenset(ails), parent, labels
            )
        )  # fmt: skip
    return tuple(people)


def _roles(count: int) -> list[str]:
    """A role a node. A gateway comes before the boards that stand behind it."""
    roles: list[str] = []
    boards = gateways = 0
    step = 0
    while len(roles) < count:
        role = _FIRST[len(roles)] if len(roles) < len(_FIRST) else _PATTERN[step % len(_PATTERN)]
        if role == "pi" and boards >= gateways * _SITE_SIZE:
            roles.append("gw")
            gateways += 1
            continue
        step += len(roles) >= len(_FIRST)
        boards += role == "pi"
        gateways += role == "gw"
        roles.append(role)
    return roles


def _place(role: str, number: int) -> tuple[str, str | None]:
    """Site, and the gateway in front of it. All but the boards and gateways stand in the centre."""
    if role not in ("gw", "pi"):
        return "centre", None
    which = number - 1 if role == "gw" else (number - 1) // _SITE_SIZE
    again, place = divmod(which, len(_SITES))
    site = _SITES[place] + (str(again + 1) if again else "")
    return site, None if role == "gw" else f"gw-{site}"
