"""The probe: shell text that really tries each level on a node, by the text that starts jobs. Owns how it is put together."""

from __future__ import annotations

from ..model import JobId, Key, Level, Needs, Order, Sandbox, Spec
from . import bwrap, container, plain, systemd
from .text import library, shared

_ORDER = Order(
    Key("00000000", JobId(1), 1), Spec("true", needs=Needs(memory=1 << 28), sandbox=Sandbox(image="gridtui-probe"))
)
"""What is tried: a job with limits, without network."""


def probe() -> bytes:
    """For the runner to run once a boot as a file of /bin/sh, and to keep what it prints as the file `levels`."""
    texts = {
        Level.PLAIN: plain.shell,
        Level.BWRAP: bwrap.shell,
        Level.SYSTEMD: systemd.shell,
        Level.CONTAINER: container.shell,
    }
    pieces = [f"level_shared() {{\n{shared()}}}\n"]
    for level, text in texts.items():
        given, _, own = text(_ORDER).partition(shared())
        pieces.append(f"level_{level.word}() {{\n{given}level_shared\n{own}}}\n")
    return ("".join(pieces) + library("probe.sh")).encode()
