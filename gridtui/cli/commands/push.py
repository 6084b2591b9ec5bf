"""`gridtui push`: files to many nodes. What it shares with `pull` is here too."""

from __future__ import annotations

import re
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ...errors import UsageError
from .. import exits, output
from ..interrupts import Interrupts
from ..main import Context, as_json, run, selecting, verb
from ..passphrases import asking as passphrases

if TYPE_CHECKING:
    from ...fleet import Fleet
    from ...push import Options, Plan, Transfer

Body = TypeVar("Body", bound=Callable[..., Any])

_RATE = re.compile(r"(\d{1,9}(?:\.\d{1,3})?)([kmg]?)(?:i?b)?", re.ASCII | re.IGNORECASE)
_UNITS = {"": 10, "k": 10, "m": 20, "g": 30}


def rate(ctx: click.Context, param: click.Parameter, value: str | None) -> int | None:
    """Bytes a second, as rsync's `--bwlimit` has them: a plain number counts KiB, `1.5m` MiB."""
    if value is None:
        return None
    match = _RATE.fullmatch(value.strip())
    found = int(float(match[1]) * (1 << _UNITS[match[2].lower()])) if match else 0
    if found < 1024:
        raise click.BadParameter(f"{value!r} is no rate: write 500k or 1.5m, at least 1k", ctx, param)
    return found


@dataclass(frozen=True, slots=True)
class Way:
    """How the run goes, the plan apart."""

    fanout: int | None
    timeout: float | None
    rate: int | None
    sftp: str
    yes: bool
    json: bool
    peers: bool = False


def moving(function: Body) -> Body:
    """The options that push and pull share."""
    for option in reversed(
        (
            click.option("--dry-run", "-n", is_flag=True, help="Change nothing, say what would change."),
            click.option("--bwlimit", callback=rate, metavar="R", help="Most for each node: `500k`, `1.5m` a second."),
            click.option("--bwlimit-all", callback=rate, metavar="R", help="Most for all nodes together."),
            click.option("--filter", "filters", multiple=True, metavar="RULE", help="A filter rule of rsync."),
            click.option("--include", multiple=True, metavar="PATTERN", help="Take these, whatever --exclude says."),
            click.option("--exclude", multiple=True, metavar="PATTERN", help="Leave these out."),
            click.option("--sudo", is_flag=True, help="As root there; sudo must not ask for a password."),
            click.option("--chmod", default="", metavar="MODES", help="As rsync: `D755,F644`."),
            click.option("--chown", default="", metavar="USER:GROUP", help="Who owns it afterwards."),
            click.option("--sparse", "-S", is_flag=True, help="Runs of zeros become holes."),
            click.option("--hard-links", "-H", is_flag=True, help="Keep hard links."),
            click.option("--checksum", "-c", is_flag=True, help="Compare contents, not sizes and times."),
            click.option("--compress", "-z", is_flag=True, help="Compress on the way."),
            click.option("--whole-file", "-W", is_flag=True, help="No delta."),
            click.option(
                "-t",
                "--timeout",
                type=click.IntRange(1, 86400),
                metavar="S",
                help="Seconds without a byte.  [default: 60]",
            ),
            click.option("--timeout-all", type=click.FloatRange(0.01), metavar="S", help="Seconds for the whole run."),
            click.option(
                "--wait",
                type=click.FloatRange(0),
                metavar="S",
                help="Seconds to wait where another transfer to the same place goes on.  [default: 90]",
            ),
            click.option("--fanout", type=click.IntRange(1), metavar="N", help="Nodes at once.  [default: 16]"),
            click.option(
                "--sftp",
                type=click.Choice(("auto", "never", "only")),
                default="auto",
                help="SFTP in place of rsync.  [default: auto, where there is no rsync]",
            ),
            click.option("--yes", is_flag=True, help="Do not ask, however many nodes."),
            as_json,
        )
    ):
        function = option(function)
    return function


def chosen(values: dict[str, Any]) -> tuple[Options, Way]:
    """What the shared options came to."""
    from ... import push as pushes

    rules = (
        *(f"--filter={rule}" for rule in values["filters"]),
        *(f"--include={pattern}" for pattern in values["include"]),
        *(f"--exclude={pattern}" for pattern in values["exclude"]),
    )
    options = pushes.Options(
        dry_run=values["dry_run"],
        rate=values["bwlimit"],
        filters=rules,
        sudo=values["sudo"],
        chmod=values["chmod"],
        chown=values["chown"],
        sparse=values["sparse"],
        hard_links=values["hard_links"],
        checksum=values["checksum"],
        compress=values["compress"],
        whole_file=values["whole_file"],
        timeout=values["timeout"] or pushes.TIMEOUT,
        wait=pushes.WAIT if values["wait"] is None else values["wait"],
    )
    way = Way(
        values["fanout"],
        values["timeout_all"],
        values["bwlimit_all"],
        values["sftp"],
        values["yes"],
        values["as_json"],
    )
    return options, way


