"""How a command or a transfer ended on a node, as a sign, a word and a role. Owns those words; draws nothing.

`exec` and `push` have the same endings, and never only a colour tells them apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..exec import Ending, Outcome
from .columns import Parts

RUNNING = "▸"

GLYPHS: Mapping[str, str] = {
    Ending.OK: "●",
    Ending.FAILED: "✖",
    Ending.TIMEOUT: "◆",
    Ending.UNREACHABLE: "▲",
    Ending.CANCELLED: "‖",
    Ending.SKIPPED: "○",
}
ROLES: Mapping[str, str] = {
    Ending.OK: "ok",
    Ending.FAILED: "critical",
    Ending.TIMEOUT: "critical",
    Ending.UNREACHABLE: "critical",
    Ending.CANCELLED: "dim",
    Ending.SKIPPED: "dim",
}
"""By the value of an ending, whichever room's it is."""


def word(outcome: Outcome) -> str:
    """`exit 3`, `timeout`, `unreachable: tcp`; nothing where all is well."""
    if outcome.ok:
        return ""
    if outcome.status is Ending.FAILED and outcome.exit is not None:
        return f"exit {outcome.exit}"
    return f"{outcome.status}: {outcome.layer}" if outcome.layer else str(outcome.status)


def counts(endings: Iterable[str], running: int) -> list[Parts]:
    """`▸ 12 running  ● 40 ok  ✖ 2 failed`, as chunks."""
    found = dict.fromkeys(map(str, Ending), 0)
    for ending in endings:
        found[str(ending)] += 1
    chunks: list[Parts] = [((f"{RUNNING} {running} running", "accent"),)] if running else []
    return chunks + [((f"{GLYPHS[one]} {count} {one}", ROLES[one]),) for one, count in found.items() if count]
