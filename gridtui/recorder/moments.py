"""Moments and spans as people write them: `2h` ago, `14:30`, `2026-11-22 14:30`. Pure."""

from __future__ import annotations

import re
from datetime import datetime

from ..errors import UsageError

_AGO = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,3})?) ?(s|m|min|h|d|w)", re.ASCII)
_UNITS = {"s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_CLOCK = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])(?::([0-5][0-9]))?", re.ASCII)


def seconds(text: str) -> float:
    """A span: `90s`, `10min`, `2h`, `1d`. Raises UsageError."""
    match = _AGO.fullmatch(text.strip())
    if not match or not float(match[1]):
        raise UsageError(f"`{text}` is no duration", hint="10s, 5min, 2h, 1d")
    return float(match[1]) * _UNITS[match[2]]


def moment(text: str, now: float) -> float:
    """Seconds since the epoch; a span is so long before `now`, a time of day the last one that has been. Raises UsageError."""
    text = text.strip()
    if text == "now":
        return now
    if _AGO.fullmatch(text):
        return now - seconds(text)
    try:
        if match := _CLOCK.fullmatch(text):
            hour, minute, second = (int(part or 0) for part in match.groups())
            day = datetime.fromtimestamp(now)
            today = day.replace(hour=hour, minute=minute, second=second, microsecond=0).timestamp()
            return today if today <= now else today - 86400
        return datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError):
        raise UsageError(f"`{text}` is no moment", hint="2h, 14:30, 2026-11-22 or 2026-11-22T14:30") from None
