"""From an observation to a verdict: debouncing, clear margins, frozen rules, flapping. Pure; the time comes in with the observation.

Each rule has two switches, warning and critical. A switch turns on after `raise_after` samples in a row beyond its range, and off
after `clear_after` samples in a row that clear it by the margin; a sample that says otherwise starts the count again. A
rule's state is its higher switch, the node's state the worst of its rules. What is seen without a history is taken as it is.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from ..metrics import MEASURED_BY_MONITOR
from ..model import NOTHING, Layer, Reach, Reason, State, Verdict, clean, worst
from .flapping import changes, is_flapping
from .memory import CALM, HISTORY, Level, Memory, Switch
from .parts import clock_error, culprits
from .ranges import Range
from .rules import FLAPPING, PROBE, REACH, Rule, Rules
from .texts import reason_text

_SHORTEST_GAP = 300.0
"""Seconds: no pause up to this is a gap, however fast observations came before."""
_GAP = 5.0
"""Times the usual pace that make a pause a gap."""


@dataclass(frozen=True, slots=True)
class Observation:
    """What was seen of one node at one moment."""

    reach: Reach
    metrics: Mapping[str, float] | None = None
    """The metrics of a new sample. None: this observation brings no sample (a change of `reach` alone), so the rules over
    metrics are not touched. Without a single metric of a probe: the node was asked and gave nothing."""
    parts: Mapping[str, Any] = field(default_factory=lambda: NOTHING)
    """`Sample.parts`: which file system, sensor or unit it was."""
    time: float = 0.0
    """Seconds since the epoch; 0 takes `reach.time`."""


def judge(memory: Memory, observation: Observation, rules: Rules) -> Memory:
    """What is to be remembered after `observation`; `.verdict` of it is the node's verdict."""
    now = observation.time or observation.reach.time
    memory = _at(_asked(memory, rules), now)
    reach, metrics = observation.reach, observation.metrics
    if reach.pending and not memory.seen:
        return replace(memory, verdict=replace(memory.verdict, maintenance=rules.maintenance, mute=None))
    at_reach, levels, probe = memory.reach, memory.levels, memory.probe
    if not reach.pending:
        at_reach = _reach(at_reach, reach, rules.reach, now, fresh=not memory.seen)
    down = at_reach.crit.on
    if reach.pending:
        probe = _probe(probe, "was not looked at in time", rules, now)
    elif reach.up and not down and metrics is not None:
        levels = _levels(levels, observation, metrics, rules, now)
        silent = len(metrics) <= len(MEASURED_BY_MONITOR) and metrics.keys() <= MEASURED_BY_MONITOR
        probe = _probe(probe, "answers, but gives no sample" if silent else "", rules, now)
    # The raw answer, not the debounced one: a node that answers every second time must not look well for ever.
    raw = State.CRITICAL if reach.failed else worst(*(level.state for level in levels.values() if level is not CALM))
    before = memory.verdict
    history = memory.history if reach.pending else (*memory.history, int(raw))[-HISTORY:]
    flaps = rules.flapping and is_flapping(history, before.flapping)
    layer = (reach.failed or before.layer) if down else None
    reasons = _reach_reasons(at_reach, reach, rules.reach, layer)
    if probe is not CALM and (not down or reach.pending):
        reasons += _probe_reasons(probe)
    if not down:
        for name, level in levels.items():
            if level is not CALM and name in rules.metrics:
                reasons += _metric_reasons(name, level)
    if flaps:
        began = next((reason.since for reason in before.reasons if reason.rule == FLAPPING), now)
        text = f"comes and goes: {changes(history)} changes in {len(history)} observations"
        reasons.append(Reason(FLAPPING, State.WARNING, text, began, float(changes(history))))
    reasons.sort(key=_order)
    state = worst(*(reason.state for reason in reasons if not reason.soft))
    since = before.since if memory.seen and state is before.state else now
    verdict = Verdict(before.node, state, since, layer, tuple(reasons), flaps, rules.maintenance)
    return Memory(
        verdict, memory.time, memory.pace, True, at_reach, probe, levels, history, memory.limits, memory.asked
    )


