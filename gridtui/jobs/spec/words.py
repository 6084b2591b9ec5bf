"""Single words of a job's description: labels, variables, inputs, outputs, mounts, the sandbox, names. Owns what may be said.

Paths here are made absolute from the folder that they were written in.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from ...errors import UsageError
from ...model import clean
from ..model import ENVIRONMENT, Input, Level, Mount

_NAME = re.compile(r"[^\s/.~-][^/]{0,99}")
_LABEL = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]{0,62}", re.ASCII)
_FILLED = ("id", "number", "index", "name")


def name(text: str) -> str:
    """A name for a job: part of folders' names, so no `/`, and nothing that hides it. Raises UsageError."""
    text = text.strip()
    if not _NAME.fullmatch(text) or clean(text) != text:
        raise UsageError(
            f"{quoted(text)} is no name for a job",
            hint="up to 100 characters that can be printed, without `/`; not beginning with `.`, `-` or `~`",
        )
    return text


def name_of(text: str) -> str:
    """The name that a script or a command suggests; empty when there is none that would do."""
    try:
        return name(PurePosixPath(text).name)
    except UsageError:
        return ""


def label(text: str) -> tuple[str, str]:
    """`KEY=VALUE`. Raises UsageError."""
    key, equals, value = text.partition("=")
    if not equals:
        raise UsageError(f"{quoted(text)} is no label", hint="write KEY=VALUE")
    return labelled(key.strip(), value)


def labelled(key: str, value: str) -> tuple[str, str]:
    """A label's two halves, looked at. Raises UsageError."""
    if not _LABEL.fullmatch(key):
        raise UsageError(
            f"{quoted(key)} is no label's name", hint="letters, digits, `_`, `.`, `-` and `/`, a letter first"
        )
    if clean(value, 257) != value or len(value) > 256:
        raise UsageError(f"the label {key} has a value that cannot be printed, or is over 256 characters")
    return key, value


def variable(text: str, here: Mapping[str, str]) -> tuple[str, str]:
    """`NAME=VALUE`, or `NAME` with the value that it has `here`. Raises UsageError."""
    key, equals, value = text.partition("=")
    if equals:
        return assigned(key, value)
    key, _ = assigned(key, "")
    if key not in here:
        raise UsageError(f"the variable {key} is not set here", hint=f"write {key}=VALUE")
    return assigned(key, here[key])


def assigned(key: str, value: str) -> tuple[str, str]:
    """A variable's two halves, looked at. Raises UsageError."""
    if not ENVIRONMENT.fullmatch(key):
        raise UsageError(f"{quoted(key)} cannot name a variable of the environment")
    if key.startswith("GRIDTUI_"):
        raise UsageError(f"{key} is not for you to set", hint="names with GRIDTUI_ in front are told to a job by us")
    if "\0" in value:
        raise UsageError(f"the variable {key} holds a NUL character")
    return key, value


def taken(text: str, folder: Path) -> Input:
    """`PATH` or `PATH:NAME`: a file or folder from here, under its own name or another one. It need not be there yet. Raises UsageError."""
    path, colon, inside = text.rpartition(":")
    if not colon:
        path, inside = text, ""
    if not path:
        raise UsageError(f"{quoted(text)} is no input", hint="write PATH or PATH:NAME")
    source = absolute(path, folder)
    return Input(str(source), inner(inside or source.name, "an input's name"))


def pattern(text: str) -> str:
    """A pattern of outputs in the job's folder, as `staging` understands them. Raises UsageError."""
    parts = inner(text, "an output").split("/")
    if any("**" in part and part != "**" for part in parts):
        raise UsageError(f"{quoted(text)} cannot be an output", hint="`**` stands for folders, alone between slashes")
    return "/".join(parts)


