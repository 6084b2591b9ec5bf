"""The panels of a node's page, a file each, from what is known of a node to lines of parts. Pure: no widget, no fleet.

A part that is missing says so in words; one that is `Unsupported` has no panel, and is named with its reason in the panel of what is
not on this node. Nothing unknown is ever drawn as zero. Parts are the frozen values of `probes`.
"""

from __future__ import annotations

from collections.abc import Callable

from ...model import Status
from . import containers, events, jobs, processes
from . import cpu as _cpu
from . import storage as _storage
from . import units as _units
from . import why as _why
from .cpu import cpu
from .machine import absent, facts, inventory, there
from .memory import memory, pressure
from .network import network, reach
from .sensors import gpus, temperatures
from .storage import disks, filesystems
from .units import journal, units
from .users import users
from .why import why
from .words import Parts, Row, Sheet, View, having, lines, of_sample, place

__all__ = [
    "JOURNAL",
    "SHEETS",
    "Parts",
    "Row",
    "Sheet",
    "View",
    "absent",
    "cpu",
    "disks",
    "facts",
    "filesystems",
    "gpus",
    "having",
    "inventory",
    "journal",
    "memory",
    "network",
    "place",
    "pressure",
    "processes",
    "reach",
    "temperatures",
    "units",
    "users",
    "why",
]


def _sampled(name: str, say: Callable[[Status, int], list[Parts]]) -> Callable[[View, int], list[Row]]:
    """A panel of a probe: nothing where the node cannot answer it, or has not yet."""
    rows = lines(say)
    return lambda view, cells: rows(view, cells) if there(view.status, name) else []


def _cores(view: View, cells: int) -> list[Row]:
    # The one panel that says that nothing was measured yet.
    return _cpu.rows(view, cells) if view.status.sample is None or there(view.status, "cpu") else []


def _mounts(view: View, cells: int) -> list[Row]:
    return _storage.rows(view, cells) if there(view.status, "filesystems") else []


def _failed(view: View, cells: int) -> list[Row]:
    return _units.rows(view, cells) if there(view.status, "units") else []


SHEETS: tuple[Sheet, ...] = (
    Sheet(
        "why",
        "Why",
        _why.rows,
        lambda view: (view.grounds, view.status.verdict, int(view.now) if view.status.verdict.reasons else 0),
        most=16,
    ),
    Sheet("cpu", "Cores", _cores, of_sample, most=24),
    Sheet("memory", "Memory and swap", _sampled("memory", memory), of_sample),
    Sheet("pressure", "Pressure", _sampled("pressure", pressure), of_sample),
    Sheet("network", "Interfaces", _sampled("network", network), of_sample, most=8),
    Sheet("disks", "Disks", _sampled("disks", disks), of_sample, most=8),
    Sheet("filesystems", "File systems", _mounts, of_sample, counted=True),
    Sheet("gpus", "GPUs", _sampled("gpus", gpus), of_sample, most=24),
    Sheet("units", "Failed units", _failed, of_sample, most=8),
    Sheet("jobs", "Jobs", jobs.rows, lambda view: (view.jobs, view.standing, int(view.now) if view.jobs else 0)),
    Sheet(
        "processes",
        "Processes",
        processes.rows,
        lambda view: (view.processes, view.order),
        most=10,
        counted=True,
        head=processes.head,
    ),
    Sheet("containers", "Containers", containers.rows, lambda view: view.containers, most=10, counted=True),
    Sheet("temperatures", "Temperatures", _sampled("temperatures", temperatures), of_sample, most=6),
    Sheet("users", "Logged in", _sampled("users", users), of_sample, most=8),
    Sheet("reach", "Reach", lines(reach), lambda view: (view.status.sample, view.status.trips)),
    Sheet("facts", "Facts", lines(facts), lambda view: view.status.facts, most=16),
    Sheet("inventory", "Inventory", lines(inventory), lambda view: view.status.node),
    Sheet("absent", "Not on this node", lines(absent), of_sample),
    Sheet("events", "Events", events.rows, lambda view: (view.events, int(view.now) // 86400), counted=True),
)
"""In the order of the page."""


def _lines(view: View, cells: int) -> list[Row]:
    answer = view.journal
    if answer is None:
        return []
    return [Row(((answer.words, answer.role),))] if answer.words else journal(answer.value, cells)


JOURNAL = Sheet("journal", "Journal", _lines, lambda view: (view.unit, view.journal))
"""What `Enter` on a unit shows; it always has the whole page."""
