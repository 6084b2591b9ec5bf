"""What is kept of a run: a folder for each, in the state folder. Owns these folders and how many stay; decides nothing of a run.

    plan.json      what was to be run, on which nodes, with which command; written before anything starts
    events.jsonl   what happened, a line each: the frozen progress, secrets left out
    stdout         what Ansible itself printed, neutralised
    outcomes.json  how it ended on each node; a run without it was killed, or goes on

No secret is in any of them: variables of a run are named and not given, and what a task declares secret (no_log) never comes here.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from ..errors import StateError, UsageError
from ..model import clean
from ..store import files
from .model import Outcome, Plan, Progress

FOLDER = "playbooks"
_ID = re.compile(r"[0-9]{8}T[0-9]{6}-[0-9a-f]{4}", re.ASCII)
_MOST = 64 << 20
"""Bytes of a run's events, and of its output, that are kept."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A run that was kept, as far as it can be read."""

    run: str
    folder: Path
    time: float
    playbooks: tuple[str, ...]
    nodes: tuple[str, ...]
    check: bool
    changes: tuple[str, ...]
    """The ids of the changes that it put under a guard."""
    outcomes: Mapping[str, str] | None
    """Node to how it ended; None of a run that was killed, or goes on."""


def new_id() -> str:
    """An id for a run: its time, and what sets it apart from another of the same second."""
    return f"{time.strftime('%Y%m%dT%H%M%S')}-{secrets.token_hex(2)}"


class Artefacts:
    """The folder of one run, as a context manager."""

    def __init__(self, run: str, keep: int) -> None:
        """Raises StateError."""
        self.run = run
        base = _base()
        self.folder = base / run
        try:
            self.folder.mkdir(mode=0o700)
            self._events = _open(self.folder / "events.jsonl")
            self._stdout = _open(self.folder / "stdout")
        except OSError as error:
            raise StateError(f"{self.folder} cannot be made: {error.strerror}") from error
        self._left = {self._events: _MOST, self._stdout: _MOST}
        prune(base, keep)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for handle in (self._events, self._stdout):
            os.close(handle)

    def plan(
        self,
        plan: Plan,
        nodes: Sequence[str],
        sources: Sequence[str],
        changes: Sequence[str],
        command: Sequence[str],
        env: Mapping[str, str],
    ) -> None:
        """What is to be run; `changes` are the ids of those that stand under a guard."""
        document = {
            "schema": 1,
            "run": self.run,
            "time": time.time(),
            "playbooks": [{"name": one.name, "path": str(one.path)} for one in plan.playbooks],
            "nodes": list(nodes),
            "inventory": list(sources),
            "check": plan.check,
            "diff": plan.diff,
            "undo": plan.undo,
            "tags": list(plan.tags),
            "variables": sorted(plan.extra),
            "changes": list(changes),
            "command": list(command),
            "environment": dict(env),
        }
        files.write_json(self.folder / "plan.json", document)

    def event(self, progress: Progress) -> None:
        """One thing that happened."""
        line = {"time": round(time.time(), 3), "event": type(progress).__name__, **asdict(progress)}
        self._append(self._events, json.dumps(line, ensure_ascii=False, default=str))

    def said(self, text: str) -> None:
        """What Ansible printed."""
        for line in text.splitlines():
            self._append(self._stdout, clean(line, 10_000))

    def outcomes(self, outcomes: Iterable[Outcome], error: str) -> None:
        """How it ended."""
        document = {
            "schema": 1,
            "run": self.run,
            "time": time.time(),
            "error": error or None,
            "outcomes": [asdict(one) for one in outcomes],
        }
        files.write_json(self.folder / "outcomes.json", document)

    def _append(self, handle: int, line: str) -> None:
        data = f"{line}\n".encode("utf-8", "replace")
        self._left[handle] -= len(data)
        if self._left[handle] > 0:
            # a full disk must not end a run that changes nodes
            with contextlib.suppress(OSError):
                os.write(handle, data)


def _open(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)


def _base() -> Path:
    base = files.folder() / FOLDER
    base.mkdir(mode=0o700, exist_ok=True)
    return base


def prune(base: Path, keep: int) -> None:
    """Remove all but the last `keep` runs."""
    found = sorted(path for path in base.iterdir() if _ID.fullmatch(path.name))
    for path in found[:-keep] if keep else found:
        shutil.rmtree(path, ignore_errors=True)


def runs() -> list[Kept]:
    """All that are kept, the newest last. Raises StateError."""
    return [kept for path in sorted(_base().iterdir()) if _ID.fullmatch(path.name) and (kept := _read(path))]


def find(run: str = "") -> Kept:
    """One run, by its id or the beginning of it; the last one without. Raises UsageError, StateError."""
    found = [kept for kept in runs() if kept.run.startswith(run)]
    if not found:
        raise UsageError(
            f"no run {run} is kept" if run else "no run is kept", hint="`gridtui playbook runs` lists them"
        )
    if run and len(found) > 1:
        raise UsageError(f"{run} is the beginning of {len(found)} runs", hint="`gridtui playbook runs` lists them")
    return found[-1]


def guarded(run: str = "") -> Kept:
    """As `find`, among the runs that put changes under a guard. Raises UsageError, StateError."""
    if run:
        kept = find(run)
        if not kept.changes:
            raise UsageError(f"{kept.run} put nothing under a guard", hint="only playbooks that may cut the link do")
        return kept
    found = [kept for kept in runs() if kept.changes]
    if not found:
        raise UsageError("no run is kept that put anything under a guard")
    return found[-1]


def outcomes_of(kept: Kept) -> list[dict[str, Any]]:
    """The outcomes of a run that was kept, as they were written. Raises StateError."""
    document = files.read_json(kept.folder / "outcomes.json")
    found = document.get("outcomes") if isinstance(document, dict) else None
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _read(folder: Path) -> Kept | None:
    try:
        plan = files.read_json(folder / "plan.json")
        ended = files.read_json(folder / "outcomes.json")
    except StateError:
        return None
    if not isinstance(plan, dict):
        return None
    try:
        outcomes = None if ended is None else {one["node"]: str(one["status"]) for one in ended["outcomes"]}
        return Kept(
            folder.name,
            folder,
            float(plan["time"]),
            tuple(one["name"] for one in plan["playbooks"]),
            tuple(plan["nodes"]),
            plan["check"] is True,
            tuple(plan["changes"]),
            outcomes,
        )
    except (KeyError, TypeError, ValueError):
        return None
