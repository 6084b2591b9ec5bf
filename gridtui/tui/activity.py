"""What runs now and what was done, one deed a line: what, on which nodes, since when, how far, how it ended. Owns the words; pure, knows no
widget, no screen and nobody who does something.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from . import endings, plays, text, work
from .columns import Parts

RUNNING = endings.RUNNING


class Kind(StrEnum):
    """What kind of thing was done."""

    EXEC = "exec"
    PUSH = "push"
    PLAYBOOK = "playbook"
    JOB = "job"
    SHELL = "shell"
    CHANGE = "change"
    """By hand: a signal, a drained node, a job that was cancelled."""


@dataclass(frozen=True, slots=True)
class Deed:
    """One thing that was done, or goes on."""

    id: Hashable
    """Of all its pictures, the later ones too."""
    kind: Kind
    what: str
    began: float
    names: tuple[str, ...] = ()
    """The nodes; none where that is not known."""
    count: int = 0
    """How many things it is about: nodes, or jobs."""
    seconds: float | None = None
    """So far, or in all; None where that was not kept."""
    running: bool = False
    share: float | None = None
    """Per cent that is done, while it runs."""
    ended: tuple[tuple[str, int], ...] = ()
    """How it ended, in words, and on how many."""
    failed: tuple[str, ...] = ()
    """The nodes on which it did not end well."""
    who: str = ""
    note: str = ""
    """A word on how it ended where the endings do not tell."""
    source: object = field(default=None, compare=False, repr=False)
    """Whom to ask for more; of the ledger's, and nobody else's."""

    @property
    def well(self) -> bool:
        """Whether nothing went wrong, as far as that is known."""
        return not any(FACES.get(word, ("", ""))[1] in _BAD for word, _ in self.ended)


FACES: Mapping[str, tuple[str, str]] = {
    **{str(one): (work.GLYPHS[one], work.ROLES[one]) for one in work.GLYPHS},
    **{str(one): (plays.GLYPHS[one], plays.ROLES[one]) for one in plays.GLYPHS},
    **{str(one): (endings.GLYPHS[one], endings.ROLES[one]) for one in endings.GLYPHS},
    "open": (RUNNING, "accent"),
    "stopped": ("‖", "warning"),
    "closed": ("●", "ok"),
    "lost": ("▲", "critical"),
    "done": ("●", "ok"),
    "refused": ("✖", "critical"),
}
"""An ending's sign and role, whichever verb's it is."""
_BAD = frozenset({"critical"})
WELL = frozenset({"ok", "changed", "matching", "succeeded", "closed", "done", "open", "stopped"})
"""Endings after which a node needs nothing."""

VIEWS = ("all", "running", *map(str, Kind))
"""The tabs, by their words."""


def chosen(deeds: Iterable[Deed], view: str) -> list[Deed]:
    """The deeds of a tab: what runs first, then the newest."""
    found = [one for one in deeds if view == "all" or (one.running if view == "running" else one.kind == view)]
    return sorted(found, key=lambda one: (not one.running, -one.began))


def counted(words: Iterable[str]) -> tuple[tuple[str, int], ...]:
    """Endings with their numbers, the bad ones first."""
    found = Counter(words)
    return tuple(sorted(found.items(), key=lambda pair: (pair[0] in WELL, -pair[1], pair[0])))


# ---- the list ----

_BEGAN, _KIND, _COUNT, _TOOK, _SHARE = 14, 9, 10, 7, 5


def titles(cells: int) -> Parts:
    """The titles of the columns that fit."""
    began, what, ended = _layout(cells)
    words = "  " + text.fit("SINCE", began) + " "
    words += text.fit("KIND", _KIND) + text.fit("WHAT", what) + " "
    if cells >= 60:
        words += text.fit("ON", _COUNT) + text.fit("TOOK", _TOOK, True) + " "
    return ((words + text.fit("ENDED", ended), "header"),)


def _layout(cells: int) -> tuple[int, int, int]:
    """Cells of the time, of what was done, of how it ended."""
    began = _BEGAN if cells >= 90 else 5
    room = cells - 2 - began - 1 - _KIND - 1 - (_COUNT + _TOOK + 1 if cells >= 60 else 0)
    what = max(4, room * 3 // 5)
    return began, what, max(0, room - what)


def line(deed: Deed, now: float, cells: int) -> Parts:
    """A deed in the list."""
    began, what, room = _layout(cells)
    glyph, role = sign(deed)
    parts: list[tuple[str, str]] = [
        (f"{glyph} ", role),
        (text.fit(_since(deed, now, began), began) + " ", "dim"),
        (text.fit(deed.kind, _KIND), "accent" if deed.running else "text"),
        (text.fit(text.plain(deed.what), what) + " ", "strong"),
    ]
    if cells >= 60:
        parts.append((text.fit(_on(deed), _COUNT), "text"))
        parts.append((text.fit(_took(deed, now), _TOOK, True) + " ", "dim"))
    for words, part in _ended(deed):
        shown = text.fit(words, min(room, text.width(words)))
        if room > 0:
            parts.append((shown, part))
        room -= text.width(shown)
    return tuple(parts)


def sign(deed: Deed) -> tuple[str, str]:
    """The deed's sign and its role: by what goes on, else by the worst that came of it."""
    if deed.running:
        return RUNNING, "accent"
    for word, _ in deed.ended:
        if word not in WELL:
            return FACES.get(word, ("✖", "critical"))
    return FACES.get(deed.ended[0][0], ("●", "ok")) if deed.ended else ("·", "dim")


