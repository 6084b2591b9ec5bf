"""What rsync prints: progress, itemised changes, statistics, errors. Pure: text in, values out. rsync(1), `--info=progress2,stats2`, `-i`.

Numbers are read strictly and bounded, and text is neutralised: the other side can put lines into this stream. It can so only tell lies about itself.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass, field

from ..model import clean

CHANGES = 50_000
"""Itemised lines that are kept of one node."""
_LINE = 1 << 16
"""Bytes of one line: a name of 4,096 bytes, escaped, four times."""
_LAST = 12
"""Lines of standard error that are kept, the first ones and the last ones."""

_PROGRESS = re.compile(
    rb" *(\d{1,19}) +(\d{1,3})% +[\d.]{1,15}[kMGT]?B/s +[\d:?]{1,15}(?: \(xfr#(\d{1,12}), (?:ir-chk|to-chk)=(\d{1,12})/(\d{1,12})\))?\s*"
)
_STATS = {
    b"Number of regular files transferred": "files",
    b"Number of deleted files": "deleted",
    b"Total transferred file size": "size",
    b"Literal data": "literal",
    b"Total bytes sent": "sent",
    b"Total bytes received": "received",
}
_STAT = re.compile(rb"([A-Z][A-Za-z ]{5,40}): (\d{1,19})(?: bytes)?(?: \(.*\))?")
_ITEM = re.compile(rb"(?:[<>ch.][fdLDS][^ ]{9}|\*deleting {2,3}) .+", re.DOTALL)
_FAILED = re.compile(
    r'rsync: (?:\[[\w ]+\] )?[^"]{1,80}?(?:"(?P<name>.*)"[^"]{0,80})?: (?P<why>[^:"]{1,100}) \((?P<number>\d+)\)'
)
_TEMPORARY = re.compile(r"(^|/)\.([^/]+)\.[A-Za-z0-9]{6}$")
_CODE = re.compile(r"rsync (?:error|warning): (?P<why>.*) \(code (?P<code>\d+)\) at ")

CODES = {
    1: "rsync was not called as it wants",
    2: "rsync's two ends do not understand each other: does the login shell there print something by itself?",
    3: "an error with source or destination",
    4: "rsync there cannot do what was asked for",
    5: "rsync's protocol did not start: does the login shell there print something by itself?",
    6: "rsync there cannot append to its log",
    10: "the connection broke",
    11: "reading or writing failed",
    12: "the connection broke",
    13: "rsync's messages failed",
    14: "rsync's processes lost each other",
    20: "rsync was ended by a signal",
    21: "rsync's processes lost each other",
    22: "rsync had too little memory",
    23: "some files were not moved",
    24: "source files vanished on the way",
    25: "more would be deleted than allowed",
    30: "no byte came for too long",
    35: "no byte came for too long",
    127: "rsync was not found",
    255: "ssh failed",
}
"""rsync(1), EXIT VALUES, for people."""


@dataclass(frozen=True, slots=True)
class Step:
    """One line of progress."""

    bytes: int
    percent: int
    files: int | None = None
    left: int | None = None

    @property
    def total(self) -> int | None:
        """Content in all; None where the share is too small to tell."""
        return self.bytes * 100 // self.percent if self.percent >= 1 else None


@dataclass(slots=True)
class Report:
    """Everything that one rsync said on standard output."""

    stats: dict[str, int] = field(default_factory=dict)
    changes: list[str] = field(default_factory=list)
    more: int = 0
    """Changes beyond those that are kept."""
    _rest: bytes = b""
    _skipping: bool = False

    def feed(self, data: bytes) -> Step | None:
        """Take output as it comes; the newest progress in it, if any."""
        newest = None
        *lines, self._rest = re.split(rb"[\r\n]", self._rest + data)
        if len(self._rest) > _LINE:
            self._rest, self._skipping = b"", True
        for line in lines:
            if self._skipping:
                self._skipping = False
            elif step := self._line(line):
                newest = step
        return newest

    def end(self) -> None:
        """No more comes."""
        if self._rest and not self._skipping:
            self._line(self._rest)
        self._rest = b""

    def _line(self, line: bytes) -> Step | None:
        if match := _PROGRESS.fullmatch(line):
            files, left = (None if part is None else int(part) for part in match.group(3, 4))
            return Step(int(match[1]), min(int(match[2]), 100), files, left)
        if (match := _STAT.fullmatch(line)) and match[1] in _STATS:
            self.stats[_STATS[match[1]]] = int(match[2])
        elif _ITEM.fullmatch(line):
            if len(self.changes) < CHANGES:
                self.changes.append(clean(line, 2000).replace("   ", " ", 1) if line[:1] == b"*" else clean(line, 2000))
            else:
                self.more += 1
        return None


class Said:
    """Standard error: its first and last lines, neutralised."""

    def __init__(self) -> None:
        self.first: list[str] = []
        self.last: deque[str] = deque(maxlen=_LAST)
        self.count = 0
        self._rest = b""

    def feed(self, data: bytes) -> None:
        """Take output as it comes."""
        *lines, rest = (self._rest + data).split(b"\n")
        self._rest = rest[-_LINE:]
        for line in lines:
            self._line(line)

    def end(self) -> None:
        """No more comes."""
        if self._rest:
            self._line(self._rest)
        self._rest = b""

    def _line(self, line: bytes) -> None:
        text = clean(line.rstrip(b"\r"), 600).strip()
        if not text:
            return
        self.count += 1
        if len(self.first) < _LAST:
            self.first.append(text)
        else:
            self.last.append(text)

    @property
    def lines(self) -> tuple[str, ...]:
        """What was kept, in order."""
        return (*self.first, *self.last)

    def marked(self, word: str) -> str | None:
        """What follows a word that stands alone at the beginning of a line; None where it does not."""
        for line in self.lines:
            if line == word or line.startswith(f"{word} "):
                return line.removeprefix(word).strip()
        return None


def reason(code: int, said: Said) -> str:
    """Why, in one line: what the first complaint says and how many there are, else what the exit status means.

    Names that rsync makes up for files in the making are given back their own, so that alike errors of many nodes fold.
    """
    failures: list[str] = []
    for line in said.lines:
        match = _FAILED.fullmatch(line)
        if match and (text := _failure(match)) not in failures:
            failures.append(text)
    if failures:
        more = f" (and {said.count - 1 if said.count > 12 else len(failures) - 1} more)" if len(failures) > 1 else ""
        return failures[0] + more
    meaning = CODES.get(code, f"rsync ended with {code}")
    others = [
        line
        for line in said.lines
        if not _CODE.match(line) and not line.startswith("rsync: connection unexpectedly closed")
    ]
    if others:
        return f"{meaning}: {others[-1].removeprefix('rsync: ')}"
    for line in said.lines:
        if code not in CODES and (match := _CODE.match(line)):
            return match["why"]
    return meaning


def _failure(match: re.Match[str]) -> str:
    why = match["why"]
    name = _TEMPORARY.sub(r"\1\2", match["name"] or "")
    return f"{why[:1].lower()}{why[1:]}: {name}" if name else f"{why[:1].lower()}{why[1:]}"
