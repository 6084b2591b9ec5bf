"""`gridtui silence`: no alerts from some nodes, for a while."""

from __future__ import annotations

from collections.abc import Sequence

import click

from ...model import Hush
from .. import muting
from ..main import Context, verb


@verb("silence", short_help="No alerts from some nodes, for a while.")
@click.option("--for", "span", default="1h", show_default=True, metavar="SPAN", help="How long: `15m`, `2h`, `1d`.")
@muting.saying
def command(context: Context, selection: Sequence[str], why: str, end: bool, as_json: bool, span: str) -> int:
    """Whatever is wrong with the nodes of SEL is no alert, for a while. It is still looked at and shown.

    SEL is a selection, as for -w. A silence ends by itself, or with --end.
    """
    seconds = muting.for_how_long(span)
    return muting.hush(context, selection, Hush.SILENCED, seconds, why, end, as_json)
