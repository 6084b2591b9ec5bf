"""`gridtui ack`: somebody knows of the alerts of some nodes."""

from __future__ import annotations

from collections.abc import Sequence

from ...model import Hush
from .. import exits, muting, output
from ..main import Context, run, verb


@verb("ack", short_help="Somebody knows of the alerts of some nodes.")
@muting.saying
def command(context: Context, selection: Sequence[str], why: str, end: bool, as_json: bool) -> int:
    """Acknowledge what is wrong with the nodes of SEL now, until it ends. What becomes worse, or goes wrong besides, is an alert again.

    SEL is a selection, as for -w. The nodes are looked at first, as `gridtui check` would; those that are well are left out. The exit
    status is 1 where there was nothing to acknowledge.
    """
    if end:
        return muting.hush(context, selection, Hush.ACKNOWLEDGED, None, why, end, as_json)
    fleet, where = muting.opened(context, selection)
    report = run(fleet.check(where, keep=False))
    if not report.nodes:
        output.warning("nothing is selected")
        return exits.NOTHING
    verdicts = {node.name: node.verdict for node in report.nodes}
    mutes = run(fleet.mute(verdicts, Hush.ACKNOWLEDGED, why=why, verdicts=verdicts))
    return muting.told(fleet, list(verdicts), mutes, as_json)
