"""A check's report for people: a summary, then a line for each problem, nodes with the same one folded together."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from ...health import NodeReport, Report
from ...model import State, clean, duration
from ..width import columns
from .words import rank, said, summary, trouble

Paint = Callable[[str, str], str]
"""A word and the name of a colour to the word in that colour (`cli.output.styled`)."""

_COLOURS = {State.OK: "green", State.WARNING: "yellow", State.CRITICAL: "red", State.UNKNOWN: "cyan"}
_WIDEST = 40
"""Columns that names may take before the rest of their line moves on."""
_ADDRESS = re.compile(r"[0-9a-fA-F]*[0-9][0-9a-fA-F:.%]*")


def listed(names: Iterable[str]) -> str:
    """Names with commas: the folding that needs no node-set grammar."""
    return ",".join(names)


def unpainted(word: str, _colour: str) -> str:
    """No colour."""
    return word


def render(
    report: Report,
    *,
    fold: Callable[[Iterable[str]], str] = listed,
    paint: Paint = unpainted,
    quiet: bool = False,
    changed: bool = False,
) -> str:
    """The report for people. '' when `quiet` and the state is OK, or when `changed` and nothing changed.

    With `changed` it lists what is news since the run before, nodes that are well again among it.
    """
    if quiet and report.state is State.OK:
        return ""
    shown = [node for node in report.nodes if node.changed] if changed else [n for n in report.nodes if trouble(n)]
    if changed and not shown:
        return ""
    state = report.state
    head = f"{paint(state.name, _COLOURS[state])}: {summary(report)} ({report.seconds:.1f} s)"
    rows = [_row(nodes, report.time, fold) for nodes in _alike(shown)]
    label_width = max((len(label) for label, *_ in rows), default=0)
    name_width = min(_WIDEST, max((columns(names) for _, _, names, _ in rows), default=0))
    lines = [head]
    for label, colour, names, text in rows:
        pad = " " * max(0, name_width - columns(names))
        lines.append(f"{paint(label, colour)}{' ' * (label_width - len(label))}  {names}{pad}  {text}".rstrip())
    return "\n".join(lines) + "\n"


def _alike(nodes: list[NodeReport]) -> list[list[NodeReport]]:
    """Nodes with the same problem together, the worst problem first, each in the order that they came."""
    groups: dict[tuple[object, ...], list[NodeReport]] = {}
    for node in sorted(nodes, key=rank):
        verdict = node.verdict
        text = trouble(node)
        if node.down:
            # What refused thirty connections differs in nothing but its address.
            name = re.escape(clean(node.name))
            text = _ADDRESS.sub("#", re.sub(rf"(?<!\w){name}(?!\w)", "#", text) if name else text)
        groups.setdefault(
            (rank(node), verdict.state, verdict.blamed, verdict.maintenance, said(verdict), text), []
        ).append(node)
    return list(groups.values())


def _row(nodes: list[NodeReport], now: float, fold: Callable[[Iterable[str]], str]) -> tuple[str, str, str, str]:
    first = nodes[0]
    verdict = first.verdict
    label, colour = verdict.state.name, _COLOURS[verdict.state]
    if verdict.state is not State.OK and verdict.maintenance:
        label, colour = "maintenance", "dim"
    elif verdict.blamed is not None:
        label, colour = "blamed", "dim"
    elif verdict.state is not State.OK and verdict.mute is not None:
        label, colour = verdict.mute.hush.value, "dim"
    text = trouble(first) or "well again"
    if len({trouble(node) for node in nodes}) > 1:
        text += " (and the like)"
    if verdict.blamed is not None:
        text = f"behind {clean(verdict.blamed)}, which is down; {text}"
    if verdict.state is not State.OK and (past := now - min(node.verdict.since for node in nodes)) >= 1:
        text += f", for {duration(past)}"
    if verdict.state is not State.OK and (words := said(verdict)):
        text += f"; {words}"
    return label, colour, clean(fold([node.name for node in nodes])), text
