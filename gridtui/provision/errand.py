"""One node on its way through the steps, and how it ended. Owns what is told of it; decides nothing about order."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from ..errors import GridtuiError, SshError
from ..model import Node, clean
from ..stopping import STOPPED
from . import key as keys
from . import state
from .model import Ending, Outcome, Step, StepState, Told
from .profile import Profile
from .steps import StepError, Visit


class Stopped(Exception):
    """The run was asked to end before this step."""


class Broken(Exception):
    """A step that failed."""

    def __init__(self, step: str, error: GridtuiError, seconds: float = 0.0) -> None:
        super().__init__(str(error))
        self.step, self.error, self.seconds = step, error, seconds


@dataclass(slots=True)
class News:
    """Who is told of steps and outcomes, on the event loop, from any thread."""

    told: Told | None = None
    ended: Callable[[Outcome], None] | None = None
    loop: asyncio.AbstractEventLoop | None = None

    def step(self, step: Step) -> None:
        """News of a step."""
        if self.told and self.loop:
            with contextlib.suppress(RuntimeError):  # a thread that outlived the loop
                self.loop.call_soon_threadsafe(self.told, step)


@dataclass(slots=True)
class Errand:
    """One node's."""

    node: Node
    """With the user who logs in first, once that is known."""
    profile: Profile
    grid_user: str
    news: News
    dry_run: bool = False
    memory: state.Memory | None = None
    key: keys.Key | None = None
    visit: Visit | None = None
    left: list[str] = field(default_factory=list)
    """Playbooks that are still to be run."""
    steps: list[Step] = field(default_factory=list)
    outcome: Outcome | None = None
    began: float = 0.0
    fingerprint: str = ""

    def running(self, step: str, text: str = "") -> None:
        """A step began, or goes on with something."""
        self.news.step(Step(self.node.name, step, StepState.RUNNING, clean(text, 200)))

    def end(self, step: str, condition: StepState, text: str = "", seconds: float = 0.0) -> None:
        """A step ended."""
        done = Step(self.node.name, step, condition, clean(text, 600), seconds)
        self.steps.append(done)
        self.news.step(done)

    def fail(self, step: str, error: GridtuiError, seconds: float = 0.0) -> None:
        """A step ended the node's way."""
        unreachable = isinstance(error, SshError) and not isinstance(error, StepError)
        self.end(step, StepState.UNREACHABLE if unreachable else StepState.FAILED, str(error), seconds)
        layer = error.layer if unreachable and isinstance(error, SshError) else None
        status = Ending.UNREACHABLE if unreachable else Ending.FAILED
        self.settle(status, f"{step}: {error}", error.evidence.stderr, layer)

    def cancel(self) -> None:
        """The run was stopped."""
        if self.steps:
            self.settle(Ending.CANCELLED, "stopped; the next run goes on from here")
        else:
            self.settle(Ending.SKIPPED, STOPPED)

    def well(self) -> None:
        """All steps are through."""
        changed = any(step.state is StepState.CHANGED for step in self.steps)
        self.settle(Ending.PLANNED if self.dry_run else Ending.CHANGED if changed else Ending.OK)

    def settle(self, status: Ending, error: str = "", evidence: str = "", layer: str | None = None) -> None:
        """The end, once."""
        if self.outcome is not None:
            return
        self.outcome = Outcome(
            self.node.name,
            status,
            tuple(self.steps),
            clean(error, 1000),
            clean(evidence, 2000),
            layer,
            time.monotonic() - self.began if self.began else 0.0,
            self.grid_user if "base" in self.profile.playbooks else self.node.user or "",
            self.fingerprint,
        )
        if self.news.ended:
            self.news.ended(self.outcome)

    def forget(self, playbooks: list[str]) -> None:
        """These are to run again the next time."""
        if self.memory:
            self.memory.drop(playbooks)
