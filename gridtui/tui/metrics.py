"""What a look at many nodes can show of each: one table of metrics, and the scale on which they are shown together. Pure.

The heat map, the latency board and the compare view all draw by this table, so that a value has one name, one form and one scale.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ..errors import UsageError
from ..model import PingMethod, Status
from . import text
from .braille import ceiling
from .states import WORDS, Kind, face

if TYPE_CHECKING:
    from ..posture.model import Posture

STEPS = 7
"""Steps of a scale, each with a glyph and a shade of its own."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One thing that is measured of a node. `value` is None where it is not known."""

    name: str
    title: str
    form: Callable[[float | None], str]
    """A value with its unit, in at most `cells` cells."""
    value: Callable[[Status, Posture | None], float | None]
    cells: int = 5
    low: float = 0.0
    high: float | None = None
    """The end of its scale; None: a round number above the largest value that is shown."""
    least: float = 1.0
    """The least end of a scale that follows the values: below it, differences are noise."""
    calm: float = 0.0
    """What colours begin at: less is as good. 60 µs beside 20 µs are no news, and would look like some."""
    log: bool = False
    """Each step is a multiple: for what spans from a switch to an ocean."""
    binary: bool = False
    """Round numbers are multiples of 1024."""
    bad: Literal["high", "low", ""] = "high"
    """Which end is the bad one, if any."""
    series: str = ""
    """The name of its history; '' where none is kept."""


def _measured(name: str) -> Callable[[Status, Posture | None], float | None]:
    def value(status: Status, posture: Posture | None) -> float | None:
        found = None if status.sample is None else status.sample.metrics.get(name)
        return None if found is None or found != found else found

    return value


def _rtt(status: Status, posture: Posture | None) -> float | None:
    return status.trips.last


def _loss(status: Status, posture: Posture | None) -> float | None:
    trips = status.trips
    return trips.loss if trips.sent and trips.method is not PingMethod.LOCAL else None


def _score(status: Status, posture: Posture | None) -> float | None:
    return None if posture is None or posture.score is None else float(posture.score)


def _kind(status: Status, posture: Posture | None) -> float:
    return float(face(status).kind)


def rate(value: float | None) -> str:
    """Bytes a second: `512/s`, `12.3M/s`."""
    known = text.amount(value)
    return known if known == text.UNKNOWN else f"{known}/s"


def _count(value: float | None) -> str:
    return text.UNKNOWN if value is None or math.isnan(value) else f"{value:.0f}"


def _word(value: float | None) -> str:
    return text.UNKNOWN if value is None or math.isnan(value) else WORDS[Kind(int(value))]


METRICS: tuple[Metric, ...] = (
    Metric("cpu", "CPU", text.percent, _measured("cpu"), high=100.0, series="cpu"),
    Metric("mem", "memory", text.percent, _measured("mem"), high=100.0, series="mem"),
    Metric("load", "load", text.number, _measured("load"), series="load"),
    Metric("disk", "fullest disk", text.percent, _measured("disk"), high=100.0),
    Metric("rtt", "round trip", text.seconds, _rtt, cells=7, least=0.001, calm=0.0001, log=True, series="rtt"),
    Metric("loss", "lost echoes", text.percent, _loss, high=100.0),
    Metric(
        "net.rx", "received", rate, _measured("net.rx"), 7, least=1024.0, log=True, binary=True, bad="", series="net.rx"
    ),
    Metric(
        "net.tx", "sent", rate, _measured("net.tx"), 7, least=1024.0, log=True, binary=True, bad="", series="net.tx"
    ),
    Metric("gpu", "GPU", text.percent, _measured("gpu"), high=100.0, bad="", series="gpu"),
    Metric("temp", "temperature", text.degrees, _measured("temp"), low=20.0, high=100.0, series="temp"),
    Metric("posture", "posture", _count, _score, high=100.0, bad="low"),
    Metric("state", "state", _word, _kind, cells=11, high=float(max(Kind)), bad="low"),
)
"""In the order of the key that goes through them."""

BY_NAME = {metric.name: metric for metric in METRICS}

WITH_HISTORY = tuple(metric for metric in METRICS if metric.series)
"""Those that can be shown over time."""


def find(name: str) -> Metric:
    """The metric of a name. Raises UsageError, naming the nearest."""
    if name not in BY_NAME:
        near = difflib.get_close_matches(name, BY_NAME, 1)
        raise UsageError(
            f"there is no metric `{text.plain(name)}`",
            hint=f"did you mean `{near[0]}`?" if near else "one of " + ", ".join(BY_NAME),
        )
    return BY_NAME[name]


def following(metric: Metric, among: Iterable[Metric] = METRICS, step: int = 1) -> Metric:
    """The metric after this one (`step` -1: before it), round."""
    known = list(among)
    return known[(known.index(metric) + step) % len(known)] if metric in known else known[0]


@dataclass(frozen=True, slots=True)
class Scale:
    """Where values stand between two round ends."""

    low: float
    high: float
    log: bool = False

    def share(self, value: float) -> float:
        """0 at the low end, 1 at the high one; what is outside stands at its end."""
        if self.high <= self.low or value <= self.low:
            return 0.0
        if value >= self.high:
            return 1.0
        if self.log:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)

    def step(self, value: float) -> int:
        """The step of a value, 0 to STEPS - 1."""
        return min(STEPS - 1, int(self.share(value) * STEPS))

    def edge(self, step: int) -> float:
        """The value at which a step begins."""
        share = step / STEPS
        if self.log:
            return self.low * math.pow(self.high / self.low, share)
        return self.low + (self.high - self.low) * share


def scale(metric: Metric, values: Iterable[float], fine: bool = False) -> Scale:
    """The scale on which these values are shown together. Its ends are round, so that it stays while values move a little. `fine`: for curves,
    which show what colours would make too much of.
    """
    if metric.high is not None:
        return Scale(metric.low, metric.high)
    known = [value for value in values if value == value and value > 0 and value != math.inf]
    top = max(known, default=metric.least)
    if not metric.log:
        return Scale(metric.low, ceiling((top,), metric.least))
    # Whole powers alone: half a decade would come and go with every breath of the slowest node.
    base = 32.0 if metric.binary else 10.0
    high = _power(max(top, metric.least), base, up=True)
    low = _power(min(known, default=metric.least), base, up=False)
    if not fine:
        low = max(low, metric.calm)
    if metric.binary:
        low = max(low, metric.least)  # a few bytes more or less are nobody's traffic
    return Scale(max(min(low, high / base), high / math.pow(base, 4)), high, log=True)


def _power(value: float, base: float, up: bool) -> float:
    exponent = math.log(value, base)
    whole = math.ceil(exponent - 1e-9) if up else math.floor(exponent + 1e-9)
    return math.pow(base, whole)
