"""`gridtui events`: what happened, from the recording."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ...events import Changed, Event, Noted, Rebooted
from ...model import State, clean
from .. import exits, moments, output, recordings
from ..main import Context, as_json, selecting, verb

if TYPE_CHECKING:
    from ...recorder import Recording

LOOK = 1.0
"""Seconds between two looks for what is new."""


@verb("events", short_help="What happened to nodes.")
@selecting
@recordings.spanning("1d")
@click.option("-a", "--alarms", is_flag=True, help="Only what asked for attention.")
@click.option(
    "-f", "--follow", is_flag=True, help="Go on with what happens, until interrupted; some seconds after it did."
)
@as_json
def command(
    context: Context,
    where: str,
    leave: str,
    since: str,
    until: str,
    source: Path | None,
    alarms: bool,
    follow: bool,
    as_json: bool,
) -> int:
    """Show what happened to nodes while they were watched: changes of their state, reboots, notes, alarms.

    With --follow and --json, each event is a line of its own. Exits with 0, 3 when nothing is selected.
    """
    if follow and source is not None:
        raise click.UsageError(
            "nothing happens any more in a recording that was exported: --follow is for the live one"
        )
    # What is recorded later would be in another file than the one that is followed.
    with (recordings.opened if follow else recordings.known)(context, source) as recording:
        begin, end = recordings.span(recording, since, until, source is not None)
        names = None
        if where or leave:
            names = recordings.chosen(recording, where, leave, end)
            if not names:
                output.warning("nothing is selected")
                return exits.NOTHING
        found = list(recording.numbered_events(begin, end, names))
        events = [event for _, event in found if not alarms or _alarming(event)]
        if as_json and not follow:
            output.document({"schema": 1, "since": begin, "until": end, "events": [_json(event) for event in events]})
            return exits.OK
        width = max((len(event.node or "") for event in events), default=8)
        for event in events:
            _say(event, width, as_json)
        if not events and not follow:
            output.note("nothing happened then, as far as was recorded")
        if follow:
            _follow(recording, names, begin, max((number for number, _ in found), default=0), alarms, width, as_json)
    return exits.OK


def _follow(
    recording: Recording, names: list[str] | None, since: float, last: int, alarms: bool, width: int, as_json: bool
) -> None:
    while True:
        output.flush()
        time.sleep(LOOK)
        for number, event in recording.numbered_events(since, 1e12, names, after=last):
            last = max(last, number)
            if not alarms or _alarming(event):
                _say(event, width, as_json)


def _say(event: Event, width: int, as_json: bool) -> None:
    if as_json:
        output.data(json.dumps(_json(event), ensure_ascii=True, allow_nan=False))
    else:
        words, text = _told(event)
        output.data(
            clean(f"{moments.written(_when(event))}  {event.node or 'gridtui':<{width}}  {words:<14}  {text}").rstrip()
        )


def _when(event: Event) -> float:
    return event.time if isinstance(event, Changed | Rebooted | Noted) else 0.0


def _alarming(event: Event) -> bool:
    if isinstance(event, Changed):
        return event.after.alert and event.after.state is not State.UNKNOWN
    return isinstance(event, Rebooted) or (isinstance(event, Noted) and event.alarm)


def _told(event: Event) -> tuple[str, str]:
    if isinstance(event, Changed):
        before, after = recordings.state(event.before), recordings.state(event.after)
        was = f"was {before}" if before != after else ""
        return after, "  ".join(filter(None, (was, recordings.why(event.after))))
    if isinstance(event, Rebooted):
        return "rebooted", ""
    return ("alarm" if isinstance(event, Noted) and event.alarm else "note"), event.text if isinstance(
        event, Noted
    ) else ""


def _json(event: Event) -> dict[str, Any]:
    kept: dict[str, Any] = {"time": _when(event), "node": event.node, "alarm": _alarming(event)}
    if isinstance(event, Changed):
        return kept | {
            "kind": "changed",
            "before": recordings.document(event.before),
            "after": recordings.document(event.after),
        }
    if isinstance(event, Rebooted):
        return kept | {"kind": "rebooted"}
    return kept | {"kind": "noted", "text": event.text if isinstance(event, Noted) else ""}
