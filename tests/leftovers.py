"""What tests leave running: found, ended, and told. Owns nothing but the look at /proc.

A process belongs to a folder when its command line or its environment names a path in it. What ends by itself within moments is waited
for; the runner's pulse, which lasts ten seconds longer than the last attempt, is ended and not told.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

GRACE = 5.0
"""Seconds to end by itself, once nobody needs it."""


def belongs(pid: int, folder: Path) -> bool:
    """Whether a process, not a dead one, runs for a folder; never we ourselves."""
    if pid == os.getpid():
        return False
    with contextlib.suppress(OSError):
        about = Path(f"/proc/{pid}")
        words = (about / "cmdline").read_bytes() + b"\0" + (about / "environ").read_bytes()
        name = os.fsencode(folder)
        return any(name + end in words for end in (b"/", b"\0", b":"))
    return False


def of(folder: Path) -> Iterator[int]:
    """The processes that belong to a folder."""
    for found in Path("/proc").glob("[0-9]*"):
        if belongs(int(found.name), folder):
            yield int(found.name)


def end(folder: Path) -> list[str]:
    """End all that runs for a folder, stopped or not; what it was that had not ended by itself."""
    until = time.monotonic() + GRACE
    while (left := _told(folder)) and time.monotonic() < until:
        time.sleep(0.05)
    words = [_words(pid) for pid in left]
    kill(folder)
    return [word for word in words if word]


def kill(folder: Path) -> None:
    """End all that runs for a folder, at once; those that start others meanwhile, too."""
    until = time.monotonic() + GRACE
    while (pids := list(of(folder))) and time.monotonic() < until:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.01)


def _told(folder: Path) -> list[int]:
    pulses = set()
    for where, _, files in os.walk(folder):  # much of it is being removed meanwhile, which this does not mind
        with contextlib.suppress(OSError, ValueError, IndexError):
            if "pulse" in files:
                pulses.add(int(Path(where, "pulse").read_text().split()[0]))
    return [pid for pid in of(folder) if pid not in pulses and _parent(pid) not in pulses]


def _parent(pid: int) -> int:
    with contextlib.suppress(OSError, ValueError, IndexError):
        return int(Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split()[1])
    return 0


def _words(pid: int) -> str:
    with contextlib.suppress(OSError):
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1][0]
        return f"{pid} {state} {Path(f'/proc/{pid}/cmdline').read_bytes().replace(bytes(1), b' ').decode('utf-8', 'replace')}"
    return ""
