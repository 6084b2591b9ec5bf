"""What is measured on a node: the probes, the loop that runs them there, and the decoding of what comes back.

Owns shell fragments, the frame and the meaning of /proc; opens no connection and keeps no history.
"""

from __future__ import annotations

from .catalogue import PROBES
from .frame import COMMAND, FAST_SECTION, LIMIT, Block, Decoder, Tier, new_nonce, tick
from .loop import FAST_FILES, SEPARATOR, script

__all__ = [
    "COMMAND",
    "FAST_FILES",
    "FAST_SECTION",
    "LIMIT",
    "PROBES",
    "SEPARATOR",
    "Block",
    "Decoder",
    "Tier",
    "new_nonce",
    "script",
    "tick",
]
