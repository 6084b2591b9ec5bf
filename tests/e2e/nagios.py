"""What the monitoring-plugins guidelines call a plugin's output, as a strict reader. Owns a grammar of its own, on purpose:
it must not share a line with what writes the output.

https://www.monitoring-plugins.org/doc/guidelines.html, "Plugin Output for Nagios", "Performance data", "Threshold and ranges".
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_NUMBER = r"-?\d+(?:\.\d+)?"
_RANGE = rf"@?(?:(?:~|{_NUMBER})?:)?(?:{_NUMBER})?"
_DATUM = re.compile(
    r"(?P<label>'(?:[^'=|\n]|'')+'|[^\s'=|]+)"
    rf"=(?P<value>{_NUMBER}|U)(?P<uom>us|ms|s|%|B|KB|MB|TB|c|)"
    rf"(?:;(?P<warn>{_RANGE}))?(?:;(?P<crit>{_RANGE}))?(?:;(?P<min>(?:{_NUMBER})?))?(?:;(?P<max>(?:{_NUMBER})?))?"
    r"(?: +|\Z)"
)


@dataclass(frozen=True, slots=True)
class Output:
    """First line's text, the lines after it, and value with unit by label."""

    state: str
    text: str
    details: tuple[str, ...]
    data: dict[str, tuple[float, str]]


def parse(output: str) -> Output:
    """Read a plugin's output. Raises ValueError where it does not hold to the grammar."""
    if not output.endswith("\n") or len(output.encode()) > 8192:
        raise ValueError("no newline at the end, or too long")
    first, *rest = output[:-1].split("\n")
    text, *data = first.split("|")
    if len(data) > 1:
        raise ValueError(f"two bars: {first!r}")
    state = re.fullmatch(r"GRIDTUI (OK|WARNING|CRITICAL|UNKNOWN): (\S.*?) ?", text)
    if state is None:
        raise ValueError(f"no status: {text!r}")
    details: list[str] = []
    performance = [*data]
    in_data = False
    for line in rest:
        if in_data:
            performance.append(line)
            continue
        said, *more = line.split("|")
        if len(more) > 1:
            raise ValueError(f"two bars: {line!r}")
        details.append(said.rstrip())
        if more:
            in_data = True
            performance += more
    values: dict[str, tuple[float, str]] = {}
    for piece in performance:
        for label, value in _data(piece.strip()):
            if label in values:
                raise ValueError(f"twice: {label}")
            values[label] = value
    return Output(state[1], state[2], tuple(details), values)


def _data(text: str) -> list[tuple[str, tuple[float, str]]]:
    found = []
    at = 0
    while at < len(text):
        match = _DATUM.match(text, at)
        if match is None:
            raise ValueError(f"no performance data: {text[at : at + 60]!r}")
        found.append((match["label"].strip("'"), (float(match["value"].replace("U", "nan")), match["uom"])))
        at = match.end()
    return found
