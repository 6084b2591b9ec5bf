"""The joblog: what was run, where, and how it ended. Owns its folder in the state folder; holds no output, no input and no password.

One file a run, `exec/<UTC time>-<random>.json`, mode 0600: runs at the same time never wait for each other.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from .. import store
from ..errors import LayerName, StateError
from ..model import clean
from .task import Ending, Outcome, Task

KEEP = 100
"""Runs that are kept; older ones are removed."""
SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Logged:
    """One run of the past."""

    path: Path
    time: float
    """When it began, seconds since the epoch."""
    command: str
    sudo: bool
    timeout: float | None
    stdin: bool
    """Whether it had standard input, which is not kept."""
    outcomes: tuple[Outcome, ...]
    """In the order of the run, without output, which is not kept."""

    @property
    def failed(self) -> tuple[str, ...]:
        """The nodes that did not succeed, in order."""
        return tuple(one.node for one in self.outcomes if one.status is not Ending.OK)


def write(task: Task, outcomes: Iterable[Outcome], began: float, sources: Sequence[Path] = ()) -> Path:
    """Keep one run. Raises StateError."""
    there = folder()
    stamp = time.strftime("%Y%m%dT%H%M%S", time.gmtime(began))
    path = there / f"{stamp}.{int(began % 1 * 1e6):06}Z-{os.urandom(3).hex()}.json"
    document = {
        "schema": SCHEMA,
        "time": began,
        "command": task.command,
        "sudo": task.sudo,
        "timeout": task.timeout,
        "stdin": bool(task.stdin),
        "inventory": [str(source) for source in sources],
        "results": [
            {
                "node": one.node,
                "status": one.status,
                "exit": one.exit,
                "seconds": round(one.seconds, 6),
                "layer": one.layer,
                "error": one.error or None,
                "left": one.left,
            }
            for one in outcomes
        ],
    }
    store.write(path, json.dumps(document) + "\n")  # ASCII: a command may hold bytes that are no UTF-8
    for old in sorted(there.glob("*.json"))[:-KEEP]:
        with contextlib.suppress(OSError):
            old.unlink()
    return path


def last() -> Logged | None:
    """The newest run, or None. Raises StateError."""
    found = sorted(folder().glob("*.json"))
    return read(found[-1]) if found else None


def runs() -> list[Logged]:
    """All runs that are kept and can be read, the newest last. Raises StateError where the folder cannot be used."""
    found = []
    for path in sorted(folder().glob("*.json")):
        with contextlib.suppress(StateError):  # one that is damaged says nothing of the others
            if (one := read(path)) is not None:
                found.append(one)
    return found


def read(path: Path) -> Logged | None:
    """One run. Raises StateError."""
    document = store.read_json(path)
    if document is None:
        return None
    try:
        return _logged(path, document)
    except (KeyError, TypeError, ValueError):
        raise StateError(f"{path} is no log of a run", hint="remove it") from None


def _logged(path: Path, document: Any) -> Logged:
    if document["schema"] != SCHEMA:
        raise ValueError(document["schema"])
    timeout = document["timeout"]
    return Logged(
        path,
        float(document["time"]),
        str(document["command"]),
        bool(document["sudo"]),
        None if timeout is None else float(timeout),
        bool(document["stdin"]),
        tuple(map(_outcome, document["results"])),
    )


def _outcome(one: Any) -> Outcome:
    layer = one.get("layer")
    return Outcome(
        str(one["node"]),
        Ending(one["status"]),
        exit=one["exit"] if isinstance(one.get("exit"), int) else None,
        seconds=float(one.get("seconds") or 0.0),
        layer=layer if layer in get_args(LayerName) else None,
        error=clean(str(one.get("error") or "")),
        left=bool(one.get("left")),
    )


def folder() -> Path:
    """Where they lie. Raises StateError."""
    path = store.folder() / "exec"
    try:
        path.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise StateError(f"{path} cannot be made: {error.strerror}") from error
    return path
