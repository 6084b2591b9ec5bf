"""Files of jobs: inputs to the nodes, each content once, and outputs back. Knows rsync through `push`, no queue, no runner and no engine.

`Stage` and `Limits` load on first use: who submits a job looks at patterns alone.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .into import check, fill
from .model import Fetched, Manifest
from .patterns import parse
from .placing import FULL, MISSING

if TYPE_CHECKING:
    from .fetching import Limits as Limits
    from .stage import Stage as Stage

__all__ = ["FULL", "MISSING", "Fetched", "Limits", "Manifest", "Stage", "check", "fill", "parse"]

_HOMES = {"Limits": ".fetching", "Stage": ".stage"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name], __name__), name)
    globals()[name] = value
    return value
