"""The text that makes an attempt's `work/` of the node's cache: what the keeper runs before the job. Pure, but for reading `place.sh`."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from ...ssh import quote

MISSING = 66
"""An input is missing or was damaged (EX_NOINPUT of sysexits(3)): it has to be sent again."""
FULL = 73
"""The job's folder cannot be written (EX_CANTCREAT)."""


def text(index: str) -> str:
    """POSIX sh text, run in the attempt's folder, with `work/` there and empty."""
    return f"set -- {quote(index)}\n{_script()}"


@cache
def _script() -> str:
    """Without its comments: it travels with every start."""
    lines = files(__package__).joinpath("place.sh").read_text("utf-8").splitlines()
    return "\n".join(line for line in lines if not line.lstrip().startswith("#")) + "\n"
