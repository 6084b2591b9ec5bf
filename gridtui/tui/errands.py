"""What was begun on the screens of the verbs, each as it stands: a command, a push, a playbook's run. Owns what is known of it while this
program runs; pure, knows no widget. Its screen shows one at a time, and an older one again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from ..exec import Task
from . import moves, plays
from .activity import WELL, Deed, Kind, counted
from .course import Course
from .results import Results

if TYPE_CHECKING:
    from .. import push as pushes
    from ..playbooks.model import Plan


class Errand:
    """One of them. `names` are the nodes it was for, the last time that it was begun."""

    KIND: ClassVar[Kind]

    def __init__(self, names: Sequence[str], began: float) -> None:
        self.names: tuple[str, ...] = tuple(names)
        self.began = began
        self.took: float | None = None
        """Seconds in all; None while it goes on."""
        self.trouble = ""
        """Why nothing came of it."""
        self._picture: Deed | None = None

    @property
    def running(self) -> bool:
        return self.took is None

    def seconds(self, now: float) -> float:
        """So far, or in all."""
        return now - self.began if self.took is None else self.took

    def end(self, now: float) -> None:
        """It is over."""
        self.took = now - self.began

    # ---- for subclasses ----

    def what(self) -> str:
        """What is done, in a line."""
        raise NotImplementedError

    def endings(self) -> Mapping[str, str]:
        """How it ended on each node where it has, in a word."""
        raise NotImplementedError

    def whole(self) -> Sequence[str]:
        """All nodes of it."""
        return self.names

    def share(self, ended: int) -> float | None:
        """Per cent that is done, when it has ended on so many nodes."""
        whole = len(self.whole())
        return 100.0 * ended / whole if whole else None

    # ---- what it came to ----

    def failed(self) -> list[str]:
        """The nodes on which it did not end well, in order."""
        return _failed(self.whole(), self.endings())

    def deed(self) -> Deed:
        """The picture of it now. Of one that has ended it is made once: a hundred on 5,000 nodes are half a million endings."""
        kept = self._picture
        if kept is not None and not kept.running and kept.seconds == self.took and kept.began == self.began:
            return kept
        names, ended = tuple(self.whole()), self.endings()
        self._picture = Deed(
            id(self),
            self.KIND,
            self.what(),
            self.began,
            names,
            len(names),
            self.took,
            self.running,
            self.share(len(ended)) if self.running else None,
            counted(ended.values()),
            tuple(_failed(names, ended)),
            "",
            self.trouble,
            self,
        )
        return self._picture


def _failed(names: Iterable[str], ended: Mapping[str, str]) -> list[str]:
    if WELL.issuperset(ended.values()):
        return []
    return [name for name in names if name in ended and ended[name] not in WELL]


class ExecErrand(Errand):
    """A command."""

    KIND = Kind.EXEC

    def __init__(self, task: Task, names: Sequence[str], began: float) -> None:
        super().__init__(names, began)
        self.task = task
        self.results = Results()
        self.bare = False
        """Of its output nothing is known (any more)."""
        self.log: Path | None = None
        """Its place in the joblog."""

    def again(self, names: Sequence[str], now: float) -> None:
        """Begin anew on some of its nodes; what others gave stays."""
        self.names, self.began, self.took = tuple(names), now, None

    def what(self) -> str:
        return f"{'sudo ' if self.task.sudo else ''}{self.task.command}"

    def whole(self) -> Sequence[str]:
        return (*self.results.outcomes, *self.results.running) or self.names

    def endings(self) -> Mapping[str, str]:
        return {name: str(one.status) for name, one in self.results.outcomes.items()}


class PushErrand(Errand):
    """Files to nodes."""

    KIND = Kind.PUSH

    def __init__(self, plan: pushes.Plan, peers: bool, names: Sequence[str], began: float) -> None:
        super().__init__(names, began)
        self.plan, self.peers = plan, peers
        self.seen: dict[str, pushes.Progress] = {}
        self.done: dict[str, pushes.Transfer] = {}

    def what(self) -> str:
        return f"{' '.join(self.plan.sources)} → {self.plan.destination}"

    def endings(self) -> Mapping[str, str]:
        return {name: str(one.status) for name, one in self.done.items()}

    def told(self, progress: pushes.Progress) -> None:
        """A node has come so far."""
        self.seen[progress.node] = progress

    def ended(self, outcome: pushes.Transfer) -> None:
        """A node has ended."""
        from .. import push as pushes

        self.done[outcome.node] = outcome
        before = self.seen.get(outcome.node)
        whole = max(outcome.size, before.bytes if before else 0)
        self.seen[outcome.node] = pushes.Progress(
            outcome.node, pushes.Stage.DONE, whole, whole, files=outcome.files, feeder=outcome.feeder
        )

    def share(self, ended: int) -> float | None:
        from .. import push as pushes

        return moves.percent(pushes.summary.total(self.seen, len(self.names)))


class PlayErrand(Errand):
    """A playbook's run; `kept`: of an earlier program."""

    KIND = Kind.PLAYBOOK

    def __init__(
        self,
        plan: Plan,
        course: Course,
        names: Sequence[str],
        began: float,
        *,
        kept: bool = False,
        guarded: bool = False,
    ) -> None:
        super().__init__(names, began)
        self.plan, self.course = plan, course
        self.kept, self.guarded = kept, guarded

    @property
    def folder(self) -> Path | None:
        """Where it is kept."""
        result = self.course.result
        return result.folder if result is not None else None

    def what(self) -> str:
        return plays.named(self.plan)

    def whole(self) -> Sequence[str]:
        return self.course.names

    def endings(self) -> Mapping[str, str]:
        return {name: str(one.status) for name, one in self.course.outcomes.items()}
