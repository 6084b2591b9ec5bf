"""The output formats of `check`: a `health.Report` in, text out. Pure; nothing here prints, opens a file or knows a terminal.

`text` is for people, `json` for programs, `nagios` for monitoring systems that run plugins, `prometheus` for node_exporter's
textfile collector. Each is one module with a `render`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ...health import Report
from . import document, nagios, prometheus, text

FORMATS = ("text", "json", "nagios", "prometheus")
"""The names, the default first."""

Fold = Callable[[Iterable[str]], str]
"""Node names to one short text, as `node[01-20]`."""


def render(
    name: str,
    report: Report,
    *,
    fold: Fold = text.listed,
    paint: text.Paint = text.unpainted,
    quiet: bool = False,
    changed: bool = False,
) -> str:
    """The report in the format `name`, lines ended; '' when there is nothing to say.

    `quiet` and `changed` concern `text` alone: programs get the same shape every time. `paint` colours a word, for a terminal.
    """
    match name:
        case "text":
            return text.render(report, fold=fold, paint=paint, quiet=quiet, changed=changed)
        case "json":
            return document.render(report)
        case "nagios":
            return nagios.render(report, fold=fold)
        case "prometheus":
            return prometheus.render(report)
    raise ValueError(f"{name!r} is no format")
