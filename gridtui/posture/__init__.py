"""How well a node is kept: one question to it, findings with the playbook that mends each, a score, and drift since the last look.

`script` is asked over an open connection, `parse` reads the answer, `assess` makes a `Posture` of it and `drift` compares two answers.
Pure but for the shell text; opens no connection and keeps no file: `monitor.posture` does. docs/POSTURE.md is the guide.
"""

from __future__ import annotations

from .answer import Answer, Services
from .document import from_json, to_json
from .drift import drift
from .findings import CHECKS, Check, assess
from .model import Change, Drift, Finding, Grade, Look, Port, Posture, Severity, Unknown
from .question import COMMAND, LIMIT, TIMEOUT, new_nonce, script
from .reading import parse

__all__ = [
    "CHECKS",
    "COMMAND",
    "LIMIT",
    "TIMEOUT",
    "Answer",
    "Change",
    "Check",
    "Drift",
    "Finding",
    "Grade",
    "Look",
    "Port",
    "Posture",
    "Services",
    "Severity",
    "Unknown",
    "assess",
    "drift",
    "from_json",
    "new_nonce",
    "parse",
    "script",
    "to_json",
]
