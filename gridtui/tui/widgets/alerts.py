"""The list of alerts: one a line, with the parents and the parts of it that are folded. Draws what it is given."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ...health.alerts import Alert, Alerts
from ...model import Mute
from ..alerts import Behind, Ended, Heading, Row, key, line, rows
from ..text import width
from .lines import Lines, Parts


class AlertLines(Lines):
    """The worst and newest first. The cursor stays on its line; at the first one it stays there, to see what comes."""

    def __init__(self, marked: Callable[[str], bool], *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._marked = marked
        self._found = Alerts()
        self._said: Sequence[Mute] = ()
        self._ended: Sequence[Ended] = ()
        self._rows: Sequence[Row] = ()
        self._opened: set[str] = set()
        self._folded: set[str] = set()
        self._now = 0.0
        self._column = 12

    def take(self, found: Alerts, said: Sequence[Mute], ended: Sequence[Ended], now: float) -> None:
        """Show these."""
        self._found, self._said, self._ended, self._now = found, said, ended, now
        self._lay()

    def tick(self, now: float) -> None:
        """Time has passed."""
        self._now = now
        self.look()

    def _lay(self) -> None:
        here = self.row
        self._rows = rows(self._found, self._said, self._ended, self._opened, self._folded)
        names = (width(row.node) for row in self._rows if not isinstance(row, Heading))
        self._column = max(8, min(24, max(names, default=8)))
        cursor = None
        if here is not None and self.cursor:
            at = key(here)
            cursor = next((index for index, row in enumerate(self._rows) if key(row) == at), None)
        self.replaced(len(self._rows), cursor)

    @property
    def row(self) -> Row | None:
        """The line under the cursor."""
        return self._rows[self.cursor] if self.cursor < len(self._rows) else None

    @property
    def node(self) -> str | None:
        """Its node."""
        row = self.row
        return None if row is None or isinstance(row, Heading) else row.node

    @property
    def names(self) -> list[str]:
        """All nodes that are listed, each once, in their order."""
        return list(dict.fromkeys(row.node for row in self._rows if not isinstance(row, Heading)))

    @property
    def foldable(self) -> str | None:
        """What folds and unfolds under the cursor: a part of the list, or the nodes behind a parent."""
        row = self.row
        if isinstance(row, Heading):
            return row.key
        if isinstance(row, Behind):
            return row.parent
        return row.node if isinstance(row, Alert) and row.behind else None

    def fold(self) -> None:
        """Fold what is under the cursor, or unfold it."""
        at = self.foldable
        if at is None:
            return
        if at.startswith("\n"):
            self._folded ^= {at}
        else:
            self._opened ^= {at}
            for index, row in enumerate(self._rows):
                if isinstance(row, Alert) and row.node == at:
                    self.go(index)
        self._lay()

    def fold_all(self) -> None:
        """Show all nodes behind their parents, or none of them."""
        parents = {alert.node for alert in (*self._found.loud, *self._found.quiet) if alert.behind}
        self._opened = set() if parents <= self._opened else parents
        self._lay()

    def seek(self, name: str) -> None:
        """Put the cursor on a node."""
        for index, row in enumerate(self._rows):
            if not isinstance(row, Heading) and row.node == name:
                self.go(index)
                return

    def parts(self, index: int) -> Parts:
        row = self._rows[index]
        cells = max(1, self.scrollable_content_region.width - 2)
        if isinstance(row, Heading):
            return line(row, self._column, self._now, cells, opened=row.key not in self._folded)
        return line(row, self._column, self._now, cells, self._marked(row.node), row.node in self._opened)
