"""What the node is, what the inventory says of it, and what it cannot tell."""

from __future__ import annotations

from ...model import Status, Unsupported
from ...model import size as in_bytes
from .. import text
from .words import Parts, pair, part, wrapped

_PARTS = {
    "cpu": "CPU",
    "memory": "memory",
    "pressure": "pressure",
    "disks": "disks",
    "filesystems": "file systems",
    "network": "network",
    "temperatures": "sensors",
    "gpus": "GPUs",
    "units": "units",
    "users": "users",
}
"""Parts of a sample that have a panel, by the name of their probe."""


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
    lines = [line for name, value in rows if value for line in wrapped(name, value.split(), cells)]
    lines += [pair("GPU", text.plain(name)) for name in known.gpus[:4]]
    if known.capabilities:
        lines += wrapped("can do", sorted(known.capabilities), cells)
    return lines


def inventory(status: Status, cells: int) -> list[Parts]:
    """What the inventory says of it."""
    node = status.node
    rows = (
        ("address", node.address + (f":{node.port}" if node.port else "")),
        ("user", node.user or ""),
        ("parent", node.parent or ""),
    )
    lines = [pair(name, text.plain(value)) for name, value in rows if value]
    if node.groups:
        lines += wrapped("groups", node.groups, cells)
    if node.labels:
        lines += wrapped("labels", [f"{name}={value}" for name, value in node.labels.items()], cells)
    return lines


def absent(status: Status, cells: int) -> list[Parts]:
    """What has no panel because the node cannot tell it, and why."""
    lines: list[Parts] = []
    for name, title in _PARTS.items():
        value = part(status, name)
        if isinstance(value, Unsupported):
            lines += wrapped(title, (value.why or "not on this node").split(), cells, label=14)
    return lines


def there(status: Status, name: str) -> bool:
    """Whether a part has come."""
    return not isinstance(part(status, name), Unsupported | None)
