"""Threshold ranges of the monitoring-plugins guidelines, and the units that people write with them.

Owns the grammar; knows metrics only by their unit. The guidelines (section "Threshold and Ranges") say:
`[@]start:end`; `start:` may be left out when it is 0; an empty end is infinity; `~` as start is minus infinity; it
alerts outside of start..end, ends excluded from the alert, or with `@` inside, ends included.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

_NUMBER = re.compile(r"(-?)(\d+(?:\.\d*)?|\.\d+)(.*)", re.ASCII | re.DOTALL)

_BYTES = {"k": 1024.0, "m": 1024.0**2, "g": 1024.0**3, "t": 1024.0**4, "p": 1024.0**5}
_SIZES = {"b": 1.0} | {name + tail: factor for name, factor in _BYTES.items() for tail in ("", "b", "ib")}
_TIMES = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0}
_TIMES |= {"m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}

# Unit of the core -> what may stand behind a number, in lower case -> factor. 1 kB = 1024 B, as `model.size` prints it.
_SUFFIXES: dict[str, dict[str, float]] = {
    "%": {"%": 1.0},
    "B": _SIZES,
    "B/s": _SIZES | {name + "/s": factor for name, factor in _SIZES.items()},
    "s": _TIMES,
    "°C": {"°c": 1.0, "c": 1.0},
    "W": {"mw": 1e-3, "w": 1.0, "kw": 1e3},
    "1/s": {"/s": 1.0, "1/s": 1.0},
    "": {},
}
_NAMES = {"": "a plain number", "%": "per cent", "B": "bytes", "B/s": "bytes a second", "s": "seconds"}


@dataclass(frozen=True, slots=True)
class Range:
    """A threshold range. `alerts(value)` says whether the value is one to tell of.

    `start` and `end` may be infinite, never NaN; `start <= end`. `str()` gives the guidelines' notation in the unit of
    the metric, without exponents, and `Range.parse` reads it back to the same value.
    """

    start: float = 0.0
    end: float = math.inf
    inside: bool = False
    """The `@`: alert inside of the range instead of outside."""

    def __post_init__(self) -> None:
        if not self.start <= self.end or self.start == math.inf or self.end == -math.inf:
            raise ValueError(f"the start {self.start:g} of a range is above its end {self.end:g}")

    @classmethod
    def parse(cls, text: str, unit: str = "") -> Range:
        """Read `10`, `10:`, `~:10`, `10:20`, `@10:20`; each number may carry a suffix that fits `unit` (`metrics.Unit`).

        Raises ValueError with one line that says what is wrong.
        """
        body = text.strip()
        inside = body.startswith("@")
        body = body.removeprefix("@")
        if not body:
            raise ValueError(f"{text!r} is an empty range; write 10, 10:, ~:10, 10:20 or @10:20")
        head, colon, tail = body.partition(":")
        if ":" in tail:
            raise ValueError(f"{text!r} is no range: it has more than one colon")
        if not colon:
            if head == "~":
                raise ValueError(f"{text!r} is no range: write ~: and the highest value that is fine, as in ~:10")
            end = _number(head, unit, text)
            if end < 0:
                raise ValueError(f"{text!r} is no range: it means 0:{head}, whose end is below 0; write ~:{head}")
            return cls(0.0, end, inside)
        if head:
            start = -math.inf if head == "~" else _number(head, unit, text)
        else:
            # The guidelines let `start:` go as a whole, not the start alone.
            raise ValueError(f"{text!r} is no range: nothing stands before the colon; write 0:{tail} or ~:{tail}")
        if tail == "~":
            raise ValueError(f"{text!r} is no range: `~` is minus infinity; leave the end empty for infinity")
        end = _number(tail, unit, text) if tail else math.inf
        if start > end:
            raise ValueError(f"{text!r} is no range: its start {head} is above its end {tail}")
        return cls(start, end, inside)

    def alerts(self, value: float) -> bool:
        """Whether `value` is one to tell of. NaN never is: nothing is known then."""
        if math.isnan(value):
            return False
        return (self.start <= value <= self.end) == self.inside

    def clears(self, value: float, margin: float | None = None) -> bool:
        """Whether `value` is fine by at least `margin` (in the metric's unit; None: 5 % of the edge that it has to pass).

        An edge at 0 has no margin: in `0:90` the 0 is only how the grammar says "up to 90". A range whose fine part is
        narrower than two margins takes a quarter of that part instead, so that something can always clear it.
        """
        if math.isnan(value) or self.alerts(value):
            return False
        low, high = (_margin(edge, margin) for edge in (self.start, self.end))
        if self.inside:
            return value < self.start - low or value > self.end + high
        quarter = (self.end - self.start) / 4
        return self.start + min(low, quarter) <= value <= self.end - min(high, quarter)

    def __str__(self) -> str:
        head = "~:" if self.start == -math.inf else "" if self.start == 0 else f"{plain(self.start)}:"
        tail = plain(self.end) if self.end < math.inf else "" if head else "0:"
        return f"{'@' if self.inside else ''}{head}{tail}"


def plain(value: float) -> str:
    """A finite number in digits, a point and a minus (the guidelines' class `[-0-9.]`), read back exactly by `float`."""
    if value == int(value):
        return str(int(value))
    text = repr(value)
    if "e" not in text:
        return text
    from decimal import Decimal  # 3 ms for a case that hardly comes

    return format(Decimal(text), "f")


def _margin(edge: float, margin: float | None) -> float:
    if edge == 0 or math.isinf(edge):
        return 0.0
    return abs(edge) * 0.05 if margin is None else margin


def _number(text: str, unit: str, whole: str) -> float:
    match = _NUMBER.fullmatch(text.strip())
    if not match:
        raise ValueError(f"{whole!r} is no range: {text!r} is no number; write 10, 10:, ~:10, 10:20 or @10:20")
    sign, digits, suffix = match.groups()
    value = float(digits)
    name = suffix.strip().lower()
    if name:
        factors = _SUFFIXES.get(unit, {})
        if name not in factors:
            kind = _NAMES.get(unit, unit)
            known = f": write {', '.join(factors)}" if factors else ""
            raise ValueError(f"{whole!r} is no range: {suffix.strip()!r} does not fit a value in {kind}{known}")
        value *= factors[name]
    if math.isinf(value):
        raise ValueError(f"{whole!r} is no range: {text!r} is too large")
    return -value if sign and value else value
