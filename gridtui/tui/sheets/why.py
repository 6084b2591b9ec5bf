"""Why the node is ill: each rule that holds against it, with its value, its range, since when, and how many samples say so."""

from __future__ import annotations

import math

from ...health import Range, mute_text, value_text
from ...metrics import METRICS
from ...model import Reason, State, Status
from .. import text
from ..states import HUSHES, STATE_ROLES
from .words import Parts, Row, View, wrapped

_SIGNS = {State.CRITICAL: "◆", State.WARNING: "▲", State.UNKNOWN: "?", State.OK: "●"}
_LEVELS = {State.CRITICAL: "critical", State.WARNING: "warning", State.UNKNOWN: "unknown", State.OK: "ok"}


def why(status: Status, cells: int) -> list[Parts]:
    """Every reason in full: the lines at the top cut what is long, and a host key's fingerprint is of use only whole."""
    lines: list[Parts] = []
    for reason in status.verdict.reasons:
        lines += _told(reason, cells)
    return lines


def _told(reason: Reason, cells: int) -> list[Parts]:
    role = STATE_ROLES[reason.state]
    found = wrapped("", reason.text.split(), cells, label=2)
    sign = f"{_SIGNS[reason.state]} "
    return [((sign if not index else "  ", role), (parts[-1][0], role)) for index, parts in enumerate(found)]


def rows(view: View, cells: int) -> list[Row]:
    """For the page: each reason, and the rule behind it below."""
    grounds = {id(ground.reason): ground for ground in view.grounds}
    by_rule = {(ground.reason.rule, ground.reason.state): ground for ground in view.grounds}
    mute = view.status.verdict.mute
    found: list[Row] = []
    if mute is not None:
        said = f"{HUSHES[mute.hush]} {text.plain(mute_text(mute, view.now))}"
        found += [Row(((line, "accent"),)) for line in text.fold(said, max(20, cells))]
    for reason in view.status.verdict.reasons:
        found += [Row(parts, reason.rule) for parts in _told(reason, cells)]
        ground = grounds.get(id(reason)) or by_rule.get((reason.rule, reason.state))
        words = [f"rule {reason.rule}, {_LEVELS[reason.state]}"]
        if ground is not None and ground.range is not None:
            words.append(_range(reason.rule, ground.range))
        if reason.value is not None and reason.rule in METRICS:
            words.append(f"now {value_text(reason.rule, reason.value)}")
        if reason.since:
            words.append(f"for {text.age(view.now - reason.since)}")
        if ground is not None and ground.needed:
            words.append(_samples(reason, ground.count, ground.needed))
        elif reason.soft:
            words.append("not yet counted")
        folded = text.fold(", ".join(words), max(20, cells - 2))
        found += [Row(((f"  {line}", "dim"),), reason.rule) for line in folded]
    return found


def _range(rule: str, limit: Range) -> str:
    """A range in words: what of the metric is fine, or is not."""
    low = value_text(rule, limit.start) if limit.start > 0 or (math.isfinite(limit.start) and limit.inside) else ""
    if math.isfinite(limit.start) and limit.start < 0:
        low = value_text(rule, limit.start)
    high = value_text(rule, limit.end) if math.isfinite(limit.end) else ""
    span = f"from {low} to {high}" if low and high else f"up to {high}" if high else f"from {low or 0} on"
    return f"{'not fine' if limit.inside else 'fine'} {span}"


def _samples(reason: Reason, count: int, needed: int) -> str:
    if reason.soft:
        return f"not yet counted: {count} of {needed} samples in a row"
    if count:
        return f"{count} of {needed} samples in a row are fine again"
    return f"ends after {needed} fine sample{'' if needed == 1 else 's'} in a row"
