"""The question to a node as shell text. Owns how it is put together; `question.sh` is the text, `reading` reads the answer."""

from __future__ import annotations

import re
import secrets
from functools import cache
from pathlib import Path

COMMAND = "exec /bin/sh -c 'q=$(cat); eval \"$q\"'"
"""For `Connection.run`, with `script` as its input. Any login shell understands it, and `ps` on the node shows no long line."""
LIMIT = 512 * 1024
"""Bytes of output to allow for; the script bounds each of its parts, so that a quarter of this is never reached."""
TIMEOUT = 60.0
"""Seconds for the whole question: a package manager, systemd-analyze and sudo may each take a while on a slow node."""

_WORD = re.compile(r"[0-9a-f]{0,32}")


def new_nonce() -> str:
    """What begins the markers of one answer, so that no text on the node (a file's name, a process') can be taken for one."""
    return secrets.token_hex(8)


def script(nonce: str, *, sudo: bool = False, services: str = "") -> bytes:
    """The text for standard input. `sudo` allows one `sudo -n`; `services` is the checksum of the service list that is known already."""
    for word in (nonce, services):
        if not _WORD.fullmatch(word):
            raise ValueError(f"{word!r} cannot stand in the question")
    return f"N={nonce} S={int(sudo)} F={services}\n{_text()}".encode()


@cache
def _text() -> str:
    return Path(__file__).with_name("question.sh").read_text(encoding="utf-8")
