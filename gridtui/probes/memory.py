"""Memory and swap. Format: proc(5), /proc/meminfo; `kB` there is 1024 bytes.

`used` is total minus available, as `free` of procps 4 counts it. Kernels before 3.14 have no MemAvailable: then it is estimated
as free memory, buffers, page cache and reclaimable slab without shared memory, which is what older `free` called available.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from ..model import Unsupported
from .frame import Tier
from .probe import Probe, malformed

_TOP = re.compile(
    rb"MemTotal: +(\d{1,15}) kB\nMemFree: +(\d{1,15}) kB\n(?:MemAvailable: +(\d{1,15}) kB\n)?"
    rb"(?:Buffers: +(\d{1,15}) kB\n)?(?:Cached: +(\d{1,15}) kB\n)?"
)
_SWAP = re.compile(rb"\nSwapTotal: +(\d{1,15}) kB\nSwapFree: +(\d{1,15}) kB\n")
_SLAB = re.compile(rb"\nSReclaimable: +(\d{1,15}) kB\n")
_SHARED = re.compile(rb"\nShmem: +(\d{1,15}) kB\n")


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes."""

    total: int
    available: int
    """What programs can still get (MemAvailable)."""
    unused: int
    """What nothing uses at all (MemFree)."""
    buffers: int
    cached: int
    swap_total: int
    swap_free: int
    estimated: bool = False
    """Whether `available` is our estimate, because the kernel gives none."""


def parse(text: bytes) -> Memory | Unsupported:
    """/proc/meminfo."""
    top = _TOP.match(text)
    if top is None:
        return malformed(text) if text else Unsupported("no /proc/meminfo")
    total, unused, available, buffers, cached = (int(group or 0) * 1024 for group in top.groups())
    if not total:
        return malformed("no memory at all")
    estimated = top[3] is None
    if estimated:
        slab, shared = _SLAB.search(text), _SHARED.search(text)
        available = unused + buffers + cached + (int(slab[1]) * 1024 if slab else 0)
        available = max(unused, available - (int(shared[1]) * 1024 if shared else 0))
    swap = _SWAP.search(text)
    swap_total, swap_free = (int(swap[1]) * 1024, int(swap[2]) * 1024) if swap else (0, 0)
    return Memory(
        total, min(available, total), unused, buffers, cached, swap_total, min(swap_free, swap_total), estimated
    )


def metrics(value: Memory) -> Mapping[str, float]:
    used = value.total - value.available
    out = {
        "mem": 100.0 * used / value.total,
        "mem.total": float(value.total),
        "mem.free": float(value.available),
        "mem.unused": float(value.unused),
        "mem.used": float(used),
        "swap.total": float(value.swap_total),
        "swap.free": float(value.swap_free),
        "swap.used": float(value.swap_total - value.swap_free),
    }
    if value.swap_total:  # a share of nothing is no share: without swap the metric is absent
        out["swap"] = 100.0 * (value.swap_total - value.swap_free) / value.swap_total
    return out


PROBE = Probe("memory", Tier.FAST, parse, metrics, files=("/proc/meminfo",))
