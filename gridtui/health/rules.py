"""Which rules are in force for a node: the defaults, and what the settings, the inventory and the command line make of them.

Owns the rules and their written form; looks at no value (`health.judging` does) and reads no file.

Written form, in `[thresholds]` of the settings and in `gridtui_thresholds` of an inventory (the inventory stands above
the settings, host above group as with every variable, the command line above both), rule by rule:

    disk: {warn: 80, crit: 90, clear: 3, raise_after: 3, clear_after: 2}     what is not named keeps its value
    disk: 80/90                  warn and crit; `80/` or `/90` for one of them alone, without the other
    mem.free: {warn: "8G:"}      a metric without a rule of its own gets one
    load.cpu: off                no rule
    reach: {raise_after: 3}      samples until a node is called down
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from ..errors import SettingsError, UsageError
from ..metrics import METRICS
from ..model import Node
from ..settings import Settings
from .ranges import Range, plain

REACH = "reach"
"""The rule that a node answers, all the way to a shell. Always there, always CRITICAL."""
FLAPPING = "flapping"
"""The rule that a node does not come and go. WARNING while it does."""
PROBE = "probe"
"""The rule that a node which answers also gives samples. UNKNOWN while it does not; it cannot be set."""


@dataclass(frozen=True, slots=True)
class Rule:
    """When one metric of a node counts as bad. Ranges and margin are in the metric's unit."""

    metric: str
    """A name of `metrics.METRICS`, or `reach`; the name of the rule too."""
    warn: Range | None = None
    crit: Range | None = None
    clear: float | None = None
    """How far back inside a value must come to clear what it raised; None: 5 % of the edge it passes."""
    raise_after: int = 2
    """Samples in a row beyond a level until it counts."""
    clear_after: int = 2
    """Samples in a row below it, by the margin, until it no longer counts."""


