"""Drives ping, ssh, probes and health: continuously for a dashboard (`Monitor`), or once for `check` (`examine`).

Owns what is known of each node now and the short history. Knows no screen, no inventory and no file.
"""

from __future__ import annotations

from . import checking
from .history import HISTORY, LENGTH, History
from .monitor import Monitor
from .once import Examined, examine

__all__ = ["HISTORY", "LENGTH", "Examined", "History", "Monitor", "checking", "examine"]
