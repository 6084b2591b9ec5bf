"""What the looks at the fleet have in common: the table, the map and the board are panes of one screen. Owns the protocol alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from .arrange import Line

if TYPE_CHECKING:
    from .metrics import Metric


class Pane(Protocol):
    """Shows lines (nodes, and headers of groups), one of which is under the cursor.

    A pane is a widget that can have the focus. It posts `Lines.Moved` when its cursor went elsewhere and `Lines.Chosen` when
    what is under it was clicked again. What it draws of a node it asks for when the node comes into view.
    """

    def show(self, lines: Sequence[Line]) -> None:
        """Take another order of lines. The cursor stays on its node, or its header."""

    def look(self) -> None:
        """Make what is visible again, and paint what differs."""

    @property
    def node(self) -> str | None:
        """The node under the cursor; None on a header, and where there is nothing."""

    @property
    def group(self) -> str | None:
        """The key (`arrange.Group.key`) of the header under the cursor; None where no header is."""

    @property
    def names(self) -> list[str]:
        """The nodes that can be seen by scrolling, in order: those of folded groups are not among them."""

    def seek(self, name: str) -> None:
        """Put the cursor on a node, if it is among `names`; else, where it can, on the header of the group that it is folded in."""

    def seek_group(self, key: str) -> None:
        """Put the cursor on a header, if it is shown."""


class Coloured(Pane, Protocol):
    """A pane that shows one metric of every node."""

    @property
    def metric(self) -> Metric: ...

    @property
    def metrics(self) -> Sequence[Metric]:
        """Those that it can show, in the order of the key that goes through them."""

    def colour_by(self, metric: Metric) -> None:
        """Show another one."""
