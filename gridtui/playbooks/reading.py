"""ansible-runner's events as frozen progress. Owns what is made of an event; everything in one is from a node, or may be: hostile.

Counts how each node goes, so that a run that is cut off still ends with outcomes. Starts nothing and keeps no file.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..model import clean
from . import diffs
from .model import Progress, Said, TaskResult, TaskStarted, TaskState

LINES, WIDTH = 40, 2000
"""Lines of a result's text that are kept, and characters of each."""

_ORIGIN = re.compile(r"^Origin: (\S.{0,300})", re.M)
_ESCAPE = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_STATES = {
    "runner_on_ok": TaskState.OK,
    "runner_on_failed": TaskState.FAILED,
    "runner_on_unreachable": TaskState.UNREACHABLE,
    "runner_on_skipped": TaskState.SKIPPED,
}
_NOISE = re.compile(r"(Origin: |\s*\^|\d+ |<<<|$)")


@dataclass(slots=True)
class Count:
    """How a node went so far."""

    ok: int = 0
    changed: int = 0
    failed: int = 0
    skipped: int = 0
    unreachable: bool = False
    rescued: int = 0
    seconds: float = 0.0
    first: TaskResult | None = None
    """The first result that was bad."""
    origin: str = ""
    """Where in the playbook that is: file:line:column."""

    @property
    def touched(self) -> bool:
        """Whether any task was for it."""
        return bool(self.ok or self.failed or self.skipped or self.unreachable)


@dataclass(slots=True)
class Stats:
    """What Ansible itself counts at the end, by node."""

    failures: Mapping[str, int] = field(default_factory=dict)
    dark: Mapping[str, int] = field(default_factory=dict)
    processed: frozenset[str] = frozenset()
    rescued: Mapping[str, int] = field(default_factory=dict)


class Reader:
    """Reads the events of a run, of one Ansible after the other. Tasks keep their number where batches repeat them."""

    def __init__(self, nodes: Iterable[str]) -> None:
        self._nodes = frozenset(nodes)
        self._numbers: dict[tuple[int, str, int], int] = {}
        self._tasks: dict[str, tuple[int, str, str]] = {}
        self._seen: dict[tuple[int, str], int] = {}
        self._part = 0
        self.counts: dict[str, Count] = {name: Count() for name in self._nodes}
        self.stats: Stats | None = None
        self.begun = False
        """Whether a play has begun: before, no node was touched."""
        self.said: list[str] = []
        """What Ansible said outside of tasks: its own errors, above all."""

    def begin(self, part: int) -> None:
        """Another Ansible starts; `part` is which of the run's playbooks it has."""
        self._part = part
        self._tasks, self._seen, self.stats, self.begun, self.said = {}, {}, None, False, []

    def feed(self, event: Mapping[str, Any]) -> Iterator[Progress]:
        """What an event says to people."""
        kind, data = event.get("event"), event.get("event_data")
        data = data if isinstance(data, dict) else {}
        if kind in ("playbook_on_task_start", "playbook_on_handler_task_start"):
            yield self._task(data)
        elif kind == "playbook_on_play_start":
            self.begun = True
        elif kind in _STATES:
            if result := self._result(_STATES[str(kind)], data, _text(event.get("stdout"))):
                yield result
        elif kind == "playbook_on_stats":
            self.stats = Stats(
                _numbers(data.get("failures")),
                _numbers(data.get("dark")),
                frozenset(_numbers(data.get("processed"))),
                _numbers(data.get("rescued")),
            )
        elif kind in ("warning", "error", "system_warning", "verbose", "deprecated"):
            yield from self._aside(str(kind), _text(event.get("stdout")))

    def _task(self, data: Mapping[str, Any]) -> TaskStarted:
        name = clean(_text(data.get("task")) or _text(data.get("name")) or "task", 300)
        role = clean(_text(data.get("role")), 100)
        place = _text(data.get("task_path")) or f"{role}:{name}"
        turn = self._seen[(self._part, place)] = self._seen.get((self._part, place), 0) + 1
        number = self._numbers.setdefault((self._part, place, turn), len(self._numbers) + 1)
        self._tasks[_text(data.get("task_uuid"))] = (number, name, role)
        return TaskStarted(number, name, role, clean(_text(data.get("play")), 300))

    def _result(self, state: TaskState, data: Mapping[str, Any], stdout: str) -> TaskResult | None:
        node = data.get("host")
        if not isinstance(node, str) or node not in self._nodes:
            return None  # delegated to a host that is none of ours, or made up
        answer = data.get("res")
        answer = answer if isinstance(answer, dict) else {}
        if state is TaskState.OK and answer.get("changed") is True:
            state = TaskState.CHANGED
        if state is TaskState.FAILED and data.get("ignore_errors") is True:
            state = TaskState.IGNORED
        number, name, role = self._tasks.get(
            _text(data.get("task_uuid")), (0, clean(_text(data.get("task")), 300), clean(_text(data.get("role")), 100))
        )
        seconds = data.get("duration")
        seconds = float(seconds) if isinstance(seconds, int | float) and math.isfinite(seconds) else 0.0
        result = TaskResult(node, number, name, state, role, seconds, told(answer, state), diffs.unified(answer))
        self._count(result, stdout)
        return result

    def _count(self, result: TaskResult, stdout: str) -> None:
        count = self.counts[result.node]
        count.seconds += result.seconds
        match result.state:
            case TaskState.OK | TaskState.IGNORED:
                count.ok += 1
            case TaskState.CHANGED:
                count.ok += 1
                count.changed += 1
            case TaskState.SKIPPED:
                count.skipped += 1
            case TaskState.FAILED:
                count.failed += 1
            case TaskState.UNREACHABLE:
                count.unreachable = True
        if result.state in (TaskState.FAILED, TaskState.UNREACHABLE) and count.first is None:
            count.first = result
            if found := _ORIGIN.search(stdout):
                count.origin = clean(found[1].strip(), 300)

    def _aside(self, kind: str, stdout: str) -> Iterator[Said]:
        """Warnings go to people in one line; all is kept for the case that nothing ran."""
        lines = [clean(line.rstrip(), WIDTH) for line in stdout.splitlines() if line.strip()]
        if len(self.said) < 200:
            self.said += lines
        for line in lines:
            if line.startswith("[WARNING]: "):
                yield Said(line.removeprefix("[WARNING]: "))
            elif kind == "error" and line.startswith("[ERROR]: "):
                yield Said(line.removeprefix("[ERROR]: "), alarm=True)


