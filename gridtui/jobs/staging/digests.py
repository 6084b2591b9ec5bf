"""Digests of files here, remembered while a file stays as it was. Owns what is remembered; reads files through `looking.read`.

A file counts as unchanged with the same device, inode, size and times (mtime and ctime: stat(2)). One that was written to within the last
seconds is not remembered: another write in the same tick of the clock would not show. Large files are remembered between runs, too.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from pathlib import Path

from ...errors import StateError
from ...store.database import Database
from .looking import read

LARGE = 1 << 20
"""Bytes from which on a digest is worth its place on the disk: 2 ms of hashing."""
_SETTLED = 2.0
"""Seconds without a write, after which a file's times tell of the next one."""
_MOST = 1_000_000
"""Files in memory."""
_KEPT = 90 * 86400
"""Seconds without use after which a digest is forgotten."""

MIGRATIONS = (
    """CREATE TABLE digest (
        path BLOB PRIMARY KEY,
        print TEXT NOT NULL,     -- device, inode, size, mtime, ctime (ns)
        digest TEXT NOT NULL,
        seen INTEGER NOT NULL    -- seconds since 1970
    ) WITHOUT ROWID;""",
)


class Digests:
    """Called from threads; `load`, `save` and `close` from one."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._known: dict[str, tuple[str, str]] = {}
        self._new: dict[str, tuple[str, str]] = {}
        self._database: Database | None = None
        self._loaded = False

    def load(self) -> None:
        """Remember what earlier runs read. A state folder that cannot be used costs time alone."""
        if self._loaded:
            return
        self._loaded = True
        with contextlib.suppress(StateError):
            self._database = Database.open("digests", MIGRATIONS, self._folder, replace_damaged=True)
            for path, fingerprint, digest in self._database.rows("SELECT path, print, digest FROM digest"):
                self._known[os.fsdecode(path)] = fingerprint, digest

    def save(self) -> None:
        """Keep what was read since."""
        with self._lock:
            new, self._new = self._new, {}
        if not new or self._database is None:
            return
        now = int(time.time())
        rows = [(os.fsencode(path), fingerprint, digest, now) for path, (fingerprint, digest) in new.items()]
        with contextlib.suppress(StateError), self._database.write() as cursor:
            cursor.executemany("INSERT OR REPLACE INTO digest VALUES (?, ?, ?, ?)", rows)
            cursor.execute("DELETE FROM digest WHERE seen < ?", (now - _KEPT,))

    def close(self) -> None:
        """Let go of the file. Idempotent."""
        self.save()
        if self._database:
            self._database.close()
            self._database = None

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
                if found.st_size >= LARGE:
                    self._new[path] = self._known[path]
        return digest, found


def _print(found: os.stat_result) -> str:
    return f"{found.st_dev} {found.st_ino} {found.st_size} {found.st_mtime_ns} {found.st_ctime_ns}"
