"""A check's report as one JSON document. Owns its shape: fields may be added, never renamed or removed.

Times are seconds since the epoch, durations seconds, metrics in the units of `metrics.METRICS`. States are the upper-case words.
"""

from __future__ import annotations

import json
import math
from typing import Any

from ...health import NodeReport, Report
from ...model import Mute, Reason

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
        "reasons": [reason(found) for found in verdict.reasons],
        "up": None if node.unknown else node.up,
        "alert": verdict.alert,
        "maintenance": verdict.maintenance,
        "mute": mute(verdict.mute),
        "blamed": verdict.blamed,
        "flapping": verdict.flapping,
        "changed": node.changed,
        "error": node.reach.error if node.reach else "",
        "ping": node.method.value if node.method else None,
        "metrics": {name: value for name, value in node.metrics.items() if math.isfinite(value)},
    }


def mute(said: Mute | None) -> dict[str, Any] | None:
    """What a person said of a node's alerts."""
    if said is None:
        return None
    return {"kind": said.hush.value, "since": said.since, "until": said.until, "who": said.who, "why": said.why}


def reason(found: Reason) -> dict[str, Any]:
    """One rule that holds against a node."""
    value = found.value if found.value is not None and math.isfinite(found.value) else None
    return {
        "rule": found.rule,
        "state": found.state.name,
        "text": found.text,
        "since": found.since,
        "value": value,
        "soft": found.soft,
    }
