"""The sentences that `text` and `nagios` share: the summary of a report, and what is wrong with a node in a few words."""

from __future__ import annotations

from ...health import NodeReport, Report, mute_text
from ...model import State, Verdict, clean


def summary(report: Report) -> str:
    """What a whole check found, without its state: `1 of 3 nodes down, 2 warning`, `3 nodes up`."""
    counts = report.counts
    total = counts["total"]
    if not total:
        return "no node was selected"
    parts = []
    if counts["down"]:
        parts.append(f"{counts['down']} of {_nodes(total)} down")
    parts += [f"{counts[kind]} {kind}" for kind in ("critical", "warning", "unknown") if counts[kind]]
    if parts and not counts["down"]:
        parts[0] = f"{parts[0].replace(' ', f' of {_nodes(total)} ', 1)}"
    if not parts:
        parts.append(f"{_nodes(counts['up'])} up" if counts["up"] == total else f"{counts['up']} of {_nodes(total)} up")
    if counts["blamed"]:
        parts.append(f"{counts['blamed']} behind a dead parent")
    if counts["maintenance"]:
        parts.append(f"{counts['maintenance']} in maintenance")
    parts += [f"{counts[kind]} {kind}" for kind in ("silenced", "acknowledged") if counts[kind]]
    return ", ".join(parts)


def trouble(node: NodeReport) -> str:
    """What is wrong with a node, in one line; '' when nothing is."""
    reasons = node.verdict.reasons
    counted = [reason.text for reason in reasons if not reason.soft]
    waiting = [f"{reason.text} (seen, not counted yet)" for reason in reasons if reason.soft]
    if not counted and node.verdict.state is not State.OK:
        error = node.reach.error if node.reach else ""
        counted = [error or "nothing is known yet"]
    return "; ".join(clean(text) for text in (*counted, *waiting))


def said(verdict: Verdict) -> str:
    """What a person said of a node's alerts: `silenced until 14:30 by ada: new fans`; '' when nobody did."""
    return mute_text(verdict.mute) if verdict.mute is not None else ""


def rank(node: NodeReport) -> int:
    """For sorting problems, the worst first: alerts by state, then what is no alert."""
    verdict = node.verdict
    order = (State.CRITICAL, State.WARNING, State.UNKNOWN, State.OK).index(verdict.state)
    if verdict.maintenance or verdict.blamed is not None or verdict.mute is not None:
        return 10 + order
    if verdict.state is State.CRITICAL and not node.down:
        return 1
    return order + (order > 0)


def _nodes(count: int) -> str:
    return "1 node" if count == 1 else f"{count} nodes"
