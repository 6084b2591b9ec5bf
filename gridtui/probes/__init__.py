"""What is measured on a node: the probes, the loop that runs them there, and the decoding of what comes back.

Owns shell fragments, the frame and the meaning of /proc; opens no connection and keeps no history.
"""

from __future__ import annotations

from ..metrics import METRICS
from .catalogue import PROBES
from .facts import FACTS_LIMIT, facts_command, parse_facts
from .frame import COMMAND, FAST_SECTION, LIMIT, Block, Decoder, Tier, new_nonce, tick
from .loop import FAST_FILES, SEPARATOR, script
from .reading import Reading
from .top import TOP_LIMIT, Process, parse_top, top_command

__all__ = [
    "COMMAND",
    "FACTS_LIMIT",
    "FAST_FILES",
    "FAST_SECTION",
    "LIMIT",
    "METRICS",
    "PROBES",
    "SEPARATOR",
    "TOP_LIMIT",
    "Block",
    "Decoder",
    "Process",
    "Reading",
    "Tier",
    "facts_command",
    "new_nonce",
    "parse_facts",
    "parse_top",
    "script",
    "tick",
    "top_command",
]
