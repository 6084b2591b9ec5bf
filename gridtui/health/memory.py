"""What is remembered of a node from one observation to the next, and its JSON form.

Owns the shapes and their reading back; decides nothing (`health.judging` does) and touches no file (`store` does).
Reading is tolerant: state may come from an older version, or be damaged. What cannot be read is left out, because a node
that is judged afresh is better than no check at all.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from ..model import Hush, Layer, Mute, Reason, State, Verdict, clean

SCHEMA = 1
"""Of the JSON form. A higher number is from a newer version: not read."""

HISTORY = 21
"""Observations that flapping looks at."""


@dataclass(frozen=True, slots=True)
class Switch:
    """Whether one level of a rule holds against the node, and how many samples in a row have said otherwise."""

    on: bool = False
    count: int = 0
    since: float = 0.0
    """When the samples that turned it, or are about to turn it, began."""


@dataclass(frozen=True, slots=True)
class Level:
    """What is remembered of one rule."""

    warn: Switch = Switch()
    crit: Switch = Switch()
    missing: int = 0
    """Samples in a row that did not have the metric."""
    value: float | None = None
    text: str = ""

    @property
    def calm(self) -> bool:
        """Whether nothing holds and nothing is under way."""
        return not (self.warn.on or self.warn.count or self.crit.on or self.crit.count)

    @property
    def state(self) -> State:
        """What counts."""
        return State.CRITICAL if self.crit.on else State.WARNING if self.warn.on else State.OK


CALM = Level()
"""Nothing holds and nothing is under way: what most rules are most of the time. One object for all, so that it is cheap."""


def _no_levels() -> Mapping[str, Level]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Memory:
    """All that is remembered of one node. A fresh one is `Memory.blank(name)`."""

    verdict: Verdict
    time: float = 0.0
    """Of the last observation; 0 before the first."""
    pace: float = 0.0
    """About the longest usual time between two observations, in seconds; 0 when not known."""
    seen: bool = False
    """Whether anything but `Reach.pending` was ever observed."""
    reach: Level = CALM
    probe: Level = CALM
    levels: Mapping[str, Level] = field(default_factory=_no_levels)
    """By metric."""
    history: tuple[int, ...] = ()
    """The states (`State` numbers) of the last `HISTORY` observations, oldest first; what flapping is found by."""
    limits: Mapping[str, str] = field(default_factory=dict)
    """By metric, the ranges that `levels` was judged by: another question starts without a history."""
    asked: object = field(default=None, compare=False, repr=False)
    """The very rules that `limits` was made from, so that it is made once and not with every sample. Not kept in a file."""

    @classmethod
    def blank(cls, node: str, time: float = 0.0) -> Memory:
        """Of a node that was never observed: UNKNOWN."""
        return cls(Verdict(node, State.UNKNOWN, time))

    def to_json(self) -> dict[str, Any]:
        """A JSON-able document that `from_json` reads."""
        verdict = self.verdict
        return {
            "schema": SCHEMA,
            "node": verdict.node,
            "time": self.time,
            "pace": self.pace,
            "seen": self.seen,
            "state": verdict.state.name,
            "since": verdict.since,
            "layer": verdict.layer,
            "flapping": verdict.flapping,
            "maintenance": verdict.maintenance,
            "blamed": verdict.blamed,
            "mute": verdict.mute.hush.value if verdict.mute else None,
            "reasons": [_reason_out(reason) for reason in verdict.reasons],
            "reach": _level_out(self.reach),
            "probe": _level_out(self.probe),
            "levels": {name: _level_out(level) for name, level in self.levels.items()},
            "history": "".join(str(int(state)) for state in self.history),
            "limits": dict(self.limits),
        }

    @classmethod
    def from_json(cls, node: str, document: Any) -> Memory:
        """Read what `to_json` wrote. Never raises: what is damaged is left out, a document beyond repair gives a blank memory."""
        if not isinstance(document, dict) or document.get("schema") != SCHEMA or document.get("node") != node:
            return cls.blank(node)
        since, time = number(document.get("since")), number(document.get("time"))
        state = _state(document.get("state"))
        if state is None or since is None or time is None:
            return cls.blank(node)
        levels, limits = document.get("levels"), document.get("limits")
        verdict = Verdict(
            node=node,
            state=state,
            since=since,
            layer=_layer(document.get("layer")),
            reasons=_list(document.get("reasons"), _reason_in),
            flapping=document.get("flapping") is True,
            maintenance=document.get("maintenance") is True,
            blamed=blamed if isinstance(blamed := document.get("blamed"), str) else None,
            mute=_mute(node, document.get("mute")),
        )
        return cls(
            verdict=verdict,
            time=time,
            pace=number(document.get("pace")) or 0.0,
            seen=document.get("seen") is True,
            reach=_level_in(document.get("reach")) or CALM,
            probe=_level_in(document.get("probe")) or CALM,
            levels=MappingProxyType(
                {
                    str(name): level
                    for name, item in (levels.items() if isinstance(levels, dict) else ())
                    if (level := _level_in(item)) is not None
                }
            ),
            history=_history(document.get("history")),
            limits=(
                {str(name): text for name, text in limits.items() if isinstance(text, str)}
                if isinstance(limits, dict)
                else {}
            ),
        )


def _switch_out(switch: Switch) -> list[Any]:
    return [switch.on, switch.count, switch.since]


def _switch_in(item: Any) -> Switch | None:
    if not isinstance(item, list) or len(item) != 3:
        return None
    on, count, since = item
    since = number(since)
    if not isinstance(on, bool) or type(count) is not int or count < 0 or since is None:
        return None
    return Switch(on, count, since)


def _level_out(level: Level) -> dict[str, Any]:
    # Most are calm: 5,000 nodes are to be read and written once a minute.
    if level is CALM:
        return {}
    return {
        "warn": _switch_out(level.warn),
        "crit": _switch_out(level.crit),
        "missing": level.missing,
        "value": level.value,
        "text": level.text,
    }


def _level_in(item: Any) -> Level | None:
    if not isinstance(item, dict):
        return None
    if not item:
        return CALM
    warn, crit, missing = _switch_in(item.get("warn")), _switch_in(item.get("crit")), item.get("missing")
    if warn is None or crit is None or type(missing) is not int or missing < 0:
        return None
    level = Level(warn, crit, missing, number(item.get("value")), _text(item.get("text")))
    return CALM if level.calm else level


def _reason_out(reason: Reason) -> dict[str, Any]:
    return {
        "rule": reason.rule,
        "state": reason.state.name,
        "text": reason.text,
        "since": reason.since,
        "value": reason.value,
        "soft": reason.soft,
    }


def _reason_in(item: Any) -> Reason | None:
    if not isinstance(item, dict):
        return None
    state, since, rule = _state(item.get("state")), number(item.get("since")), item.get("rule")
    if state is None or since is None or not isinstance(rule, str):
        return None
    value = number(item.get("value"))
    return Reason(clean(rule), state, _text(item.get("text")), since, value, item.get("soft") is True)


def _list(items: Any, read: Callable[[Any], Reason | None]) -> tuple[Reason, ...]:
    if not isinstance(items, list):
        return ()
    return tuple(found for item in items if (found := read(item)) is not None)


def _history(item: Any) -> tuple[int, ...]:
    if not isinstance(item, str) or not set(item) <= set("0123"):
        return ()
    return tuple(int(digit) for digit in item[-HISTORY:])


def _state(item: Any) -> State | None:
    return State.__members__.get(item) if isinstance(item, str) else None


def _layer(item: Any) -> Layer | None:
    return next((layer for layer in Layer if layer == item), None)


def _mute(node: str, item: Any) -> Mute | None:
    # That there was one: whether the next verdict is news depends on it. The rest lies in a file of its own.
    return next((Mute(hush, node, 0.0) for hush in Hush if hush == item), None)


def number(item: Any) -> float | None:
    """A finite number, of an item of JSON: as Python reads it that has NaN, infinities and integers beyond a float's range."""
    if isinstance(item, bool) or not isinstance(item, int | float):
        return None
    try:
        found = float(item)
    except OverflowError:
        return None
    return found if math.isfinite(found) else None


def _text(item: Any) -> str:
    return clean(item) if isinstance(item, str) else ""
