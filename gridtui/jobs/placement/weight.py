"""What a job adds to its user's use of the grid, in CPUs. Pure."""

from __future__ import annotations

from ..model import Needs

LEAST = 0.1
"""CPUs that a job counts for at least: who asks for none has turns as others have."""
GPU = 4.0
"""CPUs that a GPU counts for."""


def weight(needs: Needs) -> float:
    """CPUs, and what GPUs count for."""
    return max(LEAST, needs.cpus) + GPU * needs.gpus
