"""Numbers of rules as one line for people: `/ is 96 % full`. Owns the wording; judges nothing."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable

from ..metrics import METRICS
from ..model import Hush, Mute, clean, duration, size

_SHOWN = 3
"""Names in one text; the rest is counted."""


def value_text(metric: str, value: float) -> str:
    """A value with its unit: `96 %`, `1.5 GB`, `12 ms`, `85 °C`, `4.2`."""
    unit = METRICS[metric].unit if metric in METRICS else ""
    if unit == "B":
        return size(value)
    if unit == "B/s":
        return f"{size(value)}/s"
    if unit == "s":
        return _seconds(value)
    return f"{_short(value)} {unit}".rstrip()


def reason_text(metric: str, value: float, names: Iterable[str] = ()) -> str:
    """What is wrong, in one line: `value` of `metric` is beyond a level.

    `names` are the parts that are the cause (file systems, sensors, units), the one with `value` first; empty when not known.
    """
    shown = value_text(metric, value)
    worst, *others = [*names] or [""]
    worst = clean(worst, 80)
    also = f" (also {_join(others)})" if others else ""
    match metric:
        case "disk":
            return f"{worst or 'the fullest file system'} is {shown} full{also}"
        case "disk.inodes":
            return f"{worst or 'a file system'} has {shown} of its inodes in use{also}"
        case "units.failed":
            count = int(value)
            unit = "unit" if count == 1 else "units"
            return f"{count} failed {unit}{': ' + _join([worst, *others]) if worst else ''}"
        case "temp" | "gpu.temp":
            return f"{worst or METRICS[metric].text} is at {shown}{also}"
        case "clock":
            return f"the clock is {_seconds(abs(value))} {'ahead' if value > 0 else 'behind'}"
        case "loss":
            return f"{shown} of the recent echoes were lost"
        case "load.cpu":
            return f"load {_short(value)} for each CPU"
        case "reboot":
            return "a reboot is required"
        case "ids.bans":
            return f"{_counted(value, 'address', 'addresses')} banned for failed logins"
        case "ids.failed_logins":
            return f"{_counted(value, 'failed login', 'failed logins')} within an hour"
        case "ids.changed":
            return f"{_counted(value, 'file is', 'files are')} not as in the baseline"
        case "ids.age":
            return f"intrusion detection has not reported for {shown}"
        case "ids.changed.age":
            return f"files were not compared with the baseline for {shown}"
        case "posture.drift":
            return (
                f"less well kept than before{': ' + _join([worst, *others]) if worst else ''}"
                if value
                else "as well kept as before"
            )
        case "posture.high":
            return f"{_counted(value, 'finding', 'findings')} of high severity (gridtui posture)"
        case "posture.score":
            return f"kept with a score of {shown} of 100 (gridtui posture)"
        case "mem" | "swap":
            return f"{METRICS[metric].text.removesuffix(' in use')} is {shown} in use"
        case "uptime":
            return f"up for {shown}"
    return f"{METRICS[metric].text if metric in METRICS else metric}: {shown}"


def mute_text(mute: Mute, now: float | None = None) -> str:
    """What a person said of a node's alerts: `silenced until 14:30 by ada: new fans`. The date is told where it is not that of `now`."""
    words = "in maintenance" if mute.hush is Hush.MAINTENANCE else mute.hush.value
    if mute.until is not None:
        words += f" until {_moment(mute.until, now)}"
    words += f" by {clean(mute.who)}" if mute.who else ""
    return words + (f": {clean(mute.why)}" if mute.why else "")


def _moment(when: float, now: float | None) -> str:
    then = time.localtime(when)
    form = "%H:%M" if then[:3] == time.localtime(now)[:3] else "%Y-%m-%d %H:%M"
    return time.strftime(form, then)


def _counted(value: float, one: str, many: str) -> str:
    return f"{int(value)} {one if value == 1 else many}"


def _join(names: Iterable[str]) -> str:
    found = [clean(name, 80) for name in names if name]
    rest = len(found) - _SHOWN
    return ", ".join(found[:_SHOWN]) + (f" and {rest} more" if rest > 0 else "")


def _seconds(value: float) -> str:
    if abs(value) >= 60:
        return ("-" if value < 0 else "") + duration(abs(value))
    for factor, unit in ((1.0, "s"), (1e3, "ms")):
        if abs(value) * factor >= 1:
            return f"{_short(value * factor)} {unit}"
    return f"{_short(value * 1e6)} µs"


def _short(value: float) -> str:
    """At most three digits behind a comma, as few as tell the size: 96, 4.2, 0.25, 99.7."""
    if not math.isfinite(value):
        return str(value)
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 1 else 3
    text = f"{value:.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
