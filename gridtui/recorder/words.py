"""Events, states and nodes as JSON and back. Owns what is kept of each; pure.

What is read may be a file that somebody else made: every text goes through `clean`, and what is not as it should be is a StateError.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import fields
from enum import IntEnum
from typing import Any, get_type_hints

from ..errors import StateError
from ..events import Changed, Event, Noted, Rebooted
from ..model import Facts, Hush, Layer, Mute, Node, PingMethod, Reach, Reason, State, Verdict, clean


class Kind(IntEnum):
    """What a row of `happened` is."""

    CHANGED = 1
    REBOOTED = 2
    NOTED = 3
    STATE = 4
    """No event: how a node was when the recording of it began."""


Seen = tuple[Verdict, Reach]
"""A node's state: the verdict as it was told, and how far the node could be reached."""


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _verdict(value: Verdict) -> dict[str, Any]:
    kept: dict[str, Any] = {"s": int(value.state), "t": value.since}
    if value.layer:
        kept["l"] = str(value.layer)
    if value.flapping:
        kept["f"] = 1
    if value.maintenance:
        kept["m"] = 1
    if value.blamed:
        kept["b"] = value.blamed
    if mute := value.mute:
        kept["u"] = [str(mute.hush), mute.since, mute.until, mute.who, mute.why]
    if value.reasons:
        kept["r"] = [_reason(reason) for reason in value.reasons]
    return kept


def _reason(reason: Reason) -> list[Any]:
    value = reason.value if reason.value is not None and math.isfinite(reason.value) else None
    return [reason.rule, int(reason.state), reason.text, reason.since, value, int(reason.soft)]


def _reach(value: Reach) -> dict[str, Any]:
    kept: dict[str, Any] = {"t": value.time, "m": str(value.method)}
    if value.failed:
        kept["l"] = str(value.failed)
    if value.error:
        kept["e"] = value.error
    if value.pending:
        kept["p"] = 1
    return kept


def told(event: Event, reach: Reach | None) -> tuple[float, str | None, Kind, str] | None:
    """An event as time, node, kind and body; None where nothing of it is kept. `reach` is its node's, at that moment."""
    if isinstance(event, Changed):
        body = {"v": _verdict(event.after), "w": _verdict(event.before)}
        if reach is not None:
            body["c"] = _reach(reach)
        return event.time, event.node, Kind.CHANGED, _text(body)
    if isinstance(event, Rebooted):
        return event.time, event.node, Kind.REBOOTED, "{}"
    if isinstance(event, Noted):
        return event.time, event.node, Kind.NOTED, _text({"text": event.text, "alarm": int(event.alarm)})
    return None


def state(verdict: Verdict, reach: Reach) -> str:
    """How a node is, as the body of a STATE row."""
    return _text({"v": _verdict(verdict), "c": _reach(reach)})


