"""What was kept of a run, read back as the frozen values that it was made of. Owns that step; the folders are `artefacts`'.

A file that was cut off (a full disk, a killed controller) or that somebody edited gives what can be read of it: no line is trusted.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

from ..model import clean
from .artefacts import Kept, outcomes_of
from .model import (
    BatchStarted,
    Ending,
    Guarded,
    GuardState,
    Outcome,
    Progress,
    Said,
    TaskResult,
    TaskStarted,
    TaskState,
)

_AT_ONCE = 500
"""Lines after which others have their turn: 500 take some 5 ms."""


async def progress(kept: Kept) -> AsyncIterator[tuple[float, Progress]]:
    """What happened, each with its time in seconds since the epoch, in order. A missing file gives nothing."""
    try:
        file = (kept.folder / "events.jsonl").open(encoding="utf-8", errors="replace")
    except OSError:
        return
    with file:
        for number, line in enumerate(file, 1):
            if number % _AT_ONCE == 0:
                await asyncio.sleep(0)
            try:
                document = json.loads(line)
                yield float(document["time"]), _MADE[document["event"]](document)
            except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
                continue


def outcomes(kept: Kept) -> dict[str, Outcome]:
    """How it ended, by node; nothing of a run that was killed or goes on. Raises StateError."""
    found: dict[str, Outcome] = {}
    for one in outcomes_of(kept):
        try:
            outcome = Outcome(
                clean(str(one["node"])),
                Ending(one["status"]),
                int(one["ok"]),
                int(one["changed"]),
                int(one["failed"]),
                int(one["skipped"]),
                float(one["seconds"]),
                clean(str(one["error"])),
                _text(one["evidence"]),
                None if one.get("layer") is None else clean(str(one["layer"])),
            )
        except (ValueError, TypeError, KeyError, OverflowError):
            continue
        found[outcome.node] = outcome
    return found


def _text(value: Any) -> str:
    return "\n".join(clean(line) for line in str(value or "").split("\n"))


def _line(value: Any) -> str:
    return clean(str(value or ""))


_MADE: Mapping[str, Callable[[Mapping[str, Any]], Progress]] = {
    "TaskStarted": lambda one: TaskStarted(
        int(one["number"]), _line(one["task"]), _line(one["role"]), _line(one["play"])
    ),
    "TaskResult": lambda one: TaskResult(
        _line(one["node"]),
        int(one["number"]),
        _line(one["task"]),
        TaskState(one["state"]),
        _line(one["role"]),
        float(one["seconds"]),
        _text(one["text"]),
        _text(one["diff"]),
    ),
    "BatchStarted": lambda one: BatchStarted(
        int(one["number"]), int(one["of"]), tuple(_line(name) for name in one["nodes"])
    ),
    "Said": lambda one: Said(_line(one["text"]), _line(one["node"]), one["alarm"] is True),
    "Guarded": lambda one: Guarded(_line(one["node"]), GuardState(one["state"]), float(one["left"])),
}
