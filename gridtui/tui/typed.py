"""What was typed before in one kind of line. Owns its order, its bound and the way back through it; where it is kept is another's."""

from __future__ import annotations

from collections.abc import Callable, Iterable

MOST = 200
"""Lines that are remembered."""
LONGEST = 2000
"""Characters of a line that is remembered."""


class Typed:
    """Oldest first, each line once. `kept` are those of earlier runs; `keep` is told what may be kept for later ones."""

    def __init__(self, kept: Iterable[object] = (), keep: Callable[[list[str]], None] | None = None) -> None:
        self._lines: dict[str, bool] = {}
        self._keep = keep
        self._draft = ""
        self._at: int | None = None
        for line in kept:
            if isinstance(line, str) and line.strip() and line.isprintable() and len(line) <= LONGEST:
                self._lines[line] = True
        self._trim()

    @property
    def lines(self) -> list[str]:
        """All of them."""
        return list(self._lines)

    def remember(self, line: str, kept: bool = True) -> None:
        """It was run. Not `kept` ones are remembered for as long as the program runs."""
        self.rest()
        line = line.strip()
        if not line or len(line) > LONGEST or not line.isprintable():
            return
        before = self._lines.pop(line, None)
        self._lines[line] = kept
        self._trim()
        if self._keep is not None and (kept or before):
            self._keep([one for one, stays in self._lines.items() if stays])

    def rest(self) -> None:
        """Whoever looks next begins at the end again."""
        self._at, self._draft = None, ""

    def older(self, typed: str) -> str | None:
        """The line before that begins as what was typed did when the reader set out; None when there is none."""
        if self._at is None:
            self._draft, self._at = typed, len(self._lines)
        return self._go(-1)

    def newer(self) -> str | None:
        """The line after; behind the newest what was typed; None when the reader is there."""
        return None if self._at is None else self._go(1)

    def _go(self, step: int) -> str | None:
        assert self._at is not None
        lines = list(self._lines)
        at = self._at + step
        while 0 <= at < len(lines):
            if lines[at].startswith(self._draft) and lines[at] != self._draft:
                self._at = at
                return lines[at]
            at += step
        if step > 0:
            draft = self._draft
            self.rest()
            return draft
        return None

    def _trim(self) -> None:
        for line in list(self._lines)[: max(0, len(self._lines) - MOST)]:
            del self._lines[line]
