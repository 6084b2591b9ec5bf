"""What a job is, what it needs, where it stands and what became of it: the frozen values of this room. Does no input or output.

A *submission* has a number (1, 2, ...) and one specification; it is one job, or an array of them. A job's id is written `12` where
the submission is a single job, `12.7` for the element with index 7 of an array. Each start of a job is an *attempt*, counted from 1.

Units are those of the core: seconds, bytes; times are the controller's `time.time()`. A node's clock is never compared with ours:
what a node tells are durations.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from types import MappingProxyType

from ..errors import UsageError
from ..model import NOTHING

NOWHERE: Mapping[int | None, frozenset[str]] = MappingProxyType({})
"""No element has failed anywhere."""
ENVIRONMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}", re.ASCII)
"""What may name a variable of the environment (POSIX.1, 8.1)."""


class JobState(StrEnum):
    """Where a job stands. The words are shown, stored and stable."""

    QUEUED = "queued"
    """Waits: for a node, for jobs that it comes after, or for its next try."""
    HELD = "held"
    """Waits until somebody releases it."""
    STARTING = "starting"
    """Has a node; its inputs travel, or the node has not yet said that it runs."""
    RUNNING = "running"
    FROZEN = "frozen"
    """Stopped where it stands, in memory: the node's owner is back."""
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    """Ended badly, and has no try left."""
    CANCELLED = "cancelled"
    LOST = "lost"
    """Its node went away with it (reboot, no contact for too long), and it has no try left."""


PLACED = frozenset({JobState.STARTING, JobState.RUNNING, JobState.FROZEN})
"""A node has it."""
ENDED = frozenset({JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED, JobState.LOST})
"""Nothing more happens to it, unless somebody retries it."""


class Group(StrEnum):
    """Where a submission stands as a whole."""

    RUNNING = "running"
    """A node has at least one of its jobs."""
    WAITING = "waiting"
    """No node has any, and some are queued or held."""
    ENDED = "ended"


class Level(IntEnum):
    """How far a job is kept apart from its node, weakest first."""

    PLAIN = 0
    """Its own session and limits, nothing else: it can read and write what the login can."""
    BWRAP = 1
    """bubblewrap: only its own folder is writable; no network; no root needed."""
    SYSTEMD = 2
    """A systemd service: a user of its own, a read-only system, a filter of system calls; no network; limits in a cgroup."""
    CONTAINER = 3
    """podman or docker, with an image that the job names."""

    @property
    def word(self) -> str:
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Mount:
    """A folder of the node that the job sees, at the same path unless `inside` names another."""

    path: str
    inside: str = ""
    writable: bool = False


@dataclass(frozen=True, slots=True)
class Sandbox:
    """What keeps a job apart."""

    least: Level = Level.PLAIN
    """Nodes that cannot give this level are not chosen. The strongest that a node offers is taken anyway."""
    most: Level = Level.CONTAINER
    """`--sandbox plain` means at most that."""
    network: bool = False
    image: str = ""
    """For CONTAINER, and only then; must be on the node, or pullable by it."""
    mounts: tuple[Mount, ...] = ()


@dataclass(frozen=True, slots=True)
class Needs:
    """What a job takes of a node. What is reserved is what is asked for; what is enforced depends on the level."""

    cpus: float = 1.0
    memory: int = 0
    """Bytes; 0 reserves and limits nothing."""
    gpus: int = 0
    gpu_memory: int = 0
    """Bytes that must be free on each GPU."""
    disk: int = 0
    """Bytes that must be free where the job's folder lies."""
    wall: float | None = None
    """Seconds after which it is ended."""


@dataclass(frozen=True, slots=True)
class Hours:
    """A daily span of the controller's local time, in minutes after midnight; it may pass midnight (22:00-06:00)."""

    begin: int
    end: int

    def holds(self, minute: int) -> bool:
        """Whether the span holds the minute of a day. A span that ends where it begins is the whole day."""
        if self.begin < self.end:
            return self.begin <= minute < self.end
        return minute >= self.begin or minute < self.end


@dataclass(frozen=True, slots=True)
class Idle:
    """When a job that must not disturb may run, and how it gives way when the owner comes back."""

    after: float = 900.0
    """Seconds without a key or a mouse move of anybody on the node."""
    load: float = 0.3
    """The most load a core that is not ours."""
    hours: Hours | None = None
    battery: bool = False
    """Whether it may run on battery."""
    freeze: float = 0.0
    """Seconds after the owner's return for which it goes on with the lowest weight before it is frozen."""
    evict: float = 600.0
    """Seconds frozen after which it is ended and queued again."""
    grace: float = 10.0
    """Seconds between SIGTERM and SIGKILL then."""