def changed(before: Verdict | None, after: Verdict) -> bool:
    """Whether a verdict is news: its state, its layer or the set of reasons that count differ.

    While a node flaps, only the start and the end of the flapping are news. Without a verdict before, what is not OK is.
    """
    if before is None:
        return after.state is not State.OK
    if before.flapping and after.flapping:
        return _quiet(before) != _quiet(after) or (before.blamed is None) != (after.blamed is None)
    return _essence(before) != _essence(after)


def _essence(verdict: Verdict) -> tuple[object, ...]:
    counted = frozenset((reason.rule, reason.state) for reason in verdict.reasons if not reason.soft)
    return (verdict.state, verdict.layer, counted, verdict.flapping, _quiet(verdict), verdict.blamed)


def _quiet(verdict: Verdict) -> bool:
    # Maintenance and what people said decide whether what is wrong is an alert; of a node that is well they say nothing.
    return (verdict.maintenance or verdict.mute is not None) and verdict.state is not State.OK


def _order(reason: Reason) -> tuple[bool, int, float]:
    # What counts before what does not, the worst first, the oldest first.
    rank = (State.CRITICAL, State.WARNING, State.UNKNOWN, State.OK).index(reason.state)
    return (reason.soft, rank, reason.since)


def _asked(memory: Memory, rules: Rules) -> Memory:
    """`memory` without what it knows of rules whose ranges are others now: somebody who asks anew wants an answer now."""
    if memory.asked is rules.metrics:
        return memory
    limits = {name: f"{rule.warn or ''}/{rule.crit or ''}" for name, rule in rules.metrics.items()}
    levels = {
        name: level
        for name, level in memory.levels.items()
        if name in limits and memory.limits.get(name, limits[name]) == limits[name]
    }
    return replace(memory, levels=MappingProxyType(levels), limits=limits, asked=rules.metrics)


def _at(memory: Memory, now: float) -> Memory:
    """`memory` as it is to be read at `now`: after a clock that jumped, or a long pause."""
    if not memory.time:
        return replace(memory, time=now, verdict=replace(memory.verdict, since=now))
    pause = now - memory.time
    if pause < 0:
        # The controller's clock was set back: nothing may have begun in the future.
        return _early(replace(memory, time=now), now)
    gap = memory.pace > 0 and pause > max(_GAP * memory.pace, _SHORTEST_GAP)
    # After a gap the pace grows by what makes the same pause a usual one next time: a check that moves from every
    # minute to every day loses one count, not every count for ever.
    pace = max(0.9 * memory.pace, pause / 4 if gap else pause)
    memory = replace(memory, time=now, pace=pace)
    return _uncounted(memory) if gap else memory


def _early(memory: Memory, now: float) -> Memory:
    def level(old: Level) -> Level:
        if old is CALM:
            return CALM
        return replace(
            old,
            warn=replace(old.warn, since=min(old.warn.since, now)),
            crit=replace(old.crit, since=min(old.crit.since, now)),
        )

    verdict = memory.verdict
    return replace(
        memory,
        verdict=replace(
            verdict,
            since=min(verdict.since, now),
            reasons=tuple(replace(reason, since=min(reason.since, now)) for reason in verdict.reasons),
        ),
        reach=level(memory.reach),
        probe=level(memory.probe),
        levels=MappingProxyType({name: level(old) for name, old in memory.levels.items()}),
    )


def _uncounted(memory: Memory) -> Memory:
    """Without the counts that were under way: samples hours apart are no samples in a row."""

    def level(old: Level) -> Level:
        new = replace(old, warn=replace(old.warn, count=0), crit=replace(old.crit, count=0))
        return CALM if new.calm else new

    return replace(
        memory,
        reach=level(memory.reach),
        probe=level(memory.probe),
        levels=MappingProxyType({name: level(old) for name, old in memory.levels.items()}),
    )


def _turn(switch: Switch | None, bad: bool, rule: Rule, now: float) -> Switch:
    """One more sample for a switch. `bad` says on which side it was; None has no history."""
    if switch is None:
        return Switch(bad, 0, now)
    if bad == switch.on:
        # `since` of a switch that is on is when that began; of one that is off it means nothing.
        return switch if not switch.count else replace(switch, count=0)
    count = switch.count + 1
    since = now if switch.count == 0 and bad else switch.since
    if count >= (rule.raise_after if bad else rule.clear_after):
        return Switch(bad, 0, since if bad else now)
    return replace(switch, count=count, since=since)


