"""A bare machine becomes a grid node: first contact with a password or a key, then playbooks, then a check that it is ready.

Names load on first use: paramiko takes 0.4 s to import.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ..stopping import Stop

if TYPE_CHECKING:
    from .authorize import authorize
    from .contact import Contact, Jumps, Shown, connect, known, pin, show
    from .model import FANOUT, Ending, Outcome, Plan, Step, StepState, Told, Vouch
    from .password import Password
    from .run import Run

_HOMES = {
    "FANOUT": ".model",
    "Contact": ".contact",
    "Ending": ".model",
    "Jumps": ".contact",
    "Outcome": ".model",
    "Password": ".password",
    "Plan": ".model",
    "Run": ".run",
    "Shown": ".contact",
    "Step": ".model",
    "StepState": ".model",
    "Told": ".model",
    "Vouch": ".model",
    "authorize": ".authorize",
    "connect": ".contact",
    "known": ".contact",
    "pin": ".contact",
    "show": ".contact",
}

__all__ = [
    "FANOUT",
    "Contact",
    "Ending",
    "Jumps",
    "Outcome",
    "Password",
    "Plan",
    "Run",
    "Shown",
    "Step",
    "StepState",
    "Stop",
    "Told",
    "Vouch",
    "authorize",
    "connect",
    "known",
    "pin",
    "show",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name], __name__), name)
    globals()[name] = value
    return value
