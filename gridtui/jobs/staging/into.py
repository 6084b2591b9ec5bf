"""Where outputs go here: the placeholders of `into`, and how what arrived is put in place. Owns the names below that folder.

Everything arrives in a folder of its own first and is renamed into place: who looks sees no half file, and of two jobs that write one
name the last one wins, whole. What came from a node is hostile: no link in it leads out, none is gone through, and no mode is special.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ...errors import UsageError
from ...model import clean
from ..model import JobId
from .links import stays

NAMES = ("id", "number", "index", "name")
"""The placeholders."""
TROUBLES = 100
"""Lines that are kept."""
_PLACE = re.compile(r"\{([^{}]*)\}")


def check(into: str) -> None:
    """Whether a folder's placeholders are known. Raises UsageError."""
    for match in _PLACE.finditer(into):
        if match[1] not in NAMES:
            raise UsageError(
                f"{into!r}: {match[0]} is no placeholder",
                hint="there are " + ", ".join(f"{{{name}}}" for name in NAMES),
            )


def fill(into: str, id: JobId, name: str) -> Path:
    """The folder for a job's outputs. A single job has no index: `{index}` is empty then. Raises UsageError."""
    check(into)
    values = {
        "id": str(id),
        "number": str(id.number),
        "index": "" if id.index is None else str(id.index),
        "name": _component(name) or str(id.number),
    }
    return Path(_PLACE.sub(lambda match: values[match[1]], into))


def _component(name: str) -> str:
    """A job's name as one component of a path."""
    text = clean(name, 100).replace("/", "∕")
    return f"_{text}" if text in (".", "..") else text


@dataclass(slots=True)
class Settled:
    """What got its place."""

    names: tuple[str, ...]
    troubles: tuple[str, ...]
    missing: tuple[bytes, ...]
    """What had not arrived."""
    size: int
    ok: bool
    """Whether nothing here was in the way."""


def settle(arrived: Path, into: Path, names: Sequence[bytes]) -> Settled:
    """Move what was asked for to its place. Whatever else arrived stays: halves of files, or what a node made up. Blocks.

    Raises OSError where `into` itself cannot be written.
    """
    work = _Settling(os.fsencode(arrived), os.fsencode(into))
    into.mkdir(parents=True, exist_ok=True)
    for name in names:
        work.take(name)
    return Settled(tuple(sorted(work.names)), tuple(work.troubles), tuple(work.missing), work.size, work.ok)


class _Settling:
    def __init__(self, arrived: bytes, into: bytes) -> None:
        self._arrived, self._into = arrived, into
        self._folders: dict[bytes, bool] = {b"": True}
        self.names: list[str] = []
        self.troubles: list[str] = []
        self.missing: list[bytes] = []
        self.size = 0
        self.ok = True

    def take(self, name: bytes) -> None:
        try:
            found = os.lstat(os.path.join(self._arrived, name))
            if stat.S_ISDIR(found.st_mode):
                self._enter(name)
            elif self._enter(os.path.dirname(name)):
                self._put(name, found)
        except FileNotFoundError:
            self.missing.append(name)
        except OSError as error:
            self.ok = False
            self._trouble(name, (error.strerror or str(error)).lower())

    def _enter(self, name: bytes) -> bool:
        """Whether there is a real folder of that name, made where it is missing: on both sides, or a link might lead elsewhere."""
        if name not in self._folders:
            self._folders[name] = self._enter(os.path.dirname(name)) and self._made(name)
        return self._folders[name]

    def _made(self, name: bytes) -> bool:
        if not stat.S_ISDIR(os.lstat(os.path.join(self._arrived, name)).st_mode):
            self._trouble(name, "a link, where a folder was")
            return False
        place = os.path.join(self._into, name)
        try:
            os.mkdir(place)
        except FileExistsError:
            if not stat.S_ISDIR(os.lstat(place).st_mode):
                self._hindered(name, "a folder, and something else of that name is here")
                return False
        return True

    def _put(self, name: bytes, found: os.stat_result) -> None:
        source, place = os.path.join(self._arrived, name), os.path.join(self._into, name)
        if stat.S_ISLNK(found.st_mode):
            target = os.readlink(source)
            if not stays(os.fsdecode(name), os.fsdecode(target)):
                self._trouble(name, f"a link that leads out of the job's folder, to {clean(target, 200)}")
                return
        elif stat.S_ISREG(found.st_mode):
            os.chmod(source, stat.S_IMODE(found.st_mode) & 0o777 | 0o600)
            self.size += found.st_size
        else:
            self._trouble(name, "no file, folder or link")
            return
        if os.path.isdir(place) and not os.path.islink(place):
            self._hindered(name, "a folder of that name is here")
            return
        os.replace(source, place)
        self.names.append(os.fsdecode(name))

    def _hindered(self, name: bytes, why: str) -> None:
        self.ok = False
        self._trouble(name, why)

    def _trouble(self, name: bytes, why: str) -> None:
        if len(self.troubles) < TROUBLES:
            self.troubles.append(f"{clean(name, 300)}: {why}")
