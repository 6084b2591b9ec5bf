"""`gridtui job nodes|drain|undrain|usage`: nodes as jobs see them."""

from __future__ import annotations

import time
from collections.abc import Sequence

import click

from ...errors import UsageError
from ...jobs.model import JobState
from ...jobs.spec import amounts
from ...model import clean, duration
from .. import exits, output
from ..main import Context, as_json, run, verb
from . import opening, wording

_BARS = 40
_MOST_STEPS = 10_000


@verb("drain", short_help="Give nodes no more jobs.")
@click.option("--why", default="", metavar="TEXT", help="For those who ask why.")
@as_json
@click.argument("selection", nargs=-1, required=True, metavar="SEL")
def drain_command(context: Context, selection: Sequence[str], why: str, as_json: bool) -> int:
    """Give the nodes of SEL no more jobs; those that they have go on. SEL is a selection, as for -w: `web[01-04]`, `@render`."""
    return _stand(context, selection, as_json, drained=True, why=why)


@verb("undrain", short_help="Give nodes jobs again.")
@as_json
@click.argument("selection", nargs=-1, required=True, metavar="SEL")
def undrain_command(context: Context, selection: Sequence[str], as_json: bool) -> int:
    """Give the nodes of SEL jobs again, whatever they were kept from them for: a quarantine ends, too."""
    return _stand(context, selection, as_json, drained=False, why="")


def _stand(context: Context, selection: Sequence[str], as_json: bool, *, drained: bool, why: str) -> int:
    where = ",".join(selection)
    if not where.strip():
        raise UsageError("the selection is empty", hint="`@*` selects all nodes")
    fleet = context.fleet()
    fleet.allow_changes()
    names = run(fleet.choose(where))
    if not names:
        output.warning("nothing is selected")
        return exits.NOTHING
    with opening.queue(context, changes=True) as queue:
        for name in names:
            if drained:
                queue.drain(name, clean(why, 200))
            else:
                queue.undrain(name)
    if as_json:
        output.document({"schema": 1, "nodes": names, "drained": drained})
    else:
        output.note(f"{'drained' if drained else 'has jobs again'}: {fleet.fold(names)}")
    return exits.OK


@verb("nodes", short_help="What jobs hold of each node, and which nodes get none.")
@as_json
def nodes_command(context: Context, as_json: bool) -> int:
    """Nodes that have jobs, and nodes that get none: drained, in quarantine, or failing."""
    now = time.time()
    with opening.queue(context) as queue:
        standing, placed = queue.standing(), [one for one in queue.placed() if one.attempt.ended is None]
        specs = {number: queue.spec(number) for number in {one.attempt.key.id.number for one in placed}}
        holder = queue.holder()
    held: dict[str, tuple[int, int, float]] = {}
    for one in placed:
        jobs, frozen, cpus = held.get(one.attempt.node, (0, 0, 0.0))
        spec = specs[one.attempt.key.id.number]
        held[one.attempt.node] = jobs + 1, frozen + (one.state is JobState.FROZEN), cpus + spec.needs.cpus
    fleeting = holder.fleeting if holder is not None else {}
    rows = []
    for name in sorted({*standing, *held, *fleeting}):
        jobs, frozen, cpus = held.get(name, (0, 0, 0.0))
        stand = standing.get(name)
        rows.append(
            {
                "node": name,
                "jobs": jobs,
                "frozen": frozen,
                "cpus": cpus,
                "drained": stand.drained if stand else False,
                "quarantined_until": stand.quarantined if stand and stand.quarantined > now else None,
                "failures": stand.failures if stand else 0,
                "why": (stand.why if stand else "") or None,
                "fleeting": fleeting.get(name),
            }
        )
    dispatcher = None if holder is None else {"pid": holder.pid, "host": holder.host, "since": holder.since}
    if as_json:
        output.document({"schema": 1, "time": now, "nodes": rows, "dispatcher": dispatcher}, ascii_only=True)
        return exits.OK
    if rows:
        output.table(
            ("NODE", "JOBS", "CPUS", "STATE", "WHY"),
            [
                (str(row["node"]), str(row["jobs"]), f"{row['cpus']:g}", _state(row, now), str(row["why"] or ""))
                for row in rows
            ],
            (1, 2),
        )
    else:
        output.note("no node has jobs, and none is kept from having some")
    if fleeting:
        from ...inventory.names import fold

        for line in wording.ephemeral(fleeting, fold):
            output.warning(line)
    output.note(
        "nobody dispatches now"
        if holder is None
        else clean(f"process {holder.pid} on {holder.host} dispatches, for {duration(now - holder.since)}")
    )
    return exits.OK


def _state(row: dict[str, object], now: float) -> str:
    if row["drained"]:
        return "drained"
    until = row["quarantined_until"]
    if isinstance(until, float):
        return f"quarantine, {duration(until - now)} left"
    if row["frozen"]:
        return f"{row['frozen']} frozen"
    return "fails" if row["failures"] else "fleeting" if row["fleeting"] else ""


@verb("usage", short_help="CPUs that jobs held over time.")
@click.option("--since", default="24h", metavar="SPAN", help="How far back.  [default: 24h]")
@click.option("--step", metavar="SPAN", help="How fine.  [default: a 24th]")
@as_json
def usage_command(context: Context, since: str, step: str | None, as_json: bool) -> int:
    """CPUs that jobs held on average, over time."""
    back = amounts.positive_span(since)
    width = amounts.positive_span(step) if step else back / 24
    if back / width > _MOST_STEPS:
        raise UsageError(f"{since} in steps of {step} are more than {_MOST_STEPS:,}")
    until = time.time()
    with opening.queue(context) as queue:
        found = queue.usage(until - back, until, width)
    if as_json:
        output.document({"schema": 1, "since": until - back, "until": until, "step": width, "cpus": found})
        return exits.OK
    most = max(found, default=0.0)
    clock = "%H:%M:%S" if width < 60 else "%H:%M" if back <= 86400 else "%m-%d %H:%M"
    rows = []
    for at, cpus in enumerate(found):
        begin = time.strftime(clock, time.localtime(until - back + at * width))
        rows.append((begin, f"{cpus:.2f}", "█" * round(_BARS * cpus / most) if most else ""))
    output.table(("FROM", "CPUS", ""), rows, (1,))
    return exits.OK
