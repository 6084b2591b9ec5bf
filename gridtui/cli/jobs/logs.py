"""`gridtui job logs`: what jobs wrote, neutralised on its way."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from ...errors import UsageError
from ...jobs.model import JobId
from ...jobs.spec.numbering import ids as read_ids
from .. import exits, output
from ..main import Context, run, verb
from . import opening

if TYPE_CHECKING:
    from ...fleet import Fleet


@verb("logs", short_help="What a job wrote.")
@click.option("-f", "--follow", is_flag=True, help="Go on until the job has ended.")
@click.option("--attempt", type=click.IntRange(1), metavar="N", help="That try, not the last one.")
@click.option("--raw", is_flag=True, help="Bytes as they come, not neutralised; not on a terminal.")
@click.argument("words", nargs=-1, required=True, metavar="ID...")
def logs_command(context: Context, follow: bool, attempt: int | None, raw: bool, words: Sequence[str]) -> int:
    """What jobs wrote, standard output and standard error as they came. Of an array, all its elements that have begun, one after the other.

    Ctrl-C ends the looking, not the job.
    """
    from ..passphrases import asking

    if raw and sys.stdout.isatty():
        raise UsageError("--raw is for pipes and files", hint="what jobs write could command this terminal")
    ids = _elements(context, read_ids(words), follow=follow)
    if len(ids) > 1 and follow:
        raise UsageError("--follow is for one job", hint=f"name one, for instance {ids[0]}")
    if not ids:
        output.note("nothing of it has begun")
        return exits.OK
    fleet = context.fleet(ask=asking())
    return run(_show(fleet, ids, attempt, follow, raw))


def _elements(context: Context, ids: Sequence[JobId], *, follow: bool) -> list[JobId]:
    """`ids`, with an array's elements that have begun in its place. Raises UsageError for what is not there."""
    found = []
    with opening.queue(context) as queue:
        for id in ids:
            queue.spec(id.number)
            jobs = [queue.job(id)] if id.index is not None else queue.jobs(numbers=[id.number])
            found += [job.id for job in jobs if job.attempt or (follow and len(jobs) == 1)]
    return found


async def _show(fleet: Fleet, ids: Sequence[JobId], attempt: int | None, follow: bool, raw: bool) -> int:
    task = asyncio.create_task(_all(fleet, ids, attempt, follow, raw))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, task.cancel)
    try:
        await task
    except asyncio.CancelledError:
        return exits.INTERRUPTED
    finally:
        await fleet.close()
    return exits.OK


async def _all(fleet: Fleet, ids: Sequence[JobId], attempt: int | None, follow: bool, raw: bool) -> None:
    from ...exec.lines import Lines, block

    async with fleet.holding():
        for id in ids:
            lines, title = Lines(), f"--- {id}" if len(ids) > 1 else ""
            async for piece in fleet.jobs.logs(id, attempt, follow):
                if title:
                    output.data(output.styled(title, "bold"))
                    title = ""
                if raw:
                    output.raw(piece)
                elif found := lines.feed(piece):
                    output.data(block(found) + "\n")
                    output.flush()
            if left := lines.end():
                output.data(block(left) + "\n")
            output.flush()
