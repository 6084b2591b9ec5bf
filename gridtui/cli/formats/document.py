"""A check's report as one JSON document. Owns its shape: fields may be added, never renamed or removed.

Times are seconds since the epoch, durations seconds, metrics in the units of `metrics.METRICS`. States are the upper-case words.
"""

from __future__ import annotations

import json
import math
from typing import Any

from ...health import NodeReport, Report
from ...model import Reason

SCHEMA = 1


def render(report: Report) -> str:
    """The document as text, one line ended; RFC 8259 (no NaN, no infinity)."""
    return json.dumps(document(report), indent=2, ensure_ascii=True, allow_nan=False) + "\n"


def document(report: Report) -> dict[str, Any]:
    """The document as values."""
    return {
        "schema": SCHEMA,
        "state": report.state.name,
        "time": report.time,
        "seconds": round(report.seconds, 3),
        "counts": dict(report.counts),
        "nodes": [_node(node) for node in report.nodes],
    }


def _node(node: NodeReport) -> dict[str, Any]:
    verdict = node.verdict
    return {
        "name": node.name,
        "state": verdict.state.name,
        "layer": verdict.layer.value if verdict.layer else None,
        "since": verdict.since,
        "reasons": [_reason(reason) for reason in verdict.reasons],
        "up": None if node.unknown else node.up,
        "alert": verdict.alert,
        "maintenance": verdict.maintenance,
        "blamed": verdict.blamed,
        "flapping": verdict.flapping,
        "changed": node.changed,
        "error": node.reach.error if node.reach else "",
        "ping": node.method.value if node.method else None,
        "metrics": {name: value for name, value in node.metrics.items() if math.isfinite(value)},
    }


def _reason(reason: Reason) -> dict[str, Any]:
    value = reason.value if reason.value is not None and math.isfinite(reason.value) else None
    return {
        "rule": reason.rule,
        "state": reason.state.name,
        "text": reason.text,
        "since": reason.since,
        "value": value,
        "soft": reason.soft,
    }
