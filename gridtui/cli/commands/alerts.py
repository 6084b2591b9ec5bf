"""`gridtui alerts`: what asks for somebody now, what was said of it, and by whom."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from ...errors import StateError
from ...model import Mute, clean, duration
from .. import output
from ..main import Context, as_json, run, selecting, verb

if TYPE_CHECKING:
    from ...fleet import Fleet
    from ...health.alerts import Alert, Alerts

MAX_RUNTIME = 55.0


@verb("alerts", short_help="What asks for somebody now.")
@selecting
@as_json
@click.option(
    "--max-runtime",
    type=click.FloatRange(1, 86400),
    default=MAX_RUNTIME,
    show_default=True,
    metavar="S",
    help="Seconds after which what has not answered is left out.",
)
def command(context: Context, where: str, leave: str, as_json: bool, max_runtime: float) -> int:
    """Look at the selected nodes once: alerts first, then what is ill but acknowledged, silenced or in maintenance.

    Exits as `gridtui check` does, and judges as its next run would, but leaves that run its news.
    """
    from ...health.alerts import alerts
    from ..passphrases import asking

    fleet = context.fleet(ask=asking())

    def problem(error: StateError) -> None:
        output.warning(f"{error}; this look goes on without it")

    report = run(fleet.check(where, leave, max_runtime=max_runtime, problem=problem, keep=False))
    found = alerts(node.verdict for node in report.nodes)
    names = {node.name for node in report.nodes}
    said = [mute for mute in fleet.mutes() if mute.node in names]
    if as_json:
        document = {
            "schema": 1,
            "state": report.state.name,
            "time": report.time,
            "alerts": [_entry(alert) for alert in found.loud],
            "quiet": [_entry(alert) for alert in found.quiet],
            "said": [_said(mute) for mute in said],
        }
        output.document(document, ascii_only=True)
    else:
        _table(fleet, found, said, report.time)
    return int(report.state)


def _entry(alert: Alert) -> Mapping[str, Any]:
    from ..formats import document

    verdict = alert.verdict
    return {
        "name": alert.node,
        "state": verdict.state.name,
        "layer": verdict.layer.value if verdict.layer else None,
        "since": alert.since,
        "reasons": [document.reason(reason) for reason in alert.reasons],
        "behind": list(alert.behind),
        "mute": document.mute(verdict.mute),
    }


def _said(mute: Mute) -> Mapping[str, Any]:
    from ..formats import document

    return {"name": mute.node, **(document.mute(mute) or {})}


def _table(fleet: Fleet, found: Alerts, said: list[Mute], now: float) -> None:
    from ...health import mute_text

    ill = {alert.node for alert in (*found.loud, *found.quiet)}
    rows = [
        _row(fleet, alert, now, alert.verdict.state.name if alert.verdict.alert else _hush(alert))
        for alert in (*found.loud, *found.quiet)
    ]
    rows += [
        (mute.hush.value, mute.node, duration(max(0.0, now - mute.since)), "", f"well; {mute_text(mute)}")
        for mute in said
        if mute.node not in ill
    ]
    if rows:
        output.table(("STATE", "NODE", "FOR", "RULE", "WHAT"), rows)
    quiet = f", {len(found.quiet)} acknowledged, silenced or in maintenance" if found.quiet else ""
    output.note(f"{len(found.loud)} alert{'' if len(found.loud) == 1 else 's'}{quiet}")


def _hush(alert: Alert) -> str:
    return alert.verdict.mute.hush.value if alert.verdict.mute else "maintenance"


def _row(fleet: Fleet, alert: Alert, now: float, state: str) -> tuple[str, str, str, str, str]:
    from ..formats import words

    reasons = alert.reasons
    text = "; ".join(clean(reason.text) for reason in reasons) or "nothing is known of it"
    if alert.behind:
        count = len(alert.behind)
        text += f"; {count} node{'' if count == 1 else 's'} behind it: {fleet.fold(alert.behind)}"
    if spoken := words.said(alert.verdict):
        text = f"{spoken}; {text}"
    rules = ",".join(reason.rule for reason in reasons)
    return state, alert.node, duration(max(0.0, now - alert.since)), rules, text
