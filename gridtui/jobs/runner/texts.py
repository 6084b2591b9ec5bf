"""What an order becomes on the node: the text of its command. Owns the environment's names and the quoting; does no input or output."""

from __future__ import annotations

from dataclasses import dataclass

from ...ssh import quote
from ..model import Order

LINE = 2000
"""Bytes that what is the element's own may have, to travel beside the texts that all elements share."""


@dataclass(frozen=True, slots=True)
class Texts:
    """Shell text, raw."""

    command: bytes
    """What `/bin/sh` runs; the same for each element of an array."""
    script: bytes
    """The whole script where the command begins with `#!`; empty else."""
    extra: bytes
    """One line before the command: what is this element's own."""


def texts(order: Order) -> Texts:
    """The order's texts. Both begin in the environment: an export of ours cannot be mistaken for the job's words."""
    spec = order.spec
    exports = "".join(f"export {quote(f'{name}={value}')}\n" for name, value in spec.env.items())
    own = f"export {quote(*_own(order))}"
    if "\n" in own or len(_raw(own)) > LINE:
        exports, own = f"{own}\n{exports}", ""
    script = ""
    command = spec.command
    if command.startswith("#!"):
        script = command if command.endswith("\n") else f"{command}\n"
        command = f"exec {_interpreter(command)}"
    return Texts(_raw(f"{exports}{command}\n"), _raw(script), _raw(own))


def _own(order: Order) -> list[str]:
    """`name=value`, of this element and attempt."""
    key, needs = order.key, order.spec.needs
    pairs: dict[str, object] = {
        "GRIDTUI_JOB": key.id,
        "GRIDTUI_NUMBER": key.id.number,
        "GRIDTUI_ATTEMPT": key.attempt,
        "GRIDTUI_NODE": order.node,
        "GRIDTUI_CPUS": f"{needs.cpus:g}",
        "GRIDTUI_MEMORY": needs.memory,
    }
    if key.id.index is not None:
        pairs["GRIDTUI_INDEX"] = key.id.index
        pairs["GRIDTUI_ITEM"] = order.item
    return [f"{name}={value}" for name, value in pairs.items()]


def _interpreter(command: str) -> str:
    """As the kernel takes a first line (execve(2)): a program and at most one word, blanks in it included."""
    line = command[2:].split("\n", 1)[0].strip(" \t\r")
    program, _, argument = line.partition(" ") if " " in line else line.partition("\t")
    words = [program or "/bin/sh", *([argument.strip(" \t")] if argument.strip(" \t") else [])]
    return f'{quote(*words)} "${{0%/*}}/script"'


def _raw(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
