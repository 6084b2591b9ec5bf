"""Ansible playbooks: a catalogue, runs through ansible-runner, and changes that a node takes back unless they are confirmed.

Ansible is run as a program and never imported. Knows no screen, no command line and no selection of nodes. Names load on first use:
a list of playbooks needs neither ansible-runner nor a connection.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ..stopping import Stop
from . import artefacts, batches
from .catalogue import Catalogue, read
from .model import (
    BATCHES,
    WINDOW,
    BatchStarted,
    Ending,
    Outcome,
    Plan,
    Playbook,
    Progress,
    Result,
    Said,
    TaskResult,
    TaskStarted,
    TaskState,
    Told,
)

if TYPE_CHECKING:
    from . import guard
    from .run import Around, Run

__all__ = [
    "BATCHES",
    "WINDOW",
    "Around",
    "BatchStarted",
    "Catalogue",
    "Ending",
    "Outcome",
    "Plan",
    "Playbook",
    "Progress",
    "Result",
    "Run",
    "Said",
    "Stop",
    "TaskResult",
    "TaskStarted",
    "TaskState",
    "Told",
    "artefacts",
    "batches",
    "guard",
    "read",
]


def __getattr__(name: str) -> Any:
    if name == "Run":
        from .run import Run

        return Run
    if name == "guard":
        return import_module(".guard", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
