"""Folders of files for transfers: made, and compared byte for byte."""

from __future__ import annotations

import os
import random
import stat
from pathlib import Path
from typing import Any


def fill(path: Path, size: int, seed: int = 1) -> Path:
    """A file of bytes that no compression or delta finds twice."""
    path.parent.mkdir(parents=True, exist_ok=True)
    source = random.Random(seed)
    with path.open("wb") as stream:
        for start in range(0, size, 1 << 20):
            stream.write(source.randbytes(min(1 << 20, size - start)))
    return path


def picture(root: str | bytes | Path) -> dict[bytes, tuple[Any, ...]]:
    """Everything under a folder: name to kind, mode, time, content. The root itself is `.`."""
    top = os.fsencode(root)
    found: dict[bytes, tuple[Any, ...]] = {}

    def look(path: bytes) -> None:
        status = os.lstat(path)
        what: Any = None
        if stat.S_ISLNK(status.st_mode):
            what = os.readlink(path)
        elif stat.S_ISREG(status.st_mode):
            with open(path, "rb") as stream:
                what = stream.read()
        # a link has no mode of its own, and SFTP cannot set its time
        link = stat.S_ISLNK(status.st_mode)
        mode, time = (0, 0) if link else (stat.S_IMODE(status.st_mode), int(status.st_mtime))
        found[os.path.relpath(path, top)] = (stat.S_IFMT(status.st_mode), mode, time, what)
        if stat.S_ISDIR(status.st_mode):
            for name in os.listdir(path):
                look(os.path.join(path, name))

    look(top)
    return found
