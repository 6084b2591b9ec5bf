"""What a node's page says in words and numbers: one function a panel, from a status and a width to lines. Pure.

A part that is missing or `Unsupported` says so in words; it is never drawn as zero. Parts are the frozen values of `probes`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ..model import PingMethod, Status, Unsupported
from ..model import size as in_bytes
from . import text
from .states import STATE_ROLES

Parts = tuple[tuple[str, str], ...]
Sheet = Callable[[Status, int], list[Parts]]

MOST = 12
"""Lines of one kind; the rest is counted."""


def _part(status: Status, name: str) -> Any:
    return None if status.sample is None else status.sample.parts.get(name)


def _missing(status: Status, value: Any, what: str) -> list[Parts]:
    if isinstance(value, Unsupported):
        return [((f"not on this node: {text.plain(value.why)}" if value.why else f"no {what} on this node", "dim"),)]
    if status.sample is None or value is None:
        return [(("not measured yet", "faint"),)]
    return []


def _pair(name: str, value: str, role: str = "text", label: int = 10) -> Parts:
    return ((text.fit(name, label), "dim"), (value, role))


def _share(name: str, value: float | None, cells: int, more: str = "", role: str = "bar", label: int = 10) -> Parts:
    """A name, a bar and a percentage, with something after it."""
    room = max(4, min(24, cells - label - 6 - (text.width(more) + 1 if more else 0)))
    filled, rest = text.bar(value, room)
    number = text.fit(text.percent(value), 5, right=True)
    return (
        (text.fit(name, label - 1) + " ", "dim"),
        (filled, role),
        (rest, "track"),
        (number, "text" if value is not None else "faint"),
        (f" {more}" if more else "", "dim"),
    )


def _rest(lines: list[Parts], count: int) -> list[Parts]:
    if count > MOST:
        lines.append(((f"and {count - MOST} more", "faint"),))
    return lines


def cpu(status: Status, cells: int) -> list[Parts]:
    """The total by kind, then each core."""
    value = _part(status, "cpu")
    if lines := _missing(status, value, "CPU figures"):
        return lines
    kinds = (("user", value.user), ("system", value.system), ("iowait", value.iowait), ("steal", value.steal))
    summary: list[tuple[str, str]] = []
    for name, share in kinds:
        summary += [(f"{name} ", "dim"), (f"{text.percent(share)}  ", "text")]
    lines = [tuple(summary)]
    metrics = status.sample.metrics if status.sample else {}
    loads = "  ".join(text.number(metrics.get(name)) for name in ("load", "load5", "load15"))
    lines.append(_pair("load", f"{loads}   on {value.count} CPUs"))
    return lines + _cores(value.cores, cells)


def _cores(cores: Sequence[Any], cells: int) -> list[Parts]:
    """Bars in as many columns as fit; with very many cores one character a core."""
    if not cores:
        return []
    if len(cores) > 64:
        line = "".join(text.spark([core.share or 0.0, 0.0, 100.0], 3)[0] for core in cores)
        return [((line[at : at + cells], "bar"),) for at in range(0, len(line), max(1, cells))]
    columns = max(1, min(4, cells // 17))
    rows = -(-len(cores) // columns)
    cell = cells // columns
    lines: list[Parts] = []
    for row in range(rows):
        parts: list[tuple[str, str]] = []
        for core in cores[row::rows]:
            filled, rest = text.bar(core.share, max(3, cell - 11))
            parts += [(f"{core.number:>3} ", "dim"), (filled, "bar"), (rest, "track")]
            parts.append((text.fit(text.percent(core.share), 5, right=True) + "  ", "text"))
        lines.append(tuple(parts))
    return lines


def memory(status: Status, cells: int) -> list[Parts]:
    """Memory and swap in use, and what waits for them."""
    metrics = status.sample.metrics if status.sample else {}
    value = _part(status, "memory")
    if lines := _missing(status, value, "memory figures"):
        return lines
    of = "of "
    lines = [_share("memory", metrics.get("mem"), cells, of + in_bytes(value.total))]
    lines.append(_pair("", f"{in_bytes(value.available)} free, {in_bytes(value.cached + value.buffers)} caches", "dim"))
    if value.swap_total:
        lines.append(_share("swap", metrics.get("swap"), cells, of + in_bytes(value.swap_total)))
    else:
        lines.append(_pair("swap", "none", "dim"))
    pressure = _part(status, "pressure")
    if isinstance(pressure, Unsupported) or pressure is None:
        lines.append(_pair("pressure", text.plain(getattr(pressure, "why", "")) or "not measured", "faint"))
    else:
        shares = (("cpu", pressure.cpu), ("mem", pressure.memory), ("io", pressure.io))
        lines.append(_pair("pressure", "  ".join(f"{name} {text.percent(share)}" for name, share in shares)))
    return lines


def disks(status: Status, cells: int) -> list[Parts]:
    """Each disk's flow and how busy it is."""
    value = _part(status, "disks")
    if lines := _missing(status, value, "disks"):
        return lines
    lines = [
        (
            (text.fit(disk.name, 10), "dim"),
            (f"r {text.fit(text.amount(disk.read), 6)} w {text.fit(text.amount(disk.written), 6)}", "text"),
            (f" busy {text.percent(disk.busy)}", "dim"),
        )
        for disk in value[:MOST]
    ]
    return _rest(lines, len(value))


