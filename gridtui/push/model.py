"""What is to be moved, how far it is, and what came of it: the frozen values of this room. Does no input or output.

Names of files are `str` with surrogates for bytes that are no UTF-8 (PEP 383, as `sys.argv` has them); text from nodes is neutralised.
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, field
from enum import StrEnum

from ..errors import LayerName, UsageError

FANOUT = 16
"""Nodes at once. More share the same uplink, and each costs two processes here."""
TIMEOUT = 60
"""Seconds without a byte after which rsync gives up, here and on the node."""
WAIT = 90.0
"""Seconds to wait for another transfer to the same place: longer than TIMEOUT, so that one whose link was cut is gone by then."""
PARTIAL = ".gridtui-partial"
"""Folder beside the file in which the received part of an interrupted transfer waits for the next one."""


class Direction(StrEnum):
    """Which way data goes."""

    PUSH = "push"
    PULL = "pull"


class Ending(StrEnum):
    """How it ended on one node; the words are those of `exec`."""

    OK = "ok"
    FAILED = "failed"
    """rsync said no: permission, space, a vanished source, no rsync there, another transfer to the same place."""
    TIMEOUT = "timeout"
    """No byte came for too long, or the time of the whole run was over."""
    UNREACHABLE = "unreachable"
    """No login, or the connection was lost on the way."""
    CANCELLED = "cancelled"
    """It ran when somebody stopped the run; what arrived is kept for the next."""
    SKIPPED = "skipped"
    """It was never started."""


class Stage(StrEnum):
    """Where the transfer to a node is."""

    WAITING = "waiting"
    """For its turn."""
    CONNECTING = "connecting"
    LOCKED = "locked"
    """Another transfer to the same place goes on."""
    SENDING = "sending"
    """Bytes move, or are compared."""
    VERIFYING = "verifying"
    """A hash of what arrived is compared."""
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Options:
    """How to move it; the same for every node. Rates are bytes a second, times seconds."""

    delete: bool = False
    """Remove what the source does not have."""
    dry_run: bool = False
    """Change nothing, say what would change."""
    rate: int | None = None
    """Most bytes a second for each node."""
    filters: tuple[str, ...] = ()
    """Rules in order, as rsync options: `--exclude=*.o`, `--include=*/`, `--filter=...`."""
    sudo: bool = False
    """rsync runs as root there (`sudo -n`: no password is asked for)."""
    chmod: str = ""
    """As rsync's `--chmod`."""
    chown: str = ""
    """As rsync's `--chown`: `user:group`."""
    sparse: bool = False
    hard_links: bool = False
    checksum: bool = False
    """Compare contents, not sizes and times."""
    compress: bool = False
    whole_file: bool = False
    """No delta: for links faster than disks."""
    timeout: int = TIMEOUT
    wait: float = WAIT
    """Seconds to wait for another transfer to the same place; 0 refuses at once."""
    more: tuple[str, ...] = ()
    """Further options of rsync, after all others: for services that stand on this one."""

    def __post_init__(self) -> None:
        for text in (self.chmod, self.chown, *self.filters, *self.more):
            if "\0" in text:
                raise UsageError("an option holds a NUL character")


@dataclass(frozen=True, slots=True)
class Plan:
    """What goes where. Raises UsageError where it could never run."""

    sources: tuple[str, ...]
    """Here for a push, on the node for a pull; a slash at the end means the content of the folder (rsync(1), USAGE)."""
    destination: str
    """On the node for a push, the folder here that gets one folder a node for a pull."""
    direction: Direction = Direction.PUSH
    options: Options = field(default_factory=Options)

    def __post_init__(self) -> None:
        if not self.sources or not all(self.sources) or not self.destination:
            raise UsageError("source and destination must not be empty")
        if any("\0" in text for text in (*self.sources, self.destination)):
            raise UsageError("a file name cannot hold a NUL character")
        for text in [self.destination] if self.direction is Direction.PUSH else self.sources:
            if text.startswith("~") and text[1:2] not in ("", "/"):
                raise UsageError(
                    f"{text!r}: another user's home is not looked up",
                    hint="write the whole path, or ./~ for such a name",
                )


def remote(path: str) -> str:
    """A path on a node as rsync gets it: `~` is the folder where a login begins, and a relative path counts from there."""
    if path == "~":
        return "./"
    if path.startswith("~/"):
        path = path[2:].lstrip("/") or "./"
    # rsync would take what stands before a colon for a host, and `-` for an option
    return path if path.startswith(("/", "./", "../")) or path in (".", "..") else f"./{path}"


def place(path: str) -> str:
    """The same place under one name: without `.`, doubled and trailing slashes. What a lock is named for; opens nothing."""
    return posixpath.normpath(remote(path))


@dataclass(frozen=True, slots=True)
class Progress:
    """How far one node is. The newest one stands for all before it."""

    node: str
    stage: Stage
    bytes: int = 0
    """Content that is there by now, of files that had to be moved."""
    total: int | None = None
    """Content of all files, once it is known; a guess before."""
    rate: float = 0.0
    """Bytes a second, over the last seconds."""
    files: int = 0
    """Files moved."""
    left: int | None = None
    """Files not looked at yet, as far as they are known."""
    feeder: str = ""
    """The node that it comes from; empty: from here."""

    @property
    def remaining(self) -> float | None:
        """Seconds left, at the rate of now."""
        if self.total is None or self.rate <= 0:
            return None
        return max(0, self.total - self.bytes) / self.rate


@dataclass(frozen=True, slots=True)
class Transfer:
    """What came of it on one node: a value, whatever happened."""

    node: str
    status: Ending
    exit: int | None = None
    """rsync's exit status (rsync(1), EXIT VALUES); None when it never ran."""
    bytes: int = 0
    """Bytes that went over the wire for it, both ways, as rsync counts them (without SSH's own)."""
    size: int = 0
    """Bytes of content of the files that were moved."""
    literal: int = 0
    """Bytes of content that were really sent; the rest was there already."""
    files: int = 0
    """Regular files moved (with `dry_run`: that would be)."""
    deleted: int = 0
    seconds: float = 0.0
    """From the login's begin to the end."""
    error: str = ""
    """One line: why it is not ok. Already neutralised."""
    stderr: tuple[str, ...] = ()
    """What rsync and ssh said, the last lines. Already neutralised."""
    layer: LayerName | None = None
    """The layer that failed, where the node was not reached."""
    via: str = "rsync"
    """`rsync`, `sftp` or `peers`."""
    feeder: str = ""
    """The node that it came from; empty: from here."""
    changes: tuple[str, ...] = ()
    """What changed, or would (`dry_run`): rsync's itemised lines, `%i %n%L`. Already neutralised."""

    @property
    def ok(self) -> bool:
        return self.status is Ending.OK
