"""The text that makes an attempt's `work/` of the node's cache: what the keeper runs before the job. Pure."""

from __future__ import annotations

from ...ssh import quote
from .scripts import script

MISSING = 66
"""An input is missing or was damaged (EX_NOINPUT of sysexits(3)): it has to be sent again."""
FULL = 73
"""The job's folder cannot be written (EX_CANTCREAT)."""


def text(index: str, compressed: bool) -> str:
    """POSIX sh text, run in the attempt's folder, with `work/` there and empty."""
    return f"set -- {quote(index, 'z' if compressed else '')}\n{script('place')}"
