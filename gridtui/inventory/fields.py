"""Conditions of the selection language: `load<0.5`, `mem.free>8G`, `site=berlin`. Owns fields, units and comparisons.

A condition is compiled once into a test of one node. What is not known of a node makes the condition false, whatever the
comparison, `!=` too: a node is selected for what is known of it.
"""

from __future__ import annotations

import difflib
import fnmatch
import operator
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ..errors import SelectionError
from ..metrics import MEASURED_BY_MONITOR, METRICS, Unit
from ..model import Facts, Layer, Node, State, Status, clean
from .own_vars import FACTS as FACT_WORDS


class Need(StrEnum):
    """What must be known of the nodes before a selection can be resolved."""

    REACH = "reach"
    """How far each node can be reached, and its round trips."""
    SAMPLE = "sample"
    """A sample, and the verdict on it."""
    FACTS = "facts"
    """The facts."""


@dataclass(frozen=True, slots=True)
class Condition:
    """`field op value`, as it was written; `position` is where in the text."""

    field: str
    op: str
    value: str
    position: int


Test = Callable[[str, Status | None], bool]
"""Whether a node, by its name and what is known of it, is selected."""

OPERATORS = ("!=", "<=", ">=", "=", "<", ">", "~")
_ORDER: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_STATES: Mapping[str, State] = {state.name.lower(): state for state in State}
_STATE_WORDS = ("up", "down", "maintenance", *_STATES)
_NUMBER = re.compile(r"([+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,2})?)\s*(\S*)", re.ASCII)
_BYTES = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40, "p": 1 << 50}
_TIMES = {"us": 1e-6, "µs": 1e-6, "ms": 1e-3, "": 1, "s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400, "w": 604800}
_EXAMPLES: Mapping[Unit, str] = {
    "%": "90 or 90%",
    "B": "8G, 500M or a number of bytes",
    "B/s": "10M or 10M/s",
    "s": "20ms, 5s, 3m, 1h or 2d",
    "°C": "80 or 80C",
    "W": "300 or 300W",
    "1/s": "a number",
    "": "a number",
}


def needs(condition: Condition) -> frozenset[Need]:
    """What a condition asks for. Node names and labels ask for nothing."""
    field = condition.field
    if field in METRICS:
        return frozenset({Need.REACH if field in MEASURED_BY_MONITOR else Need.SAMPLE})
    if field == "state":
        if condition.value in ("up", "down"):
            return frozenset({Need.REACH})
        return frozenset() if condition.value == "maintenance" else frozenset({Need.REACH, Need.SAMPLE})
    if field == "layer":
        return frozenset({Need.REACH})
    return frozenset({Need.FACTS}) if field in FACT_WORDS and field != "name" else frozenset()


def check(condition: Condition, text: str) -> None:
    """Whatever can be said against a condition without an inventory. Raises SelectionError."""
    if condition.field in METRICS or condition.field in FACT_WORDS:
        compile_live(condition, text)


def is_live(field: str) -> bool:
    """Whether a field's value can change while the inventory stays."""
    return field in METRICS or (field in FACT_WORDS and field != "name")


def static(condition: Condition, text: str, nodes: Mapping[str, Node]) -> frozenset[str]:
    """The names that a condition on `name` or on a label selects. Raises SelectionError for a field that there is not."""
    if condition.field == "name":
        test = _text_test(condition, text)
        return frozenset(name for name in nodes if test(name))
    field = condition.field
    carriers = {name: value for name, node in nodes.items() if (value := node.labels.get(field)) is not None}
    if not carriers:
        labels = {label for node in nodes.values() for label in node.labels}
        known = [*METRICS, *FACT_WORDS, *sorted(labels)]
        near = difflib.get_close_matches(field, known, 1)
        hint = f"did you mean {near[0]}?" if near else "it is no measurement, no fact, and no node has such a label"
        raise _error(condition, text, f"`{clean(field, 40)}` is nothing that is known of nodes", hint)
    if condition.op in ("<", "<=", ">", ">="):
        wanted = _plain_number(condition, text)
        compare = _ORDER[condition.op]
        return frozenset(
            name
            for name, value in carriers.items()
            if (number := _maybe(value)) is not None and compare(number, wanted)
        )
    test = _text_test(condition, text)
    return frozenset(name for name, value in carriers.items() if test(value))


def compile_live(condition: Condition, text: str) -> Test:
    """The test of a condition on what is measured or learned. Raises SelectionError."""
    field = condition.field
    if field in METRICS:
        return _metric(condition, text)
    if field == "state":
        return _state(condition, text)
    if field == "layer":
        return _layer(condition, text)
    if field in ("cpus", "cores"):
        return _fact_number(condition, text)
    if field in ("has", "gpu.name"):
        return _fact_many(condition, text)
    if condition.op in ("<", "<=", ">", ">="):
        return _fact_version(condition, text)
    return _fact_text(condition, text)


def _metric(condition: Condition, text: str) -> Test:
    name = condition.field
    if condition.op == "~":
        raise _error(condition, text, f"{name} is a number, and `~` looks into text", "compare with = != < <= > >=")
    wanted = _quantity(condition, text, METRICS[name].unit)
    compare = _ORDER[condition.op]
    if name in MEASURED_BY_MONITOR:
        read = _TRIPS[name]

        def on_trips(_: str, status: Status | None) -> bool:
            value = read(status) if status is not None and status.trips.sent else None
            return value is not None and compare(value, wanted)

        return on_trips

    def on_sample(_: str, status: Status | None) -> bool:
        # The last sample of a node that has gone down says nothing of now.
        if status is None or status.sample is None or status.reach.failed is not None:
            return False
        value = status.sample.metrics.get(name)
        return value is not None and compare(value, wanted)

    return on_sample


_TRIPS: Mapping[str, Callable[[Status], float | None]] = {
    "rtt": lambda status: status.trips.last,
    "rtt.min": lambda status: status.trips.min,
    "rtt.avg": lambda status: status.trips.avg,
    "rtt.max": lambda status: status.trips.max,
    "jitter": lambda status: status.trips.jitter,
    "loss": lambda status: status.trips.loss,
}


def _state(condition: Condition, text: str) -> Test:
    _only_equals(condition, text)
    word, equal = condition.value, condition.op == "="
    if word not in _STATE_WORDS:
        near = difflib.get_close_matches(word, _STATE_WORDS, 1)
        hint = f"did you mean {near[0]}?" if near else f"it is one of {', '.join(_STATE_WORDS)}"
        raise _error(condition, text, f"`{clean(word, 40)}` is no state", hint)
    if word == "maintenance":
        return lambda _, status: status is not None and (status.node.maintenance or status.verdict.maintenance) is equal
    if word == "up":
        return lambda _, status: status is not None and not status.reach.pending and status.reach.up is equal
    if word == "down":
        return lambda _, status: (
            status is not None and not status.reach.pending and (status.reach.failed is not None) is equal
        )
    wanted = _STATES[word]
    return lambda _, status: status is not None and (status.verdict.state is wanted) is equal


def _layer(condition: Condition, text: str) -> Test:
    _only_equals(condition, text)
    word, equal = condition.value, condition.op == "="
    words = [layer.value for layer in Layer]
    if word not in words:
        near = difflib.get_close_matches(word, words, 1)
        hint = f"did you mean {near[0]}?" if near else f"it is one of {', '.join(words)}"
        raise _error(condition, text, f"`{clean(word, 40)}` is no layer", hint)
    wanted = Layer(word)
    return lambda _, status: (
        status is not None and status.reach.failed is not None and (status.reach.failed is wanted) is equal
    )


def _fact_number(condition: Condition, text: str) -> Test:
    if condition.op == "~":
        raise _error(
            condition, text, f"{condition.field} is a number, and `~` looks into text", "compare with = != < <= > >="
        )
    wanted, compare = _plain_number(condition, text), _ORDER[condition.op]
    read: Callable[[Facts], int] = operator.attrgetter(condition.field)

    def test(_: str, status: Status | None) -> bool:
        value = read(status.facts) if status is not None and status.facts is not None else 0
        return value > 0 and compare(value, wanted)

    return test


def _fact_many(condition: Condition, text: str) -> Test:
    if condition.op not in ("=", "!=", "~"):
        raise _error(
            condition, text, f"{condition.field} is text; it cannot be less or more", "compare with =, != or ~"
        )
    equal = condition.op != "!="
    matches = _text_test(
        Condition(condition.field, "~" if condition.op == "~" else "=", condition.value, condition.position), text, True
    )
    gpus = condition.field == "gpu.name"

    def test(_: str, status: Status | None) -> bool:
        if status is None or status.facts is None:
            return False
        values: Iterable[str] = status.facts.gpus if gpus else status.facts.capabilities
        return any(matches(value) for value in values) is equal

    return test


def _fact_text(condition: Condition, text: str) -> Test:
    matches = _text_test(condition, text, True)
    read = _fact_reader(condition.field)

    def test(_: str, status: Status | None) -> bool:
        value = read(status.facts) if status is not None and status.facts is not None else ""
        return bool(value) and matches(value)

    return test


def _fact_version(condition: Condition, text: str) -> Test:
    if condition.field not in ("os.version", "kernel"):
        raise _error(
            condition, text, f"{condition.field} is text; it cannot be less or more", "compare with =, != or ~"
        )
    wanted, compare, read = _version(condition.value), _ORDER[condition.op], _fact_reader(condition.field)
    if not wanted:
        raise _error(condition, text, f"`{clean(condition.value, 40)}` is no version", "such as 12 or 6.1")

    def test(_: str, status: Status | None) -> bool:
        value = _version(read(status.facts)) if status is not None and status.facts is not None else ()
        return bool(value) and compare(value, wanted)

    return test


def _fact_reader(field: str) -> Callable[[Facts], str]:
    reader: Callable[[Facts], str] = operator.attrgetter(field.replace(".", "_"))
    return reader


def _version(text: str) -> tuple[int, ...]:
    found = re.match(r"\D{0,20}?(\d{1,9}(?:\.\d{1,9})*)", text, re.ASCII)
    return tuple(int(part) for part in found[1].split(".")) if found else ()


def _text_test(condition: Condition, text: str, any_case: bool = False) -> Callable[[str], bool]:
    """`=` is a glob, `~` a regular expression that is searched for; facts are compared without regard to case."""
    flags = re.IGNORECASE if any_case else 0
    if condition.op in ("<", "<=", ">", ">="):
        raise _error(
            condition, text, f"{condition.field} is text; it cannot be less or more", "compare with =, != or ~"
        )
    try:
        if condition.op == "~":
            search = re.compile(condition.value, flags).search
            return lambda value: search(value) is not None
        match = re.compile(fnmatch.translate(condition.value), flags).match
    except (re.error, RecursionError, OverflowError) as error:
        raise _error(condition, text, f"`{clean(condition.value, 60)}` is no regular expression: {error}") from None
    equal = condition.op == "="
    return lambda value: (match(value) is not None) is equal


def _only_equals(condition: Condition, text: str) -> None:
    if condition.op not in ("=", "!="):
        raise _error(condition, text, f"{condition.field} is one of some words", "compare with = or !=")


def _plain_number(condition: Condition, text: str) -> float:
    return _quantity(condition, text, "")


def _maybe(value: str) -> float | None:
    match = _NUMBER.fullmatch(value)
    return float(match[1]) if match and not match[2] else None


def _quantity(condition: Condition, text: str, unit: Unit) -> float:
    value, name = condition.value, condition.field
    if name == "reboot" and value.lower() in ("yes", "true", "no", "false"):
        return 1.0 if value.lower() in ("yes", "true") else 0.0
    match = _NUMBER.fullmatch(value.strip())
    factor = _factor(match[2], unit) if match else None
    if match is None or factor is None:
        raise _error(
            condition, text, f"`{clean(value, 40)}` is no value for {clean(name, 40)}", f"write {_EXAMPLES[unit]}"
        )
    return float(match[1]) * factor


def _factor(suffix: str, unit: Unit) -> float | None:
    word = suffix.lower()
    if unit in ("B", "B/s"):
        if unit == "B/s":
            word = word.removesuffix("/s")
        return _BYTES.get(word.removesuffix("b").removesuffix("i"))
    if unit == "s":
        return _TIMES.get(word)
    if unit == "W":
        return {"": 1, "w": 1, "kw": 1000}.get(word)
    return 1 if word in {"%": ("", "%"), "°C": ("", "c", "°c"), "1/s": ("", "/s", "1/s")}.get(unit, ("",)) else None


def _error(condition: Condition, text: str, message: str, hint: str = "") -> SelectionError:
    return SelectionError(message, text=text, position=condition.position, hint=hint)
