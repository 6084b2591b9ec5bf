"""What a playbook, its plan, its progress and its outcomes are. Owns the shapes; runs nothing.

The words are Ansible's: a playbook has plays, a play has tasks, a task ends on each host in one of `TaskState`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from ..model import NOTHING

WINDOW = 60.0
"""Seconds that a change which may cut the link waits for its confirmation before the node takes it back."""
BATCHES = ("1", "10%", "100%")
"""How such a change goes over a fleet: a canary, a tenth, the rest."""


def _nothing() -> Mapping[str, object]:
    return NOTHING  # a mappingproxy cannot be hashed before Python 3.12, so not a plain default


@dataclass(frozen=True, slots=True)
class Playbook:
    """One playbook of the catalogue."""

    name: str
    """What people call it: the file's stem, or a path for one that is in no catalogue."""
    path: Path
    title: str = ""
    """One line: the name of its first play, or the first line of its leading comment."""
    description: str = ""
    """The rest of its leading comment, as it stands."""
    shipped: bool = False
    cuts: bool = False
    """Whether it may cut the link to a node: it is then run in batches and under a guard. `# gridtui: cuts the link` in the file says so."""
    reboots: bool = False
    """Whether it may start nodes anew: their jobs are let end first. `# gridtui: reboots nodes` in the file says so."""
    undoable: bool = False
    """Whether `--undo` takes its changes back. `# gridtui: can be undone` in the file says so."""


class TaskState(StrEnum):
    """How far a task is on a node."""

    RUNNING = "running"
    OK = "ok"
    CHANGED = "changed"
    SKIPPED = "skipped"
    IGNORED = "ignored"
    """It failed, and the playbook goes on all the same."""
    FAILED = "failed"
    UNREACHABLE = "unreachable"


class Ending(StrEnum):
    """How a playbook ended on a node."""

    OK = "ok"
    CHANGED = "changed"
    FAILED = "failed"
    UNREACHABLE = "unreachable"
    ROLLED_BACK = "rolled-back"
    """The node took a change back by itself, or was told to, and answers again."""
    LOCKED_OUT = "locked-out"
    """A change was not confirmed, and the node has not answered since."""
    MATCHING = "matching"
    """Left out: what the playbook would do is there already."""
    CANCELLED = "cancelled"
    SKIPPED = "skipped"
    """Never begun: an earlier batch failed, or the run was stopped before."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to run and how. Raises nothing; `Run` refuses what cannot be."""

    playbooks: tuple[Playbook, ...]
    check: bool = False
    diff: bool = False
    undo: bool = False
    batches: tuple[str, ...] = ()
    """Sizes as `1`, `10%`; the last is repeated. Empty: `BATCHES` where a playbook cuts the link, else all at once."""
    window: float = WINDOW
    confirm: bool = True
    """Confirm by a fresh login by ourselves. False: somebody else will, with `gridtui playbook confirm`, within the window."""
    skip_matching: bool = False
    extra: Mapping[str, object] = field(default_factory=_nothing)
    """Extra variables, above all others. Never secrets: they lie in the artefacts."""
    tags: tuple[str, ...] = ()
    forks: int = 0
    """Nodes at once; 0: as many as there are, up to a bound that follows this machine's cores."""
    strategy: str = ""
    """Ansible's strategy plugin, e.g. `mitogen_linear`; empty: Ansible's own."""
    become_password: bool = False
    """Ask for sudo's password, once."""


@dataclass(frozen=True, slots=True)
class TaskResult:
    """One task on one node, as it goes. `number` counts the run's tasks from 1, in the order of their start."""

    node: str
    number: int
    task: str
    state: TaskState
    role: str = ""
    seconds: float = 0.0
    text: str = ""
    """Why it failed, or what it said; one or more lines, neutralised. Empty for what was declared secret (no_log)."""
    diff: str = ""
    """A unified diff of what it changed or would change, neutralised."""


@dataclass(frozen=True, slots=True)
class TaskStarted:
    """A task begins, on all nodes of its batch."""

    number: int
    task: str
    role: str = ""
    play: str = ""


@dataclass(frozen=True, slots=True)
class BatchStarted:
    """A batch of nodes begins. `number` counts from 1, `of` is how many there are."""

    number: int
    of: int
    nodes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Said:
    """A line that is nobody's result: Ansible's warning, a guard that was armed, confirmed or fired."""

    text: str
    node: str = ""
    alarm: bool = False


class GuardState(StrEnum):
    """How far a change that a node takes back unless it is confirmed is there."""

    ARMED = "armed"
    CONFIRMED = "confirmed"
    ROLLED_BACK = "rolled-back"
    LOCKED_OUT = "locked-out"
    """Neither confirmed nor heard of since the window was over."""


@dataclass(frozen=True, slots=True)
class Guarded:
    """A node's guard changed its state. `left` is the seconds until the node takes the change back, of an armed one."""

    node: str
    state: GuardState
    left: float = 0.0


Progress = TaskStarted | TaskResult | BatchStarted | Said | Guarded
Told = Callable[[Progress], None]
"""Called on the event loop, in order."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended on one node."""

    node: str
    status: Ending
    ok: int = 0
    changed: int = 0
    failed: int = 0
    skipped: int = 0
    seconds: float = 0.0
    error: str = ""
    """One line: what failed, at which task, how to mend it."""
    evidence: str = ""
    """The last lines behind it, neutralised; `-v` shows them."""
    layer: str | None = None
    """The layer that failed, of a node that was not reached."""


@dataclass(frozen=True, slots=True)
class Result:
    """How a whole run ended."""

    run: str
    """Its id: sortable by time, and the name of its folder of artefacts."""
    folder: Path
    outcomes: Mapping[str, Outcome] = field(default_factory=dict)
    error: str = ""
    """Why nothing ran at all: a syntax error, a missing playbook, no Ansible."""
