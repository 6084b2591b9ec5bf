"""Bytes to lines, bounded, and lines to text that a terminal survives. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..model import clean

LINE = 1 << 16
"""Bytes of one line that are passed on; the rest of it is dropped."""

CUT = " …".encode()
"""What stands at the end of a line that was cut."""

_SUSPECT = re.compile(rb"[^\t\x20-\x7e]")
_SUSPECT_BLOCK = re.compile(rb"[^\t\n\x20-\x7e]")


class Lines:
    """Splits one stream. Never holds more than `limit` bytes."""

    def __init__(self, limit: int = LINE) -> None:
        self._limit = limit
        self._part = b""
        self._dropping = False

    def feed(self, data: bytes) -> list[bytes]:
        """The lines that are complete now, without their newlines."""
        first, *rest = data.split(b"\n")
        if not rest:
            self._add(first)
            return []
        self._add(first)
        lines = [self._part]
        self._part, self._dropping = b"", False
        last = rest.pop()
        lines += rest if len(data) <= self._limit else [self._cut(line) for line in rest]
        self._add(last)
        return lines

    def end(self) -> list[bytes]:
        """What is left when the stream has ended without a newline."""
        left, self._part, self._dropping = self._part, b"", False
        return [left] if left else []

    def _add(self, piece: bytes) -> None:
        if self._dropping or not piece:
            return
        whole = self._part + piece if self._part else piece
        self._dropping = len(whole) > self._limit
        self._part = self._cut(whole)

    def _cut(self, line: bytes) -> bytes:
        return line if len(line) <= self._limit else line[: self._limit] + CUT


def harmless(line: bytes) -> str:
    """One line as text for a terminal or a report: `model.clean`, but tabs stay, and a carriage return at its end goes."""
    line = line.removesuffix(b"\r")
    if not _SUSPECT.search(line):
        return line.decode("ascii")
    return "\t".join(clean(part, LINE) for part in line.split(b"\t"))


def block(lines: Sequence[bytes]) -> str:
    """Several lines as `harmless` text, without a newline at the end. In one go where all is plain ASCII, which it mostly is."""
    joined = b"\n".join(lines)
    if not _SUSPECT_BLOCK.search(joined):
        return joined.decode("ascii")
    return "\n".join(map(harmless, lines))


def text(output: bytes) -> str:
    """A whole output as `harmless` lines."""
    return block(output.split(b"\n"))