def network(status: Status, cells: int) -> list[Parts]:
    """Each interface's flow and errors."""
    value = _part(status, "network")
    if lines := _missing(status, value, "interfaces"):
        return lines
    for one in value[:MOST]:
        parts: list[tuple[str, str]] = [
            (text.fit(one.name, 12), "dim"),
            (f"↓ {text.fit(text.amount(one.received), 6)} ↑ {text.fit(text.amount(one.sent), 6)}", "text"),
        ]
        if one.errors:
            parts.append((f" {one.errors:.1f} errors/s", "warning"))
        lines.append(tuple(parts))
    return _rest(lines, len(value))


def reach(status: Status, cells: int) -> list[Parts]:
    """Round trips, and what a sample costs."""
    trips = status.trips
    lines: list[Parts] = []
    if trips.method is PingMethod.LOCAL:
        lines.append((("this machine, nothing to measure", "dim"),))
    elif trips.sent:
        lines.append(_pair("measured", f"by {trips.method}, {trips.sent} sent"))
        spread = " / ".join(text.seconds(value) for value in (trips.min, trips.avg, trips.max))
        lines.append(_pair("min/avg/max", spread, label=12))
        lines.append(_pair("jitter", f"{text.seconds(trips.jitter)}, loss {text.percent(trips.loss)}"))
    sample = status.sample
    if sample is not None:
        cost = sample.cost
        cpu_time = "CPU not known" if cost.node_cpu is None else f"{cost.node_cpu * 1000:.1f} ms of its CPU"
        lines.append(_pair("a sample", f"{cpu_time}, {in_bytes(cost.bytes)}, {text.seconds(cost.seconds)}"))
        if (clock := sample.metrics.get("clock")) is not None:
            lines.append(_pair("clock", f"{clock:+.3f} s against here"))
    return lines


def why(status: Status, cells: int) -> list[Parts]:
    """Every reason in full: the lines above cut what is long, and a host key's fingerprint is of use only whole."""
    lines: list[Parts] = []
    for reason in status.verdict.reasons:
        role = STATE_ROLES[reason.state]
        lines += [((parts[-1][0], role),) for parts in _wrapped("", reason.text.split(), cells, label=0)]
    return lines


def facts(status: Status, cells: int) -> list[Parts]:
    """What the node is."""
    known = status.facts
    if known is None:
        return [(("not known yet", "faint"),)]
    machine = " ".join(word for word in (known.vendor, known.product) if word)
    rows = (
        ("hostname", known.hostname),
        ("system", known.os_name or " ".join(word for word in (known.os, known.os_version) if word)),
        ("kernel", " ".join(word for word in (known.kernel, known.arch) if word)),
        (
            "machine",
            " on ".join(word for word in (machine, known.virt if known.virt != "none" else "bare metal") if word),
        ),
        ("CPU", f"{known.cpus} × {known.cpu_model}" if known.cpu_model else str(known.cpus or "")),
        ("memory", in_bytes(known.memory) if known.memory else ""),
        ("shell", known.shell),
    )
    lines = [_pair(name, text.plain(value)) for name, value in rows if value]
    lines += [_pair("GPU", text.plain(name)) for name in known.gpus[:4]]
    if known.capabilities:
        lines += _wrapped("can do", sorted(known.capabilities), cells)
    return lines


def inventory(status: Status, cells: int) -> list[Parts]:
    """What the inventory says of it."""
    node = status.node
    rows = (
        ("address", node.address + (f":{node.port}" if node.port else "")),
        ("user", node.user or ""),
        ("parent", node.parent or ""),
    )
    lines = [_pair(name, text.plain(value)) for name, value in rows if value]
    if node.groups:
        lines += _wrapped("groups", node.groups, cells)
    if node.labels:
        lines += _wrapped("labels", [f"{name}={value}" for name, value in node.labels.items()], cells)
    return lines


