"""Puts shell text together: a level's files without their comments, and what an order asks for as assignments. Owns quoting of both."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from ...ssh import quote
from ..model import Order
from . import limits

_HERE = Path(__file__).parent


@cache
def library(name: str) -> str:
    """A file of this room as it travels: without comments and indentation. None of them has a here-document or a string of many lines
    in which that would change anything."""
    lines = (line.strip() for line in (_HERE / name).read_text(encoding="utf-8").splitlines())
    return "".join(f"{line}\n" for line in lines if line and not line.startswith("#"))


def shared() -> str:
    """What every level builds on."""
    return "".join(map(library, ("common.sh", "counts.sh", "cgroup.sh", "limits.sh")))


def assignments(values: Mapping[str, str | int]) -> str:
    """`name=value` lines."""
    return "".join(f"{name}={value if isinstance(value, int) else quote(value)}\n" for name, value in values.items())


def filled(text: str, blanks: Mapping[str, str]) -> str:
    """The text with each line `: NAME` replaced by what belongs there, all at once: a path may hold such a line, too."""
    return re.sub(rf"^: ({'|'.join(blanks)})\n", lambda match: blanks[match[1]], text, flags=re.MULTILINE)


def numbers(order: Order) -> dict[str, str | int]:
    """What every level takes of an order."""
    return limits.values(order.spec.needs) | {
        "box_gpus": " ".join(map(str, order.gpus)),
        "box_network": int(order.spec.sandbox.network),
    }
