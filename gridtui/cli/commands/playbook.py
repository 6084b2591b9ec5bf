"""`gridtui playbook`: Ansible playbooks, shipped and one's own, on many nodes."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from ...errors import UsageError
from .. import exits, output
from ..interrupts import Interrupts
from ..main import Context, as_json, run, selecting, verb
from ..passphrases import asking as passphrases

if TYPE_CHECKING:
    from ...fleet import Fleet
    from ...playbooks import Plan
    from ...playbooks.guard import Settled


@click.group("playbook", short_help="Ansible playbooks on many nodes.", invoke_without_command=True)
@click.pass_context
def command(ctx: click.Context) -> None:
    """Ansible playbooks on many nodes: the shipped ones, and your own."""
    if ctx.invoked_subcommand is None:
        output.note(ctx.get_help())
        ctx.exit(exits.USAGE)


# ---- what there is ----


@verb("list", short_help="The playbooks.")
@as_json
def list_playbooks(context: Context, as_json: bool) -> int:
    """The playbooks: your own (`playbooks.paths` in the settings) and the shipped ones."""
    from ... import playbooks as books

    found = books.read(context.settings().playbooks.paths)
    if as_json:
        documents = [_document(playbook) for playbook in found.playbooks.values()]
        output.document({"schema": 1, "playbooks": documents, "warnings": list(found.warnings)})
        return exits.OK
    for text in found.warnings:
        output.warning(text)
    rows = [
        (
            one.name,
            "shipped" if one.shipped else "own",
            ", ".join(
                [
                    *(["cuts the link"] if one.cuts else []),
                    *(["reboots nodes"] if one.reboots else []),
                    *(["can be undone"] if one.undoable else []),
                ]
            ),
            one.title,
        )
        for one in found.playbooks.values()
    ]
    output.table(("PLAYBOOK", "FROM", "MARKS", "TITLE"), rows)
    return exits.OK


@verb("show", short_help="What a playbook is, and its text.")
@click.argument("name")
@as_json
def show(context: Context, name: str, as_json: bool) -> int:
    """What a playbook is for, what has to be known before a run, and its text. NAME is a name of the list, or a path."""
    from ... import playbooks as books
    from ...model import clean

    playbook = books.read(context.settings().playbooks.paths).find(name)
    if as_json:
        output.document({"schema": 1, **_document(playbook), "description": playbook.description})
        return exits.OK
    output.data(output.styled(f"{playbook.name}: {playbook.title}", "bold"))
    output.data(f"{playbook.path}{' (shipped)' if playbook.shipped else ''}")
    if playbook.cuts:
        output.data("It may cut the link to a node: it is run in batches, and a node takes back what is not confirmed.")
    if playbook.reboots:
        output.data("It reboots nodes: jobs on them may end first.")
    if playbook.undoable:
        output.data("It can be undone: --undo.")
    if playbook.description:
        output.data(f"\n{playbook.description}")
    try:
        text = playbook.path.read_text("utf-8", "replace")
    except OSError as error:
        raise UsageError(f"{playbook.path} cannot be read: {(error.strerror or '').lower()}") from None
    output.data("\n" + "\n".join(clean(line, 1000) for line in text.splitlines()))
    return exits.OK


def _document(playbook: Any) -> dict[str, object]:
    return {
        "name": playbook.name,
        "path": str(playbook.path),
        "title": playbook.title,
        "shipped": playbook.shipped,
        "cuts_the_link": playbook.cuts,
        "reboots_nodes": playbook.reboots,
        "can_be_undone": playbook.undoable,
    }


# ---- a run ----


@dataclass(frozen=True, slots=True)
class _Way:
    """How the user wants to see it, and whether to be asked."""

    json: bool
    yes: bool
    verbosity: int


@verb("run", short_help="Playbooks on many nodes.")
@selecting
@click.option("--check", is_flag=True, help="Change nothing: say what would be changed.")
@click.option(
    "--diff", is_flag=True, help="Show what changes, line by line; the same once for all nodes where it is the same."
)
@click.option("--undo", is_flag=True, help="Take the playbook's changes back.")
@click.option(
    "-e",
    "--extra",
    "extra",
    multiple=True,
    metavar="K=V",
    help="A variable, above all others; V is read as YAML. Not for secrets.",
)
@click.option("--tags", metavar="TAGS", help="Only tasks with one of these tags, divided by commas.")
@click.option(
    "--confirm-within",
    type=click.FloatRange(5, 3600),
    metavar="S",
    help="Seconds after which a node takes an unconfirmed change back.  [default: 60]",
)
@click.option("--no-confirm", is_flag=True, help="Leave the confirmation to `gridtui playbook confirm`.")
@click.option(
    "--batch",
    metavar="SIZES",
    help="Nodes in batches: `1,10%,100%`; the last size is repeated.  [default: that, for what may cut the link]",
)
@click.option("--forks", type=click.IntRange(1), metavar="N", help="Nodes at once.")
@click.option("--strategy", metavar="NAME", help="Ansible's strategy plugin.")
@click.option(
    "--skip-matching", is_flag=True, help="Leave out nodes where the playbook was run and nothing has changed since."
)
@click.option("-K", "--ask-become-pass", is_flag=True, help="Ask for sudo's password, once.")
@click.option("--yes", is_flag=True, help="Do not ask, however many nodes.")
@as_json
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
def run_playbooks(
    context: Context, where: str, leave: str, as_json: bool, yes: bool, names: Sequence[str], **values: Any
) -> int:
    """Run playbooks on the selected nodes: names of `gridtui playbook list`, or paths.

    What may cut the link is done one node first, then a tenth, then all; each node must be reached by a new login, or takes the change back.

    Exits with 0 when all is well, 1 when it failed somewhere, 2 wrong usage, 3 nothing selected, 4 a node could not be reached, 130 interrupted.

    Ctrl-C stops politely; a second one stops at once.
    """
    from ... import playbooks as books
    from ...playbooks import variables

    settings = context.settings()
    catalogue = books.read(settings.playbooks.paths)
    plan = books.Plan(
        tuple(catalogue.find(name) for name in names),
        check=values["check"],
        diff=values["diff"],
        undo=values["undo"],
        batches=books.batches.parse(values["batch"]) if values["batch"] else (),
        window=values["confirm_within"] or books.WINDOW,
        confirm=not values["no_confirm"],
        skip_matching=values["skip_matching"],
        extra=variables.read(values["extra"]),
        tags=tuple(tag.strip() for tag in (values["tags"] or "").split(",") if tag.strip()),
        forks=values["forks"] or 0,
        strategy=values["strategy"] or "",
        become_password=values["ask_become_pass"],
    )
    if plan.undo and (fixed := [one.name for one in plan.playbooks if not one.undoable]):
        raise UsageError(
            f"{', '.join(fixed)} does not say that it can be undone",
            hint="`# gridtui: can be undone` in the file says so",
        )
    fleet = context.fleet(ask=passphrases())
    if not plan.check:
        fleet.allow_changes()
    return run(_run(fleet, plan, _Way(as_json, yes, context.verbosity), where, leave))


async def _run(fleet: Fleet, plan: Plan, way: _Way, where: str, leave: str) -> int:
    from ... import playbooks as books
    from .. import asking, plays

    names = await fleet.choose(where, leave)
    if not names:
        output.warning("nothing is selected")
        return exits.NOTHING
    terminal = asking.terminal()
    if len(names) > fleet.settings.guard.confirm_above and not (way.yes or plan.check) and terminal:
        what = f"{'undo ' if plan.undo else ''}{', '.join(one.name for one in plan.playbooks)}"
        if not asking.confirm(f"Run {what} on {len(names)} nodes ({fleet.fold(names)})?"):
            output.note("nothing was run")
            return exits.INTERRUPTED
    board = plays.Board(names, fleet.fold, quiet=way.json)
    stop = books.Stop()
    asked = Interrupts(stop, "no more tasks begin, and what runs is asked to end", board.clear)
    began, start = time.time(), time.monotonic()
    ticking = asyncio.create_task(board.tick())
    try:
        result = await fleet.playbook(
            plan,
            names=names,
            told=board.told,
            ended=board.ended,
            ask=asking.secret if terminal else None,
            stop=stop,
        )
    finally:
        ticking.cancel()
    seconds = time.monotonic() - start
    board.clear()
    if way.json:
        plays.document(plan, result, board.results, began, seconds)
    elif plan.diff:
        plays.diffs(board.results, fleet.fold)
    if result.error:
        output.note(f"{output.styled('error', 'red', sys.stderr)}: {result.error}")
    if not way.json or not result.error:
        plays.conclude(result, seconds, fleet.fold, way.verbosity)
    if stop.count:
        return asked.status
    return _status(result)


def _status(result: Any) -> int:
    from ...playbooks import Ending
    from ...playbooks.summary import GOOD

    endings = [one.status for one in result.outcomes.values()]
    if any(ending in (Ending.UNREACHABLE, Ending.LOCKED_OUT) for ending in endings):
        return exits.UNREACHABLE
    if result.error:
        return exits.FAILED
    fine = all(
        one.status in GOOD or (one.status is Ending.SKIPPED and one.error == "no play is for it")
        for one in result.outcomes.values()
    )
    return exits.OK if fine else exits.FAILED


# ---- changes that were made under a guard ----


def _deciding(function: Any) -> Any:
    """What `confirm` and `rollback` share."""
    for option in (
        click.argument("run_id", required=False, default="", metavar="[RUN]"),
        as_json,
        click.option("-K", "--ask-become-pass", is_flag=True, help="Ask for sudo's password, once."),
        selecting,
    ):
        function = option(function)
    return function


@verb("confirm", short_help="Keep what a run changed.")
@_deciding
def confirm(context: Context, run_id: str, as_json: bool, ask_become_pass: bool, where: str, leave: str) -> int:
    """Keep what a run changed under a guard, by a new login to each node: the last run, or RUN. To be done within its window.

    Exits as `playbook run`.
    """
    return run(_decide(context, "confirm", run_id, where, leave, ask_become_pass, as_json))


@verb("rollback", short_help="Take back what a run changed.")
@_deciding
def rollback(context: Context, run_id: str, as_json: bool, ask_become_pass: bool, where: str, leave: str) -> int:
    """Take back what a run changed under a guard, confirmed or not: the last run, or RUN.

    Exits as `playbook run`.
    """
    return run(_decide(context, "rollback", run_id, where, leave, ask_become_pass, as_json))


async def _decide(
    context: Context, verb: str, run_id: str, where: str, leave: str, password: bool, as_json: bool
) -> int:
    from ...playbooks.guard import Fate
    from .. import asking

    fleet = context.fleet(ask=passphrases())
    secret = await asking.secret("[sudo] password for all nodes") if password and asking.terminal() else None
    if password and secret is None:
        raise UsageError("sudo's password is wanted, and none was given")
    act = fleet.confirm_playbook if verb == "confirm" else fleet.rollback_playbook
    found: Mapping[str, Settled] = await act(run_id, where, leave, password=secret)
    if as_json:
        results = [
            {"node": one.node, "fate": one.fate, "error": one.error or None, "layer": one.layer}
            for one in found.values()
        ]
        output.document({"schema": 1, "results": results}, ascii_only=True)
    else:
        groups: dict[tuple[str, str], list[str]] = {}
        for one in found.values():
            groups.setdefault((one.fate, one.error), []).append(one.node)
        for (fate, error), nodes in groups.items():
            text = f"{fate}: {fleet.fold(nodes)}"
            output.data(f"{text}: {error}" if error else text)
    if any(one.fate is Fate.LOCKED_OUT for one in found.values()):
        return exits.UNREACHABLE
    wanted = (Fate.CONFIRMED if verb == "confirm" else Fate.ROLLED_BACK, Fate.UNCHANGED)
    return exits.OK if all(one.fate in wanted for one in found.values()) else exits.FAILED


# ---- what was kept ----


@verb("runs", short_help="The runs that are kept, and what came of one.")
@click.argument("run_id", required=False, default="", metavar="[RUN]")
@as_json
def runs(context: Context, run_id: str, as_json: bool) -> int:
    """The runs that are kept, the newest last; or, of RUN, how it ended on each node and where its files are."""
    from ...inventory import fold
    from ...playbooks import artefacts

    if run_id:
        kept = artefacts.find(run_id)
        outcomes = artefacts.outcomes_of(kept)
        if as_json:
            output.document({"schema": 1, **_kept(kept), "results": outcomes}, ascii_only=True)
            return exits.OK
        output.note(f"{kept.run}: {', '.join(kept.playbooks)} on {fold(kept.nodes)}; its files are in {kept.folder}")
        rows = [
            (str(one.get("node")), str(one.get("status")), str(one.get("changed")), str(one.get("error") or ""))
            for one in outcomes
        ]
        output.table(("NODE", "STATUS", "CHANGED", "ERROR"), rows, right=(2,))
        return exits.OK
    found = artefacts.runs()
    if as_json:
        output.document({"schema": 1, "runs": [_kept(kept) for kept in found]}, ascii_only=True)
        return exits.OK
    listed = [
        (
            kept.run,
            time.strftime("%Y-%m-%d %H:%M", time.localtime(kept.time)),
            ",".join(kept.playbooks) + (" (check)" if kept.check else ""),
            fold(kept.nodes),
            _ended(kept.outcomes),
        )
        for kept in found
    ]
    output.table(("RUN", "TIME", "PLAYBOOKS", "NODES", "ENDED"), listed)
    return exits.OK


def _kept(kept: Any) -> dict[str, object]:
    return {
        "run": kept.run,
        "folder": str(kept.folder),
        "time": kept.time,
        "playbooks": list(kept.playbooks),
        "nodes": list(kept.nodes),
        "check": kept.check,
        "outcomes": None if kept.outcomes is None else dict(kept.outcomes),
    }


def _ended(outcomes: Mapping[str, str] | None) -> str:
    if outcomes is None:
        return "goes on, or was killed"
    counts: dict[str, int] = {}
    for status in outcomes.values():
        counts[status] = counts.get(status, 0) + 1
    return ", ".join(f"{count} {status}" for status, count in sorted(counts.items())) or "nothing"


for part in (list_playbooks, show, run_playbooks, confirm, rollback, runs):
    command.add_command(part)
