"""The output of a command as lines of neutral text, made when they are looked at. Owns the border to a screen; pure, knows no widget.

What a node sent is hostile: control characters, markup, lines of a megabyte, characters of two cells.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence

from ..exec import Group, Outcome, compare, harmless, summary
from . import text
from .columns import Parts

Line = bytes | str
TAB = 8
_WIDEST = 4
"""Bytes of UTF-8 that a cell takes at most; combining characters apart, of which the line then shows fewer."""


class Page:
    """Lines in runs of one role. Bytes are neutralised when they are shown; text is neutral already."""

    def __init__(self, runs: Sequence[tuple[str, Sequence[Line]]]) -> None:
        self._runs = [(role, lines) for role, lines in runs if lines]
        self._starts: list[int] = []
        self.count = 0
        for _, lines in self._runs:
            self._starts.append(self.count)
            self.count += len(lines)

    def _at(self, index: int) -> tuple[str, Line]:
        run = bisect_right(self._starts, index) - 1
        role, lines = self._runs[run]
        return role, lines[index - self._starts[run]]

    def heading(self, start: int, step: int) -> int | None:
        """The next line upwards or downwards that begins a part: the first of a run that is not indented, and no difference."""
        places = [
            place
            for place, (role, lines) in zip(self._starts, self._runs, strict=True)
            if role != "diff" and not lines[0][:1].isspace()
        ]
        found = [place for place in places if (place - start) * step > 0]
        return (found[0] if step > 0 else found[-1]) if found else None

    def parts(self, index: int, start: int, cells: int, needle: str = "") -> Parts:
        """What of a line lies between cell `start` and `start + cells`, with what was searched for set apart."""
        role, line = self._at(index)
        if role == "diff":
            role = _DIFF.get(str(line[:1]), "text")
        words = _neutral(line, (start + cells) * _WIDEST)
        shown = text.window(words, start, cells)
        if not needle or not shown:
            return ((shown, role),)
        return tuple(_marked(shown, needle, role))

    def find(self, needle: str, start: int, step: int, including: bool = False) -> int | None:
        """The next line from `start` on that holds `needle`, upwards or downwards, without going round."""
        fold = needle.islower() or not any(map(str.isalpha, needle))
        index = start if including else start + step
        while 0 <= index < self.count:
            _, line = self._at(index)
            words = line.decode("utf-8", "replace") if isinstance(line, bytes) else line
            if needle in (words.lower() if fold else words):
                return index
            index += step
        return None


_DIFF = {"+": "ok", "-": "critical", "@": "accent"}


def _neutral(line: Line, most: int) -> str:
    words = harmless(line[:most]) if isinstance(line, bytes) else text.plain(line[:most])
    return words.expandtabs(TAB)


def _marked(shown: str, needle: str, role: str) -> Iterable[tuple[str, str]]:
    searched = shown.lower() if needle.islower() else shown
    if len(searched) != len(shown):
        searched = shown  # a letter whose small form is longer
    at = 0
    while (found := searched.find(needle, at)) >= 0:
        if found > at:
            yield shown[at:found], role
        at = found + len(needle)
        yield shown[found:at], "match"
    if at < len(shown):
        yield shown[at:], role


def _split(output: bytes) -> list[bytes]:
    lines = output.split(b"\n")
    if not lines[-1]:
        lines.pop()
    return lines


def page(outcome: Outcome) -> Page:
    """All that one outcome says."""
    runs: list[tuple[str, Sequence[Line]]] = [("text", _split(outcome.stdout))]
    if outcome.stderr:
        runs += [("dim", ["── standard error ──"]), ("warning", _split(outcome.stderr))]
    notes = [summary.reason(outcome)] if outcome.error else []
    if outcome.truncated:
        notes.append("there was more output than is kept")
    if outcome.left:
        notes.append("something of it may still be running there")
    runs.append(("critical", notes))
    if not any(lines for _, lines in runs):
        runs = [("faint", ["no output"])]
    return Page(runs)


def differences(common: Group, other: Group) -> Page:
    """How one outcome's output differs from the most common one."""
    lines = list(compare(common, other))
    return Page([("diff", lines) if lines else ("faint", ["the output is the same; only the status differs"])])


def live(running: Mapping[str, bytes]) -> Page:
    """The newest line of each node that runs."""
    cells = min(24, max(map(text.width, map(text.plain, running)), default=0))
    return Page([("text", [f"{text.fit(name, cells)}  {harmless(line[:1000])}" for name, line in running.items()])])