def told(answer: Mapping[str, Any], state: TaskState) -> str:
    """What a result says: why it failed, or what a task was there to say. Empty for what is declared secret."""
    if "censored" in answer:
        return ""
    lines: list[str] = []
    bad = state in (TaskState.FAILED, TaskState.UNREACHABLE, TaskState.IGNORED)
    if bad or answer.get("_ansible_verbose_always") is True:
        lines += _lines(answer.get("msg"))
    if bad:
        for item in _items(answer):
            if "censored" not in item and item.get("failed") is True:
                lines += [
                    f"{_label(item)}{line}" for line in (*_lines(item.get("msg")), *_lines(item.get("stderr"))[-5:])
                ]
        for stream in ("stderr", "module_stderr", "stdout", "module_stdout"):
            found = _lines(answer.get(stream))[-10:]
            lines += [line for line in found if line not in lines]
    elif answer.get("_ansible_verbose_always") is True and not lines:
        lines = [
            f"{clean(str(name), 100)}: {line}"
            for name, value in answer.items()
            if not str(name).startswith("_") and name not in ("changed", "invocation", "failed")
            for line in _lines(value)
        ]
    if len(lines) > LINES:
        lines = [*lines[: LINES - 1], f"… and {len(lines) - LINES + 1} more lines"]
    return "\n".join(lines)


def _items(answer: Mapping[str, Any]) -> list[dict[str, Any]]:
    found = answer.get("results")
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def _label(item: Mapping[str, Any]) -> str:
    label = item.get("_ansible_item_label", item.get("item"))
    return f"{clean(str(label), 60)}: " if isinstance(label, str | int) else ""


def _lines(value: Any) -> list[str]:
    """A value as harmless lines."""
    if value is None or value == "":
        return []
    if isinstance(value, list | dict):
        import json

        value = json.dumps(value, ensure_ascii=False, default=str)[: WIDTH * LINES]
    return [clean(line, WIDTH) for line in str(value)[: WIDTH * LINES].splitlines() if line.strip()]


def _numbers(value: Any) -> dict[str, int]:
    if not isinstance(value, dict):
        return {}
    return {name: count for name, count in value.items() if isinstance(name, str) and isinstance(count, int)}


def _text(value: Any) -> str:
    return _ESCAPE.sub("", value) if isinstance(value, str) else ""


def problem(said: Iterable[str]) -> str:
    """Why nothing ran at all, of what Ansible said: its first error in one line, with file:line:column before it where it names one."""
    error, origin = "", ""
    for line in said:
        if not error and line.startswith(("[ERROR]: ", "ERROR! ")):
            error = line.removeprefix("[ERROR]: ").removeprefix("ERROR! ")
        elif error and not origin and line.startswith("Origin: "):
            origin = line.removeprefix("Origin: ").strip()
        elif error and line.startswith("Could not find or access"):
            error = line.strip()
        elif error and not origin and not _NOISE.match(line) and error.endswith(":"):
            error = f"{error} {line.strip()}"
    if not error:
        lines = [line for line in said if not line.startswith("[WARNING]")]
        error = lines[-1] if lines else ""
    if origin and not origin.startswith("<"):
        return f"{origin}: {error[:1].lower() if error[1:2].islower() else error[:1]}{error[1:]}"
    return error
