"""What is staged, and what came back: the frozen values of this room. Does no input or output.

Names of files are `str` with surrogates for bytes that are no UTF-8 (PEP 383). A digest is a SHA-256 as 64 hexadecimal digits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ...model import NOTHING

CACHE = "gridtui/jobs/cache"
"""Where inputs lie on a node, below `${XDG_STATE_HOME:-~/.local/state}`."""


@dataclass(frozen=True, slots=True)
class File:
    """A regular file of the job's folder."""

    name: str
    """Relative to the job's folder."""
    mode: int
    digest: str
    size: int


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder of the job's folder."""

    name: str
    mode: int


@dataclass(frozen=True, slots=True)
class Symlink:
    """A symbolic link that stays inside the input that it came with."""

    name: str
    target: str


Entry = File | Folder | Symlink


@dataclass(frozen=True, slots=True)
class Manifest:
    """The inputs of a job, as they were when they were looked at."""

    entries: tuple[Entry, ...] = ()
    sources: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    """For each digest a file here that has it, absolute."""
    digests: Mapping[str, int] = field(default_factory=dict)
    """What a node needs, by digest, in bytes: contents, and the index, which is an object like any other."""
    id: str = ""
    """The index's digest; empty where there are no inputs."""
    index: bytes = b""
    text: str = ""
    """POSIX sh text that makes `work/` of it on a node, run in the attempt's folder; empty where there are no inputs."""

    def __bool__(self) -> bool:
        return bool(self.id)


@dataclass(frozen=True, slots=True)
class Fetched:
    """What came back of an attempt."""

    names: tuple[str, ...] = ()
    """Files and links, relative to where they were fetched to. For people: through `model.clean` first."""
    troubles: tuple[str, ...] = ()
    """What did not come, and why; a line each, neutralised. The first hundred."""
    size: int = 0
    """Bytes."""
    ok: bool = True
    """False where something that should have come did not (permission, space here): another try may do better. What is left on
    purpose, pipes or links that lead out, is told and no failure."""
