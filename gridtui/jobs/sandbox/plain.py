"""The level plain: a session and limits of its own. Owns its text; the job can read and write what the login can."""

from __future__ import annotations

from ..model import Order
from . import limits
from .text import assignments, library


def shell(order: Order) -> str:
    """As `sandbox.shell`."""
    given = limits.values(order.spec.needs) | {"box_gpus": " ".join(map(str, order.gpus))}
    return assignments(given) + library("common.sh") + library("limits.sh") + library("plain.sh")
