"""When a job that must not disturb may start on a node. Pure. Giving way afterwards is the keeper's business, on the node."""

from __future__ import annotations

import time

from ...model import duration
from ..model import Idle
from .offers import Offer


def may_start(idle: Idle, offer: Offer, now: float) -> str:
    """Why a job that gives way may not start there now, in words; empty: it may. `now` is the controller's wall clock.

    What is not known from here (how long a screen was not touched) is no reason against it: the node looks for itself before it starts one."""
    owner = offer.owner
    if owner.word:
        return owner.word
    if (why := hours(idle, now)) != "":
        return why
    if owner.idle is not None and owner.idle < idle.after:
        return f"somebody was active {duration(owner.idle)} ago, idle counts after {duration(idle.after)}"
    if owner.battery and not idle.battery:
        return "runs on battery"
    if offer.load > idle.load * offer.cpus + 1e-9:
        share = offer.load / offer.cpus if offer.cpus else offer.load
        return f"load of others {share:.2f} a cpu, at most {idle.load:g}"
    return ""


def hours(idle: Idle, now: float) -> str:
    """Why it may not start anywhere at this time of day; empty: it may."""
    if idle.hours is None:
        return ""
    local = time.localtime(now)
    if idle.hours.holds(60 * local.tm_hour + local.tm_min):
        return ""
    return f"outside its hours, {_clock(idle.hours.begin)} to {_clock(idle.hours.end)}"


def _clock(minute: int) -> str:
    return f"{minute // 60 % 24:02d}:{minute % 60:02d}"