@dataclass(frozen=True, slots=True)
class Input:
    """A file or folder from here, in the job's folder as `name`."""

    path: str
    """Here. Where it is relative, `Jobs.submit` makes it absolute."""
    name: str
    """Relative, without `..`."""


@dataclass(frozen=True, slots=True)
class Spec:
    """One submission's specification; the same for every element of an array but for `$GRIDTUI_INDEX` and `$GRIDTUI_ITEM`."""

    command: str
    """Shell text, or a whole script where it begins with `#!`."""
    name: str = ""
    labels: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    where: str = ""
    """Requirements in the selection language, facts and live values included; empty: every node."""
    needs: Needs = Needs()
    sandbox: Sandbox = Sandbox()
    env: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    inputs: tuple[Input, ...] = ()
    outputs: tuple[str, ...] = ()
    """Patterns (`glob`) in the job's folder that are fetched back when it ends, however it ends."""
    into: str = ""
    """The folder here for the outputs, made absolute by `Jobs.submit`; `{id}`, `{number}`, `{index}` and `{name}` are filled in."""
    retries: int = 0
    """Further attempts after a failure. An attempt that was lost with its node, or gave way to an owner, does not count."""
    priority: int = 0
    """Higher goes first among one user's jobs; -1000 to 1000."""
    idle: Idle | None = None
    """None: a job that need not give way."""
    pack: bool = False
    """Fill one node before the next; False spreads."""
    output_limit: int = 16 << 20
    """Bytes of output kept of an attempt: the beginning, and the end (a sixteenth)."""

    def __post_init__(self) -> None:
        if not self.command.strip():
            raise UsageError("a job needs a command")
        if "\0" in self.command or any("\0" in text for pair in self.env.items() for text in pair):
            raise UsageError("a job's command and environment cannot hold a NUL character")
        for name in self.env:
            if not ENVIRONMENT.fullmatch(name):
                raise UsageError(f"{name!r} cannot name a variable of the environment")
        for one in self.inputs:
            parts = one.name.split("/")
            if not one.name.isprintable() or one.name.startswith("~") or not {"", ".", ".."}.isdisjoint(parts):
                raise UsageError(f"{one.name!r} cannot name an input", hint="names are relative to the job's folder")
        if self.sandbox.image.startswith("-"):
            raise UsageError(f"{self.sandbox.image!r} cannot name an image")  # it would be an option of the engine's


@dataclass(frozen=True, slots=True, order=True)
class JobId:
    """A submission's number, and the element's index in an array; None for a single job."""

    number: int
    index: int | None = None

    def __str__(self) -> str:
        return str(self.number) if self.index is None else f"{self.number}.{self.index}"

    @classmethod
    def parse(cls, text: str) -> JobId:
        """`12` or `12.7`. Raises UsageError."""
        match = re.fullmatch(r"([1-9][0-9]{0,8})(?:\.([0-9]{1,9}))?", text, re.ASCII)
        if not match:
            raise UsageError(f"{text!r} is no job's id", hint="ids are written 12, or 12.7 for an element of an array")
        return cls(int(match[1]), int(match[2]) if match[2] else None)


@dataclass(frozen=True, slots=True)
class Key:
    """An attempt's name on every node and in every engine: no other queue, job or attempt ever has the same."""

    queue: str
    """Eight hexadecimal digits, made with the queue."""
    id: JobId
    attempt: int

    def __str__(self) -> str:
        index = "-" if self.id.index is None else self.id.index
        return f"{self.queue}.{self.id.number}.{index}.{self.attempt}"

    @classmethod
    def parse(cls, text: str) -> Key | None:
        """None for what is none: folders that others left."""
        match = re.fullmatch(r"([0-9a-f]{8})\.([1-9][0-9]{0,8})\.(-|[0-9]{1,9})\.([1-9][0-9]{0,5})", text, re.ASCII)
        if not match:
            return None
        index = None if match[3] == "-" else int(match[3])
        return cls(match[1], JobId(int(match[2]), index), int(match[4]))


