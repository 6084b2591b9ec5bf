"""What a reason stands on: the rule, its range, and how many samples say so. Reads what `judging` remembers; decides nothing. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..model import Reason, State, Verdict
from .memory import Level, Memory
from .ranges import Range
from .rules import PROBE, REACH, Rules


@dataclass(frozen=True, slots=True)
class Ground:
    """One reason of a verdict, and the rule behind it."""

    reason: Reason
    range: Range | None = None
    """The range of the level that holds; None where the rule has none (reach, flapping)."""
    clear: float | None = None
    """By how much a value must be back inside; None: 5 % of the edge that it passes."""
    count: int = 0
    """Samples in a row that say otherwise than what counts: for a soft reason those that are bad, else those that are fine again."""
    needed: int = 0
    """How many of them turn it."""


def grounds(verdict: Verdict, memory: Memory, rules: Rules) -> Sequence[Ground]:
    """One for each reason of `verdict`, in its order."""
    return tuple(_ground(reason, memory, rules) for reason in verdict.reasons)


def _ground(reason: Reason, memory: Memory, rules: Rules) -> Ground:
    if reason.rule == REACH:
        rule = rules.reach
        return Ground(
            reason, None, None, memory.reach.crit.count, rule.raise_after if reason.soft else rule.clear_after
        )
    if reason.rule == PROBE:
        return Ground(reason, None, None, memory.probe.warn.count, rules.silent_after if reason.soft else 1)
    rule_of = rules.metrics.get(reason.rule)
    if rule_of is None:
        return Ground(reason)
    level = memory.levels.get(reason.rule, Level())
    critical = reason.state is State.CRITICAL
    switch = level.crit if critical else level.warn
    return Ground(
        reason,
        rule_of.crit if critical else rule_of.warn,
        rule_of.clear,
        switch.count,
        rule_of.raise_after if reason.soft else rule_of.clear_after,
    )
