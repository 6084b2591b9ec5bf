"""GPUs: NVIDIA's through `nvidia-smi`, AMD's through amdgpu's files in /sys.

Formats: `nvidia-smi --help-query-gpu` (csv; MiB, °C, W, per cent; what a GPU does not tell is `[N/A]`, on old drivers
`[Not Supported]`); the kernel's Documentation/gpu/amdgpu (bytes, per cent) and hwmon/sysfs-interface (millidegrees, microwatts).
A GPU split into MIG instances tells no utilisation. A driver that does not answer says so on standard output, with a status.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from ..model import Unsupported, clean
from .frame import Tier
from .probe import Probe, decimal, lines, marker

MOST = 256

_FIELDS = "index,uuid,name,utilization.gpu,memory.total,memory.used,memory.free,temperature.gpu,power.draw"
_STATUS = re.compile(rb"status (\d{1,3})")
_INDEX = re.compile(rb"\d{1,4}")
_AMD = re.compile(
    rb"/sys/class/drm/card(\d{1,4})/device/"
    rb"(vendor|device|product_name|gpu_busy_percent|mem_info_vram_total|mem_info_vram_used|hwmon/hwmon\d{1,5}/(?:temp1_input|power1_average|power1_input)):(.*)"
)
_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Gpu:
    """One GPU; None for what it does not tell."""

    name: str
    uuid: str = ""
    share: float | None = None
    """Per cent of time in use."""
    memory: int | None = None
    memory_used: int | None = None
    memory_free: int | None = None
    """Bytes. Used and free do not add up to all of it: the driver keeps some."""
    celsius: float | None = None
    watts: float | None = None
    index: int = 0
    """As `nvidia-smi` counts them; of AMD's, the place in the order of their cards. Each make counts its own."""


def parse(nvidia: bytes, amd: bytes) -> tuple[Gpu, ...] | Unsupported:
    """`nvidia-smi`'s lines and `status N`; lines `PATH:VALUE` of amdgpu's files. Either may be empty."""
    why = "no GPU"
    found: list[Gpu] = []
    if nvidia.strip():
        *listed, last = lines(nvidia.rstrip(b"\n"), 2 * MOST)
        status = _STATUS.fullmatch(last)
        found += [gpu for line in listed[:MOST] if (gpu := _nvidia(line)) is not None]
        if not found:
            # The reason stands on standard output: `NVIDIA-SMI has failed because ...`, `No devices were found`.
            said = clean(b" ".join(listed).strip(), 200)
            why = said or f"nvidia-smi ended with status {status[1].decode() if status else '?'}"
    found += _amd(amd)
    return tuple(found[:MOST]) if found else Unsupported(why)


def _nvidia(line: bytes) -> Gpu | None:
    # A name has no comma in any product; should one come, the numbers are still the last six.
    fields = [field.strip() for field in line.split(b",")]
    if len(fields) < 9 or not _INDEX.fullmatch(fields[0]) or not fields[1].startswith(b"GPU-"):
        return None
    share, total, used, free, celsius, watts = (_plain(field) for field in fields[-6:])
    return Gpu(
        clean(b",".join(fields[2:-6]), 64),
        clean(fields[1], 64),
        _percent(share),
        _bytes(total),
        _bytes(used),
        _bytes(free),
        celsius,
        watts,
        int(fields[0]),
    )


def _plain(field: bytes) -> float | None:
    value = decimal(field)  # `[N/A]`, `[Not Supported]`, `[Unknown Error]`, `[GPU is lost]` ...: not told
    return value if value is not None and value >= 0 else None


def _percent(value: float | None) -> float | None:
    return None if value is None else min(100.0, value)


def _bytes(mib: float | None) -> int | None:
    return None if mib is None else int(mib) * _MIB


def _amd(text: bytes) -> list[Gpu]:
    cards: dict[bytes, dict[str, bytes]] = {}
    for line in lines(text, 16 * MOST):
        if match := _AMD.fullmatch(line):
            cards.setdefault(match[1], {})[match[2].decode("ascii").rpartition("/")[2]] = match[3].strip()
    found: list[Gpu] = []
    for _, files in sorted(cards.items(), key=lambda item: int(item[0])):
        if files.get("vendor") != b"0x1002":
            continue
        total, used = _plain(files.get("mem_info_vram_total", b"")), _plain(files.get("mem_info_vram_used", b""))
        celsius, watts = (
            decimal(files.get("temp1_input", b"")),
            _plain(files.get("power1_average", files.get("power1_input", b""))),
        )
        found.append(
            Gpu(
                clean(files.get("product_name") or b"AMD GPU " + files.get("device", b""), 64).strip(),
                "",
                _percent(_plain(files.get("gpu_busy_percent", b""))),
                None if total is None else int(total),
                None if used is None else int(used),
                None if total is None or used is None else max(0, int(total) - int(used)),
                None if celsius is None else celsius / 1000,
                None if watts is None else watts / 1e6,
                len(found),
            )
        )
    return found


def metrics(value: tuple[Gpu, ...]) -> Mapping[str, float]:
    out = {"gpu.count": float(len(value))}

    def put(name: str, numbers: list[float]) -> None:
        if numbers:
            out[name] = max(numbers)

    put("gpu", [gpu.share for gpu in value if gpu.share is not None])
    put("gpu.mem", [float(gpu.memory) for gpu in value if gpu.memory is not None])
    put("gpu.mem.free", [float(gpu.memory_free) for gpu in value if gpu.memory_free is not None])
    put(
        "gpu.mem.used",
        [
            min(100.0, 100.0 * gpu.memory_used / gpu.memory)
            for gpu in value
            if gpu.memory and gpu.memory_used is not None
        ],
    )
    put("gpu.temp", [gpu.celsius for gpu in value if gpu.celsius is not None])
    watts = [gpu.watts for gpu in value if gpu.watts is not None]
    if watts:
        out["gpu.power"] = sum(watts)
    return out


_SETUP = (
    "g() { set +f; set -- /sys/class/drm/card[0-9]/device/gpu_busy_percent /sys/class/drm/card[0-9][0-9]/device/gpu_busy_percent; "
    'if [ -e "$1" ] || [ -e "$2" ]; then set -- /sys/class/drm/card[0-9]/device /sys/class/drm/card[0-9][0-9]/device; set -f; a=; '
    'for i in "$@"; do a="$a $i/vendor $i/device $i/product_name $i/gpu_busy_percent $i/mem_info_vram_total $i/mem_info_vram_used '
    '$i/hwmon/hwmon*/temp1_input $i/hwmon/hwmon*/power1_average $i/hwmon/hwmon*/power1_input"; done; '
    "set +f; $T grep -s . /dev/null $a; fi; set -f; }"
)
_SHELL = (
    f"{marker('gpus.nvidia')}; if command -v nvidia-smi >/dev/null; then "
    f'$T nvidia-smi --query-gpu={_FIELDS} --format=csv,noheader,nounits; echo "status $?"; fi; {marker("gpus.amd")}; g'
)

PROBE = Probe("gpus", Tier.GPU, parse, metrics, sections=("gpus.nvidia", "gpus.amd"), setup=_SETUP, fragment=_SHELL)
