"""Who dispatches: one process at a time. The kernel's lock decides (it dies with its holder); the file beside it is for people."""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ...errors import StateError
from ...store import files, lock

NAME = "dispatcher"
_SILENT = 60.0
"""Seconds without a beat after which a holder on another machine counts as gone."""


@dataclass(frozen=True, slots=True)
class Holder:
    """The process that dispatches."""

    pid: int
    host: str
    since: float
    beat: float
    """When it last told that it is there."""
    fleeting: Mapping[str, str] = field(default_factory=dict)
    """Nodes on which jobs end when its connection does, and why."""


@contextlib.contextmanager
def lease(folder: Path) -> Iterator[None]:
    """Hold the lease of the queue in `folder`. Raises LockedError at once when another process holds it."""
    with lock(NAME, folder):
        document = {"pid": os.getpid(), "host": socket.gethostname(), "since": time.time(), "born": _born(os.getpid())}
        files.write_json(folder / f"{NAME}.json", document)
        try:
            yield
        finally:
            with contextlib.suppress(OSError):
                (folder / f"{NAME}.json").unlink()


def warn(folder: Path, fleeting: Mapping[str, str]) -> None:
    """Tell, as the holder, on which nodes jobs end with its connection, and why. Raises StateError."""
    path = folder / f"{NAME}.json"
    files.write_json(path, {**(files.read_json(path) or {}), "fleeting": dict(fleeting)})


def beat(folder: Path) -> None:
    """Tell that the holder is there. Costs no write that waits for the disk."""
    with contextlib.suppress(OSError):
        os.utime(folder / f"{NAME}.json")


def holder(folder: Path) -> Holder | None:
    """Who holds the lease; None when nobody does. Never takes it, not even for a moment. Raises StateError."""
    path = folder / f"{NAME}.json"
    try:
        document = files.read_json(path)
        beaten = path.stat().st_mtime
        fleeting = {str(name): str(why) for name, why in document.get("fleeting", {}).items()}
        found = Holder(int(document["pid"]), str(document["host"]), float(document["since"]), beaten, fleeting)
    except (StateError, FileNotFoundError, AttributeError, KeyError, TypeError, ValueError):
        return None
    if found.host == socket.gethostname():
        # A process that was killed leaves the file; its number may be another's by now, its time of birth is not.
        return found if _born(found.pid) == document.get("born") else None
    return found if time.time() - beaten < _SILENT else None


def _born(pid: int) -> int:
    """When a process began, in ticks after the boot (proc(5), field 22 of stat); -1 when there is none."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
        return int(stat.rpartition(b")")[2].split()[19])
    except (OSError, IndexError, ValueError):
        return -1
