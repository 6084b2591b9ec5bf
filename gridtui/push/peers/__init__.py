"""Broadcast: nodes pass the data on to each other, so that the uplink here carries it once. See docs/BROADCAST.md."""

from __future__ import annotations

from .broadcast import broadcast

__all__ = ["broadcast"]
