"""Digests of files here, remembered while a file stays as it was. Owns what is remembered; reads files through `looking.read`.

A file counts as unchanged with the same device, inode, size and times (mtime and ctime: stat(2)). One that was written to within the last
seconds is not remembered: another write in the same tick of the clock would not show.
"""

from __future__ import annotations

import os
import threading
import time

from .looking import read

_SETTLED = 2.0
"""Seconds without a write, after which a file's times tell of the next one."""
_MOST = 1_000_000
"""Files."""

Print = tuple[int, int, int, int, int]


class Digests:
    """Called from threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[str, tuple[Print, str]] = {}

    def __call__(self, path: str) -> tuple[str, os.stat_result]:
        """As `looking.read`."""
        found = os.stat(path)
        with self._lock:
            known = self._known.get(path)
        if known and known[0] == _print(found):
            return known[1], found
        digest, found = read(path)
        if time.time() - max(found.st_mtime, found.st_ctime) > _SETTLED:
            with self._lock:
                if len(self._known) >= _MOST:
                    self._known.clear()
                self._known[path] = _print(found), digest
        return digest, found

    def close(self) -> None:
        """Nothing is remembered any more."""
        self._known.clear()


def _print(found: os.stat_result) -> Print:
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
