"""A bare machine becomes a grid node: first contact with a password or a key, then playbooks, then a check that it is ready."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .contact import Contact, Jumps, Shown, connect, known, pin, show
    from .password import Password

__all__ = ["Contact", "Jumps", "Password", "Shown", "connect", "known", "pin", "show"]

_HOMES = {
    "Contact": ".contact",
    "Jumps": ".contact",
    "Password": ".password",
    "Shown": ".contact",
    "connect": ".contact",
    "known": ".contact",
    "pin": ".contact",
    "show": ".contact",
}


def __getattr__(name: str) -> Any:
    # paramiko takes 0.4 s to import
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name], __name__), name)
    globals()[name] = value
    return value
