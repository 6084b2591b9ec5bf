"""What happened to the node, newest first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .. import story
from .words import Later, Row, View

if TYPE_CHECKING:
    from ...events import Event


def rows(view: View, cells: int) -> Sequence[Row]:
    """A line an event, without the node's name, which stands at the top of the page."""
    return Later(
        view.events[::-1],
        lambda one: story.line(one, 0, view.now),
        lambda one: _words(one, view.now),
        lambda one: repr(id(one)),
    )


def _words(event: Event, now: float) -> str:
    return "".join(words for words, _ in story.line(event, 0, now))