def _since(deed: Deed, now: float, cells: int) -> str:
    age = text.age(max(0.0, now - deed.began))
    if cells < _BEGAN:
        return age
    there = time.localtime(deed.began)
    same = time.localtime(now)[:3] == there[:3]
    return f"{time.strftime('%H:%M:%S' if same else '%m-%d %H:%M', there)} {age}"[:cells]


def _on(deed: Deed) -> str:
    if len(deed.names) == 1:
        return text.plain(deed.names[0])
    if not deed.count:
        return ""
    noun = "job" if deed.kind is Kind.JOB else "node"
    return f"{deed.count:,} {noun}{'' if deed.count == 1 else 's'}"


def _took(deed: Deed, now: float) -> str:
    seconds = max(0.0, now - deed.began) if deed.running else deed.seconds
    if seconds is None:
        return ""
    return f"{seconds:.1f}s" if seconds < 60 else text.age(seconds)


def _ended(deed: Deed) -> list[tuple[str, str]]:
    parts: list[tuple[str, str]] = []
    if deed.running and deed.share is not None:
        filled, rest = text.bar(deed.share, 8)
        parts += [(filled, "bar"), (rest, "track"), (f" {text.percent(deed.share)}  ", "strong")]
    for word, count in deed.ended:
        glyph, role = FACES.get(word, ("✖", "critical"))
        parts.append((f"{glyph} {f'{count:,} ' if deed.count > 1 else ''}{word}  ", role))
    if deed.note:
        parts.append((text.plain(deed.note), "dim" if deed.well else "warning"))
    return parts


# ---- below it ----


def about(
    deed: Deed, fold: Callable[[Iterable[str]], str], groups: Mapping[str, Sequence[str]], cells: int
) -> list[Parts]:
    """One deed: all of what was done, when, by whom, and how it ended by node set; `groups` are nodes by their ending."""
    lines: list[Parts] = [((one, "strong"),) for one in text.fold(text.plain(deed.what), cells)[:4]]
    stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(deed.began))
    when = (
        f"{deed.kind}, {'since' if deed.running else 'at'} {stamp}{f', by {text.plain(deed.who)}' if deed.who else ''}"
    )
    lines.append(((text.fit(when, min(cells, text.width(when))), "dim"),))
    order = sorted(groups, key=lambda word: (word in WELL, -len(groups[word])))
    for word in order:
        glyph, role = FACES.get(word, ("✖", "critical"))
        head = f"{glyph} {len(groups[word])} {word} "
        room = max(8, cells - text.width(head))
        first, *rest = text.fold(text.plain(fold(groups[word])), room) or [""]
        lines.append(((head, role), (first, "accent")))
        lines += [((" " * text.width(head), "text"), (one, "accent")) for one in rest[:3]]
    if not groups and deed.names:
        words = text.fit(text.plain(fold(deed.names)), cells - 3)
        lines.append((("on ", "dim"), (words, "accent")))
    return lines
