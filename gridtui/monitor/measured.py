"""What echoes add: the metrics `rtt`, `jitter` and `loss` to a sample, and the layer to a failure. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..errors import SshError
from ..model import Layer, PingMethod, RoundTrips


class Measured(Mapping[str, float]):
    """The metrics of echoes and of a sample as one mapping, without copying: made for every sample of every node."""

    __slots__ = ("_sampled", "_trips")

    def __init__(self, trips: dict[str, float], sampled: Mapping[str, float]) -> None:
        self._trips = trips
        self._sampled = sampled

    def __getitem__(self, name: str) -> float:
        return self._trips[name] if name in self._trips else self._sampled[name]

    def get(self, name: str, default: Any = None) -> Any:
        value = self._trips.get(name)
        return self._sampled.get(name, default) if value is None else value

    def __iter__(self) -> Iterator[str]:
        yield from self._trips
        yield from self._sampled

    def __len__(self) -> int:
        return len(self._trips) + len(self._sampled)


def failed_layer(error: SshError, method: PingMethod, lost: bool) -> Layer:
    """The first layer that failed. `lost`: echoes, measured by `method`, are not answered.

    What answers neither echoes nor TCP failed at ICMP. A refused connection is an answer, whatever a firewall does to echoes; and
    where no echo can be sent, nothing is known of ICMP.
    """
    layer = Layer(error.layer)
    measured = method in (PingMethod.ICMP, PingMethod.RAW)
    if layer is Layer.TCP and lost and measured and not isinstance(error.__cause__, ConnectionRefusedError):
        return Layer.ICMP
    return layer


def trip_metrics(trips: RoundTrips) -> dict[str, float]:
    """The metrics that come from echoes: `rtt` and its kin in seconds, `loss` in per cent; what is unknown is absent."""
    values = {
        "rtt": trips.last,
        "rtt.min": trips.min,
        "rtt.avg": trips.avg,
        "rtt.max": trips.max,
        "jitter": trips.jitter,
        "loss": trips.loss if trips.sent else None,
    }
    return {name: value for name, value in values.items() if value is not None}