@dataclass(frozen=True, slots=True)
class Rules:
    """All rules in force for one node."""

    metrics: Mapping[str, Rule]
    reach: Rule = Rule(REACH)
    flapping: bool = True
    quiet_after: int = 5
    """Samples in a row without a metric until its rule goes quiet."""
    silent_after: int = 2
    """Samples in a row without any metric until a node that answers is UNKNOWN."""
    maintenance: bool = False
    """`Node.maintenance`: judged as ever, but never an alert."""
    zones: Mapping[str, tuple[float, float]] = field(init=False, default_factory=dict)
    """By metric, from where to where nothing alerts: what most samples of most nodes are done with in one comparison."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "zones", {name: _zone(rule) for name, rule in self.metrics.items()})


def _zone(rule: Rule) -> tuple[float, float]:
    """The values that no range of `rule` alerts at; an empty one where a range alerts inside."""
    ranges = [limit for limit in (rule.warn, rule.crit) if limit]
    if any(limit.inside for limit in ranges):
        return math.inf, -math.inf
    return max((r.start for r in ranges), default=-math.inf), min((r.end for r in ranges), default=math.inf)


def _default(metric: str, warn: str = "", crit: str = "", clear: float | None = None) -> Rule:
    return Rule(metric, Range.parse(warn) if warn else None, Range.parse(crit) if crit else None, clear)


DEFAULT_RULES: Mapping[str, Rule] = MappingProxyType(
    {
        rule.metric: rule
        for rule in (
            _default("loss", "20", "60", 5.0),
            # Work queued three deep on every CPU is more than a busy grid node does on purpose; ten deep is
            # what tasks hanging in a dead network file system look like.
            _default("load.cpu", "3", "10"),
            # The hypervisor promised more than it has. Not a matter for a call at night.
            _default("cpu.steal", "25", clear=5.0),
            _default("mem", "95", "98", 2.0),
            # All tasks stand still for want of memory: the one sign of thrashing that holds on every machine.
            # Full swap alone is no such sign, so `swap` has no rule.
            _default("psi.mem.full", "20", "60", 5.0),
            _default("disk", "90", "95", 1.0),
            _default("disk.inodes", "90", "95", 1.0),
            # Current desktop and server CPUs are specified for 95 degrees and throttle at 100 or above.
            _default("temp", "90", "100", 3.0),
            _default("gpu.temp", "88", "95", 3.0),
            _default("clock", "-1:1", "-10:10", 0.2),
            _default("units.failed", "0"),
            # The playbook `ids` lets nobody but nodes and controllers try for long: any ban comes from inside. It ends by itself.
            _default("ids.bans", "0"),
            # A person mistypes some; a guess every three minutes for an hour is no person.
            _default("ids.failed_logins", "20", "200"),
            # An upgrade changes files as well: somebody has to look, and renew the baseline.
            _default("ids.changed", "0"),
            # Written every two minutes, compared every day: what reports no longer was stopped, or is broken.
            _default("ids.age", "1800"),
            _default("ids.changed.age", "259200"),
            # News, until the next look. A low score is none: a fresh machine has one, and whoever wants to hear of it sets a rule.
            _default("posture.drift", "0"),
        )
    }
)
"""The rules without any settings. What is missing here on purpose, and why, is in docs/HEALTH.md."""

_FIELDS = ("warn", "crit", "clear", "raise_after", "clear_after")
_MOST = 1000
"""Samples that a counter may ask for: beyond, a rule would in fact be off."""


def rules_for(
    node: Node,
    settings: Settings,
    warn: Mapping[str, Range | None] = MappingProxyType({}),
    crit: Mapping[str, Range | None] = MappingProxyType({}),
    live: bool = False,
) -> Rules:
    """The rules in force for `node`. `warn` and `crit` come from the command line (`limits`) and stand above all.

    `live` is for a monitor that gives a sample every few seconds, where `check` gives one a minute: a metric then has to stay
    beyond its level for five samples, unless a setting names a number. Raises SettingsError, naming the node or the settings.
    """
    count = 5 if live else 2
    rules = {name: replace(rule, raise_after=count, clear_after=count) for name, rule in DEFAULT_RULES.items()}
    # A live monitor has asked in three ways before it calls a node unreached: once is enough there.
    rules[REACH] = Rule(REACH, raise_after=1, clear_after=1) if live else Rule(REACH)
    blank = Rule("", raise_after=count, clear_after=count)
    flapping = True
    for written, where in (
        (settings.thresholds, "settings: thresholds"),
        (node.thresholds, f"node {node.name}: gridtui_thresholds"),
    ):
        for name, value in written.items():
            if name == FLAPPING:
                flapping = _switch(value, f"{where}.{name}")
                continue
            _known(name, where)
            rule = _read(rules.get(name) or replace(blank, metric=name), value, f"{where}.{name}")
            if rule is None:
                rules.pop(name, None)
            else:
                rules[name] = rule
    for name in (*warn, *crit):
        rules.setdefault(name, replace(blank, metric=name))
    for name, limit in warn.items():
        rules[name] = replace(rules[name], warn=limit)
    for name, limit in crit.items():
        rules[name] = replace(rules[name], crit=limit)
    reach = rules.pop(REACH)
    used = {name: rule for name, rule in rules.items() if rule.warn or rule.crit}
    return Rules(
        metrics=MappingProxyType(used),
        reach=reach,
        flapping=flapping,
        quiet_after=15 if live else 5,
        silent_after=15 if live else 2,
        maintenance=node.maintenance,
    )


def limits(words: Iterable[str], option: str = "--warn") -> dict[str, Range | None]:
    """Read `M=RANGE` words of the command line, as `disk=80`, `mem.free=8G:` or `load.cpu=off`. Raises UsageError."""
    found: dict[str, Range | None] = {}
    for word in words:
        name, equals, text = word.partition("=")
        name = name.strip()
        if not equals:
            raise UsageError(f"{option} {word}: no `=` in it", hint="write METRIC=RANGE, as in disk=80")
        if name not in METRICS:
            raise UsageError(f"{option} {word}: {name!r} is no metric", hint=_nearest(name, METRICS))
        try:
            found[name] = None if text.strip() == "off" else Range.parse(text, METRICS[name].unit)
        except ValueError as error:
            raise UsageError(f"{option} {word}: {error}") from None
    return found


def _known(name: Any, where: str) -> None:
    if name not in METRICS and name != REACH:
        known = (*METRICS, REACH, FLAPPING)
        raise SettingsError(f"{where}: {name!r} is no metric", hint=_nearest(str(name), known))


def _nearest(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(known), 1)
    return f"did you mean {near[0]}?" if near else "`gridtui check --json` shows the names"


def _switch(value: Any, where: str) -> bool:
    if value in ("on", True):
        return True
    if value in ("off", False):
        return False
    raise SettingsError(f"{where} is {value!r}; it is `on` or `off`")


def _read(rule: Rule, value: Any, where: str) -> Rule | None:
    # YAML 1.1 reads a bare `off` as False.
    if value is False or value == "off":
        if rule.metric == REACH:
            raise SettingsError(f"{where}: it cannot be off", hint="`gridtui_maintenance: true` keeps a node silent")
        return None
    if isinstance(value, str) and rule.metric != REACH:
        warn, slash, crit = value.partition("/")
        if not slash:
            raise SettingsError(f"{where} is {value!r}", hint="write `warn/crit` as in 80/90, a table, or off")
        return replace(
            rule,
            warn=_range(warn, rule.metric, where) if warn.strip() else None,
            crit=_range(crit, rule.metric, where) if crit.strip() else None,
        )
    if not isinstance(value, Mapping):
        raise SettingsError(f"{where} is {value!r}", hint=f"write a table of {', '.join(_FIELDS)}, or off")
    return _table(rule, value, where)


def _table(rule: Rule, value: Mapping[Any, Any], where: str) -> Rule:
    fields = _FIELDS[3:] if rule.metric == REACH else _FIELDS
    changes: dict[str, Any] = {}
    for key, item in value.items():
        at = f"{where}.{key}"
        if key not in fields:
            near = difflib.get_close_matches(str(key), fields, 1)
            raise SettingsError(
                f"{at} is no setting of a rule",
                hint=f"did you mean {near[0]}?" if near else f"known: {', '.join(fields)}",
            )
        if key in ("warn", "crit"):
            changes[key] = None if item is None or item is False or item == "off" else _range(item, rule.metric, at)
        elif key == "clear":
            changes[key] = _margin(item, rule.metric, at)
        elif isinstance(item, int) and not isinstance(item, bool) and 1 <= item <= _MOST:
            changes[key] = item
        else:
            raise SettingsError(f"{at} is {item!r}; it is a whole number of samples from 1 to {_MOST}")
    return replace(rule, **changes)


def _range(item: Any, metric: str, where: str) -> Range:
    if isinstance(item, int | float) and not isinstance(item, bool):
        item = plain(item) if math.isfinite(item) else str(item)
    if not isinstance(item, str):
        raise SettingsError(f"{where} is {item!r}; it is a range: 10, 10:, ~:10, 10:20 or @10:20")
    try:
        return Range.parse(item, METRICS[metric].unit)
    except ValueError as error:
        raise SettingsError(f"{where}: {error}") from None


def _margin(item: Any, metric: str, where: str) -> float:
    # A margin has the written form of a range's end: `2`, `2%`, `512M`.
    limit = _range(item, metric, where)
    if limit.start != 0 or limit.inside or math.isinf(limit.end):
        raise SettingsError(f"{where} is {item!r}; it is one number of 0 or more")
    return limit.end
