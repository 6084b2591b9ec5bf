"""The help's text: keys, commands, the selection language, signs; those of the screen that is shown first. Owns order and search; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from . import commands
from .actions import TITLES, Scope, of
from .keys import shown
from .selecting import COMPARISONS, OPERATORS
from .states import GLYPHS, ROLES, WORDS, Kind
from .text import fit, fold, width

Parts = tuple[tuple[str, str], ...]
Keyed = Mapping[str, str]
"""Action to the keys that the reader has given it."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line: what is pressed or typed, what the settings file calls it, what it does."""

    key: str
    name: str
    help: str
    role: str = "key"


@dataclass(frozen=True, slots=True)
class Section:
    title: str
    rows: tuple[Row, ...]


_SIGNS = {
    Kind.UP: "answers all the way, no rule holds against it",
    Kind.WARNING: "a rule's warning range, or not answering but not yet for long enough",
    Kind.CRITICAL: "a rule's critical range",
    Kind.DOWN: "does not answer; the layer says how far we came: icmp, tcp, banner, login, shell",
    Kind.UNKNOWN: "answers, but cannot be judged",
    Kind.PENDING: "not heard of yet",
    Kind.EXPLAINED: "behind a parent that is down: no alert of its own",
    Kind.MAINTENANCE: "watched, but never an alert",
}
_SELECTIONS = (
    ("node[01-20]", "nodes by name; web* and db? too"),
    ("@web", "the nodes of a group; @* are all"),
    ("state=down", "a state: up, down, ok, warning, critical, maintenance"),
    ("load>4", "what is measured: cpu, mem, disk.free, rtt, loss, ...; 90%, 8G, 20ms, 2d"),
    ("site=berlin", "a label, or a fact: os, kernel, arch, cpus, has=docker, gpu.name~A100"),
    *((f"a {sign} b", words) for sign, words in OPERATORS.items()),
    ("!a", "all but these"),
    ("( a , b ) & c", "what belongs together; else from left to right"),
    (" ".join(COMPARISONS), "how values are compared; ~ is a regular expression"),
)


def sections(here: Sequence[Scope], keys: Keyed, known: Iterable[commands.Command]) -> list[Section]:
    """All there is, what belongs to the scopes `here` first."""
    order = [*here, *(scope for scope in TITLES if scope not in here)]
    pressed = [Section(TITLES[scope], tuple(_row(scope, keys))) for scope in order if scope in TITLES]
    typed = tuple(Row(f":{usage}", "", words) for usage, words in commands.sections(known))
    selections = tuple(Row(example, "", words) for example, words in _SELECTIONS)
    signs = tuple(Row(f"{GLYPHS[kind]} {WORDS[kind]}", "", words, ROLES[kind]) for kind, words in _SIGNS.items())
    signs += (Row("·", "", "not known", "faint"), Row("×", "", "an echo that was lost", "critical"))
    first = len([scope for scope in here if scope in TITLES])
    return [
        *pressed[:first],
        Section("Commands, behind a colon", typed),
        Section("Selections, behind a slash and in commands", selections),
        *pressed[first:],
        Section("Signs", signs),
    ]


def _row(scope: Scope, keys: Keyed) -> Iterable[Row]:
    for action in of(scope):
        pressed = " ".join(shown(key) for key in keys.get(action.name, action.key).split(","))
        yield Row(pressed, action.name, action.help)


def found(told: Iterable[Section], words: str) -> list[Section]:
    """The lines that have all of some words."""
    wanted = words.lower().split()
    left: list[Section] = []
    for section in told:
        rows = tuple(
            row for row in section.rows if all(word in f"{row.key} {row.name} {row.help}".lower() for word in wanted)
        )
        if rows:
            left.append(Section(section.title, rows))
    return left


def lines(told: Sequence[Section], cells: int) -> list[Parts]:
    """The help in lines of some width; names for the settings file where there is room."""
    out: list[Parts] = []
    named = cells >= 86
    for section in told:
        if out:
            out.append(())
        out.append(((section.title, "title"),))
        longest = max(width(row.key) for row in section.rows)
        keys = max(14, min(longest, 30 if named else cells // 3))
        for row in section.rows:
            name = ((fit(row.name, 17), "dim"), (" ", "dim")) if named and any(one.name for one in section.rows) else ()
            before = keys + 1 + sum(width(words) for words, _ in name)
            first, *more = fold(row.help, max(16, cells - before))
            out.append(((fit(row.key, keys), row.role), (" ", "text"), *name, (first, "text")))
            out += [((" " * before, "text"), (line, "text")) for line in more]
    return out or [(("nothing has all of these words", "dim"),)]