def _reach(old: Level, reach: Reach, rule: Rule, now: float, fresh: bool) -> Level:
    crit = _turn(None if fresh else old.crit, reach.failed is not None, rule, now)
    if reach.failed is None:
        text = old.text if crit.on else ""
    else:
        text = clean(reach.error) or f"no answer at {reach.failed.value}"
    return Level(crit=crit, text=text) if crit.on or crit.count else CALM


def _probe(old: Level, silent: str, rules: Rules, now: float) -> Level:
    # Never at once, with or without a history: the first sample may just be on its way.
    if not silent:
        return CALM
    return Level(warn=_turn(old.warn, True, Rule(PROBE, raise_after=rules.silent_after), now), text=silent)


def _levels(
    known: Mapping[str, Level], observation: Observation, metrics: Mapping[str, float], rules: Rules, now: float
) -> Mapping[str, Level]:
    levels: dict[str, Level] = {}
    for name, (low, high) in rules.zones.items():
        old, value = known.get(name), metrics.get(name)
        if value is not None and low <= value <= high and (old is CALM or old is None):
            levels[name] = CALM
        elif value is not None and math.isfinite(value):
            rule = rules.metrics[name]
            levels[name] = _level(old, rule, value, observation, now)
        elif old is not None:
            levels[name] = _missed(old, rules.quiet_after)
    return MappingProxyType(levels)


def _missed(old: Level, quiet_after: int) -> Level:
    if old is CALM:
        return CALM
    missing = old.missing + 1
    if missing >= quiet_after:
        # Quiet, but known: when the metric comes back, it has to be bad for some samples again.
        return CALM
    return replace(old, missing=missing)


def _level(old: Level | None, rule: Rule, value: float, observation: Observation, now: float) -> Level:
    judged = value
    if rule.metric == "clock":
        # Only what is beyond doubt counts: the answer's way back bounds how well a clock can be read.
        doubt = clock_error(observation.parts)
        judged = math.copysign(max(0.0, abs(value) - doubt), value)
    if rule.metric == "loss" and value >= 100:
        # Every echo lost by a node that answers all the way: a filter on the way, not a bad line.
        judged = 0.0

    fine = not any(limit.alerts(judged) for limit in (rule.warn, rule.crit) if limit)
    if fine and (old is None or old is CALM):
        return CALM

    def turn(switch: Switch | None, limit: Range | None) -> Switch:
        if limit is None:
            return Switch()
        on = switch is not None and switch.on
        bad = not limit.clears(judged, rule.clear) if on else limit.alerts(judged)
        return _turn(switch, bad, rule, now)

    warn = turn(old.warn if old else None, rule.warn)
    crit = turn(old.crit if old else None, rule.crit)
    if not (warn.on or warn.count or crit.on or crit.count):
        return CALM
    lowest = rule.warn or rule.crit
    names = culprits(rule.metric, observation.parts, lowest.alerts if lowest else None)
    return Level(warn, crit, 0, value, reason_text(rule.metric, value, names))


def _reach_reasons(level: Level, reach: Reach, rule: Rule, layer: Layer | None) -> list[Reason]:
    switch = level.crit
    if switch.on:
        text = level.text
        if reach.up:
            text = f"answers again, {switch.count} of {rule.clear_after} times in a row (was: {text})"
        elif layer is not None:
            text = f"down at {layer.value}: {text}" if text else f"down at {layer.value}"
        return [Reason(REACH, State.CRITICAL, text, switch.since)]
    if switch.count:
        return [Reason(REACH, State.CRITICAL, level.text, switch.since, soft=True)]
    return []


def _probe_reasons(level: Level) -> list[Reason]:
    if level.warn.on or level.warn.count:
        return [Reason(PROBE, State.UNKNOWN, level.text, level.warn.since, soft=not level.warn.on)]
    return []


def _metric_reasons(name: str, level: Level) -> list[Reason]:
    """One reason a rule: its state that counts, or else what is about to; both when it is about to get worse."""
    reasons: list[Reason] = []
    counted = level.crit if level.crit.on else level.warn
    if level.state is not State.OK:
        reasons.append(Reason(name, level.state, level.text, counted.since, level.value))
    for state, switch in ((State.CRITICAL, level.crit), (State.WARNING, level.warn)):
        if not switch.on and switch.count and level.state is not State.CRITICAL:
            reasons.append(Reason(name, state, level.text, switch.since, level.value, soft=True))
            break
    return reasons
