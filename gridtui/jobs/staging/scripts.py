"""The shell texts of this room, as they travel: without their comments."""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def script(name: str) -> str:
    """The text of `<name>.sh`."""
    lines = files(__package__).joinpath(f"{name}.sh").read_text("utf-8").splitlines()
    return "\n".join(line for line in lines if not line.lstrip().startswith("#")) + "\n"
