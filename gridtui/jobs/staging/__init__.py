"""Files of jobs: inputs to the nodes, each content once, and outputs back. Knows rsync through `push`, no queue, no runner and no engine."""

from __future__ import annotations

from .fetching import Limits
from .into import check, fill
from .model import Fetched, Manifest
from .patterns import parse
from .placing import FULL, MISSING
from .stage import Stage

__all__ = ["FULL", "MISSING", "Fetched", "Limits", "Manifest", "Stage", "check", "fill", "parse"]
