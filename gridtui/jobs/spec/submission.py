"""A submission, made of what was said of it and looked at as a whole. Knows fields' values, not how they were written."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from ...errors import UsageError
from ...model import clean
from ..model import After, End, Idle, Input, Level, Needs, Sandbox, Spec

LONGEST = 1 << 20
"""Bytes of a command: it is kept in the queue and sent to nodes with each attempt."""
LONGEST_ITEM = 32 << 10
"""Bytes of one item: it becomes a variable of the environment, of which Linux takes 128 kB."""
MOST_ITEMS = 1_000_000


@dataclass(frozen=True, slots=True)
class Submission:
    """What `Jobs.submit` takes."""

    spec: Spec
    array: Sequence[int] = ()
    each: Sequence[str] = ()
    after: tuple[After, ...] = ()
    held: bool = False
    key: str = ""
    """Its name in the document; empty where it stands alone."""
    follows: tuple[tuple[str, End], ...] = ()
    """Submissions of the same document that it comes after, by `key`."""

    def waits_for(self, numbers: Mapping[str, int]) -> tuple[After, ...]:
        """All that it comes after, given the numbers of those that were submitted before it."""
        from ..model import JobId

        return (*self.after, *(After(JobId(numbers[key]), how) for key, how in self.follows))

    @property
    def count(self) -> int:
        """How many jobs it is."""
        return max(1, len(self.array), len(self.each))


def build(command: str, values: Mapping[str, Any], folder: Path) -> Submission:
    """A submission of `values` (fields' values by `Field.value`; those that are missing take the defaults). Raises UsageError.

    Besides the fields: `each` (items), `idle` (Idle or None), `follows`, `key`.
    """
    if len(command.encode("utf-8", "surrogateescape")) > LONGEST:
        raise UsageError("a job's command may have 1 MB", hint="send it as an input, and let the command be ./SCRIPT")
    known = {key: value for key, value in values.items() if value is not None}
    outputs = tuple(known.get("outputs", ()))
    into = known.get("into", "")
    if outputs and not into:
        into = str(folder / "job-{number}" / "{index}")
    array, each = known.get("array", ()), known.get("each")
    if array and each is not None:
        raise UsageError("an array has indices or items, not both", hint="leave out `array` or `each`")
    if each is not None:
        check_items(each)
    inputs = _apart(tuple(known.get("inputs", ())))
    if not known.get("after") and not known.get("follows"):  # else what it comes after may make them
        _there(inputs)
    if into and not outputs:
        raise UsageError("there is a folder for outputs, and none are named", hint="name them, `*.png` for instance")
    spec = Spec(
        command,
        name=known.get("name", ""),
        labels=known.get("labels", {}),
        where=known.get("where", ""),
        needs=_needs(known),
        sandbox=_sandbox(known),
        env=known.get("env", {}),
        inputs=inputs,
        outputs=outputs,
        into=into,
        retries=known.get("retries", 0),
        priority=known.get("priority", 0),
        idle=known.get("idle"),
        pack=known.get("pack", False),
        **({"output_limit": known["output_limit"]} if "output_limit" in known else {}),
    )
    return Submission(
        spec,
        array,
        tuple(each or ()),
        tuple(known.get("after", ())),
        known.get("hold", False),
        known.get("key", ""),
        tuple(known.get("follows", ())),
    )


def _needs(known: Mapping[str, Any]) -> Needs:
    needs = Needs(
        **{name: known[name] for name in ("cpus", "memory", "gpus", "gpu_memory", "disk", "wall") if name in known}
    )
    if needs.gpu_memory and not needs.gpus:
        raise UsageError("memory of GPUs is asked for, and no GPU", hint="say how many with `gpus`")
    return needs


def _sandbox(known: Mapping[str, Any]) -> Sandbox:
    image = known.get("image", "")
    if image and (not image.strip() or clean(image, 513) != image or image.startswith("-") or " " in image):
        raise UsageError(f"`{clean(image, 60)}` is no name of an image")
    least, most = known.get("sandbox") or (Level.PLAIN, Level.CONTAINER)
    if image:
        if most < Level.CONTAINER:
            raise UsageError(
                "an image is for a container, and the sandbox is to be another",
                hint="leave out the image or the sandbox",
            )
        least = Level.CONTAINER
    elif least is Level.CONTAINER:
        raise UsageError("a container needs an image", hint="name one with `image`: docker.io/library/debian:12")
    return Sandbox(least, most, known.get("network", False), image, tuple(known.get("mounts", ())))


def _apart(inputs: tuple[Input, ...]) -> tuple[Input, ...]:
    """`inputs`, none in the place of another one. Raises UsageError."""
    names: dict[PurePosixPath, Input] = {}
    for one in inputs:
        path = PurePosixPath(one.name)
        for other in (path, *path.parents):
            if other in names:
                raise UsageError(
                    f"two inputs would be `{clean(str(path), 60)}` in the job's folder",
                    hint=f"give one another name: {clean(one.path, 60)}:NAME",
                )
        names[path] = one
    for path in names:
        if any(path in other.parents for other in names):
            raise UsageError(f"the input `{clean(str(path), 60)}` would have another one within it")
    return inputs


def _there(inputs: tuple[Input, ...]) -> None:
    for one in inputs:
        if not os.path.exists(one.path):
            whole = f"{one.path}:{one.name}"
            hint = f"for a `:` in the path itself write {clean(whole, 100)}:NAME" if os.path.lexists(whole) else ""
            raise UsageError(f"the input {clean(one.path, 200)} is not there", hint=hint)


def items(text: str) -> tuple[str, ...]:
    """The items of a file for `--each`: its lines, the empty ones left out."""
    return tuple(line for line in (part.removesuffix("\r") for part in text.split("\n")) if line.strip())


def check_items(found: Sequence[str]) -> None:
    """Whether items can be given to jobs. Raises UsageError."""
    if not found:
        raise UsageError("there are no items: an array of nothing", hint="an item is a line that is not empty")
    if len(found) > MOST_ITEMS:
        raise UsageError(f"there are {len(found):,} items; {MOST_ITEMS:,} is the most")
    for number, item in enumerate(found, 1):
        if "\0" in item or len(item.encode("utf-8", "surrogateescape")) > LONGEST_ITEM:
            raise UsageError(f"item {number} holds a NUL character or is over {LONGEST_ITEM >> 10} kB")


def idle(values: Mapping[str, Any]) -> Idle:
    """When a job gives way, of the values of `fields.IDLE`."""
    return Idle(**{name: value for name, value in values.items() if value is not None})
