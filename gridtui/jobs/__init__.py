"""A grid out of machines: jobs that are queued here, placed by what nodes can do and do now, and run there. docs/JOBS.md is for users.

from gridtui import Fleet
from gridtui.jobs import JobId, Needs, Spec

async with Fleet.open(["inventory.yaml"]) as fleet:
    number = await fleet.submit(Spec("./render.sh $GRIDTUI_INDEX", needs=Needs(cpus=2)), array=range(1, 101))
    jobs = await fleet.jobs.wait([JobId(number)])
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .model import (
    After,
    Attempt,
    Cause,
    End,
    Group,
    Hours,
    Idle,
    Input,
    Job,
    JobId,
    JobState,
    Level,
    Mount,
    Needs,
    Sandbox,
    Spec,
)

if TYPE_CHECKING:
    from .jobs import Jobs as Jobs

__all__ = [
    "After",
    "Attempt",
    "Cause",
    "End",
    "Group",
    "Hours",
    "Idle",
    "Input",
    "Job",
    "JobId",
    "JobState",
    "Jobs",
    "Level",
    "Mount",
    "Needs",
    "Sandbox",
    "Spec",
]


def __getattr__(name: str) -> Any:
    # The queue and all that dispatches it are loaded by who has jobs, not by who reads a word of the model.
    if name == "Jobs":
        from .jobs import Jobs

        return Jobs
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
