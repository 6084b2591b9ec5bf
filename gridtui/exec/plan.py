"""How a run goes over its nodes: how many at once, in which batches, and when it has failed too often. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..errors import UsageError

FANOUT = 256
"""Nodes at once. Logins in flight are bounded more tightly by the pool, so this is what open connections can take."""

_AMOUNT = re.compile(r"([0-9]{1,9})(%?)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Amount:
    """A number of nodes, or a share of all of them in per cent."""

    value: int
    percent: bool = False

    def of(self, total: int) -> int:
        """The number of nodes, rounded down."""
        return self.value * total // 100 if self.percent else self.value

    def __str__(self) -> str:
        return f"{self.value}%" if self.percent else str(self.value)


@dataclass(frozen=True, slots=True)
class Plan:
    """How to go over the nodes."""

    fanout: int = FANOUT
    batches: tuple[Amount, ...] = ()
    """Sizes of the batches, the last one repeated, as Ansible's `serial`; none: all nodes are one batch."""
    max_failures: Amount | None = None
    """Stop when more nodes than this failed, of all that were selected. None: never, and with batches at the first one."""
    timeout: float | None = None
    """Seconds for the whole run."""

    def sizes(self, total: int) -> list[int]:
        """The batches' sizes: each is at least one node, and together they are `total`."""
        sizes: list[int] = []
        left, turn = total, 0
        while left:
            size = left
            if self.batches:
                size = min(left, max(1, self.batches[min(turn, len(self.batches) - 1)].of(total)))
            sizes.append(size)
            left -= size
            turn += 1
        return sizes

    def tolerated(self, total: int) -> int:
        """How many nodes may fail before the run stops."""
        if self.max_failures is not None:
            return self.max_failures.of(total)
        return 0 if self.batches else total


def amount(text: str) -> Amount:
    """`5` or `10%`. Raises UsageError."""
    match = _AMOUNT.fullmatch(text.strip())
    if not match or (match[2] and int(match[1]) > 100):
        raise UsageError(f"{text!r} is neither a number of nodes nor a share", hint="write 5 or 10%")
    return Amount(int(match[1]), bool(match[2]))


def batches(text: str) -> tuple[Amount, ...]:
    """`1,10%,100%`. Raises UsageError."""
    sizes = tuple(amount(part) for part in text.split(","))
    if any(size.value == 0 for size in sizes):
        raise UsageError(f"{text!r} has an empty batch", hint="write sizes such as 1,10%,100%")
    return sizes
