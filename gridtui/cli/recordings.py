"""What `history`, `events` and `replay` share: which recording, which nodes of it, which span."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ..errors import StateError
from ..model import State, Verdict
from . import moments, output
from .main import Context

if TYPE_CHECKING:
    from ..recorder import Recording

_NOTHING = "nothing was recorded of these nodes yet"
_HINT = "the dashboard records while it runs, unless history.on is false in the settings"

Body = TypeVar("Body", bound=Callable[..., Any])


def spanning(since: str) -> Callable[[Body], Body]:
    """`--since`, `--until` and `--from`, the same for every command."""

    def decorate(function: Body) -> Body:
        for option in (
            click.option(
                "--from",
                "source",
                type=click.Path(path_type=Path),
                metavar="FILE",
                help="A recording that was exported.",
            ),
            click.option("--until", default="now", metavar="TIME", help="Up to then.  [default: now]"),
            click.option(
                "--since",
                default=since,
                metavar="TIME",
                show_default=True,
                help="From then on: `2h` ago, `14:30`, `2026-11-22T14:30`.",
            ),
        ):
            function = option(function)
        return function

    return decorate


def recorded(context: Context) -> Path:
    """Where the inventory's nodes are recorded. Raises StateError where nothing was yet."""
    path = context.fleet().recording
    if path is None:
        raise StateError(_NOTHING, hint=_HINT)
    return path


def opened(context: Context, source: Path | None) -> Recording:
    """The recording of a file, else that of the inventory. Raises StateError, also where there is none yet."""
    from ..recorder import Recording

    return Recording.open(recorded(context) if source is None else source)


def known(context: Context, source: Path | None) -> Recording:
    """The same for who asks what happened: that nothing was recorded yet is an answer too, and is told."""
    from ..recorder import Recording

    if source is None and (fleet := context.fleet()).recording is None:
        output.note(f"{_NOTHING}; {_HINT}")
        return Recording.empty(fleet.nodes)
    return opened(context, source)


def span(recording: Recording, since: str, until: str, given: bool) -> tuple[float, float]:
    """The span that is meant; of a file from elsewhere, `2h` is two hours before its end. Raises click.BadParameter."""
    now = recording.until if given else time.time()
    begin, end = moments.moment(since, now), moments.moment(until, now)
    if begin >= end:
        raise click.BadParameter(f"--since {since} is not before --until {until}")
    return begin, end


def chosen(recording: Recording, where: str, leave: str, when: float) -> list[str]:
    """The nodes of a recording that are selected, with the values of a moment. Raises SelectionError."""
    from .. import inventory as inventories
    from ..recorder import STEP

    inventory = inventories.inventory_of(recording.nodes.values())
    wanted = inventories.selection(where, leave, inventory)
    if not wanted.needs:
        return list(wanted.resolve(inventory))
    statuses = recording.at(min(when, recording.until) - STEP)  # the last values that are whole
    return list(wanted.resolve(inventory, statuses.__getitem__))


_WORDS = {State.OK: "up", State.WARNING: "warning", State.CRITICAL: "critical", State.UNKNOWN: "unknown"}


def state(verdict: Verdict) -> str:
    """A verdict in a word or two."""
    if verdict.layer is not None:
        return f"behind {verdict.blamed}" if verdict.blamed else f"down: {verdict.layer}"
    return _WORDS[verdict.state]


def why(verdict: Verdict) -> str:
    """What counted against a node."""
    return "; ".join(reason.text for reason in verdict.reasons if not reason.soft)


def document(verdict: Verdict) -> dict[str, Any]:
    """A verdict in `--json`."""
    return {
        "state": verdict.state.name,
        "layer": verdict.layer,
        "since": verdict.since,
        "maintenance": verdict.maintenance,
        "blamed": verdict.blamed,
        "muted": str(verdict.mute.hush) if verdict.mute else None,
        "reasons": [
            {
                "rule": reason.rule,
                "state": reason.state.name,
                "text": reason.text,
                "since": reason.since,
                "value": reason.value,
            }
            for reason in verdict.reasons
            if not reason.soft
        ],
    }
