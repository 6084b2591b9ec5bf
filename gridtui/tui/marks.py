"""Which nodes are marked, and whom an action is therefore for. Owns the marks; pure, knows no widget.

Marks belong to nodes, not to lines: they stay through filters, sorting, other looks and other screens.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence


class Marks:
    """The marked nodes. `order` is the inventory's, in which marks stand that are not shown."""

    def __init__(self, order: Collection[str] = ()) -> None:
        self._order = order
        self._names: set[str] = set()

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __len__(self) -> int:
        return len(self._names)

    def all(self, names: Iterable[str]) -> bool:
        """Whether all of these are marked."""
        return bool(self._names) and self._names.issuperset(names)

    @property
    def names(self) -> list[str]:
        """The marked nodes, in the inventory's order."""
        return [name for name in self._order if name in self._names] if self._names else []

    def toggle(self, name: str) -> bool:
        """Mark a node, or take its mark away; whether it is marked now."""
        if name in self._names:
            self._names.discard(name)
        else:
            self._names.add(name)
        return name in self._names

    def set(self, names: Iterable[str]) -> None:
        """Exactly these are marked now."""
        self._names = set(names)

    def add(self, names: Iterable[str]) -> None:
        """These too."""
        self.set(self._names.union(names))

    def turn(self, names: Sequence[str]) -> None:
        """Mark all of these; if they all are already, take their marks away."""
        self.set(self._names.difference(names) if self._names.issuperset(names) else self._names.union(names))

    def invert(self, names: Sequence[str]) -> None:
        """Of these, mark the others."""
        self.set(self._names.symmetric_difference(names))

    def clear(self) -> None:
        """None is marked."""
        self.set(())

    def targets(self, shown: Sequence[str]) -> list[str]:
        """Whom an action is for: all that is marked, as it stands on the screen, what is not shown behind it; else what is shown."""
        if not self._names:
            return list(shown)
        seen = [name for name in shown if name in self._names]
        hidden = self._names.difference(seen)
        return [*seen, *(name for name in self._order if name in hidden)] if hidden else seen

    def whom(self, shown: Sequence[str], nodes: int) -> str:
        """The same in words: `the 3 marked nodes`, `the 12 nodes shown`, `all 40 nodes`."""
        if self._names:
            number = len(self._names)
            return "the marked node" if number == 1 else f"the {number} marked nodes"
        if len(shown) == nodes:
            return "the only node" if nodes == 1 else f"all {nodes} nodes"
        return "the node shown" if len(shown) == 1 else f"the {len(shown)} nodes shown"
