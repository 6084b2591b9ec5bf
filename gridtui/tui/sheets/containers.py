"""Containers of the node."""

from __future__ import annotations

from .. import text
from .words import Row, View


def rows(view: View, cells: int) -> list[Row]:
    """A line a container, running ones first; why there are none, where there are none."""
    answer = view.containers
    if answer is None:
        return []
    if answer.words:
        return [Row(((answer.words, answer.role),))]
    value = answer.value
    found: list[Row] = []
    name = max(12, min(40, cells // 3))
    for one in value.found:
        sign, role = ("●", "ok") if one.running else ("○", "dim")
        parts = [(f"{sign} ", role), (text.fit(one.name, name) + " ", "strong" if one.running else "dim")]
        if cells >= 60:
            parts.append((text.fit(one.image, max(12, min(40, cells // 4))) + " ", "text"))
        parts.append((text.plain(one.status), "text" if one.running else "dim"))
        if cells >= 60:
            parts.append((f"  {text.plain(one.ports)}" if one.ports else "", "faint"))
            parts.append((f"  {one.engine}" if len(value.engines) > 1 else "", "faint"))
        found.append(Row(tuple(parts), one.id))
    found += [Row(((text.plain(error), "warning"),)) for error in value.errors]
    if not found:
        words = (
            f"{' and '.join(value.engines)}: no containers" if value.engines else "neither docker nor podman is there"
        )
        found.append(Row(((words, "dim"),)))
    return found
