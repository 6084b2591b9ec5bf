"""Output that grows, as lines: the newest of it, bounded. Pure; what the bytes say is made neutral when a line is looked at (`output`)."""

from __future__ import annotations

from .output import Page

MOST = 20_000
"""Lines that are kept."""
LONGEST = 64 << 10
"""Bytes of one line that are kept; a job that never ends a line is no reason to keep all of it."""
ROOM = 8 << 20
"""Bytes that are kept of all lines."""


class Tail:
    """The end of what a job said. `note` is the last word of ours on it, e.g. why it cannot be read on."""

    def __init__(self) -> None:
        self._lines: list[bytes] = []
        self._open = b""
        self._size = 0
        self._ended = False
        self.left_out = 0
        """Lines that were dropped at the beginning."""
        self.note = ""
        self.changes = 0
        """Grows with every change."""

    def restart(self) -> None:
        """It comes again from its beginning."""
        self._lines, self._open, self._size, self.left_out = [], b"", 0, 0
        self.changes += 1

    def say(self, note: str) -> None:
        """A last word of ours."""
        self.note = note
        self.changes += 1

    def feed(self, data: bytes) -> None:
        """More of it."""
        self.changes += 1
        self.note = ""
        *whole, rest = data.split(b"\n")
        if whole:
            whole[0] = self._open + whole[0]
            fresh = [_settled(line) for line in whole]
            self._lines += fresh
            self._size += sum(map(len, fresh))
            self._open = rest[:LONGEST]
        else:
            self._open += rest[: max(0, LONGEST - len(self._open))]
        if b"\r" in self._open:
            self._open = self._open[self._open.rfind(b"\r", 0, -1) + 1 :]  # a line that is written over again and again
        if len(self._lines) > MOST + MOST // 10 or self._size > ROOM + ROOM // 10:
            self._forget()

    def _forget(self) -> None:
        drop = max(0, len(self._lines) - MOST)
        size = self._size - sum(map(len, self._lines[:drop]))
        while drop < len(self._lines) and size > ROOM:
            size -= len(self._lines[drop])
            drop += 1
        del self._lines[:drop]
        self._size = size
        self.left_out += drop

    def end(self) -> None:
        """Nothing more comes."""
        self._ended = True
        self.changes += 1

    def page(self) -> Page:
        """All that is kept."""
        before = [f"{self.left_out:,} lines before are not kept here"] if self.left_out else []
        lines = [*self._lines, _settled(self._open)] if self._open else self._lines
        note = [self.note] if self.note else []
        if not lines and not note:
            return Page([("faint", ["it said nothing" if self._ended else "nothing was said yet"])])
        return Page([("faint", before), ("text", lines), ("warning", note)])


def _settled(line: bytes) -> bytes:
    """What stands in a line after the last return to its beginning, as a terminal would show it; no longer than is kept."""
    line = line[:-1] if line.endswith(b"\r") else line
    return line[line.rfind(b"\r") + 1 :][:LONGEST]
