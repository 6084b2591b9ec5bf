"""A check's report as a monitoring plugin prints it (Nagios, Icinga, Naemon, ...), by the monitoring-plugins guidelines.

One line first: `GRIDTUI CRITICAL: text | performance data`; then details, a line a problem; then, behind a second `|`, performance
data of the nodes: `'label'=value[UOM];[warn];[crit];[min];[max]`. The guidelines give the first `|` of a line its meaning and
no way of escaping it, so none comes from a name or a text. Nagios reads 8 kB: what does not fit is left out from the end.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator

from ...health import NodeReport, Range, Report
from ...health.ranges import plain
from ...metrics import METRICS
from ...model import clean
from .text import listed
from .words import rank, summary, trouble

_LIMIT = 8000
"""Bytes of all output, under Nagios's MAX_PLUGIN_OUTPUT_LENGTH of 8192."""
_LINE = 400
"""Characters of a line of text, names included."""
_DETAILS = 4000
"""Bytes up to which details are given; the rest is for performance data."""

_ALWAYS = ("rtt", "loss", "load", "cpu", "mem", "disk", "temp")
"""Metrics that are told of whether or not they have a rule."""
_UOM = {"s": "s", "%": "%", "B": "B"}
_BARE = re.compile(r"[A-Za-z0-9_.:-]+", re.ASCII)


def render(report: Report, *, fold: Callable[[Iterable[str]], str] = listed) -> str:
    """The plugin's output, at most 8,000 bytes, lines ended. The exit status is `report.state`."""
    head = f"GRIDTUI {report.state.name}: {_headline(report, fold)} | {' '.join(_fleet(report))}"
    used = len(head.encode())
    details: list[str] = []
    problems = sorted((node for node in report.nodes if trouble(node)), key=rank)
    for index, node in enumerate(problems):
        line = _safe(f"{_label(node)} {node.name}: {trouble(node)}")
        used += len(line.encode()) + 1
        if used > _DETAILS:
            details.append(f"... and {len(problems) - index} more")
            used += len(details[-1]) + 1
            break
        details.append(line)
    lines = [head, *details]
    data: list[str] = []
    # Two names may look the same once they are fit for a label; a label is there once.
    named: dict[str, NodeReport] = {}
    for node in report.nodes:
        named.setdefault(_quoted(node.name), node)
    for node in named.values():
        line = " ".join(_of_node(node))
        used += len(line.encode()) + 1
        if used > _LIMIT:
            break
        if line:
            data.append(line)
    if data:
        # The bar comes at the end of the last line of text: without any detail there must be such a line, too.
        if not details:
            lines.append("no problem")
        lines[-1] += f" | {data[0]}"
        lines += data[1:]
    return "\n".join(lines) + "\n"


def _headline(report: Report, fold: Callable[[Iterable[str]], str]) -> str:
    text = summary(report)
    alerts = sorted((node for node in report.nodes if node.verdict.alert), key=rank)
    if not alerts:
        return _safe(text)
    groups: dict[str, list[str]] = {}
    for node in alerts:
        why = (
            node.layer.value
            if node.down and node.layer
            else ", ".join(reason.rule for reason in node.verdict.reasons if not reason.soft)
        )
        groups.setdefault(why, []).append(node.name)
    named = ", ".join(f"{fold(names)}{f' ({why})' if why else ''}" for why, names in groups.items())
    return _safe(f"{text}: {named}")


def _fleet(report: Report) -> Iterator[str]:
    counts = report.counts
    total = str(counts["total"])
    for label in ("up", "down", "critical", "warning", "unknown", "blamed", "maintenance", "silenced", "acknowledged"):
        yield _datum(label, str(counts[label]), low="0", high=total)
    yield _datum("time", f"{_number(max(0.0, report.seconds))}s", low="0")


def _of_node(node: NodeReport) -> Iterator[str]:
    rules = node.rules.metrics if node.rules else {}
    for name, metric in METRICS.items():
        value = node.metrics.get(name)
        rule = rules.get(name)
        if value is None or not math.isfinite(value) or (rule is None and name not in _ALWAYS):
            continue
        uom = _UOM.get(metric.unit, "")
        warn, crit = (rule.warn, rule.crit) if rule else (None, None)
        yield _datum(f"{node.name}::{name}", _number(value) + uom, warn, crit)


def _datum(
    label: str, value: str, warn: Range | None = None, crit: Range | None = None, low: str = "", high: str = ""
) -> str:
    fields = (value, str(warn) if warn else "", str(crit) if crit else "", low, high)
    return f"{_quoted(label)}={';'.join(fields).rstrip(';')}"


def _quoted(label: str) -> str:
    # The guidelines allow any character but `=` and the quote itself.
    text = _safe(label).translate({ord("="): "_", ord("'"): "_"})
    return text if _BARE.fullmatch(text) else f"'{text}'"


def _label(node: NodeReport) -> str:
    verdict = node.verdict
    if verdict.maintenance:
        return "(maintenance)"
    if verdict.blamed is not None:
        return f"(behind {verdict.blamed})"
    return f"({verdict.mute.hush})" if verdict.mute is not None else verdict.state.name


def _safe(text: str) -> str:
    return clean(text, _LINE).replace("|", "¦")


def _number(value: float) -> str:
    return plain(float(f"{value:.6g}"))
