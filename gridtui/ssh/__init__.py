"""Connections to nodes over SSH, and to this machine without. The rest of the program sees what this module names.

Names load on first use: asyncssh takes 0.4 s to import, and `resolve`, `quote` and the shapes do not need it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .quote import quote  # not lazily: the submodule's name would hide the function

if TYPE_CHECKING:
    from .connection import Channel, Completed, Connection, Receiver
    from .endpoint import Endpoint, resolve
    from .pool import Pool

__all__ = ["Channel", "Completed", "Connection", "Endpoint", "Pool", "Receiver", "quote", "resolve"]

_HOMES = {
    "Channel": ".connection",
    "Completed": ".connection",
    "Connection": ".connection",
    "Endpoint": ".endpoint",
    "Pool": ".pool",
    "Receiver": ".connection",
    "resolve": ".endpoint",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name], __name__), name)
    globals()[name] = value
    return value