@verb("push", short_help="Files to many nodes.")
@selecting
@click.option("--delete", is_flag=True, help="Remove there what the sources do not have.")
@click.option("--yes-delete", is_flag=True, help="The second word for --delete in a dangerous place.")
@click.option(
    "--via",
    type=click.Choice(("star", "peers")),
    default="star",
    help="`peers`: nodes pass the data on to each other.  [default: star, all from here]",
)
@moving
@click.argument("paths", nargs=-1, required=True, type=click.UNPROCESSED, metavar="SRC... DEST")
def command(
    context: Context,
    where: str,
    leave: str,
    delete: bool,
    yes_delete: bool,
    via: str,
    paths: Sequence[str],
    **values: Any,
) -> int:
    """Copy files and folders to DEST on the selected nodes, with rsync.

    As with rsync, `push site /srv` makes /srv/site, and `push site/ /srv` puts what is in site into /srv. A relative DEST begins in the home folder.

    What is interrupted is kept, and the next push goes on from there. Exits as `exec`: 0 all ok, 1 it failed somewhere, 2 wrong usage, 3 nothing selected, 4 a node could not be reached, 130 interrupted.
    """
    from ... import push as pushes

    *sources, destination = paths
    if not sources:
        raise UsageError("push needs at least one SRC and a DEST")
    options, way = chosen(values)
    way = replace(way, peers=via == "peers")
    if way.peers and (way.fanout or way.rate or way.sftp == "only"):
        raise UsageError("--fanout, --bwlimit-all and --sftp are the star's, not --via peers's")
    plan = pushes.Plan(tuple(sources), destination, options=replace(options, delete=delete))
    fleet = context.fleet(ask=passphrases())
    if not options.dry_run:
        fleet.allow_changes()
    pushes.guard.check(plan)
    _second_word(plan, yes_delete)
    return run(move(fleet, plan, way, where, leave))


def _second_word(plan: Plan, given: bool) -> None:
    """Ask for it where it is needed. Raises UsageError without it."""
    from ...push import guard
    from .. import asking

    dangers = [] if given else guard.dangers(plan)
    if not dangers:
        return
    if asking.terminal() and asking.typed("\n".join(dangers), plan.destination):
        return
    raise UsageError("; ".join(dangers), hint="if that is meant, add --yes-delete")


async def move(fleet: Fleet, plan: Plan, way: Way, where: str, leave: str) -> int:
    """Carry a plan out, with everything that is shown of it. The exit status."""
    from ... import push as pushes
    from .. import asking, transfers

    names = await fleet.choose(where, leave)
    if not names:
        output.warning("nothing is selected")
        return exits.NOTHING
    changing = plan.direction is pushes.Direction.PUSH and not plan.options.dry_run
    if changing and len(names) > fleet.settings.guard.confirm_above and not way.yes and asking.terminal():
        what = f"{'with --delete ' if plan.options.delete else ''}to {plan.destination!r}"
        if not asking.confirm(f"Push {what} on {len(names)} nodes ({fleet.fold(names)})?"):
            output.note("nothing was moved")
            return exits.INTERRUPTED

    board = transfers.Board(len(names))
    stop = pushes.Stop()
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    asked = Interrupts(stop, "what has arrived is kept for the next time", board.clear, signals)
    began, start = time.time(), time.monotonic()
    outcomes = await fleet.push(
        plan,
        names=names,
        fanout=way.fanout,
        timeout=way.timeout,
        rate=way.rate,
        sftp=pushes.Sftp(way.sftp),
        via_peers=way.peers,
        say=board.say,
        told=board.told if board.shown else None,
        ended=board.ended,
        stop=stop,
    )
    seconds = time.monotonic() - start
    board.clear()
    _show(plan, outcomes, way, fleet, began, seconds)
    results = list(outcomes.values())
    transfers.summary(results, seconds, fleet.fold)
    if stop.count:
        return asked.status
    if any(one.status is pushes.Ending.UNREACHABLE for one in results):
        return exits.UNREACHABLE
    return exits.OK if all(one.ok for one in results) else exits.FAILED


def _show(plan: Plan, outcomes: dict[str, Transfer], way: Way, fleet: Fleet, began: float, seconds: float) -> None:
    from .. import transfers

    if way.json:
        transfers.document(plan, outcomes, began, seconds)
    elif plan.options.dry_run:
        transfers.changes(outcomes.values(), fleet.fold)
