"""What came of a command so far: nodes with the same outcome together. Owns the grouping; pure, knows no widget.

Of each group one output is kept, whatever the number of nodes in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from ..exec import Ending, Group, Outcome, summary

Key = tuple[object, ...]


@dataclass(slots=True)
class Heap:
    """Nodes whose outcomes show the same."""

    key: Key
    sample: Outcome
    """The outcome of the first of them, with its output."""
    names: set[str] = field(default_factory=set)
    version: int = 0
    """Grows when nodes come or go."""

    @property
    def ran(self) -> bool:
        """Whether there is output to compare: the command was started there, or said something."""
        sample = self.sample
        return sample.status not in (Ending.UNREACHABLE, Ending.SKIPPED) or bool(sample.stdout or sample.stderr)

    @property
    def group(self) -> Group:
        """As `exec.compare` wants it."""
        return Group(tuple(self.names), self.sample)


class Results:
    """The picture of one command on some nodes, over its runs again."""

    def __init__(self) -> None:
        self.running: dict[str, bytes] = {}
        """Nodes that have not ended, each with its newest line of output."""
        self.outcomes: dict[str, Outcome] = {}
        """Each node's outcome, without its output."""
        self._heaps: dict[Key, Heap] = {}
        self._where: dict[str, Key] = {}

    def start(self, names: Iterable[str]) -> None:
        """These run now; what is known of them is of the past."""
        for name in names:
            self._take_out(name)
            self.outcomes.pop(name, None)
            self.running[name] = b""

    def heard(self, name: str, lines: Sequence[bytes]) -> None:
        """A node said something."""
        if lines and name in self.running:
            self.running[name] = lines[-1]

    def add(self, outcome: Outcome) -> None:
        """A node has ended."""
        name = outcome.node
        self._take_out(name)
        self.running.pop(name, None)
        self.outcomes[name] = replace(outcome, stdout=b"", stderr=b"")
        why = summary.reason(outcome)
        key = outcome.status, outcome.exit, why, outcome.truncated, outcome.stdout, outcome.stderr
        heap = self._heaps.get(key)
        if heap is None:
            # the key holds the output that the sample has: one copy, not two
            heap = self._heaps[key] = Heap(key, outcome)
        heap.names.add(name)
        heap.version += 1
        self._where[name] = heap.key

    def _take_out(self, name: str) -> None:
        if (key := self._where.pop(name, None)) is not None:
            heap = self._heaps[key]
            heap.names.discard(name)
            heap.version += 1
            if not heap.names:
                del self._heaps[key]

    @property
    def size(self) -> int:
        """Bytes of output that are kept."""
        return sum(len(heap.sample.stdout) + len(heap.sample.stderr) for heap in self._heaps.values())

    def forget(self) -> None:
        """Keep no output any more: nodes that ended alike are together now, whatever they said."""
        outcomes = list(self.outcomes.values())
        self._heaps.clear()
        self._where.clear()
        for outcome in outcomes:
            self.add(outcome)

    def heaps(self) -> list[Heap]:
        """The groups: those that ran first, the largest first; then those that did not. Ties by what ended first."""
        return sorted(self._heaps.values(), key=lambda heap: (not heap.ran, -len(heap.names)))

    def common(self) -> Heap | None:
        """The most common outcome of a command that ran; one that is ok where there is any."""
        ran = [heap for heap in self.heaps() if heap.ran]
        return next((heap for heap in ran if heap.sample.ok), ran[0] if ran else None)

    def apart(self) -> list[str]:
        """The nodes that differ from the most common outcome, or failed."""
        common = self.common()
        return [
            name
            for name, outcome in self.outcomes.items()
            if not outcome.ok or common is None or self._where[name] != common.key
        ]
