"""Groups of nodes with the same outcome, each of which can be unfolded into its nodes. Draws what it is given."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from .. import endings
from ..results import Heap, Key
from ..text import fit, plain, width
from .lines import Parts
from .nodes import NodeLines

RUNNING: Key = ("running",)
"""The group of those that have not ended."""


class GroupLines(NodeLines):
    """`fold` makes a node set of names; it is asked for visible groups only."""

    def __init__(self, fold: Callable[[Iterable[str]], str], *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._fold = fold
        self._folded: dict[Key, tuple[int, str]] = {}
        self._open: set[Key] = set()
        self._heaps: Mapping[Key, Heap] = {}
        self._unended: Sequence[str] = ()
        self._rows: list[tuple[Key, str | None]] = []

    def take(self, heaps: Sequence[Heap], running: Iterable[str]) -> None:
        """Show these groups. The cursor stays on its line; at the first one it stays there, to see what happens."""
        self._heaps = {heap.key: heap for heap in heaps}
        self._unended = tuple(running)
        self._folded = {key: kept for key, kept in self._folded.items() if key in self._heaps}
        self._open &= {*self._heaps, RUNNING}
        self._lay()

    def _lay(self) -> None:
        here = self._rows[self.cursor] if self.cursor < len(self._rows) else None
        keys = [*([RUNNING] if self._unended else []), *self._heaps]
        self._rows = []
        for key in keys:
            self._rows.append((key, None))
            if key in self._open:
                names = self._unended if key == RUNNING else self._heaps[key].names
                self._rows += [(key, name) for name in sorted(names)]
        cursor = None
        if here is not None and self.cursor:
            cursor = next((at for at, row in enumerate(self._rows) if row == here), None)
        self.replaced(len(self._rows), cursor)

    @property
    def key(self) -> Key | None:
        """The group under the cursor."""
        return self._rows[self.cursor][0] if self.cursor < len(self._rows) else None

    @property
    def heap(self) -> Heap | None:
        """The same, where it has ended."""
        return self._heaps.get(self.key) if self.key is not None else None

    def nodes(self, index: int) -> Collection[str]:
        key, name = self._rows[index]
        if name is not None:
            return (name,)
        heap = self._heaps.get(key)
        return heap.names if heap is not None else self._unended

    def unfold(self) -> None:
        """Show the nodes of the group under the cursor, or no longer."""
        key = self.key
        if key is None:
            return
        self._open ^= {key}
        if key not in self._open:
            self.go(next(at for at, row in enumerate(self._rows) if row[0] == key))
        self._lay()

    def seek(self, key: Key) -> None:
        """Put the cursor on a group."""
        for at, row in enumerate(self._rows):
            if row[0] == key:
                self.go(at)
                return

    def parts(self, index: int) -> Parts:
        key, name = self._rows[index]
        cells = max(1, self.scrollable_content_region.width - 2)
        heap = self._heaps.get(key)
        if name is not None:
            return self._node(name, cells)
        fold = "▾" if key in self._open else " "
        if heap is None:
            head = f"{endings.RUNNING}{fold}{len(self._unended):>4} "
            return ((head, "accent"), (fit("running", cells - width(head)), "accent"))
        role = endings.ROLES[heap.sample.status]
        head = f"{endings.GLYPHS[heap.sample.status]}{fold}{len(heap.names):>4} "
        word = endings.word(heap.sample)
        tail = f" {word}"[: max(0, cells // 2)] if word else ""
        middle = fit(plain(self._set(heap)), cells - width(head) - width(tail))
        return ((head, role), (middle, "strong"), (tail, role))

    def _node(self, name: str, cells: int) -> Parts:
        return ((fit(f"        {plain(name)}", cells), "dim"),)

    def _set(self, heap: Heap) -> str:
        kept = self._folded.get(heap.key)
        if kept is None or kept[0] != heap.version:
            kept = self._folded[heap.key] = heap.version, self._fold(heap.names)
        return kept[1]

    def node_set(self) -> str:
        """The nodes of the group under the cursor as one node set, neutral."""
        heap = self.heap
        return plain(self._set(heap) if heap is not None else self._fold(self._unended))
