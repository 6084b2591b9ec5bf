"""From a node's words to an `Answer`: cuts the answer into its sections and gives each to its reader. Never raises over what a node sent.

Owns the sections; what is in each is read in `network`, `sshd`, `packages` and `system`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TypeVar

from ..model import Unsupported, clean
from . import network, packages, sshd, system
from .answer import NEEDS_ROOT, Answer, Services
from .question import LIMIT

Value = TypeVar("Value")

Sections = Mapping[str, bytes]
_WIDTHS = {"sshd.effective": 2000}
_WIDTH = 600
"""Bytes of a line that are read; the question cuts them there. A longer one is a trap for the patterns that read it."""
_NAME = r"([a-z0-9.]{1,24})(?: \?([ -~]{1,60}))?"


def parse(text: bytes, nonce: str, now: float, services: Services | None = None) -> Answer | None:
    """The answer, as far as it came; None where there is none at all (the shell runs no commands). `now` is the controller's clock.

    `services` is what was known before, for a node that says that nothing of it changed.
    """
    found, refused = sections(text[:LIMIT], nonce)
    who = [*found.get("who", b"").split(b"\n"), b"", b"", b""]
    if not re.fullmatch(rb"[0-9]{1,10}", who[0]):
        return None

    def read(name: str, reader: Callable[[Sections], Value]) -> Value | Unsupported:
        if name in refused:
            return refused[name]
        try:
            return reader(found)
        except (ValueError, IndexError, KeyError, OverflowError) as error:
            return Unsupported(f"malformed: {clean(str(error), 60)}")

    container = found.get("container") == b"yes"
    here = int(who[2]) if re.fullmatch(rb"[0-9]{1,11}", who[2]) else None
    return Answer(
        time=now,
        privileged=who[0] == b"0",
        user=clean(who[1], 64),
        os=system.release(found.get("os", b"")),
        container=container,
        ports=read("ports", network.ports),
        services=read("services", lambda found: system.services(found, services)),
        sshd=read("sshd", sshd.read),
        firewall=read("firewall", network.firewall),
        updates=read("updates", lambda found: packages.updates(found, here)),
        automatic=read("automatic", packages.automatic),
        clock=read("clock", lambda found: system.clock(found, container)),
        accounts=read("accounts", system.accounts),
        sudo=read("sudo", system.sudo),
        writable=read("writable", system.writable),
        mandatory=read("mac", lambda found: system.mandatory(found, container)),
        sysctls=read("sysctls", system.sysctls),
        detection=read("ids", system.detection),
        reboot=read("reboot", system.reboot),
        lynis=read("lynis", system.lynis),
        cpu=system.cost(found.get("cost", b"")),
    )


def sections(text: bytes, nonce: str) -> tuple[dict[str, bytes], dict[str, Unsupported]]:
    """The sections that have come, without their last line's end, and those that could not be seen. The first of a name counts."""
    pieces = re.split(rf"^@{re.escape(nonce)} {_NAME}\n".encode(), text + b"\n", flags=re.M)
    found: dict[str, bytes] = {}
    refused: dict[str, Unsupported] = {}
    for name, why, body in zip(pieces[1::3], pieces[2::3], pieces[3::3], strict=True):
        word = name.decode("ascii")
        if why:
            reason = why.decode("ascii")
            refused.setdefault(word, Unsupported(NEEDS_ROOT if reason == NEEDS_ROOT else reason))
        else:
            width = _WIDTHS.get(word, _WIDTH)
            found.setdefault(word, b"\n".join(line[:width] for line in body.strip(b"\n").split(b"\n")))
    return found, refused
