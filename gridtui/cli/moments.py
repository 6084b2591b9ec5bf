"""Moments on the command line: how they are written, and read as the recorder reads them."""

from __future__ import annotations

import time


def moment(text: str, now: float) -> float:
    """Seconds since the epoch. Raises UsageError."""
    from ..recorder import moments

    return moments.moment(text, now)


def seconds(text: str) -> float:
    """A span in seconds. Raises UsageError."""
    from ..recorder import moments

    return moments.seconds(text)


def written(when: float) -> str:
    """`2026-11-22 14:30:05`, in local time."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(when))
