"""Jobs that the node has."""

from __future__ import annotations

from .. import work
from .words import Row, View


def rows(view: View, cells: int) -> list[Row]:
    """A line a job; nothing where it has none and may have some."""
    return [Row(parts) for parts in work.on_node(view.jobs, view.standing, view.now, cells)]
