"""`gridtui maintenance`: nodes that are worked on."""

from __future__ import annotations

from collections.abc import Sequence

import click

from ...model import Hush
from .. import muting
from ..main import Context, verb


@verb("maintenance", short_help="Nodes that are worked on are no alerts.")
@click.option("--for", "span", metavar="SPAN", help="How long: `15m`, `2h`, `1d`.  [default: until it is taken back]")
@muting.saying
def command(context: Context, selection: Sequence[str], why: str, end: bool, as_json: bool, span: str | None) -> int:
    """The nodes of SEL are worked on: watched, but no alert, and they get no jobs. As `gridtui_maintenance` in the inventory.

    SEL is a selection, as for -w. It ends with --end, or after --for.
    """
    seconds = muting.for_how_long(span)
    return muting.hush(context, selection, Hush.MAINTENANCE, seconds, why, end, as_json)
