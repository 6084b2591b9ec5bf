"""What can be said of a job, one field for each, the same in options and in YAML: its name, how its text is read, what it is for.

The command line makes its options from this table, the YAML reader its keys; docs/JOBS.md lists it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from . import amounts, numbering, words


class Shape(StrEnum):
    """How a field is written."""

    ONE = "one"
    """One text."""
    MANY = "many"
    """A text that may be given more than once; a list in YAML."""
    PAIRS = "pairs"
    """As MANY with `KEY=VALUE`; a mapping in YAML."""
    FLAG = "flag"


@dataclass(frozen=True, slots=True)
class Field:
    """One field. `key` is its name in YAML, with `-` as in the option."""

    key: str
    shape: Shape
    help: str
    metavar: str = ""
    read: Callable[[str, Path], Any] = lambda text, _: text
    """Reads one text, with the folder that paths are meant from. Raises UsageError."""
    option: str = ""
    """The option's name where it is not the key's: the singular of what may be given more than once."""

    @property
    def value(self) -> str:
        """Its name among the values that `submission.build` gets."""
        return self.key.replace("-", "_")

    @property
    def flag(self) -> str:
        return f"--{self.option or self.key}"


def _plain(read: Callable[[str], Any]) -> Callable[[str, Path], Any]:
    return lambda text, _: read(text)


def _whole(least: int, most: int) -> Callable[[str, Path], int]:
    return lambda text, _: amounts.whole(text, least, most)


def _where(text: str, _: Path) -> str:
    # Parsed here for its errors alone; names are looked up where there is an inventory.
    from ...inventory import select

    select(text)
    return text.strip()


ONE, MANY, PAIRS, FLAG = Shape.ONE, Shape.MANY, Shape.PAIRS, Shape.FLAG

_ALL = (
    Field("name", ONE, "What it is called.  [default: the script's or the command's name]", "NAME", _plain(words.name)),
    Field("labels", PAIRS, "A label of your own.", "KEY=VALUE", _plain(words.label), "label"),
    Field("where", ONE, "Only on nodes like these: `gpu.mem>=8G & arch=x86_64 & @render`.", "SEL", _where),
    Field("cpus", ONE, "CPUs that it takes, parts of one too.  [default: 1]", "N", _plain(amounts.cpus)),
    Field("memory", ONE, "Memory that it takes, and may not exceed: `8G`.", "SIZE", _plain(amounts.size)),
    Field("gpus", ONE, "GPUs that it takes.", "N", _whole(0, 1024)),
    Field("gpu-memory", ONE, "Memory that must be free on each GPU.", "SIZE", _plain(amounts.size)),
    Field("disk", ONE, "Disk that must be free.", "SIZE", _plain(amounts.size)),
    Field("wall", ONE, "Time after which it is ended: `90s`, `2h30m`.", "SPAN", _plain(amounts.positive_span)),
    Field("retries", ONE, "Further tries after a failure.  [default: 0]", "N", _whole(0, 1000)),
    Field("priority", ONE, "Higher goes first, among your own: -1000 to 1000.", "N", _whole(-1000, 1000)),
    Field(
        "env",
        PAIRS,
        "A variable of its environment; `NAME` alone takes the value from here.",
        "NAME[=VALUE]",
        lambda text, _: words.variable(text, os.environ),
    ),
    Field(
        "inputs", MANY, "A file or folder from here, put into the job's folder.", "PATH[:NAME]", words.taken, "input"
    ),
    Field(
        "outputs",
        MANY,
        "What is fetched from the job's folder when it ends: `*.png`.",
        "GLOB",
        _plain(words.pattern),
        "output",
    ),
    Field(
        "into", ONE, "Where outputs go, here: `out/{index}`.  [default: job-{number}/{index}]", "DIR", words.destination
    ),
    Field(
        "sandbox",
        ONE,
        "How it is kept apart: plain, bwrap, systemd or container; `bwrap+` is that or stronger.",
        "LEVEL[+]",
        _plain(words.sandbox),
    ),
    Field("network", FLAG, "Let it use the network."),
    Field("image", ONE, "The image of its container.", "IMAGE"),
    Field("mounts", MANY, "A folder of the node that it sees.", "PATH[:INSIDE][:rw]", _plain(words.mount), "mount"),
    Field("pack", FLAG, "Fill one node before the next one."),
    Field("output-limit", ONE, "Bytes of printed output that are kept.  [default: 16M]", "SIZE", _plain(amounts.size)),
    Field("array", ONE, "An array: one job for each index.", "1-1000[:STEP]", _plain(numbering.indices)),
    Field(
        "after",
        MANY,
        "Start when these succeeded; `:any` when they ended, `:failed` when they failed.",
        "ID[:HOW]",
        _plain(numbering.after),
    ),
    Field("hold", FLAG, "Wait until it is released."),
)

FIELDS: Mapping[str, Field] = {field.key: field for field in _ALL}

IDLE: Mapping[str, Field] = {
    field.key: field
    for field in (
        Field("after", ONE, "Time without a key or a mouse move there.  [default: 15m]", "SPAN", _plain(amounts.span)),
        Field("load", ONE, "The most load a core that is not ours.  [default: 0.3]", "N", _plain(amounts.load)),
        Field("hours", ONE, "Only at these hours: `22:00-06:00`.", "FROM-TO", _plain(amounts.hours)),
        Field("battery", FLAG, "On battery, too."),
        Field(
            "freeze",
            ONE,
            "Time with the lowest weight before it is frozen.  [default: 0]",
            "SPAN",
            _plain(amounts.span),
        ),
        Field("evict", ONE, "Time frozen before it goes elsewhere.  [default: 10m]", "SPAN", _plain(amounts.span)),
        Field("grace", ONE, "Time between SIGTERM and SIGKILL then.  [default: 10s]", "SPAN", _plain(amounts.span)),
    )
}
"""What can be said of a job that gives way: `--idle-hours`, `idle: {hours: ...}`."""