class End(StrEnum):
    """How a job must have ended for those that come after it to start."""

    OK = "ok"
    """It succeeded. When that can no longer be, those after it are cancelled."""
    ANY = "any"
    FAILED = "failed"
    """It failed or was lost."""


@dataclass(frozen=True, slots=True)
class After:
    """A job waits for another one, or for a whole submission (`id.index` None): for all of its elements then."""

    id: JobId
    how: End = End.OK


class Phase(StrEnum):
    """Where an attempt stands, as its engine tells."""

    WAITING = "waiting"
    """An engine that places by itself has it in its own queue."""
    RUNNING = "running"
    FROZEN = "frozen"
    ENDED = "ended"
    UNKNOWN = "unknown"
    """The node answers and has no such attempt."""
    LOST = "lost"
    """It was there and can never end: the node was rebooted, or its keeper died."""


class Cause(StrEnum):
    """Why an attempt ended, where its exit status alone does not tell."""

    EXIT = "exit"
    WALL = "wall"
    """Its wall time was over."""
    MEMORY = "memory"
    DISK = "disk"
    """No space for its folder or its output."""
    CANCELLED = "cancelled"
    """We asked for it."""
    EVICTED = "evicted"
    """The owner came back, or opted out."""
    REFUSED = "refused"
    """The node did not take it: opted out, the sandbox cannot be had, an input is missing."""
    BROKEN = "broken"
    """The sandbox itself failed to start it: counts against the node, not against the job."""


@dataclass(frozen=True, slots=True)
class Report:
    """What an engine tells of one attempt. Text is neutralised."""

    key: Key
    phase: Phase
    node: str = ""
    exit: int | None = None
    """As `$?` in a shell: 128 + n after signal n."""
    cause: Cause | None = None
    why: str = ""
    """One line for people."""
    level: Level | None = None
    """The level really reached."""
    elapsed: float | None = None
    """Seconds since it began, or that it took."""
    cpu: float | None = None
    """Seconds of CPU, all its processes together."""
    memory: int | None = None
    """Most bytes at once, where a cgroup counted them."""
    output: int = 0
    """Bytes that it wrote, kept or not."""
    tail: bytes = b""
    """All of its output where that is short (4 kB) and it has ended; raw."""


@dataclass(frozen=True, slots=True)
class Order:
    """An attempt to be started: all that an engine needs."""

    key: Key
    spec: Spec
    item: str = ""
    """The line of `--each` that belongs to this element."""
    node: str = ""
    """Where it was placed; empty for engines that place by themselves."""
    level: Level = Level.PLAIN
    gpus: tuple[int, ...] = ()
    """Which of the node's GPUs it may see."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One start of a job, as the queue keeps it."""

    key: Key
    node: str
    placed: float
    """When it was given to the node."""
    started: float | None = None
    """When the node said that it runs."""
    ended: float | None = None
    exit: int | None = None
    cause: Cause | None = None
    why: str = ""
    level: Level | None = None
    cpu: float | None = None
    memory: int | None = None
    fetched: str = ""
    """Where its outputs lie, or why they do not; empty until then."""


@dataclass(frozen=True, slots=True)
class Job:
    """One job as the queue shows it."""

    id: JobId
    name: str
    user: str
    state: JobState
    submitted: float
    priority: int = 0
    node: str = ""
    """The node of the current or last attempt."""
    attempt: int = 0
    """The number of the current or last attempt; 0 before the first."""
    exit: int | None = None
    why: str = ""
    """Why it waits, failed or was lost; one line."""
    item: str = ""
    started: float | None = None
    ended: float | None = None
    cpus: float = 1.0
    labels: Mapping[str, str] = field(default_factory=lambda: NOTHING)


@dataclass(frozen=True, slots=True)
class Lot:
    """The jobs of one submission that could start now: what placement chooses from. All have one specification."""

    number: int
    user: str
    priority: int
    spec: Spec
    submitted: float
    ready: Sequence[int | None]
    """Indices in the order in which they should start; (None,) for a single job."""
    running: int = 0
    """Jobs of this submission that have a node now."""
    avoid: Mapping[int | None, frozenset[str]] = field(default_factory=lambda: NOWHERE)
    """Nodes on which an earlier attempt of an element failed."""


@dataclass(frozen=True, slots=True)
class Placement:
    """One job goes to one node."""

    id: JobId
    node: str
    level: Level
    gpus: tuple[int, ...] = ()