def inner(text: str, what: str) -> str:
    """A path within the job's folder. Raises UsageError."""
    parts = PurePosixPath(text).parts
    if not parts or text.startswith(("/", "~")) or ".." in parts or clean(text, 1001) != text or len(text) > 1000:
        raise UsageError(
            f"{quoted(text)} cannot be {what}",
            hint="it is within the job's folder: relative, without `..`, and can be printed",
        )
    return str(PurePosixPath(*parts))


def destination(text: str, folder: Path) -> str:
    """The folder for outputs, with `{id}`, `{number}`, `{index}` and `{name}` to be filled in. Raises UsageError."""
    if not text.strip() or clean(text, 4097) != text:
        raise UsageError(f"{quoted(text)} is no folder for outputs")
    for filled in re.findall(r"\{([^{}]*)\}", text):
        if filled not in _FILLED:
            near = difflib.get_close_matches(filled, _FILLED, 1)
            hint = f"did you mean {{{near[0]}}}?" if near else "there are {id}, {number}, {index} and {name}"
            raise UsageError(f"`{{{clean(filled, 40)}}}` is nothing that can be filled in", hint=hint)
    return str(absolute(text, folder))


def mount(text: str) -> Mount:
    """`PATH[:INSIDE][:rw]`: a folder of the node. Raises UsageError."""
    path, *rest = text.split(":")
    writable = False
    if rest and rest[-1] in ("rw", "ro"):
        writable = rest.pop() == "rw"
    inside = rest.pop() if rest else ""
    for part in (path, inside or path):
        if rest or not part.startswith("/") or ".." in PurePosixPath(part).parts or clean(part) != part:
            raise UsageError(
                f"{quoted(text)} is no mount",
                hint="write PATH, PATH:INSIDE or PATH:INSIDE:rw; paths of the node, absolute",
            )
    return Mount(path, "" if inside == path else inside, writable)


def spell_mount(one: Mount) -> str:
    """The text that `mount` reads as `one`."""
    return ":".join([one.path, *([one.inside] if one.inside else []), *(["rw"] if one.writable else [])])


def sandbox(text: str) -> tuple[Level, Level]:
    """`bwrap` is that level and no other, `bwrap+` that or a stronger one, `plain-bwrap` one of these, `any` what a node offers."""
    word = text.strip().lower()
    if word == "any":
        return Level.PLAIN, Level.CONTAINER
    first, dash, last = word.partition("-")
    least = _level(first.removesuffix("+"), text)
    if dash:
        most = _level(last, text)
        if most < least or first.endswith("+"):
            raise UsageError(f"{quoted(text)} is no range of levels", hint="write plain-bwrap: the weaker one first")
        return least, most
    return least, Level.CONTAINER if word.endswith("+") else least


def _level(word: str, text: str) -> Level:
    levels = {level.word: level for level in Level}
    if word not in levels:
        near = difflib.get_close_matches(word, levels, 1)
        hint = f"did you mean {near[0]}?" if near else f"they are {', '.join(levels)}; `bwrap+` is that or stronger"
        raise UsageError(f"{quoted(text)} is no level of a sandbox", hint=hint)
    return levels[word]


def spell_sandbox(least: Level, most: Level) -> str:
    """The text that `sandbox` reads as the two."""
    if (least, most) == (Level.PLAIN, Level.CONTAINER):
        return "any"
    if most is Level.CONTAINER:
        return f"{least.word}+"
    return least.word if least is most else f"{least.word}-{most.word}"


def absolute(text: str, folder: Path) -> Path:
    """A path as it is meant from `folder`, with `~` and without `..`. Raises UsageError."""
    try:
        path = folder / Path(text).expanduser()
    except RuntimeError:
        raise UsageError(f"there is no home folder for {quoted(text)}") from None
    # What `..` leads to is for the file system to say: `link/..` is not where the link lies.
    return path.resolve() if ".." in path.parts else Path(os.path.normpath(path))


def quoted(text: str) -> str:
    """What somebody wrote, for a message."""
    return f"`{clean(text, 60)}`"