def loads(text: str) -> dict[str, Any]:
    """A body. Raises StateError."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise StateError(f"the recording is damaged: {error}") from error
    if not isinstance(value, dict):
        raise StateError("the recording is damaged: a row of it says nothing")
    return value


def seen(node: str, time: float, body: Mapping[str, Any]) -> Seen:
    """The state after a CHANGED or STATE row. Raises StateError."""
    try:
        verdict = _read_verdict(node, body["v"])
        reach = _read_reach(body["c"]) if "c" in body else Reach(time, verdict.layer)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise StateError(f"the recording is damaged: a state of {clean(node)} cannot be read") from error
    return verdict, reach


def event(kind: int, time: float, node: str | None, body: Mapping[str, Any]) -> Event | None:
    """A row as the event that it was; None for what was none. Raises StateError."""
    try:
        if kind == Kind.CHANGED and node is not None:
            return Changed(time, node, _read_verdict(node, body["w"]), _read_verdict(node, body["v"]))
        if kind == Kind.REBOOTED and node is not None:
            return Rebooted(time, node)
        if kind == Kind.NOTED:
            return Noted(time, node, clean(str(body["text"])), bool(body.get("alarm")))
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise StateError("the recording is damaged: an event of it cannot be read") from error
    return None


def number(value: Any) -> float:
    """Raises ValueError or TypeError for what is none, or not finite."""
    found = float(value)
    if not math.isfinite(found):
        raise ValueError("no number")
    return found


def _read_verdict(node: str, kept: Mapping[str, Any]) -> Verdict:
    reasons = tuple(
        Reason(
            clean(str(rule)),
            State(code),
            clean(str(text)),
            number(since),
            None if value is None else number(value),
            bool(soft),
        )
        for rule, code, text, since, value, soft in kept.get("r", ())
    )
    layer, blamed = kept.get("l"), kept.get("b")
    return Verdict(
        node,
        State(kept["s"]),
        number(kept["t"]),
        Layer(layer) if layer else None,
        reasons,
        bool(kept.get("f")),
        bool(kept.get("m")),
        clean(str(blamed)) if blamed else None,
        _read_mute(node, kept["u"]) if "u" in kept else None,
    )


def _read_mute(node: str, kept: Any) -> Mute:
    hush, since, until, who, why = kept
    return Mute(
        Hush(hush), node, number(since), None if until is None else number(until), clean(str(who)), clean(str(why))
    )


def _read_reach(kept: Mapping[str, Any]) -> Reach:
    layer = kept.get("l")
    return Reach(
        number(kept["t"]),
        Layer(layer) if layer else None,
        clean(str(kept.get("e", ""))),
        PingMethod(kept["m"]),
        bool(kept.get("p")),
    )


# ---- nodes and facts ----

_NODE = ("address", "port", "user", "local", "parent", "maintenance", "interval", "ping_interval")


def node_text(node: Node) -> str:
    """What is kept of a node's part of the inventory: what screens and selections need. Its variables may hold secrets and are not."""
    kept: dict[str, Any] = {name: value for name in _NODE if (value := getattr(node, name)) not in (None, False)}
    return _text(kept | {"groups": list(node.groups), "labels": dict(node.labels)})


def read_node(name: str, kept: Mapping[str, Any]) -> Node:
    """The node of a row. Raises StateError."""
    try:
        port, interval, ping = kept.get("port"), kept.get("interval"), kept.get("ping_interval")
        return Node(
            clean(name),
            clean(str(kept.get("address", name))),
            None if port is None else int(port),
            clean(str(kept["user"])) if kept.get("user") else None,
            bool(kept.get("local")),
            groups=tuple(clean(str(group)) for group in kept.get("groups", ())),
            labels={clean(str(key)): clean(str(value)) for key, value in dict(kept.get("labels", {})).items()},
            parent=clean(str(kept["parent"])) if kept.get("parent") else None,
            maintenance=bool(kept.get("maintenance")),
            interval=None if interval is None else max(0.05, number(interval)),
            ping_interval=None if ping is None else max(0.05, number(ping)),
        )
    except (TypeError, ValueError, OverflowError) as error:
        raise StateError(f"the recording is damaged: the node {clean(name)} cannot be read") from error


_FACTS = {name: hint for name, hint in get_type_hints(Facts).items() if name not in ("node", "extra")}


def facts_text(facts: Facts) -> str:
    """A node's facts."""
    kept: dict[str, Any] = {}
    for item in fields(facts):
        value = getattr(facts, item.name)
        if item.name not in ("node", "extra") and value:
            kept[item.name] = sorted(value) if isinstance(value, frozenset) else value
    return _text(kept)


def read_facts(node: str, kept: Mapping[str, Any]) -> Facts:
    """The facts of a row; what is not as it should be is left out."""
    values: dict[str, Any] = {}
    for name, hint in _FACTS.items():
        value = kept.get(name)
        if hint is str and isinstance(value, str):
            values[name] = clean(value)
        elif hint in (int, float) and isinstance(value, int | float) and math.isfinite(value):
            values[name] = hint(value)
        elif isinstance(value, list):
            texts = [clean(str(one)) for one in value]
            values[name] = frozenset(texts) if name == "capabilities" else tuple(texts)
    return Facts(node, **values)
