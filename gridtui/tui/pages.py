"""A long list of which only what is looked at is read: segments of known length, and rows page by page. Pure, knows no widget and no queue.

A hundred thousand jobs change while they are looked at. What is shown is one picture of them: rows that are not read yet are None, and a picture
is thrown away as a whole when the next one is taken.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Generic, TypeVar

Segment = TypeVar("Segment", bound=Hashable)
Row = TypeVar("Row")

PAGE = 64
"""Rows that are read at once."""


class Pages(Generic[Segment, Row]):
    """Rows of several segments, one after the other. `load(segment, first, count)` reads some of one, and may find fewer than there were."""

    def __init__(self, load: Callable[[Segment, int, int], Sequence[Row]]) -> None:
        self._load = load
        self._segments: list[tuple[Segment, int]] = []
        self._rows: dict[int, Row] = {}
        self._read: set[int] = set()
        self.count = 0

    def take(self, sizes: Sequence[tuple[Segment, int]]) -> None:
        """A new picture: so many rows are in each segment now. What was read before is forgotten."""
        self._segments = [(segment, size) for segment, size in sizes if size > 0]
        self.count = sum(size for _, size in self._segments)
        self._rows.clear()
        self._read.clear()

    def row(self, index: int) -> Row | None:
        """A row, where it was read."""
        return self._rows.get(index)

    def missing(self, first: int, last: int) -> bool:
        """Whether any page of the rows from `first` to `last` (exclusive) is still to be read."""
        return any(page not in self._read for page in self._pages(first, last))

    def want(self, first: int, last: int) -> None:
        """Read what is not known of the rows from `first` to `last` (exclusive), whole pages."""
        for page in self._pages(first, last):
            if page not in self._read:
                self._read.add(page)
                self._read_page(page * PAGE, min(self.count, (page + 1) * PAGE))

    def find(self, same: Callable[[Row], bool]) -> int | None:
        """Where a row is that was read."""
        return next((index for index, row in self._rows.items() if same(row)), None)

    def _pages(self, first: int, last: int) -> range:
        first, last = max(0, first), min(self.count, last)
        return range(first // PAGE, -(-last // PAGE)) if first < last else range(0)

    def _read_page(self, first: int, last: int) -> None:
        start = 0
        for segment, size in self._segments:
            begin, end = max(first, start), min(last, start + size)
            if begin < end:
                for offset, row in enumerate(self._load(segment, begin - start, end - begin)[: end - begin]):
                    self._rows[begin + offset] = row
            start += size
            if start >= last:
                break
