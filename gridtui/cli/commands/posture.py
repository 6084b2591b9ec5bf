"""`gridtui posture`: how well each node is kept, what is wrong, and the playbook that mends it."""

from __future__ import annotations

import json
import re
import shlex
import time
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

import click

from ...errors import StateError, UsageError
from ...model import Node, Unsupported, clean, duration
from .. import exits, output
from ..main import Context, as_json, run, selecting, verb

if TYPE_CHECKING:
    from ...posture import Drift, Finding, Look, Posture

Fold = Callable[[Iterable[str]], str]

_DURATION = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,3})?)(s|m|min|h|d)?", re.ASCII)
_UNITS = {None: 1.0, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_COLOURS = {"high": "red", "medium": "yellow", "low": "cyan"}


def _seconds(_: click.Context, parameter: click.Parameter, value: str | None) -> float:
    if value is None:
        return 0.0
    match = _DURATION.fullmatch(value.strip())
    if not match:
        raise click.BadParameter(f"{value!r} is no duration: 6h, 30min, 1d")
    return float(match[1]) * _UNITS[match[2]]


@verb("posture", short_help="How well each node is kept, and what mends it.")
@selecting
@click.option("--diff", is_flag=True, help="What is another way than at the look before, in full.")
@click.option(
    "--every", metavar="TIME", callback=_seconds, help="Ask only nodes that were last asked longer ago: `6h`, `30min`."
)
@click.option("--known", is_flag=True, help="Ask nobody: what is known from the looks before.")
@click.option("--no-sudo", is_flag=True, help="Do not try sudo on nodes where the login is not root's.")
@click.option("--fail-under", type=click.IntRange(0, 100), metavar="N", help="Exit with 1 when a score is below N.")
@as_json
def command(
    context: Context,
    where: str,
    leave: str,
    diff: bool,
    every: float,
    known: bool,
    no_sudo: bool,
    fail_under: int | None,
    as_json: bool,
) -> int:
    """Ask each node how well it is kept: listening ports, sshd, firewall, updates, accounts, the kernel's settings.

    Each finding names the playbook that mends it. What is meant is accepted in the inventory: `gridtui_posture_accept: [ssh-x11]`.

    Exits with 0 when all is well or could be better, 1 when a finding of high severity counts or a score is below --fail-under,
    2 wrong usage, 3 nothing selected, 4 a node could not be reached; the worst wins: 4 over 1.
    """
    from ..passphrases import asking

    fleet = context.fleet(ask=asking())
    done = 0

    def seen(_: object) -> None:
        nonlocal done
        done += 1
        output.progress(f"{done} nodes asked")

    def problem(error: StateError) -> None:
        output.warning(f"{error}; there is nothing to compare with")

    if known:
        if every:
            raise UsageError("--known asks nobody, so --every says nothing")

        async def recall() -> dict[str, Look]:
            looks = {look.node: look async for look in fleet.known_posture(problem)}
            return {name: looks[name] for name in await fleet.choose(where, leave) if name in looks}

        looks = run(recall())
    else:
        sudo = False if no_sudo else None
        looks = run(fleet.posture(where, leave, every=every, sudo=sudo, seen=seen, problem=problem))
    output.progress("")
    if not looks:
        output.warning("none of the selected nodes was ever asked" if known else "nothing is selected")
        return exits.NOTHING
    _check_accepted(fleet.nodes, looks)
    if as_json:
        output.document(_document(looks), ascii_only=True)
    else:
        _show(looks, fleet.fold, diff)
    lost = [look for look in looks.values() if look.posture is None]
    for look in lost:
        output.warning(f"{look.node}: {look.layer + ': ' if look.layer else ''}{look.error}")
    if lost:
        return exits.UNREACHABLE
    postures = [look.posture for look in looks.values() if look.posture]
    low = [one for one in postures if fail_under is not None and (one.score is None or one.score < fail_under)]
    if low and fail_under:
        output.note(f"below {fail_under}: {fleet.fold(one.node for one in low)}")
    return exits.FAILED if low or any(one.high for one in postures) else exits.OK


def _check_accepted(nodes: Mapping[str, Node], looks: Mapping[str, Look]) -> None:
    """A slip of the pen in `gridtui_posture_accept` accepts nothing: that is told."""
    from ... import posture
    from ...monitor.posture import accepted

    known = {check.id for check in posture.CHECKS}
    unknown = {word for name in looks for word in accepted(nodes[name]) - known}
    if unknown:
        output.warning(f"gridtui_posture_accept names no finding: {', '.join(sorted(unknown))}")


def _show(looks: Mapping[str, Look], fold: Fold, diff: bool) -> None:
    shown = [(look, look.posture) for look in looks.values() if look.posture]
    if not shown:
        return
    head = ("NODE", "SCORE", "GRADE", "SURE", "HIGH", "MEDIUM", "LOW", "DRIFT", "WORST")
    output.table(head, (_row(look, posture) for look, posture in shown), (1, 3, 4, 5, 6))
    _findings([posture for _, posture in shown], fold)
    _unknowns([posture for _, posture in shown], fold)
    if diff or len(shown) == 1:
        for look, _ in shown:
            _drift(look)
    if len(shown) == 1:
        _details(shown[0][0], shown[0][1])


def _row(look: Look, posture: Posture) -> tuple[str, ...]:
    counts = [sum(finding.severity == level for finding in posture.counted) for level in (3, 2, 1)]
    worst = posture.worst
    return (
        posture.node,
        "" if posture.score is None else str(posture.score),
        (posture.grade or "") + ("?" if posture.confidence < 50 else ""),
        f"{posture.confidence}%",
        *map(str, counts),
        drift_text(look.drift),
        worst.title if worst else "",
    )


def drift_text(drift: Drift | None) -> str:
    """Drift in a few characters: `2 worse, 1 better`, `3 changed`, `none`; '' where there is nothing to compare with."""
    if drift is None:
        return ""
    better = len(drift.mended) + sum(port.world for port in drift.closed)
    parts = [f"{len(drift.worse)} worse" if drift.worse else "", f"{better} better" if better else ""]
    if text := ", ".join(part for part in parts if part):
        return text
    return "changed" if drift else "none"


def _findings(postures: list[Posture], fold: Fold) -> None:
    """Each finding once, under the nodes that have it; what was seen beside it, once where it is the same."""
    groups: dict[str, list[tuple[str, Finding]]] = {}
    for posture in postures:
        for finding in posture.findings:
            groups.setdefault(finding.id, []).append((posture.node, finding))
    for group in sorted(groups.values(), key=lambda group: (-group[0][1].severity, -group[0][1].weight)):
        finding = group[0][1]
        word = output.styled(f"{finding.severity.word:<6}", _COLOURS[finding.severity.word])
        output.data(f"\n{word} {finding.title}  [{finding.id}, -{finding.weight}]")
        seen: dict[tuple[str, bool], list[str]] = {}
        for node, one in group:
            seen.setdefault((one.seen, one.accepted), []).append(node)
        for (text, accepted), nodes in seen.items():
            output.data(clean(f"       {fold(nodes)}: {text}{' (accepted)' if accepted else ''}"))
        open_on = [node for node, one in group if not one.accepted]
        if open_on:
            output.data(f"       mend: {mend(finding, fold(open_on))}")


def mend(finding: Finding, nodes: str) -> str:
    """What mends a finding on `nodes` (a node set): a command of ours, or what a person does."""
    if not finding.playbook:
        return finding.advice
    extra = "".join(f" -e {shlex.quote(f'{name}={json.dumps(value)}')}" for name, value in finding.variables.items())
    return f"gridtui playbook run {finding.playbook} -w {shlex.quote(nodes)}{extra}"


def _unknowns(postures: list[Posture], fold: Fold) -> None:
    """What could not be told, by reason."""
    reasons: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for posture in postures:
        by_reason: dict[str, list[str]] = {}
        for unknown in posture.unknowns:
            by_reason.setdefault(unknown.why, []).append(unknown.id)
        for why, ids in by_reason.items():
            reasons.setdefault((why, tuple(ids)), []).append(posture.node)
    if reasons:
        output.data("\n" + output.styled("unknown", "dim") + ": neither good nor bad")
    for (why, checks), nodes in reasons.items():
        output.data(clean(f"       {fold(nodes)}: {why}: {', '.join(checks)}"))


def _drift(look: Look) -> None:
    drift = look.drift
    if drift is None:
        output.data(f"\ndrift of {look.node}: this was the first look")
        return
    ago = duration(max(0.0, (look.posture.time if look.posture else time.time()) - drift.before))
    output.data(f"\ndrift of {look.node} since the look before, {ago} earlier" + ("" if drift else ": none"))
    for sign, style, lines in (
        ("+", "red", [finding.title for finding in drift.appeared]),
        ("+", "red", [f"{port} opened" for port in drift.opened]),
        ("-", "green", [finding.title for finding in drift.mended]),
        ("-", "green", [f"{port} closed" for port in drift.closed]),
        ("~", "yellow", map(str, drift.changed)),
    ):
        for text in lines:
            output.data(output.styled(clean(f"     {sign} {text}", 600), style))


def _details(look: Look, posture: Posture) -> None:
    """What a table has no room for, of one node."""
    output.data("")
    if isinstance(posture.ports, Unsupported):
        output.data(f"ports: not known: {posture.ports.why}")
    elif posture.ports:
        output.table(
            ("PROTOCOL", "ADDRESS", "PORT", "REACHED BY", "PROCESS", "UNIT"),
            (
                (
                    port.protocol,
                    port.address,
                    str(port.port),
                    "network" if port.world else "itself",
                    port.process,
                    port.unit,
                )
                for port in posture.ports
            ),
            (2,),
        )
    if posture.lynis is not None:
        output.data(f"Lynis' last report: hardening index {posture.lynis}")
    if not posture.privileged:
        output.data(
            "answered without root: log in as root, or let sudo run /bin/sh without a password, to know the rest"
        )
    when = "" if look.fresh else f"; asked {duration(max(0.0, time.time() - posture.time))} ago"
    output.data(f"{len(posture.passed)} checks found nothing{when}")


def _document(looks: Mapping[str, Look]) -> dict[str, object]:
    return {"schema": 1, "time": time.time(), "nodes": [_node(look) for look in looks.values()]}


def _node(look: Look) -> dict[str, object]:
    posture, drift = look.posture, look.drift
    found: dict[str, object] = {
        "name": look.node,
        "layer": look.layer,
        "error": look.error or None,
        "fresh": look.fresh,
    }
    if posture is None:
        return {**found, "score": None, "grade": None, "findings": []}
    found |= {
        "time": posture.time,
        "score": posture.score,
        "grade": posture.grade,
        "confidence": posture.confidence,
        "root": posture.privileged,
        "lynis": posture.lynis,
        "findings": [_finding(finding, look.node) for finding in posture.findings],
        "unknown": [
            {"id": one.id, "title": one.title, "why": one.why, "needs_root": one.permission} for one in posture.unknowns
        ],
        "passed": list(posture.passed),
        "ports": None if isinstance(posture.ports, Unsupported) else [_port(port) for port in posture.ports],
    }
    found["drift"] = (
        None
        if drift is None
        else {
            "since": drift.before,
            "worse": list(drift.worse),
            "appeared": [finding.id for finding in drift.appeared],
            "mended": [finding.id for finding in drift.mended],
            "opened": [_port(port) for port in drift.opened],
            "closed": [_port(port) for port in drift.closed],
            "changed": [{"name": one.name, "before": one.before, "after": one.after} for one in drift.changed],
        }
    )
    return found


def _finding(finding: Finding, node: str) -> dict[str, object]:
    return {
        "id": finding.id,
        "severity": finding.severity.word,
        "title": finding.title,
        "seen": finding.seen,
        "weight": finding.weight,
        "playbook": finding.playbook or None,
        "variables": dict(finding.variables),
        "mend": mend(finding, node),
        "accepted": finding.accepted,
    }


def _port(port: object) -> dict[str, object]:
    names = ("protocol", "address", "port", "world", "process", "unit")
    return {name: getattr(port, name) for name in names}
