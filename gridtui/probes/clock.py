"""The node's clock against the controller's. Not a section: the node writes its clock into the header of a block.

As in NTP (RFC 5905, section 8), the node's reading is taken to lie midway between sending the tick and receiving the header; it
lies somewhere between them, so the error is at most half of that time, and as much as the clock's resolution.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..model import Unsupported
from .frame import Block


@dataclass(frozen=True, slots=True)
class Clock:
    """Seconds."""

    offset: float
    """Node minus controller."""
    error: float
    """The true offset lies within `offset` ± `error`."""


def measure(block: Block, sent: float) -> Clock | Unsupported:
    """The offset, from a tick that was sent at `sent` by the controller's wall clock."""
    if block.clock is None:
        return Unsupported("not read")
    if not 0 <= block.began - sent <= 3600:
        return Unsupported("the controller's own clock was set meanwhile")
    half = (block.began - sent) / 2
    # A clock without fractions was cut off: on the average, half a second is missing.
    return Clock(block.clock + block.clock_step / 2 - (sent + half), half + block.clock_step / 2)


def metrics(value: Clock) -> Mapping[str, float]:
    return {"clock": value.offset}
