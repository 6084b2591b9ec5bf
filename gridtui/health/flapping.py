"""Whether a node comes and goes. Pure arithmetic over its recent states.

The method is Nagios's ("Detection and Handling of State Flapping" in the manuals of Nagios Core and Naemon): of the last 21
checks, each of the 20 places where the state may have changed weighs from 0.8 (oldest) to 1.2 (newest); the sum of those where
it did, in per cent of 20, starts flapping above a high threshold and ends it below a low one. The thresholds are
closer to Icinga 2's (30 and 25 per cent), with more room between them.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from .memory import HISTORY

HIGH = 30.0
"""Per cent above which flapping starts: six changes or so."""
LOW = 15.0
"""Per cent below which it ends."""


def change(history: Sequence[int]) -> float:
    """The weighted share of changes among the last `HISTORY` states, in per cent. States before the first count as no change."""
    places = HISTORY - 1
    recent = history[-HISTORY:]
    first = places - (len(recent) - 1)
    total = 0.0
    for index, (before, after) in enumerate(pairwise(recent)):
        if before != after:
            total += 0.8 + 0.4 * (first + index) / (places - 1)
    return 100.0 * total / places


def changes(history: Sequence[int]) -> int:
    """How often the state changed."""
    return sum(before != after for before, after in pairwise(history))


def is_flapping(history: Sequence[int], before: bool) -> bool:
    """Whether a node flaps now; `before` says whether it did until now."""
    if len(set(history)) < 2:
        return False
    share = change(history)
    return share >= LOW if before else share > HIGH
