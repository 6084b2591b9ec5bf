"""`gridtui exec`: a command on many nodes."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from ...errors import StateError, UsageError
from .. import exits, output
from ..interrupts import Interrupts
from ..main import Context, as_json, run, selecting, verb
from ..passphrases import asking as passphrases

if TYPE_CHECKING:
    from ...exec import Outcome, Plan, Task
    from ...fleet import Fleet

_MOST_INPUT = 256 << 20
"""Bytes of standard input: it is held in memory."""


@dataclass(frozen=True, slots=True)
class _Way:
    """How the user wants to see it."""

    gather: bool
    diff: bool
    json: bool
    raw: bool

    @property
    def streamed(self) -> bool:
        return not (self.gather or self.diff or self.json)


@verb("exec", short_help="A command on many nodes.")
@selecting
@click.option("-b", "--gather", is_flag=True, help="At the end, each output once, under the nodes that gave it.")
@click.option("--diff", is_flag=True, help="At the end, how the outputs differ from the most common one.")
@click.option("-t", "--timeout", type=click.FloatRange(0.01), metavar="S", help="Seconds for each node.")
@click.option("--timeout-all", type=click.FloatRange(0.01), metavar="S", help="Seconds for the whole run.")
@click.option("--fanout", type=click.IntRange(1), metavar="N", help="Nodes at once.  [default: 256]")
@click.option("--batch", metavar="SIZES", help="Nodes in batches: `1,10%,100%`; the last size is repeated.")
@click.option(
    "--max-failures",
    metavar="N|P%",
    help="Start no more nodes when more than this failed.  [default: 0 with --batch, else no limit]",
)
@click.option(
    "--sudo", is_flag=True, help="Run it as root through sudo; a password is asked for once, if any is needed."
)
@click.option("--stdin", is_flag=True, help="Give standard input to each node.")
@click.option("--raw", is_flag=True, help="Bytes as they come, not neutralised; not on a terminal.")
@click.option("--retry-failed", is_flag=True, help="The last run again, on the nodes where it did not succeed.")
@click.option("--yes", is_flag=True, help="Do not ask, however many nodes.")
@as_json
@click.argument("words", nargs=-1, type=click.UNPROCESSED, metavar="-- COMMAND...")
def command(
    context: Context,
    where: str,
    leave: str,
    gather: bool,
    diff: bool,
    timeout: float | None,
    timeout_all: float | None,
    fanout: int | None,
    batch: str | None,
    max_failures: str | None,
    sudo: bool,
    stdin: bool,
    raw: bool,
    retry_failed: bool,
    yes: bool,
    as_json: bool,
    words: Sequence[str],
) -> int:
    """Run COMMAND on the selected nodes and show its output as it comes, with the node's name.

    COMMAND is text for the login shell there, as with ssh: several words are joined with blanks.

    Exits with 0 when all is ok, 1 when it failed somewhere, 2 wrong usage, 3 nothing selected, 4 a node could not be reached, 130 interrupted.

    Ctrl-C stops politely and says what was left running; a second one stops at once.
    """
    from ... import exec as execs

    way = _Way(gather, diff, as_json, raw)
    if raw and (as_json or diff):
        raise UsageError("--raw cannot be said in JSON or in a diff")
    if raw and sys.stdout.isatty():
        raise UsageError("--raw is for pipes and files", hint="what nodes send could command this terminal")
    plan = execs.Plan(
        fanout or execs.FANOUT,
        execs.batches(batch) if batch else (),
        execs.amount(max_failures) if max_failures else None,
        timeout_all,
    )
    text = execs.joined(words)
    last = None
    if retry_failed:
        last = execs.log.last()
        if last is None:
            raise UsageError("there is no run to repeat")
        if last.stdin and not stdin and not words:
            raise UsageError("the last run had standard input, which is not kept", hint="give it again, with --stdin")
        text = text or last.command
        sudo = sudo or (last.sudo and not words)
        timeout = timeout or last.timeout
    limit = 0 if way.streamed else execs.LIMIT
    fleet = context.fleet(ask=passphrases())
    fleet.allow_changes()
    execs.Task(text)  # wrong usage is told before anything is read or asked
    task = execs.Task(text, _input() if stdin else b"", sudo, timeout, limit)
    return run(_exec(fleet, task, plan, way, where, leave, None if last is None else last.failed, yes))


command.allow_interspersed_args = False
"""After the first word of COMMAND all is COMMAND's: `gridtui exec -w web uname -a` works as with ssh."""


