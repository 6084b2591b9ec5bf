"""The script as it travels, where it is put, and the shell text that starts it. Owns the version and the installation; starts nothing."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from ...ssh import quote
from .. import sandbox

HOME = "${XDG_STATE_HOME:-$HOME/.local/state}/gridtui/jobs"
"""Where all of it lies on a node, in the words of its shell."""
SHELL = "/bin/sh"
PARTS = ("common", "owner", "keeper", "pulse", "listen", "serve")


@cache
def script() -> bytes:
    """The whole script: the probe of the sandboxes as a function, and the parts in their order."""
    here = Path(__file__).parent
    parts = b"".join((here / f"{part}.sh").read_bytes() for part in PARTS)
    return b"#!/bin/sh\nprobe() {\n" + sandbox.PROBE + b"\n}\n" + parts


@cache
def version() -> str:
    """What names it on the node: two versions live side by side."""
    return hashlib.sha256(script()).hexdigest()[:16]


VERSION = version()


def serve(queue: str, shell: str = SHELL) -> str:
    """The channel's command. Says `absent` where the script is not there. Means the same in sh, csh, tcsh, zsh and fish."""
    text = f'f="{HOME}/runner-{VERSION}"; [ -f "$f" ] || {{ echo absent; exit; }}; exec {shell} "$f" serve {queue or "-"} {shell}'
    return f"exec {SHELL} -c {quote(text)}"


def install() -> str:
    """The command that takes the script on its standard input and puts it there, whole or not at all."""
    text = (
        f'umask 077; d="{HOME}"; t="$d/.runner-{VERSION}.$$"; mkdir -p "$d" && cat >"$t" && [ "$(wc -c <"$t")" -eq {len(script())} ] '
        f'&& mv -f "$t" "$d/runner-{VERSION}" && find "$d" -maxdepth 1 -name "runner-*" -mtime +7 -exec rm -f {{}} + && exit; '
        's=$?; rm -f "$t"; exit $s'
    )
    return f"exec {SHELL} -c {quote(text)}"