def filesystems(status: Status, cells: int) -> list[Parts]:
    """Local file systems, fullest first."""
    value = _part(status, "filesystems")
    if lines := _missing(status, value, "local file systems"):
        return lines
    fullest = sorted(value, key=lambda one: -one.percent)
    longest = max((text.width(one.mount) for one in fullest[:MOST]), default=8)
    label = max(8, min(20, longest + 1, cells // 3))
    for one in fullest[:MOST]:
        more = f"{in_bytes(one.free)} free"
        if one.read_only:
            more += ", read-only"
        if one.inodes_percent is not None and one.inodes_percent > max(50.0, one.percent):
            more += f", inodes {text.percent(one.inodes_percent)}"
        lines.append(_share(one.mount, one.percent, cells, more, label=label))
    return _rest(lines, len(value))


def temperatures(status: Status, cells: int) -> list[Parts]:
    """Sensors, hottest first."""
    value = _part(status, "temperatures")
    if lines := _missing(status, value, "sensors"):
        return lines
    for one in sorted(value, key=lambda one: -one.celsius)[:6]:
        limit = f" critical at {text.degrees(one.critical)}" if one.critical else ""
        role = "critical" if one.critical and one.celsius >= one.critical else "text"
        name = text.fit(one.sensor, max(8, min(26, cells - 24)))
        lines.append(
            ((name, "dim"), (f" {text.fit(text.degrees(one.celsius), 5, right=True)}", role), (limit, "faint"))
        )
    return _rest(lines, len(value)) if len(value) > MOST else lines


def gpus(status: Status, cells: int) -> list[Parts]:
    """Each GPU's use, memory, temperature and power."""
    value = _part(status, "gpus")
    if lines := _missing(status, value, "GPU"):
        return lines
    for number, one in enumerate(value[:8]):
        lines.append(((f"{number} ", "dim"), (text.plain(one.name), "text")))
        lines.append(_share("  use", one.share, cells, f"{text.degrees(one.celsius)} {text.number(one.watts)} W"))
        if one.memory:
            used = None if one.memory_used is None else 100 * one.memory_used / one.memory
            lines.append(_share("  memory", used, cells, f"of {in_bytes(one.memory)}"))
    return lines


def users(status: Status, cells: int) -> list[Parts]:
    """Who is logged in."""
    value = _part(status, "users")
    if lines := _missing(status, value, "login records"):
        return lines
    if not value:
        return [(("nobody is logged in", "dim"),)]
    for one in value[:MOST]:
        where = " ".join(word for word in (one.terminal, f"from {one.host}" if one.host else "") if word)
        idle = "" if one.idle is None else f" idle {text.age(one.idle)}"
        lines.append(((text.fit(one.user, 12), "text"), (f" {text.plain(where)}{idle}", "dim")))
    return _rest(lines, len(value))


def units(status: Status, cells: int) -> list[Parts]:
    """Failed units, and whether a reboot is due."""
    value = _part(status, "units")
    lines = _missing(status, value, "systemd")
    if not lines:
        for one in value[:MOST]:
            lines.append(((text.plain(one.name), "warning"), (f"  {text.plain(one.text)}", "dim")))
        lines = _rest(lines, len(value)) or [(("none", "dim"),)]
    due = _part(status, "reboot")
    if getattr(due, "required", False):
        reasons = ", ".join(due.reasons[:4])
        lines.append((("a reboot is required", "warning"), (f": {text.plain(reasons)}" if reasons else "", "dim")))
    return lines


def processes(found: Sequence[Any], cells: int) -> list[Parts]:
    """The busiest processes (`probes.Process`)."""
    head = f"{'PID':>8} {'USER':<12} {'S':<1} {'CPU':>6} {'MEM':>7} {'TIME':>8} {'THR':>4}  COMMAND"
    return [((head, "header"),), *map(_process, found)]


def _process(one: Any) -> Parts:
    numbers = f"{text.percent(one.cpu):>6} {text.amount(one.memory):>7} {text.age(one.seconds):>8} {one.threads:>4}  "
    return (
        (f"{one.pid:>8} {text.fit(one.user, 12)} {text.fit(one.state, 1)} ", "dim"),
        (numbers, "text"),
        (text.plain(one.name), "strong"),
    )


def _wrapped(name: str, words: Iterable[str], cells: int, label: int = 10) -> list[Parts]:
    """Words in as many lines as they take, the name before the first."""
    lines: list[str] = [""]
    for word in map(text.plain, words):
        if lines[-1] and text.width(lines[-1]) + text.width(word) + 1 > cells - label:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return [_pair(name if not index else "", line, label=label) for index, line in enumerate(lines)]
