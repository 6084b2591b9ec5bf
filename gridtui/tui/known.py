"""What there is to name in a selection: nodes, groups, labels and their values. Owns how names are folded for that; pure, reads no fleet by itself."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property

from ..model import Facts, Node, Status, clean

_NUMBERED = re.compile(r"(.*?)(\d{1,9})(\D*)", re.ASCII)
_NAME = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?", re.ASCII)
_LABEL = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*", re.ASCII)
FACTS: Mapping[str, Callable[[Facts], tuple[str, ...]]] = {
    "os": lambda facts: (facts.os,),
    "os.version": lambda facts: (facts.os_version,),
    "kernel": lambda facts: (facts.kernel,),
    "arch": lambda facts: (facts.arch,),
    "virt": lambda facts: (facts.virt,),
    "cpus": lambda facts: (str(facts.cpus),) if facts.cpus else (),
    "cores": lambda facts: (str(facts.cores),) if facts.cores else (),
    "has": lambda facts: tuple(sorted(facts.capabilities)),
    "gpu.name": lambda facts: tuple(facts.gpus),
}
"""Words of the selection language whose values the nodes tell."""


class Known:
    """Counted when it is asked for first: some 40 ms for 5,000 nodes, so that is done in a thread before anybody asks."""

    def __init__(self, nodes: Mapping[str, Node], status: Callable[[str], Status]) -> None:
        self._nodes = nodes
        self._status = status

    @cached_property
    def nodes(self) -> Mapping[str, str]:
        """Names that a selection can have as they are, with the address."""
        return {name: clean(node.address, 60) for name, node in self._nodes.items() if _NAME.fullmatch(name)}

    @cached_property
    def groups(self) -> Mapping[str, int]:
        """Group to the number of its nodes; the largest first."""
        return _counted(group for node in self._nodes.values() for group in node.groups if _NAME.fullmatch(group))

    @cached_property
    def labels(self) -> Mapping[str, Mapping[str, int]]:
        """Label to its values, each with the number of its nodes."""
        found: dict[str, Counter[str]] = {}
        for node in self._nodes.values():
            for label, value in node.labels.items():
                if _LABEL.fullmatch(label) and value:
                    found.setdefault(label, Counter())[value] += 1
        return {label: _counted(found[label].elements()) for label in sorted(found)}

    @cached_property
    def sets(self) -> Mapping[str, int]:
        """`web[01-20]`: names that differ in their last number alone, where none is missing; with how many they are."""
        stems: dict[tuple[str, str, int], set[int]] = {}
        for name in self.nodes:
            if match := _NUMBERED.fullmatch(name):
                padded = len(match[2]) if match[2][0] == "0" else 0
                stems.setdefault((match[1], match[3], padded), set()).add(int(match[2]))
        sets: dict[str, int] = {}
        for (before, after), numbers, pad in _joined(stems):
            first, last = min(numbers), max(numbers)
            if len(numbers) > 1 and last - first + 1 == len(numbers):
                sets[f"{before}[{first:0{pad}d}-{last:0{pad}d}]{after}"] = len(numbers)
        return sets

    def facts(self, word: str) -> Mapping[str, int]:
        """What the nodes tell of `os`, `kernel`, ..., as of now."""
        read = FACTS[word]
        told = (status.facts for status in map(self._status, self._nodes) if status.facts is not None)
        return _counted(value for facts in told for value in read(facts) if value and clean(value) == value)

    def warm(self) -> None:
        """Count all that does not change."""
        _ = self.nodes, self.groups, self.labels, self.sets


def _counted(words: Iterable[str]) -> dict[str, int]:
    return dict(Counter(words).most_common())


def _joined(
    stems: Mapping[tuple[str, str, int], set[int]],
) -> list[tuple[tuple[str, str], set[int], int]]:
    """`01` to `09` are padded and `10` is not, but they are one set: what is not padded goes to the padded ones of its width."""
    joined = {key: set(numbers) for key, numbers in stems.items() if key[2]}
    for (before, after, pad), numbers in stems.items():
        if pad:
            continue
        left = set(numbers)
        for (head, tail, width), padded in joined.items():
            if (head, tail) == (before, after):
                same = {number for number in left if len(str(number)) == width}
                padded |= same
                left -= same
        if left:
            joined[before, after, 0] = left
    return [((before, after), numbers, pad) for (before, after, pad), numbers in joined.items()]
