"""The level plain: a session and limits of its own. Owns its text; the job can read and write what the login can."""

from __future__ import annotations

from ..model import Order
from .text import assignments, library, numbers, shared


def shell(order: Order) -> str:
    """As `sandbox.shell`."""
    return assignments(numbers(order)) + shared() + library("plain.sh")
