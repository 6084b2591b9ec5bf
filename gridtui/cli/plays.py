"""Playbooks on one screen: nodes and their tasks while they run, a line a task elsewhere, diffs, the summary, JSON. Prints through `output`."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable, Iterable, Sequence

from .. import playbooks as books
from ..model import clean
from ..playbooks import TaskState, summary
from . import output

Fold = Callable[[Iterable[str]], str]

_EVERY = 0.2
"""Seconds between two pictures."""
_ROWS = 16
"""Nodes that are shown at once."""
_TASKS = 40
"""Tasks of a node that are shown: the last ones."""
_GLYPHS: dict[TaskState | None, str] = {
    TaskState.RUNNING: "▸",
    TaskState.OK: "·",
    TaskState.CHANGED: "●",
    TaskState.SKIPPED: "-",
    TaskState.IGNORED: "~",
    TaskState.FAILED: "✗",
    TaskState.UNREACHABLE: "!",
}
_BAD = (TaskState.FAILED, TaskState.UNREACHABLE)


class Board:
    """What goes on: `told` and `ended` of a run. A picture on a terminal, a line a task elsewhere; with `quiet` neither."""

    def __init__(self, names: Sequence[str], fold: Fold, *, quiet: bool = False) -> None:
        self._fold = fold
        self._quiet = quiet
        self._live = output.live() and not quiet
        self._width = max((len(clean(name)) for name in names), default=0)
        self._states: dict[str, dict[int, TaskState]] = {name: {} for name in names}
        self._done: set[str] = set()
        self._batch: tuple[str, ...] = tuple(names)
        self._title = ""
        self._number = 0
        self._began = time.monotonic()
        self._pending: list[books.TaskResult] = []
        self._lines = 0
        self._last = 0.0
        self.results: list[books.TaskResult] = []
        """All results that have a diff or say something."""

    def told(self, progress: books.Progress) -> None:
        """News of the run."""
        match progress:
            case books.TaskStarted():
                self.flush()
                self._title = f"{progress.role}: {progress.task}" if progress.role else progress.task
                self._number, self._began = progress.number, time.monotonic()
            case books.TaskResult():
                self._states[progress.node][progress.number] = progress.state
                if progress.diff or progress.text:
                    self.results.append(progress)
                self._pending.append(progress)
            case books.BatchStarted():
                self.flush()
                self._batch = progress.nodes
                self._say(f"batch {progress.number} of {progress.of}: {self._fold(progress.nodes)}", "bold")
            case books.Said():
                text = f"{clean(progress.node)}: {progress.text}" if progress.node else progress.text
                self._say(text, "yellow" if progress.alarm else "dim")
        self._draw()

    async def tick(self) -> None:
        """Draw again and again, so that a long task is seen to go on. Ends when it is cancelled."""
        while self._live:
            await asyncio.sleep(1.0)
            self._draw()

    def ended(self, outcome: books.Outcome) -> None:
        """A node is done."""
        self._done.add(outcome.node)
        self._draw()

    def flush(self) -> None:
        """Say what the tasks that ended since came to: alike nodes together."""
        pending, self._pending = self._pending, []
        if self._quiet:
            return
        found: dict[tuple[int, str, TaskState, str], list[str]] = {}
        for one in pending:
            title = f"{one.role}: {one.task}" if one.role else one.task
            first = one.text.partition("\n")[0] if one.text else ""
            found.setdefault((one.number, title, one.state, first), []).append(one.node)
        for (number, title, state, text), nodes in found.items():
            if self._live and state not in _BAD and not text:
                continue  # the picture shows it
            line = f"{number:3} {title}: {state}: {self._fold(nodes)}"
            self._say(f"{line}: {text}" if text else line, "red" if state in _BAD else "")

    def clear(self) -> None:
        """Take the picture away."""
        self.flush()
        self._lines = output.block([], self._lines)

    def _say(self, text: str, style: str) -> None:
        if self._quiet:
            return
        if self._live:
            self._lines = output.block([], self._lines)
        output.note(output.styled(text, style, sys.stderr) if style else text)

    def _draw(self) -> None:
        now = time.monotonic()
        # before the first task somebody may be asked something
        if not self._live or not self._number or now - self._last < _EVERY:
            return
        self._last = now
        rows = [name for name in self._batch if name not in self._done]
        lines = [self._row(name) for name in rows[:_ROWS]]
        if len(rows) > _ROWS:
            lines.append(f"and {len(rows) - _ROWS} more")
        done = sum(1 for name in rows if self._number in self._states[name])
        seconds = round(now - self._began)
        lines.append(f"task {self._number}: {self._title}  {done}/{len(rows)} nodes  {seconds} s")
        self._lines = output.block(lines, self._lines)

    def _row(self, name: str) -> str:
        states = self._states[name]
        first = max(1, self._number - _TASKS + 1)
        # a task that was not for it, as a handler that nobody called, leaves a blank
        marks = "".join(_GLYPHS.get(states.get(number), " ") for number in range(first, self._number))
        last = states.get(self._number, TaskState.RUNNING)
        return f"{clean(name).ljust(self._width)}  {marks}{_GLYPHS[last]}"


def diffs(results: Iterable[books.TaskResult], fold: Fold) -> None:
    """What changed, or would, each diff once under the nodes that it is for, on standard output."""
    found = summary.alike(results, lambda result: result.diff)
    for one in found:
        output.data(output.styled(f"==== {fold(one.nodes)} ({len(one.nodes)}): {one.title}", "bold"))
        output.data("\n".join(map(_diff_line, one.text.split("\n"))))
    output.flush()


def _diff_line(line: str) -> str:
    style = {"+": "green", "-": "red", "@": "cyan"}.get(line[:1])
    return output.styled(line, style) if style else line


def conclude(result: books.Result, seconds: float, fold: Fold, verbosity: int) -> None:
    """What it came to, on standard error; the worst last."""
    outcomes = list(result.outcomes.values())
    output.note(summary.headline(outcomes, seconds))
    for ending, text in summary.troubles(outcomes, fold):
        style = "dim" if ending in summary.GOOD else "yellow" if ending in summary.MILD else "red"
        output.note(output.styled(text, style, sys.stderr))
    if verbosity:
        for outcome in outcomes:
            for line in outcome.evidence.splitlines():
                output.note(f"  {clean(outcome.node)}: {line}")
    output.note(output.styled(f"kept as {result.run} in {result.folder}", "dim", sys.stderr))


def document(
    plan: books.Plan, result: books.Result, results: Sequence[books.TaskResult], began: float, seconds: float
) -> None:
    """`playbook run --json`."""
    output.document(
        {
            "schema": 1,
            "run": result.run,
            "folder": str(result.folder),
            "playbooks": [playbook.name for playbook in plan.playbooks],
            "check": plan.check,
            "time": began,
            "seconds": round(seconds, 6),
            "error": result.error or None,
            "results": [outcome_document(one) for one in result.outcomes.values()],
            "tasks": [
                {
                    "number": one.number,
                    "task": one.task,
                    "role": one.role,
                    "node": one.node,
                    "state": one.state,
                    "text": one.text,
                    "diff": one.diff,
                }
                for one in results
            ],
        },
        ascii_only=True,
    )


def outcome_document(one: books.Outcome) -> dict[str, object]:
    """A node's outcome."""
    return {
        "node": one.node,
        "status": one.status,
        "ok": one.ok,
        "changed": one.changed,
        "failed": one.failed,
        "skipped": one.skipped,
        "seconds": round(one.seconds, 6),
        "error": one.error or None,
        "evidence": one.evidence or None,
        "layer": one.layer,
    }
