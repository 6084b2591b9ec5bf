"""The course of a playbook's run: node × task, what was said, who failed alike, what changed alike, which guards are armed. Pure, knows no widget.

Results come by the thousand a second, so `take` costs microseconds and draws nothing; a screen looks a few times a second. A node's cells are
a byte each, and equal texts are kept once: 1,000 nodes × 200 tasks are 200 kB.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ..playbooks.model import (
    BatchStarted,
    Ending,
    Guarded,
    GuardState,
    Outcome,
    Progress,
    Result,
    Said,
    TaskResult,
    TaskStarted,
    TaskState,
)

STATES: tuple[TaskState | None, ...] = (None, *TaskState)
_CODES: Mapping[TaskState, int] = {state: code for code, state in enumerate(STATES) if state is not None}
_OVER = frozenset({TaskState.FAILED, TaskState.UNREACHABLE})
LINES = 5000
"""Lines of what was said that are kept."""
TEXTS = 64 << 20
"""Characters of texts and diffs that are kept: the rest is in the artefacts."""


@dataclass(frozen=True, slots=True)
class Task:
    """A column: one task, however many batches it ran in."""

    name: str
    role: str = ""
    play: str = ""

    @property
    def title(self) -> str:
        """As Ansible writes it: `firewall : Install nftables`."""
        return f"{self.role} : {self.name}" if self.role else self.name


Key = tuple[object, ...]


@dataclass(slots=True)
class Alike:
    """Nodes on which a task gave the same text or the same diff."""

    task: int
    state: TaskState
    text: str
    names: list[str] = field(default_factory=list)


class Course:
    """One run on `names`. `clock` gives the time of day, for the log and for what is left of an armed guard's window; `dry` says that it
    changes nothing."""

    def __init__(self, names: Iterable[str], clock: Callable[[], float] = time.time, dry: bool = False) -> None:
        self.names = list(names)
        self.dry = dry
        self.tasks: list[Task] = []
        self.outcomes: dict[str, Outcome] = {}
        self.batch: BatchStarted | None = None
        self.log: deque[tuple[str, str]] = deque(maxlen=LINES)
        """(role, line), oldest first."""
        self.said = 0
        """Lines that were ever said, for whoever has to know whether there are new ones."""
        self.version = 0
        """Grows with every failure and change."""
        self.failures: dict[Key, Alike] = {}
        self.changes: dict[Key, Alike] = {}
        self.result: Result | None = None
        self._clock = clock
        self._at = {name: index for index, name in enumerate(self.names)}
        self._cells = [bytearray() for _ in self.names]
        self._latest = [-1] * len(self.names)
        self._counts: list[Counter[TaskState]] = [Counter() for _ in self.names]
        self._columns: list[Counter[TaskState]] = []
        self._number: dict[object, int] = {}
        self._used: set[int] = set()
        """Columns that have had their task in this batch."""
        self._newest = -1
        self._guards: dict[str, tuple[GuardState, float]] = {}
        self._texts: dict[str, str] = {}
        self._room = TEXTS
        self._begun: set[str] | None = None
        self._results: dict[str, dict[int, tuple[str, str]]] = {}

    # ---- what comes ----

    def take(self, news: Progress) -> None:
        """The next thing that happened."""
        match news:
            case TaskResult():
                self._result(news)
            case TaskStarted():
                self._newest = self._column(news.number, Task(news.task, news.role, news.play))
                self._say(f"task {self._newest + 1}: {self.tasks[self._newest].title}", "dim")
            case BatchStarted():
                self._batch(news)
            case Guarded():
                self._guards[news.node] = news.state, self._clock() + news.left
            case Said():
                self._say(f"{news.node}: {news.text}" if news.node else news.text, "warning" if news.alarm else "text")

    def end(self, result: Result) -> None:
        """The run is over."""
        self.result = result
        self.outcomes.update(result.outcomes)
        for name in result.outcomes:
            self._row(name)
        if result.error:
            self._say(result.error, "critical")

    def refused(self, why: str) -> None:
        """Nothing was begun."""
        self._say(why, "critical")

    def ended(self, outcome: Outcome) -> None:
        """A node has ended while others go on."""
        self.outcomes[outcome.node] = outcome

    def _say(self, words: str, role: str) -> None:
        stamp = time.strftime("%H:%M:%S", time.localtime(self._clock()))
        for line in words.splitlines() or [""]:
            self.log.append((role, f"{stamp} {line}"))
            self.said += 1

    def _batch(self, batch: BatchStarted) -> None:
        self.batch = batch
        self._used = set()
        # Who is in no batch yet waits; without batches nobody is told to wait.
        self._begun = (self._begun or set()) | set(batch.nodes)
        if batch.of > 1:
            some = ", ".join(batch.nodes[:6]) + (", ..." if len(batch.nodes) > 6 else "")
            self._say(f"batch {batch.number} of {batch.of}: {some}", "accent")

    def _column(self, number: object, task: Task) -> int:
        """The column of a task. In the second batch the same tasks come again, and have their columns already."""
        column = self._number.get(number)
        if column is None:
            free = (at for at, other in enumerate(self.tasks) if other == task and at not in self._used)
            column = next(free, len(self.tasks))
            if column == len(self.tasks):
                self.tasks.append(task)
                self._columns.append(Counter())
            self._number[number] = column
        self._used.add(column)
        return column

    def _row(self, name: str) -> int:
        row = self._at.get(name)
        if row is None:  # e.g. a play over localhost
            row = self._at[name] = len(self.names)
            self.names.append(name)
            self._cells.append(bytearray())
            self._latest.append(-1)
            self._counts.append(Counter())
        return row

    def _result(self, one: TaskResult) -> None:
        row = self._row(one.node)
        # A result of a task whose start was not told has no number of its own.
        number = one.number or (one.role, one.task)
        column = self._number.get(number)
        if column is None:
            column = self._column(number, Task(one.task, one.role))
        cells = self._cells[row]
        if len(cells) <= column:
            cells.extend(bytes(column + 1 - len(cells)))
        before = STATES[cells[column]]
        if before is not one.state:
            if before is not None:
                self._counts[row][before] -= 1
                self._columns[column][before] -= 1
            self._counts[row][one.state] += 1
            self._columns[column][one.state] += 1
            cells[column] = _CODES[one.state]
        self._latest[row] = column
        if self._begun is not None:
            self._begun.add(one.node)
        if one.text or one.diff:
            self._keep(one, column)
        elif one.state in _OVER:
            self._alike(self.failures, (column, one.state, ""), one, column, "")

    def _keep(self, one: TaskResult, column: int) -> None:
        text, diff = self._once(one.text), self._once(one.diff)
        self._results.setdefault(one.node, {})[column] = text, diff
        if one.state in _OVER or one.state is TaskState.IGNORED:
            self._alike(self.failures, (column, one.state, text), one, column, text)
        if diff:
            self._alike(self.changes, (column, diff), one, column, diff)
        if one.state in _OVER:
            first = text.partition("\n")[0]
            self._say(f"{one.node}: {one.state} at {self.tasks[column].title}: {first}".rstrip(": "), "critical")

    def _alike(self, heaps: dict[Key, Alike], key: Key, one: TaskResult, column: int, text: str) -> None:
        heap = heaps.get(key)
        if heap is None:
            heap = heaps[key] = Alike(column, one.state, text)
        if one.node not in heap.names[-1:]:
            heap.names.append(one.node)
        self.version += 1

    def _once(self, text: str) -> str:
        """One copy of equal texts, and an end to them: what is left out says so."""
        if not text:
            return ""
        kept = self._texts.get(text)
        if kept is None:
            if len(text) > self._room:
                return "(not kept here: the run's artefacts have it)"
            self._room -= len(text)
            kept = self._texts[text] = text
        return kept

    # ---- what there is ----

    def cells(self, row: int) -> bytearray:
        """The states of a node's tasks as indexes of `STATES`; shorter than `tasks` where it has not come so far."""
        return self._cells[row]

    def row(self, name: str) -> int:
        """Where a node stands. Raises KeyError."""
        return self._at[name]

    def at(self, row: int) -> int:
        """The column that a node is at, or was last; -1 before the first. Nodes of a batch go from task to task together."""
        if self._newest >= 0 and self.result is None and not self.waits(name := self.names[row]):
            cells = self._cells[row]
            if (len(cells) <= self._newest or not cells[self._newest]) and self.ending(name) is None:
                return self._newest
        return self._latest[row]

    def counted(self, row: int) -> Mapping[TaskState, int]:
        """How a node's tasks ended."""
        return self._counts[row]

    def column(self, column: int) -> Mapping[TaskState, int]:
        """How a task ended on its nodes."""
        return self._columns[column]

    def heard(self, name: str) -> Mapping[int, tuple[str, str]]:
        """What a node's tasks said: (text, diff) by column."""
        return self._results.get(name, {})

    def heard_of(self, name: str) -> int:
        """Grows with whatever is heard of a node."""
        row = self._at.get(name)
        return 0 if row is None else sum(self._counts[row].values()) + len(self._cells[row]) + (name in self.outcomes)

    def waits(self, name: str) -> bool:
        """Whether a node's turn has not come."""
        if self._latest[self._at[name]] >= 0:
            return False
        return self._newest < 0 if self._begun is None else name not in self._begun

    def ending(self, name: str) -> Ending | None:
        """How it ended on a node; None while it goes on. What has failed is known before the run's end."""
        if (outcome := self.outcomes.get(name)) is not None:
            return outcome.status
        guard = self._guards.get(name)
        if guard is not None and guard[0] in _TAKEN_BACK:
            return _TAKEN_BACK[guard[0]]
        counts = self._counts[self._at[name]]
        if counts[TaskState.UNREACHABLE]:
            return Ending.UNREACHABLE
        return Ending.FAILED if counts[TaskState.FAILED] else None

    def running(self) -> list[str]:
        """Nodes that have not ended."""
        return [name for name in self.names if self.ending(name) is None]

    def guards(self) -> Mapping[GuardState, int]:
        """How many guards are in which state."""
        return Counter(state for state, _ in self._guards.values())

    def left(self) -> float | None:
        """Seconds until the first armed guard takes its change back; None when none is armed."""
        until = [end for state, end in self._guards.values() if state is GuardState.ARMED]
        return max(0.0, min(until) - self._clock()) if until else None

    def guard(self, name: str) -> tuple[GuardState, float] | None:
        """A node's guard, and the seconds that are left of an armed one."""
        found = self._guards.get(name)
        return None if found is None else (found[0], max(0.0, found[1] - self._clock()))

    def failed(self) -> list[str]:
        """Nodes on which it did not end well, in their order."""
        return [name for name in self.names if self.ending(name) in TROUBLES]

    def changed(self) -> list[str]:
        """Nodes on which something changed, or would have."""
        return [name for row, name in enumerate(self.names) if self._counts[row][TaskState.CHANGED]]


_TAKEN_BACK = {GuardState.ROLLED_BACK: Ending.ROLLED_BACK, GuardState.LOCKED_OUT: Ending.LOCKED_OUT}
TROUBLES = frozenset(
    {Ending.FAILED, Ending.UNREACHABLE, Ending.ROLLED_BACK, Ending.LOCKED_OUT, Ending.CANCELLED, Ending.SKIPPED}
)
"""Endings that call for another run."""


def folded(heaps: Iterable[Alike], fold: Callable[[Iterable[str]], str]) -> list[tuple[Alike, str]]:
    """Groups in the order of their tasks, the largest first, each with its node set."""
    ordered: Sequence[Alike] = sorted(heaps, key=lambda heap: (heap.task, -len(heap.names)))
    return [(heap, fold(heap.names)) for heap in ordered]
