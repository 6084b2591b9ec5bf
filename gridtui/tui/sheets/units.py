"""Failed units, whether a reboot is due, and the end of a unit's journal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ...model import Status
from .. import text
from .words import Parts, Row, View, missing, part

if TYPE_CHECKING:
    from ...probes import Journal


def units(status: Status, cells: int) -> list[Parts]:
    """Failed units, and whether a reboot is due."""
    return [row.parts for row in _rows(status)] or [(("none", "dim"),)]


def rows(view: View, cells: int) -> list[Row]:
    """For the page: nothing where none failed."""
    return [] if view.status.sample is None else _rows(view.status)


def _rows(status: Status) -> list[Row]:
    value = part(status, "units")
    found = [Row(parts) for parts in missing(status, value, "systemd")]
    if not found:
        found = [
            Row((("✖ ", "warning"), (text.plain(one.name), "warning"), (f"  {text.plain(one.text)}", "dim")), one.name)
            for one in value
        ]
    due = part(status, "reboot")
    if getattr(due, "required", False):
        reasons = ", ".join(due.reasons[:4])
        found.append(Row((("a reboot is required", "warning"), (f": {text.plain(reasons)}" if reasons else "", "dim"))))
    return found


def journal(answer: Journal, cells: int) -> list[Row]:
    """How a unit ended, then its journal, oldest first; long lines are folded."""
    found = [Row(parts) for parts in _state(answer)]
    if answer.error:
        found.append(Row(((text.plain(answer.error), "warning"),)))
    for line in answer.lines:
        first, *rest = text.fold(line, max(20, cells))
        stamp, blank, words = first.partition(" ")
        found.append(Row(((stamp + blank, "faint"), (words, "text")) if words else ((first, "text"),)))
        found += [Row(((f"  {more}", "text"),)) for more in rest]
    return found


def _state(answer: Journal) -> Sequence[Parts]:
    state = answer.state
    if not state:
        return []
    words = [state.get("ActiveState", ""), state.get("Result", "")]
    if state.get("ExecMainStatus", "0") not in ("", "0"):
        words.append(f"status {state['ExecMainStatus']}")
    if state.get("NRestarts", "0") not in ("", "0"):
        words.append(f"{state['NRestarts']} restarts")
    if state.get("StateChangeTimestamp"):
        words.append(f"since {state['StateChangeTimestamp']}")
    told = ", ".join(text.plain(word) for word in words if word)
    return [((told, "strong"),), ()] if told else []
