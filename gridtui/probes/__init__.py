"""What is measured on a node: the probes, the loop that runs them there, and the decoding of what comes back.

Owns shell fragments, the frame and the meaning of /proc; opens no connection and keeps no history.
"""

from __future__ import annotations

from ..metrics import METRICS
from .catalogue import PROBES
from .containers import CONTAINERS_LIMIT, Container, Containers, containers_command, parse_containers
from .facts import FACTS_LIMIT, facts_command, parse_facts
from .frame import COMMAND, FAST_SECTION, LIMIT, Block, Decoder, Tier, new_nonce, tick
from .journal import JOURNAL_LIMIT, Journal, journal_command, parse_journal
from .loop import FAST_FILES, SEPARATOR, script
from .reading import Reading
from .top import TOP_LIMIT, Process, parse_top, top_command

__all__ = [
    "COMMAND",
    "CONTAINERS_LIMIT",
    "FACTS_LIMIT",
    "FAST_FILES",
    "FAST_SECTION",
    "JOURNAL_LIMIT",
    "LIMIT",
    "METRICS",
    "PROBES",
    "SEPARATOR",
    "TOP_LIMIT",
    "Block",
    "Container",
    "Containers",
    "Decoder",
    "Journal",
    "Process",
    "Reading",
    "Tier",
    "containers_command",
    "facts_command",
    "journal_command",
    "new_nonce",
    "parse_containers",
    "parse_facts",
    "parse_journal",
    "parse_top",
    "script",
    "tick",
    "top_command",
]
