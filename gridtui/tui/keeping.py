"""What the dashboard keeps of itself between two sessions: saved views, chosen columns, what was typed. Owns the folder `dashboard` of the
state folder; knows no meaning of what it keeps. Never secrets: the files are plain JSON, mode 0600.

A file that is damaged or of somebody else is as good as none, and a disk that cannot be written costs the keeping, never the dashboard:
`problem` is told, once for each name.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..errors import GridtuiError, StateError
from ..store import files

MOST = 1 << 20
"""Bytes of one file: more is not ours."""
_NAME = re.compile(r"[a-z]+(-[a-z]+)*")


class Keeping:
    """Small documents by name. Reading is one short read the first time; writing happens in a thread, the newest alone."""

    def __init__(self, problem: Callable[[GridtuiError], None] = lambda error: None) -> None:
        self._problem = problem
        self._known: dict[str, dict[str, Any]] = {}
        self._due: set[str] = set()
        self._told: set[str] = set()
        self._writing: asyncio.Task[None] | None = None

    def get(self, name: str) -> dict[str, Any]:
        """What was kept under a name; empty when there is nothing. A copy: change it and `put` it back."""
        if name not in self._known:
            self._known[name] = self._read(name)
        copy: dict[str, Any] = json.loads(json.dumps(self._known[name]))
        return copy

    def put(self, name: str, value: dict[str, Any]) -> None:
        """Keep a document. Needs the loop that runs; `close` waits until it is on the disk."""
        self._known[name] = json.loads(json.dumps(value))
        self._due.add(name)
        if self._writing is None or self._writing.done():
            self._writing = asyncio.get_running_loop().create_task(self._write())

    async def close(self) -> None:
        """Wait until everything is written."""
        if self._writing is not None:
            await self._writing

    async def _write(self) -> None:
        while self._due:
            name = self._due.pop()
            content = json.dumps(self._known[name], ensure_ascii=False, separators=(",", ":")) + "\n"
            try:
                await asyncio.to_thread(_write, name, content)
            except StateError as error:
                self.complain(name, error)

    def _read(self, name: str) -> dict[str, Any]:
        try:
            path = _path(name)
            if path.exists() and path.stat().st_size > MOST:
                raise StateError(f"{path} is too large to be the dashboard's own", hint="move it out of the way")
            found = files.read_json(path)
        except StateError as error:
            self.complain(name, error)
            return {}
        except OSError:
            return {}  # gone between two looks
        return found if isinstance(found, dict) else {}

    def complain(self, name: str, error: GridtuiError) -> None:
        """Tell that something cannot be kept, once for each name."""
        if name not in self._told:
            self._told.add(name)
            self._problem(error)


def _path(name: str) -> Path:
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no name for a file")
    return files.folder() / "dashboard" / f"{name}.json"


def _write(name: str, content: str) -> None:
    path = _path(name)
    try:
        path.parent.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise StateError(f"{path.parent} cannot be made: {error.strerror or error}") from error
    files.write(path, content)
