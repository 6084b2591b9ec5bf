"""What the dashboard knows of the queue: sums, who dispatches, what the nodes have. Reads at most once a second, whatever is shown; draws nothing.

Every read is one short transaction on this process's own loop, so its cost is a key's delay: what is read is a page, or sums that are kept,
never a whole list. Where reads are slow all the same (a disk that is busy), they become rarer.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ..errors import GridtuiError
from . import use

if TYPE_CHECKING:
    from ..jobs.model import Group, Job, JobState
    from ..jobs.queue import Holder, Standing
    from .bridge import Jobs

EVERY = 1.0
"""Seconds between two reads, at least."""
SHARE = 50
"""A read that takes t seconds is repeated after SHARE * t at the earliest, so that reading costs 2 % of a core at most."""
ON_A_NODE = 12
"""Jobs of one node that are read."""


class Desk:
    """One for the whole dashboard. What went wrong with the last read is `trouble`; what was known before stays."""

    def __init__(self, jobs: Callable[[], Jobs], clock: Callable[[], float]) -> None:
        self._jobs = jobs
        self._clock = clock
        self._next = 0.0
        self._took = 0.0
        self.node = ""
        self.on_node: Sequence[Job] = ()
        """The first jobs of `node`."""
        self.trouble = ""
        self.counts: Mapping[JobState, int] = {}
        self.groups: Mapping[Group, int] = {}
        self.holder: Holder | None = None
        self.standing: Mapping[str, Standing] = {}
        self.use = use.Use()

    @property
    def jobs(self) -> Jobs:
        """What is read from, and told what to change."""
        return self._jobs()

    def due(self) -> bool:
        """Whether a read is allowed again."""
        return time.monotonic() >= self._next

    def soon(self) -> None:
        """Something was changed from here: the next look reads."""
        self._next = 0.0

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Around every read: its time counts, its failure is told and not raised."""
        began = time.monotonic()
        try:
            yield
        except GridtuiError as error:
            self.trouble = str(error)
        self._took += time.monotonic() - began

    def read(self) -> bool:
        """Read the sums where that is due; gives whether it was."""
        if not self.due():
            return False
        self._took, self.trouble = 0.0, ""
        with self.reading():
            jobs = self.jobs
            self.counts, self.groups = jobs.counts(), jobs.groups()
            self.holder, self.standing = jobs.holder(), jobs.standing()
        if (span := self.use.missing(now := self._clock())) is not None:
            first, end = span
            before = time.perf_counter()
            with self.reading():
                self.use.held(now, first, self.jobs.usage(first * use.STEP, end * use.STEP, use.STEP))
            self.use.took(first, time.perf_counter() - before)
        return True

    def rest(self) -> None:
        """All that this look needed is read: the next one comes when it may."""
        self._next = time.monotonic() + max(EVERY, SHARE * self._took)

    def read_node(self, name: str) -> None:
        """Read what a node has, into `on_node`, where that is due or it is another node."""
        if self.node == name and not self.due():
            return
        from ..jobs.model import PLACED

        self.node, self._took, self.trouble = name, 0.0, ""
        with self.reading():
            self.standing = self.jobs.standing()
            self.on_node = self.jobs.list(node=name, states=PLACED, limit=ON_A_NODE)
        self.rest()
