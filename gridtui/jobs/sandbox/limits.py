"""What a job may use, in the numbers that cgroups and ulimit take. Owns the translation, and the one limit that nobody asks for: tasks."""

from __future__ import annotations

import math

from ..model import Needs

TASKS, TASKS_A_CPU = 512, 256
"""Processes and threads that a job may have: enough for programs that start some threads a core, too few for a fork bomb to be felt."""


def tasks(needs: Needs) -> int:
    """Processes and threads together."""
    return TASKS + TASKS_A_CPU * math.ceil(needs.cpus)


def values(needs: Needs) -> dict[str, str | int]:
    """As limits.sh takes them: `box_cpus` in hundredths of a processor, `box_memory` in bytes, `box_disk` in KiB; 0 is no limit."""
    return {
        "box_cpus": max(1, math.ceil(needs.cpus * 100)) if needs.cpus > 0 else 0,
        "box_memory": needs.memory,
        "box_tasks": tasks(needs),
        "box_disk": math.ceil(needs.disk / 1024),
    }
