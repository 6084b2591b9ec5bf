"""What is recorded of a node, and each value as one byte. Owns the scales; pure.

A byte a value is what makes a week of a thousand nodes small: shares to half a per cent, temperatures to 0.6 °C, and what ranges over
many powers of ten (rates, load, round trips) on a logarithmic scale, to 2.5 to 4.5 %. That is finer than a plot can show. Two bytes a
value came to 1.7 times the size for 1 % (docs/HISTORY.md).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

NAN = math.nan
MOST = 255


@dataclass(frozen=True, slots=True)
class Scale:
    """A metric's way from value to byte and back. Byte 0 is no value."""

    metric: str
    encode: Callable[[float], int]
    """Clamps what is outside of the scale; NaN is 0."""
    values: tuple[float, ...]
    """The value of each byte; NaN of 0."""


def _linear(metric: str, step: float, low: float = 0.0) -> Scale:
    def encode(value: float) -> int:
        if value != value:
            return 0
        return 1 + min(MOST - 1, max(0, round(min(max(value - low, 0.0), 1e9) / step)))

    return Scale(metric, encode, (NAN, *(round(low + step * code, 6) for code in range(MOST))))


def _logarithmic(metric: str, low: float, ratio: float) -> Scale:
    width = math.log(ratio)

    def encode(value: float) -> int:
        if value != value:
            return 0
        if value < low * 0.5:
            return 1
        return 2 + min(MOST - 2, max(0, round(math.log(min(value, 1e300) / low) / width)))

    return Scale(metric, encode, (NAN, 0.0, *(low * ratio**code for code in range(MOST - 1))))


SCALES: tuple[Scale, ...] = (
    _logarithmic("rtt", 1e-5, 1.065),
    _linear("loss", 0.5),
    _linear("cpu", 0.5),
    _linear("mem", 0.5),
    _logarithmic("load", 0.01, 1.05),
    _linear("disk", 0.5),
    _logarithmic("net.rx", 10.0, 1.09),
    _logarithmic("net.tx", 10.0, 1.09),
    _logarithmic("disk.read", 10.0, 1.09),
    _logarithmic("disk.write", 10.0, 1.09),
    _linear("gpu", 0.5),
    _linear("temp", 0.6, -30.0),
)
"""In the order in which they are kept; a file that has fewer was written before the last ones were added."""

RECORDED: tuple[str, ...] = tuple(scale.metric for scale in SCALES)
INDEX = {name: index for index, name in enumerate(RECORDED)}
COUNT = len(SCALES)

_ENCODE = tuple(scale.encode for scale in SCALES)


def encode(values: Sequence[float]) -> bytes:
    """One node at one moment: the bytes of `values`, which stand in the order of `RECORDED`."""
    return bytes([code(value) for code, value in zip(_ENCODE, values, strict=True)])


def decode(metric: str, codes: bytes) -> list[float]:
    """The values of one metric, NaN where there was none."""
    values = SCALES[INDEX[metric]].values
    return [values[code] for code in codes]


def coarser(index: int, codes: bytes, each: int) -> bytes:
    """Every `each` bytes of one metric's column as one: the mean of those that have a value. A rest is left out."""
    values, encode = SCALES[index].values, SCALES[index].encode
    out = bytearray()
    for start in range(0, len(codes) - each + 1, each):
        part = codes[start : start + each]
        first = part[0]
        if part.count(first) == each:  # nothing to compute: what does not move, and what there is none of
            out.append(first)
            continue
        known = [values[code] for code in part if code]
        out.append(encode(sum(known) / len(known)))
    return bytes(out)
