"""Disks and file systems."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...model import Status
from ...model import size as in_bytes
from .. import text
from .words import MOST, Parts, Row, View, missing, part, share


def disks(status: Status, cells: int) -> list[Parts]:
    """Each disk's flow and how busy it is."""
    value = part(status, "disks")
    if lines := missing(status, value, "disks"):
        return lines
    name = max(8, min(16, cells - 30))
    return [
        (
            (text.fit(disk.name, name), "dim"),
            (f" r {text.amount(disk.read):>6} w {text.amount(disk.written):>6}", "text"),
            (f"  busy {text.percent(disk.busy):>4}", "dim"),
        )
        for disk in value
    ]


def filesystems(status: Status, cells: int) -> list[Parts]:
    """Local file systems, fullest first."""
    value = part(status, "filesystems")
    if lines := missing(status, value, "local file systems"):
        return lines
    return [row.parts for row in _filesystems(value, cells)]


def rows(view: View, cells: int) -> list[Row]:
    """For the page."""
    value = part(view.status, "filesystems")
    if lines := missing(view.status, value, "local file systems"):
        return [Row(parts) for parts in lines]
    return _filesystems(value, cells)


def _filesystems(value: Sequence[Any], cells: int) -> list[Row]:
    fullest = sorted(value, key=lambda one: -one.percent)
    longest = max((text.width(one.mount) for one in fullest[:MOST]), default=8)
    label = max(8, min(20 if cells < 80 else 40, longest + 1, cells // 3))
    found = []
    for one in fullest:
        more = f"{in_bytes(one.free)} free"
        if cells >= 80:
            more += f" of {in_bytes(one.size)}, {one.type}"
        if one.read_only:
            more += ", read-only"
        if one.inodes_percent is not None and one.inodes_percent > max(50.0, one.percent):
            more += f", inodes {text.percent(one.inodes_percent)}"
        found.append(Row(share(one.mount, one.percent, cells, more, label=label), one.mount))
    return found
