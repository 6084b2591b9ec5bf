"""Which alerts people have acknowledged, silenced, or put under maintenance, and what that makes of a verdict. Pure; time comes in from outside.

A node that is ill stays ill: a mute only takes the alert away. An acknowledgement is for what held when it was given. It covers the
same rules at the same state or a better one, as long as they began before it ended; what becomes worse, or another rule, is an alert
again. It ends when none of its rules holds any more, whoever sees that first, and is kept for a day after: others who look less often
still see the same alert by then.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..model import Hush, Mute, Node, State, Verdict, clean, worst
from .blaming import is_down
from .memory import number

SCHEMA = 1
KEPT = 86400.0
"""Seconds for which what has ended is kept."""
FORGOTTEN = 365 * 86400.0
"""Seconds after which an acknowledgement that nobody saw end is dropped: its node is gone."""
MOST = 366 * 86400.0
"""Seconds that something may be silenced for."""
WORDS = 200
"""Characters of a reason."""
_RANK = (Hush.MAINTENANCE, Hush.SILENCED, Hush.ACKNOWLEDGED)


def place(node: Node) -> str:
    """Where a node is, as its inventory says."""
    return "local" if node.local else f"{node.address}:{node.port or 22}"


def held(verdict: Verdict) -> dict[str, State]:
    """What counts against a node: rules and how badly. The rule is '' where nothing is known of it."""
    if verdict.state is State.OK:
        return {}
    return {reason.rule: reason.state for reason in verdict.reasons if not reason.soft} or {"": verdict.state}


def acknowledgement(
    node: Node, verdict: Verdict, now: float, who: str, why: str, known: Sequence[Mute] = ()
) -> Mute | None:
    """That somebody knows of what holds against a node now; None where that is no alert of its own. What `known` covers stays covered."""
    if verdict.state is State.OK or verdict.blamed is not None:
        return None
    rules = held(verdict)
    for mute in known:
        if mute.hush is Hush.ACKNOWLEDGED and mute.ended is None:
            for rule, state in mute.rules:
                rules[rule] = worst(state, rules.get(rule, State.OK))
    return Mute(
        Hush.ACKNOWLEDGED,
        node.name,
        now,
        who=clean(who, WORDS),
        why=clean(why, WORDS),
        rules=tuple(sorted(rules.items())),
        place=place(node),
    )


def said(node: Node, hush: Hush, now: float, until: float | None, who: str, why: str) -> Mute:
    """That a node is silenced or in maintenance."""
    return Mute(hush, node.name, now, until, clean(who, WORDS), clean(why, WORDS), place=place(node))


def active(mute: Mute, now: float) -> bool:
    """Whether it has not run out. A clock that was set back makes nothing last longer than twice as long as was said."""
    if mute.until is None:
        return True
    return mute.since - (mute.until - mute.since) <= now < mute.until


def covers(mute: Mute, verdict: Verdict, now: float) -> bool:
    """Whether it takes the alert away."""
    if not active(mute, now):
        return False
    if mute.hush is not Hush.ACKNOWLEDGED:
        return True
    rules = dict(mute.rules)
    found = held(verdict)
    if not found or not all(
        rule in rules and worst(rules[rule], state) is rules[rule] for rule, state in found.items()
    ):
        return False
    return mute.ended is None or _began(verdict) <= mute.ended


def _began(verdict: Verdict) -> float:
    return max((reason.since for reason in verdict.reasons if not reason.soft), default=verdict.since)


def muted(verdict: Verdict, mutes: Iterable[Mute], now: float) -> Verdict:
    """The verdict with what people said of the node: maintenance stands above a silence, and that above an acknowledgement."""
    found = [mute for mute in mutes if covers(mute, verdict, now)]
    if not found:
        return verdict if verdict.mute is None else replace(verdict, mute=None)
    mute = min(found, key=lambda one: _RANK.index(one.hush))
    return replace(verdict, mute=mute, maintenance=verdict.maintenance or mute.hush is Hush.MAINTENANCE)


def over(mute: Mute, verdict: Verdict) -> bool:
    """Whether what was acknowledged no longer holds, as far as `verdict` can tell: metrics of a node that is down say nothing."""
    if mute.hush is not Hush.ACKNOWLEDGED or mute.ended is not None or verdict.state is State.UNKNOWN:
        return False
    rules = {rule for rule, _ in mute.rules}
    return rules.isdisjoint(held(verdict)) and (not is_down(verdict) or rules == {""})


def ended(mute: Mute, when: float) -> Mute:
    """An acknowledgement whose alert ended then; one that has ended already stays as it is."""
    return mute if mute.ended is not None else replace(mute, ended=max(when, mute.since))


def pruned(mutes: Iterable[Mute], now: float) -> list[Mute]:
    """Without what ended a day ago."""
    return [mute for mute in mutes if not _gone(mute, now)]


def _gone(mute: Mute, now: float) -> bool:
    if mute.hush is Hush.ACKNOWLEDGED:
        return now - mute.since > FORGOTTEN if mute.ended is None else now - mute.ended > KEPT
    return mute.until is not None and now - mute.until > KEPT


# ---- as JSON ----


def to_json(mutes: Iterable[Mute]) -> dict[str, Any]:
    """A document that `from_json` reads."""
    return {"schema": SCHEMA, "mutes": [_out(mute) for mute in mutes]}


def from_json(document: Any) -> list[Mute]:
    """What `to_json` wrote. Never raises: what is damaged is left out."""
    items = document.get("mutes") if isinstance(document, dict) and document.get("schema") == SCHEMA else None
    return [mute for item in items if (mute := _in(item)) is not None] if isinstance(items, list) else []


def _out(mute: Mute) -> dict[str, Any]:
    return {
        "hush": mute.hush.value,
        "node": mute.node,
        "place": mute.place,
        "since": mute.since,
        "until": mute.until,
        "who": mute.who,
        "why": mute.why,
        "rules": {rule: state.name for rule, state in mute.rules},
        "ended": mute.ended,
    }


def _in(item: Any) -> Mute | None:
    if not isinstance(item, dict):
        return None
    hush = next((one for one in Hush if one.value == item.get("hush")), None)
    node, where, since = item.get("node"), item.get("place"), number(item.get("since"))
    if hush is None or not isinstance(node, str) or not isinstance(where, str) or since is None:
        return None
    until, ended = number(item.get("until")), number(item.get("ended"))
    # What should run out and says no more when would last for ever.
    if (item.get("until") is not None and until is None) or (hush is Hush.SILENCED and until is None):
        return None
    if until is not None and not 0 <= until - since <= MOST:
        return None
    rules = item.get("rules")
    known = _rules(rules if isinstance(rules, dict) else {})
    if hush is Hush.ACKNOWLEDGED and not known:
        return None
    return Mute(hush, node, since, until, _text(item.get("who")), _text(item.get("why")), known, ended, where)


def _rules(found: Mapping[Any, Any]) -> tuple[tuple[str, State], ...]:
    return tuple(
        sorted(
            (clean(rule, WORDS), State[name])
            for rule, name in found.items()
            if isinstance(rule, str) and isinstance(name, str) and name in State.__members__
        )
    )


def _text(item: Any) -> str:
    return clean(item, WORDS) if isinstance(item, str) else ""
