"""What the queue tells, beyond `jobs/model.py`: frozen values. Does no input or output."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..model import After, Attempt, Group, JobState, Key


@dataclass(frozen=True, slots=True)
class Progress:
    """How far one submission has come."""

    number: int
    name: str
    user: str
    priority: int
    submitted: float
    counts: Mapping[JobState, int]
    """Jobs by state, without zeros."""
    group: Group
    array: bool
    """False: a single job."""
    cpus: float
    """Of one element."""
    waits: bool = False
    """It comes after others that have not ended."""
    started: float | None = None
    """When the first of its jobs began."""
    ended: float | None = None
    """When the last one ended, of those that have."""
    why: str = ""
    """Why jobs of it wait, as the dispatcher told last; empty where none do, or nobody dispatches."""

    @property
    def jobs(self) -> int:
        return sum(self.counts.values())


@dataclass(frozen=True, slots=True)
class Placed:
    """What the queue believes to be on a node."""

    attempt: Attempt
    """Where `attempt.ended` is set it has ended, and what it made is still to be fetched."""
    state: JobState
    user: str
    cancelled: bool = False
    """Somebody wishes it ended."""
    held: bool = False
    """Somebody wishes it stopped where it stands."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What is to be done after reports were taken."""

    fetch: list[Key] = field(default_factory=list)
    """They ended: their outputs and logs are to be brought here, and `published` told."""
    forget: list[Key] = field(default_factory=list)
    """Nobody's any more (old copies), or done: to be ended and removed from their nodes."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a node is trusted with jobs. A node of which nothing is known has no Standing."""

    node: str
    drained: bool = False
    why: str = ""
    """Who drained it and why, or what it failed last."""
    quarantined: float = 0.0
    """Until when it gets no job; 0 when it is not in quarantine."""
    failures: int = 0
    """Failed attempts in a row that count against it (docs/QUEUE.md)."""
    broken: int = 0
    """Sandboxes in a row that did not come up there."""
    quarantines: int = 0
    """Quarantines since its last success: each is twice as long as the one before."""

    def closed(self, now: float) -> str:
        """Why it gets no job; empty when it may."""
        if self.drained:
            return f"drained: {self.why}" if self.why else "drained"
        if self.quarantined > now:
            return f"in quarantine: {self.why}"
        return ""


@dataclass(frozen=True, slots=True)
class Awaited:
    """One thing that a submission comes after."""

    after: After
    met: bool | None = None
    """None while it is open; False when it can never be."""
