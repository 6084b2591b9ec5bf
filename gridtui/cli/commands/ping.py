"""`gridtui ping`: an ICMP sweep with loss and round trips."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import click

from .. import exits, output
from ..main import Context, as_json, run, selecting, verb

if TYPE_CHECKING:
    from ...fleet import Pinged


@verb("ping", short_help="An ICMP sweep with loss and round trips.")
@selecting
@click.option(
    "-c", "--count", type=click.IntRange(1, 100_000), default=3, show_default=True, help="Echoes to each node."
)
@click.option(
    "--interval", type=click.FloatRange(0.01, 3600), default=1.0, show_default=True, help="Seconds between two."
)
@click.option(
    "--timeout", type=click.FloatRange(0.01, 60), default=1.0, show_default=True, help="Seconds until one is lost."
)
@as_json
def command(
    context: Context, where: str, leave: str, count: int, interval: float, timeout: float, as_json: bool
) -> int:
    """Send echoes to the selected nodes and show loss and min/avg/max/jitter of their round trips.

    Exits with 0 when all answer, 1 when some do not, 3 when nothing is selected.
    """
    fleet = context.fleet()
    results = run(fleet.ping(where, leave, count=count, interval=interval, timeout=timeout))
    if not results:
        output.warning("nothing is selected")
        return exits.NOTHING
    if as_json:
        output.document({"schema": 1, "time": time.time(), "nodes": [_json(result) for result in results.values()]})
    else:
        output.table(
            ("NODE", "ADDRESS", "SENT", "LOSS", "MIN", "AVG", "MAX", "JITTER", "BY"),
            [_row(result) for result in results.values()],
            range(2, 8),
        )
    for result in results.values():
        if result.error:
            output.warning(f"{result.node.name}: {result.error}")
    silent = [name for name, result in results.items() if not result.trips.received]
    if silent and not as_json:
        output.note(f"{len(silent)} of {len(results)} do not answer: {fleet.fold(silent)}")
    return exits.FAILED if silent else exits.OK


def _row(result: Pinged) -> tuple[str, ...]:
    trips = result.trips
    loss = f"{trips.loss:.0f}%" if trips.sent else ""
    times = map(_milliseconds, (trips.min, trips.avg, trips.max, trips.jitter))
    return (result.node.name, result.node.address, str(trips.sent or ""), loss, *times, trips.method)


def _milliseconds(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds * 1000:.3f} ms" if seconds < 0.1 else f"{seconds * 1000:.0f} ms"


def _json(result: Pinged) -> dict[str, Any]:
    trips = result.trips
    return {
        "name": result.node.name,
        "address": result.node.address,
        "method": trips.method,
        "sent": trips.sent,
        "received": trips.received,
        "loss": trips.loss,
        "min": trips.min,
        "avg": trips.avg,
        "max": trips.max,
        "jitter": trips.jitter,
        "error": result.error or None,
    }
