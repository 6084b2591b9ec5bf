"""What a run came to: counts, why nodes are not well, what changed where; what is alike stands together. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from .. import outcomes as totals
from .model import Ending, Outcome, TaskResult

Fold = Callable[[Iterable[str]], str]

GOOD = (Ending.OK, Ending.CHANGED, Ending.MATCHING)
MILD = (Ending.SKIPPED, Ending.CANCELLED)
_WORST_LAST = (
    Ending.MATCHING,
    Ending.SKIPPED,
    Ending.CANCELLED,
    Ending.ROLLED_BACK,
    Ending.UNREACHABLE,
    Ending.FAILED,
    Ending.LOCKED_OUT,
)


@dataclass(frozen=True, slots=True)
class Alike:
    """One task's results that show the same."""

    number: int
    task: str
    role: str
    nodes: tuple[str, ...]
    text: str

    @property
    def title(self) -> str:
        return f"{self.role}: {self.task}" if self.role else self.task


def headline(outcomes: Sequence[Outcome], seconds: float) -> str:
    """`50 nodes in 12.3 s: 30 ok, 17 changed, 2 failed, 1 unreachable`."""
    return totals.headline([outcome.status for outcome in outcomes], seconds)


def troubles(outcomes: Iterable[Outcome], fold: Fold) -> list[tuple[Ending, str]]:
    """For each way of not being well a line: `failed: web[01-02]: base: Install it: no such package`. The worst last."""
    found: dict[tuple[Ending, str], list[str]] = {}
    for outcome in outcomes:
        if outcome.status not in (Ending.OK, Ending.CHANGED):
            found.setdefault((outcome.status, outcome.error), []).append(outcome.node)
    keys = sorted(found, key=lambda key: _WORST_LAST.index(key[0]))
    return [(key[0], ": ".join([str(key[0]), fold(found[key]), *([key[1]] if key[1] else [])])) for key in keys]


def alike(results: Iterable[TaskResult], part: Callable[[TaskResult], str]) -> list[Alike]:
    """The results whose `part` (their diff, their text) is not empty, identical ones of a task as one, in the order of the tasks, the
    largest group first."""
    found: dict[tuple[int, str, str, str], list[str]] = {}
    for result in results:
        if text := part(result):
            found.setdefault((result.number, result.task, result.role, text), []).append(result.node)
    groups = [
        Alike(number, task, role, tuple(sorted(nodes)), text) for (number, task, role, text), nodes in found.items()
    ]
    return sorted(groups, key=lambda group: (group.number, -len(group.nodes), group.nodes))
