"""Events as lines for people: when, who, what. Owns the words; pure, knows no widget."""

from __future__ import annotations

import time

from ..events import Changed, Event, Learned, Noted, Rebooted
from ..model import State, Verdict
from . import text
from .states import STATE_ROLES, WORDS, Kind

Parts = tuple[tuple[str, str], ...]

_WORD = {State.OK: "up", State.WARNING: "warning", State.CRITICAL: "critical", State.UNKNOWN: "unknown"}


def told(event: Event) -> bool:
    """Whether an event is worth a line: facts that arrived are not."""
    return isinstance(event, Changed | Rebooted | Noted)


def alarming(event: Event) -> bool:
    """Whether it asks for the reader's eye."""
    if isinstance(event, Changed):
        return event.after.alert and event.after.state is not State.UNKNOWN
    return isinstance(event, Rebooted) or (isinstance(event, Noted) and event.alarm)


def line(event: Event, name: int, now: float) -> Parts:
    """One event in one line; names get `name` cells. The date is told when it is not today's."""
    if isinstance(event, Changed):
        words, role = verdict(event.after)
        before = verdict(event.before)[0]
        reasons = "; ".join(reason.text for reason in event.after.reasons if not reason.soft)
        what: Parts = (
            (text.fit(words, 14), role),
            (f" was {before}" if before != words else "", "faint"),
            (f"  {text.plain(said)}" if (said := _said(event, now)) else "", "accent"),
            (f"  {text.plain(reasons)}" if reasons else "", "text"),
        )
    elif isinstance(event, Rebooted):
        what = ((text.fit("rebooted", 14), "warning"),)
    elif isinstance(event, Noted):
        what = (
            (text.fit("alarm" if event.alarm else "note", 14), "critical" if event.alarm else "dim"),
            (f"  {text.plain(event.text)}", "text"),
        )
    else:
        what = ((text.fit("seen", 14), "dim"),)
    who = "gridtui" if event.node is None else event.node
    return ((f"{_when(event, now)}  ", "dim"), (text.fit(who, name) + "  ", "strong"), *what)


def _said(event: Changed, now: float) -> str:
    """What somebody said of an alert, or that it is one again; nothing of that where something else changed."""
    mute, before = event.after.mute, event.before.mute
    if mute is not None:
        from ..health import mute_text  # the first paint does without

        return mute_text(mute, now) if mute != before else ""
    return (
        "an alert again" if before is not None and event.after.alert and event.before.state is event.after.state else ""
    )


def verdict(value: Verdict) -> tuple[str, str]:
    """A verdict in a word or two, and its role."""
    quiet = value.maintenance or value.mute is not None
    if value.layer is not None:
        if value.blamed is not None:
            return f"behind {text.plain(value.blamed)}", "dim"
        return f"{WORDS[Kind.DOWN]}: {value.layer}", "dim" if quiet else "critical"
    return _WORD[value.state], "dim" if quiet else STATE_ROLES[value.state]


def when(event: Event) -> float:
    """When it happened."""
    if isinstance(event, Changed | Rebooted | Noted):
        return event.time
    return event.facts.time if isinstance(event, Learned) else event.status.reach.time


def _when(event: Event, now: float) -> str:
    then = when(event)
    moment, today = time.localtime(then), time.localtime(now)
    clock = time.strftime("%H:%M:%S", moment)
    return clock if moment[:3] == today[:3] else time.strftime("%m-%d ", moment) + clock
