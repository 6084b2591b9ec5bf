"""Locks between runs, over flock(2): the kernel frees them when their holder dies, however it dies. Owns the lock files."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

from ..errors import LockedError, StateError
from .files import folder

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}", re.ASCII)
_WAIT = 0.02
"""Seconds between two tries."""


@contextlib.contextmanager
def lock(name: str, at: Path | None = None, patience: float = 0.0) -> Iterator[Path]:
    """Hold the lock `name` of the state folder (or of the folder `at`). Gives the lock file's path.

    Raises LockedError, which names the holder's process id, when another run (or another part of this one) holds it for longer than
    `patience` seconds, in which this thread waits; StateError when the file cannot be used. The file stays: removing a lock file is a
    race, and an unheld one locks nobody out.
    """
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no name for a lock")
    path = (at or folder()) / f"{name}.lock"
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise StateError(f"{path} cannot be opened: {error.strerror}", hint="remove it") from error
    try:
        until = time.monotonic() + patience
        try:
            while not _taken(handle):
                if time.monotonic() >= until:
                    raise LockedError(
                        f"another run holds the lock {name}{_holder(handle)}", hint="wait for it to end, or end it"
                    )
                time.sleep(_WAIT)
        except OSError as error:
            raise StateError(
                f"{path} cannot be locked: {error.strerror}",
                hint="XDG_STATE_HOME names another folder, on a local disk",
            ) from error
        # Who holds it is told for people alone; a full disk must not keep a check from running.
        with contextlib.suppress(OSError):
            os.ftruncate(handle, 0)
            os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
        yield path
    finally:
        os.close(handle)


def _taken(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _holder(handle: int) -> str:
    with contextlib.suppress(OSError, ValueError):
        return f" (process {int(os.pread(handle, 32, 0))})"
    return ""
