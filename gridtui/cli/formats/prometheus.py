"""A check's report for node_exporter's textfile collector: the text exposition format 0.0.4 of Prometheus.

Base units and ratios, as Prometheus's naming conventions ask; no time stamps, which the collector refuses: the time of the run
is a gauge. A metric that is not known has no sample, so an alert on absence works. Each family is written once, in one piece.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from ...health import NodeReport, Report
from ...metrics import METRICS, Metric
from ...model import Hush

# Unit of the core -> suffix, and how many of it make one base unit. Divided by, so that 91 % is 0.91 to the last digit.
_UNITS: Mapping[str, tuple[str, float]] = {
    "%": ("_ratio", 100.0),
    "B": ("_bytes", 1.0),
    "B/s": ("_bytes_per_second", 1.0),
    "s": ("_seconds", 1.0),
    "°C": ("_celsius", 1.0),
    "W": ("_watts", 1.0),
    "1/s": ("_per_second", 1.0),
    "": ("", 1.0),
}
# `_count` is kept for histograms, and a flag says what it flags.
_NAMES = {"gpu.count": "gpus", "reboot": "reboot_required"}


@dataclass(slots=True)
class _Family:
    name: str
    text: str
    samples: dict[tuple[tuple[str, str], ...], float] = field(default_factory=dict)
    """By labels: a name that is there twice gives one sample."""

    def add(self, value: float | None, **labels: str) -> None:
        if value is not None and math.isfinite(value):
            self.samples.setdefault(tuple(labels.items()), float(value))

    def lines(self) -> Iterator[str]:
        if not self.samples:
            return
        yield f"# HELP {self.name} {_help(self.text)}"
        yield f"# TYPE {self.name} gauge"
        for labels, value in self.samples.items():
            pairs = ",".join(f'{key}="{_label(text)}"' for key, text in labels)
            yield f"{self.name}{{{pairs}}} {_number(value)}" if pairs else f"{self.name} {_number(value)}"


def _hushed(node: NodeReport, hush: Hush) -> bool:
    return node.verdict.mute is not None and node.verdict.mute.hush is hush


_OF_NODE: tuple[tuple[str, str, Callable[[NodeReport], float | None]], ...] = (
    ("gridtui_up", "Whether the node answers, all the way to a shell.", lambda n: None if n.unknown else n.up),
    ("gridtui_state", "State of the node: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN.", lambda n: n.verdict.state),
    ("gridtui_alert", "Whether somebody should be told.", lambda n: n.verdict.alert),
    ("gridtui_state_since_seconds", "When the state began, seconds since the epoch.", lambda n: n.verdict.since),
    ("gridtui_flapping", "Whether the node comes and goes.", lambda n: n.verdict.flapping),
    ("gridtui_maintenance", "Whether the node is in maintenance.", lambda n: n.verdict.maintenance),
    ("gridtui_silenced", "Whether somebody silenced its alerts for a while.", lambda n: _hushed(n, Hush.SILENCED)),
    ("gridtui_acknowledged", "Whether somebody knows of its alert.", lambda n: _hushed(n, Hush.ACKNOWLEDGED)),
    ("gridtui_blamed", "Whether a dead parent explains the silence.", lambda n: n.verdict.blamed is not None),
)


def render(report: Report) -> str:
    """The exposition, lines ended. Write it with mode 0644 under a temporary name in the collector's folder and rename it."""
    return "".join(f"{line}\n" for family in _families(report) for line in family.lines())


def metric_name(metric: Metric) -> str:
    """The name of a metric's family: `gridtui_disk_ratio`, `gridtui_mem_free_bytes`, `gridtui_load`."""
    suffix, _ = _UNITS[metric.unit]
    return f"gridtui_{_NAMES.get(metric.name, metric.name.replace('.', '_'))}{suffix}"


def _families(report: Report) -> Iterator[_Family]:
    for name, text, value in (
        ("gridtui_check_time_seconds", "When this check began, seconds since the epoch.", report.time),
        ("gridtui_check_duration_seconds", "How long this check took.", report.seconds),
        ("gridtui_check_state", "State of all nodes together: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN.", report.state),
    ):
        family = _Family(name, text)
        family.add(value)
        yield family
    family = _Family("gridtui_nodes", "Nodes by what is to be said of them.")
    for kind, count in report.counts.items():
        if kind not in ("total", "up"):
            family.add(count, kind=kind)
    yield family
    for name, text, read in _OF_NODE:
        family = _Family(name, text)
        for node in report.nodes:
            family.add(read(node), node=node.name)
        yield family
    family = _Family("gridtui_layer_failed", "The first layer that failed, of a node that is down.")
    for node in report.nodes:
        if node.layer is not None:
            family.add(1, node=node.name, layer=node.layer.value)
    yield family
    for metric in METRICS.values():
        _, divisor = _UNITS[metric.unit]
        family = _Family(metric_name(metric), f"{metric.text[0].upper()}{metric.text[1:]}.")
        for node in report.nodes:
            if (number := node.metrics.get(metric.name)) is not None:
                family.add(number / divisor, node=node.name)
        yield family


def _help(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")


def _label(text: str) -> str:
    # Half a surrogate pair cannot be written as UTF-8.
    whole = text.encode("utf-8", "replace").decode()
    return whole.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)
