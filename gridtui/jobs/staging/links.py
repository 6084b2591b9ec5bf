"""Whether a symbolic link can lead out of the folder that it came in. Pure.

A link stays when its target is relative, climbs only at its beginning, and no higher than the root. Then any chain of such links stays
too: each is followed from the real folder that holds it, climbs within the root, and goes down from there. A `..` behind a name is
refused, because that name may be a link itself, and `..` then leads elsewhere than it reads.
"""

from __future__ import annotations


def stays(name: str, target: str) -> bool:
    """Whether the link `name`, relative to the root, stays in it."""
    if not target or target.startswith("/"):
        return False
    depth = len([part for part in name.split("/") if part not in ("", ".")]) - 1
    down = False
    for part in target.split("/"):
        if part == "..":
            if down or depth == 0:
                return False
            depth -= 1
        elif part not in ("", "."):
            down = True
    return True
