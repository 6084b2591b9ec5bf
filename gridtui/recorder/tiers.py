"""The tiers of a recording: how fine, in which pieces, for how long. Owns their table; pure."""

from __future__ import annotations

from dataclasses import dataclass

DAY = 86400


@dataclass(frozen=True, slots=True)
class Tier:
    """Values `step` seconds apart, in pieces that are merged to `window` seconds, kept for `days` (0: as long as anything is)."""

    number: int
    step: int
    window: int
    days: float


FINE = Tier(0, 10, 3600, 2.0)
MIDDLE = Tier(1, 60, DAY, 14.0)
COARSE = Tier(2, 900, DAY, 0.0)
TIERS = (FINE, MIDDLE, COARSE)

STEP = FINE.step
"""Seconds: what is seen within them becomes one value a metric."""


def tier_for(step: float) -> Tier:
    """The coarsest tier that still has a value for each `step` seconds."""
    return next((tier for tier in reversed(TIERS) if tier.step <= step), FINE)
