"""Sizes, spans of time, hours of the day and numbers as people write them, read strictly and written back exactly. Pure.

What is read here and cannot be understood whole is refused: a job that was meant to have 8 GB must not run with 8 bytes.
"""

from __future__ import annotations

import re
from decimal import Decimal

from ...errors import UsageError
from ...model import clean
from ..model import Hours

MOST_BYTES = (1 << 63) - 1
"""What fits a column of SQLite."""
MOST_SECONDS = 10 * 365 * 86400
"""Ten years: more is a slip of the finger."""

_POWERS = ("", "k", "m", "g", "t", "p")
_SIZE = re.compile(r"([0-9]{1,19}(?:\.[0-9]{1,6})?) ?([kmgtp]?)(?:i?b)?", re.ASCII | re.IGNORECASE)
_SECONDS = {"w": 604800, "d": 86400, "h": 3600, "m": 60, "s": 1}
_NAMES = {"min": "m", "sec": "s"}
_PART = r"[0-9]{1,9}(?:\.[0-9]{1,9})?"
_PIECE = re.compile(rf"({_PART}) ?(w|d|h|min|m|sec|s)", re.ASCII | re.IGNORECASE)
_SPAN = re.compile(rf"{_PIECE.pattern}(?: ?{_PIECE.pattern})*", re.ASCII | re.IGNORECASE)
_CLOCK = re.compile(r"(?:([0-9]{1,4})-)?([0-9]{1,4}):([0-5][0-9]):([0-5][0-9])", re.ASCII)
_TIME = re.compile(r"([01]?[0-9]|2[0-4])(?::([0-5][0-9]))?", re.ASCII)
_SIZES = "write 8G, 1.5T, 500M or a number of bytes"
_SPANS = "write 90s, 30m, 2h30m, 1d or 1:30:00; a plain number counts seconds"


def size(text: str) -> int:
    """Bytes: `8G`, `1.5 TB`, `500MiB`, `4096`. 1k is 1024, as everywhere in gridtui. Raises UsageError."""
    match = _SIZE.fullmatch(text.strip())
    if not match:
        raise UsageError(f"{_quoted(text)} is no size", hint=_SIZES)
    power = _POWERS.index(match[2].lower())
    exact = Decimal(match[1]) * (1 << 10 * power)
    if exact > MOST_BYTES:
        raise UsageError(f"{_quoted(text)} is too large a size", hint=_SIZES)
    if not power and "." in match[1]:
        raise UsageError(f"{_quoted(text)} is no whole number of bytes", hint=_SIZES)
    return int(exact)


def spell_size(count: int) -> str:
    """The shortest text that `size` reads as exactly `count`."""
    power = 0
    while count and power < len(_POWERS) - 1 and count % 1024 == 0:
        count, power = count // 1024, power + 1
    return f"{count}{_POWERS[power].upper()}"


def span(text: str) -> float:
    """Seconds: `90`, `90s`, `2h30m`, `1.5h`, `1d 12h`, `1:30:00`, `2-00:00:00`. Raises UsageError."""
    text = text.strip()
    if re.fullmatch(_PART, text, re.ASCII):
        seconds = Decimal(text)
    elif match := _CLOCK.fullmatch(text):
        days, hours, minutes, rest = (int(part or 0) for part in match.groups())
        if match[1] is not None and hours > 23:
            raise UsageError(f"{_quoted(text)} has a day of {hours} hours", hint=_SPANS)
        seconds = Decimal(((days * 24 + hours) * 60 + minutes) * 60 + rest)
    elif _SPAN.fullmatch(text):
        seconds = _pieces(text)
    else:
        clock = re.fullmatch(r"[0-9]+:[0-9]+", text, re.ASCII)
        hint = "hours and minutes or minutes and seconds? write 1h30m, 1m30s or 1:30:00" if clock else _SPANS
        raise UsageError(f"{_quoted(text)} is no span of time", hint=hint)
    if seconds > MOST_SECONDS:
        raise UsageError(f"{_quoted(text)} is too long: ten years at most", hint=_SPANS)
    return float(seconds)


def _pieces(text: str) -> Decimal:
    """The sum of `1h`, `30m`, ...; each unit once, the largest first."""
    total, below = Decimal(0), MOST_SECONDS
    for match in _PIECE.finditer(text):
        unit = match[2].lower()
        worth = _SECONDS[_NAMES.get(unit, unit)]
        if worth >= below:
            raise UsageError(f"{_quoted(text)} is no span of time: each unit once, the largest first", hint=_SPANS)
        total, below = total + Decimal(match[1]) * worth, worth
    return total


def positive_span(text: str) -> float:
    """A span that is not empty. Raises UsageError."""
    seconds = span(text)
    if seconds <= 0:
        raise UsageError(f"{_quoted(text)} is no time at all", hint=_SPANS)
    return seconds


def spell_span(seconds: float) -> str:
    """A text that `span` reads as exactly `seconds`."""
    if seconds != int(seconds):
        return f"{format(Decimal(repr(seconds)), 'f')}s"
    left, parts = int(seconds), []
    for unit in ("d", "h", "m", "s"):
        count, left = divmod(left, _SECONDS[unit])
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"


def hours(text: str) -> Hours:
    """A daily span: `22:00-06:00`, `9-17`. Raises UsageError."""
    begin, dash, end = text.strip().partition("-")
    first, last = _TIME.fullmatch(begin.strip()), _TIME.fullmatch(end.strip())
    if not dash or not first or not last:
        raise UsageError(f"{_quoted(text)} are no hours of the day", hint="write 22:00-06:00")
    minutes = tuple(int(match[1]) * 60 + int(match[2] or 0) for match in (first, last))
    if minutes[0] >= 1440 or minutes[1] > 1440:
        raise UsageError(f"{_quoted(text)} are no hours of the day", hint="a day goes from 0:00 to 24:00")
    return Hours(*minutes)


def spell_hours(value: Hours) -> str:
    """The text that `hours` reads as `value`."""
    return "-".join(f"{minute // 60:02}:{minute % 60:02}" for minute in (value.begin, value.end))


def cpus(text: str) -> float:
    """CPUs, parts of one too: `4`, `0.5`. Raises UsageError."""
    match = re.fullmatch(r"[0-9]{1,5}(?:\.[0-9]{1,3})?", text.strip(), re.ASCII)
    if not match or not float(text):
        raise UsageError(f"{_quoted(text)} is no number of CPUs", hint="write 4, or 0.5 for half of one")
    return float(text)


def load(text: str) -> float:
    """Load a core: `0.3`. Raises UsageError."""
    if not re.fullmatch(r"[0-9]{1,4}(?:\.[0-9]{1,3})?", text.strip(), re.ASCII):
        raise UsageError(f"{_quoted(text)} is no load", hint="write 0.3: the load a core")
    return float(text)


def whole(text: str, least: int, most: int) -> int:
    """A whole number within bounds. Raises UsageError."""
    text = text.strip()
    if not re.fullmatch(r"[+-]?[0-9]{1,9}", text, re.ASCII) or not least <= int(text) <= most:
        raise UsageError(f"{_quoted(text)} is no whole number from {least} to {most}")
    return int(text)


def _quoted(text: str) -> str:
    return f"`{clean(text, 60)}`"
