"""Completion of a selection (`@web & state=down`). Owns what may come next at its end; the language itself is the inventory's. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from ..metrics import METRICS, Unit
from ..model import Layer, State, clean
from .known import FACTS, Known
from .offers import MOST, Offer, Word, fitting

OPERATORS: Mapping[str, str] = {
    ",": "or",
    "&": "and",
    "!": "but not",
    "^": "either, not both",
}
STATES: Mapping[str, str] = {
    "up": "answers all the way to a shell",
    "down": "does not answer",
    "maintenance": "watched, but never an alert",
    **{state.name.lower(): "what the health rules say" for state in State},
}
COMPARISONS: Mapping[str, str] = {
    ">": "more than",
    "<": "less than",
    ">=": "as much, or more",
    "<=": "as much, or less",
    "=": "the same; text may have * and ?",
    "!=": "another one",
    "~": "a regular expression is found in it",
}
_VALUES: Mapping[Unit, Sequence[str]] = {
    "%": ("50", "80", "90"),
    "B": ("1G", "8G", "64G"),
    "B/s": ("1M", "10M", "100M"),
    "s": ("10ms", "1s", "1h", "7d"),
    "°C": ("60", "80"),
    "W": ("100", "300"),
    "1/s": ("0", "10"),
    "": ("0", "1", "4"),
}
_FACT_HELP = {
    "os": "its distribution",
    "os.version": "its distribution's version",
    "kernel": "its kernel's version",
    "arch": "its architecture",
    "virt": "in what it is virtual",
    "cpus": "its logical CPUs",
    "cores": "its cores",
    "has": "a program that it has",
    "gpu.name": "the name of a GPU",
    "name": "its name, with * and ?",
    "state": "up, down, or what the health rules say",
    "layer": "how far down it is: " + ", ".join(layer.value for layer in Layer),
}
_NUMBERS = ("cpus", "cores", *METRICS)
_CONDITION = re.compile(r"([A-Za-z][A-Za-z0-9_.-]*)\s*(!=|<=|>=|=|<|>|~)\s*")
_ENDS = " \t\r\n\f\v,&!^()"


@dataclass(frozen=True, slots=True)
class Tail:
    """What stands at the end of a selection, and is not ended: where it begins, and what may come there."""

    kind: Literal["operand", "value", "operator", "nothing"]
    start: int
    typed: str = ""
    field: str = ""
    """Of a value the field; of an operator the bare word before it."""


def tail(text: str) -> Tail:
    """Where the end of `text` stands in the language. Never raises: where it is wrong nothing may come."""
    at, wanted, depth, bare = 0, True, 0, ""
    while True:
        while at < len(text) and text[at].isspace():
            at += 1
        if at == len(text):
            return Tail("operand" if wanted else "operator", at, field=bare)
        char = text[at]
        if not wanted:
            if char == ")" and depth:
                depth, at, bare = depth - 1, at + 1, ""
            elif char in OPERATORS:
                wanted, at, bare = True, at + 1, ""
            else:
                return Tail("nothing", at)
        elif char in "(!":
            depth, at = depth + (char == "("), at + 1
        elif char in ",&^)\"'=<>~|;":
            return Tail("nothing", at)
        elif match := _CONDITION.match(text, at):
            start = match.end()
            end = _value_end(text, start)
            if end is None or end == len(text):
                return Tail("value", start, text[start:], match[1])
            wanted, at, bare = False, end, ""
        else:
            end = _word_end(text, at)
            if end is None or end == len(text):
                return Tail("operand", at, text[at:])
            wanted, at, bare = False, end, text[at:end]


def _value_end(text: str, start: int) -> int | None:
    quote = text[start : start + 1]
    if quote and quote in "\"'":
        end = text.find(quote, start + 1)
        return end + 1 if 0 <= end < len(text) - 1 else None
    return _word_end(text, start)


def _word_end(text: str, start: int) -> int | None:
    inside = False
    for at in range(start, len(text)):
        if inside:
            inside = text[at] != "]"
        elif text[at] == "[":
            inside = True
        elif text[at] in _ENDS or text[at].isspace():
            return at
    return None if inside else len(text)


def complete(text: str, known: Known) -> list[Offer]:
    """What may come at the end of a selection, best first."""
    end = tail(text)
    before = text[: end.start]
    if end.kind == "operand":
        return [Offer(before + word, word, about, ends) for word, about, ends in _operands(end.typed, known)]
    if end.kind == "value":
        typed = end.typed.lstrip("\"'")
        found = fitting(typed, _values(end.field, known))
        return [Offer(before + quoted, word, about) for word, about in found if (quoted := quote(word))]
    if end.kind == "operator":
        offers: list[Offer] = []
        if end.field and end.field not in known.nodes and _is_field(end.field, known):
            offers = [
                Offer(f"{text.rstrip()}{op}", op, about, False) for op, about in _comparisons(end.field, known).items()
            ]
        return [*offers, *(Offer(f"{before}{op} ", op, about, False) for op, about in OPERATORS.items())]
    return []


def quote(value: str) -> str:
    """A value as a selection wants it; '' where it cannot be written, or would mean a pattern."""
    if any(char in "*?[]" for char in value) or clean(value) != value:
        return ""
    if value and not any(char.isspace() or char in _ENDS or char in "\"'" for char in value):
        return value
    return next((f"{mark}{value}{mark}" for mark in "\"'" if mark not in value), "")


def _operands(typed: str, known: Known) -> list[tuple[str, str, bool]]:
    ends: dict[str, bool] = {}

    def words() -> Iterator[Word]:
        for word, about, end in _all_operands(typed, known):
            if word not in ends:
                ends[word] = end
                yield word, about

    if typed.startswith("@"):
        groups = fitting(typed[1:], ((word[1:], about) for word, about in _groups(known)))
        return [(f"@{word}", about, True) for word, about in groups]
    found = fitting(typed, words())
    # A group is also found by its bare name.
    bare = [
        (f"@{word}", about) for word, about in fitting(typed, ((name, _nodes(n)) for name, n in known.groups.items()))
    ]
    if typed:
        found = [*bare[:4], *(one for one in found if one not in bare)]
    exact = typed if _is_field(typed, known) else ""
    comparing = [(f"{typed}{op}", about, False) for op, about in _comparisons(typed, known).items()] if exact else []
    rest = [(word, about, ends.get(word, True)) for word, about in found]
    given = {word for word, _, _ in comparing}
    return [*comparing, *(one for one in rest if one[0] not in given)][:MOST]


def _all_operands(typed: str, known: Known) -> Iterator[tuple[str, str, bool]]:
    if not typed:
        for word, about in _groups(known):
            yield word, about, True
    for word in ("down", "up", "critical", "warning"):
        yield f"state={word}", STATES[word], True
    for label, values in known.labels.items():
        yield f"{label}=", f"label, of {_nodes(sum(values.values()))}", False
    for metric in METRICS.values():
        yield f"{metric.name}>", metric.text, False
    for word, about in _FACT_HELP.items():
        yield f"{word}{'>' if word in _NUMBERS else '='}", about, False
    for word, count in known.sets.items():
        yield word, _nodes(count), True
    for word, about in known.nodes.items():
        yield word, about, True


def _groups(known: Known) -> Iterator[Word]:
    yield from ((f"@{name}", _nodes(count)) for name, count in known.groups.items())
    yield "@*", "all nodes"


def _nodes(count: int) -> str:
    return f"{count} node{'' if count == 1 else 's'}"


def _is_field(word: str, known: Known) -> bool:
    return word in METRICS or word in _FACT_HELP or word in known.labels


def _comparisons(field: str, known: Known) -> Mapping[str, str]:
    """What a field can be compared with."""
    if field in ("state", "layer"):
        allowed: Iterable[str] = ("=", "!=")
    elif field in _NUMBERS:
        allowed = (">", "<", ">=", "<=", "=", "!=")
    else:
        allowed = ("=", "!=", "~")
    return {op: COMPARISONS[op] for op in allowed}


def _values(field: str, known: Known) -> Iterable[Word]:
    if field == "state":
        return STATES.items()
    if field == "layer":
        return ((layer.value, "the first layer that failed") for layer in Layer)
    if field == "name":
        return known.nodes.items()
    if field == "reboot":
        return (("yes", "a reboot is required"), ("no", "none is"))
    if field in FACTS:
        return ((value, _nodes(count)) for value, count in known.facts(field).items())
    if field in METRICS:
        metric = METRICS[field]
        return ((value, metric.text) for value in _VALUES[metric.unit])
    return ((value, _nodes(count)) for value, count in known.labels.get(field, {}).items())
