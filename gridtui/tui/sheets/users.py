"""Who is logged in."""

from __future__ import annotations

from ...model import Status
from .. import text
from .words import Parts, missing, part


def users(status: Status, cells: int) -> list[Parts]:
    """A line a login."""
    value = part(status, "users")
    if lines := missing(status, value, "login records"):
        return lines
    if not value:
        return [(("nobody is logged in", "dim"),)]
    longest = min(12, max(text.width(one.user) for one in value))
    lines = []
    for one in value:
        where = " ".join(word for word in (one.terminal, f"from {one.host}" if one.host else "") if word)
        idle = "" if one.idle is None else f" idle {text.age(one.idle)}"
        lines.append(((text.fit(one.user, longest), "text"), (f" {text.plain(where)}{idle}", "dim")))
    return lines