async def _exec(
    fleet: Fleet, task: Task, plan: Plan, way: _Way, where: str, leave: str, again: Sequence[str] | None, yes: bool
) -> int:
    from ... import exec as execs
    from .. import asking, streams

    names = await _names(fleet, where, leave, again)
    if not names:
        output.warning("nothing is selected")
        return exits.NOTHING
    terminal = asking.terminal()
    if len(names) > fleet.settings.guard.confirm_above and not yes and terminal:
        what = f"{'as root: ' if task.sudo else ''}{execs.harmless(task.command.encode(errors='surrogateescape'))}"
        if not asking.confirm(f"Run `{what}` on {len(names)} nodes ({fleet.fold(names)})?"):
            output.note("nothing was run")
            return exits.INTERRUPTED

    stop = execs.Stop()
    lines = streams.Lines(names, raw=way.raw, deaf=stop.ask) if way.streamed else None
    done = 0

    def ended(_: Outcome) -> None:
        nonlocal done
        done += 1
        if not way.streamed:
            output.progress(f"{done} of {len(names)} nodes")

    async def ask(question: str) -> str | None:
        if lines:
            lines.hold()
        output.progress("")
        try:
            return await asking.secret(question)
        finally:
            if lines:
                lines.release()

    asked = Interrupts(stop, "no more nodes start, and what runs is asked to end", lambda: output.progress(""))
    began, start = time.time(), time.monotonic()
    outcomes = await fleet.exec(
        task, names=names, plan=plan, lines=lines, ended=ended, ask=ask if terminal else None, stop=stop
    )
    seconds = time.monotonic() - start
    output.progress("")
    results = list(outcomes.values())
    try:
        execs.log.write(task, results, began, fleet.inventory.sources)
    except StateError as error:
        output.warning(f"{error}; --retry-failed knows nothing of this run")
    if lines and lines.broken:
        raise lines.broken
    _show(task, outcomes, way, fleet, began, seconds)
    streams.summary(results, seconds, fleet.fold)
    if stop.count:
        return asked.status
    if any(one.status is execs.Ending.UNREACHABLE for one in results):
        return exits.UNREACHABLE
    return exits.OK if all(one.ok for one in results) else exits.FAILED


def _show(task: Task, outcomes: dict[str, Outcome], way: _Way, fleet: Fleet, began: float, seconds: float) -> None:
    """What was gathered."""
    from ... import exec as execs
    from .. import streams

    if way.json:
        streams.document(task, outcomes, began, seconds)
        return
    found = execs.gather(outcomes.values())
    if way.gather:
        streams.groups(found, fleet.fold, raw=way.raw)
    if way.diff and not streams.differences(found, fleet.fold):
        output.note("no difference: " + ("all gave the same" if found else "nothing ran"))
    output.flush()


async def _names(fleet: Fleet, where: str, leave: str, again: Sequence[str] | None) -> list[str]:
    """The selected nodes; of those that are to be repeated, the ones that the inventory still has."""
    if again is None:
        return await fleet.choose(where, leave)
    if gone := [name for name in again if name not in fleet.nodes]:
        output.warning(f"no longer in the inventory: {fleet.fold(gone)}")
    wanted = frozenset(again)
    chosen = await fleet.choose(where, leave) if where or leave else fleet.nodes
    return [name for name in chosen if name in wanted]


def _input() -> bytes:
    content = sys.stdin.buffer.read(_MOST_INPUT + 1)
    if len(content) > _MOST_INPUT:
        raise UsageError(f"standard input is over {_MOST_INPUT >> 20} MB", hint="send files with `gridtui push`")
    return content
