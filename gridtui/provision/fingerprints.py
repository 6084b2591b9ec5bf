"""A list of host keys that somebody wrote down before: read strictly, compared with what nodes show. Owns its format. Pure but for `load`.

A line begins with the node: its inventory name, its address, or `[host]:port`; then come fingerprints as `ssh-keygen -l` prints them
(`SHA256:...`; other words of such a line are passed over), or a key as in a .pub file or in known_hosts. A node may have many lines.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import itertools
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import UsageError
from ..model import clean

if TYPE_CHECKING:
    from .connection import Shown

_PRINT = re.compile(r"SHA256:[A-Za-z0-9+/]{43}=?")
_KIND = re.compile(r"(ssh|ecdsa|sk)-[A-Za-z0-9@.-]+")

Fingerprints = Mapping[str, frozenset[str]]
"""Name or address, in lower case, to the fingerprints that are right for it."""


def load(path: Path) -> Fingerprints:
    """Read a list. Raises UsageError: `FILE:LINE:COLUMN: what is wrong`."""
    try:
        text = path.expanduser().read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: cannot be read: {getattr(error, 'strerror', '') or 'it is no UTF-8 text'}") from None
    return parse(text, str(path))


def parse(text: str, source: str) -> Fingerprints:
    """The text of a list. Raises UsageError."""
    found: dict[str, set[str]] = {}
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        prints = {word.rstrip("=") for word in words[1:] if _PRINT.fullmatch(word)}
        for kind, blob in itertools.pairwise(words):
            if _KIND.fullmatch(kind):
                prints.add(_of_key(blob, f"{source}:{number}:{line.index(blob) + 1}"))
        if not prints:
            column = line.index(words[0]) + len(words[0]) + 1
            raise UsageError(
                f"{source}:{number}:{column}: there is neither a fingerprint (SHA256:...) nor a key after {clean(words[0], 80)!r}"
            )
        for name in words[0].lower().split(","):
            found.setdefault(name, set()).update(prints)
    return {name: frozenset(prints) for name, prints in found.items()}


def right_for(shown: Shown, list_: Fingerprints, address: str) -> frozenset[str]:
    """What the list has for the node that showed a key; empty when it has nothing."""
    names = (shown.node, shown.name, address)
    return frozenset().union(*(list_.get(name.lower(), frozenset()) for name in names))


def _of_key(blob: str, where: str) -> str:
    try:
        data = base64.b64decode(blob, validate=True)
    except (binascii.Error, ValueError):
        raise UsageError(f"{where}: this is no key: not base64") from None
    return "SHA256:" + base64.b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")
