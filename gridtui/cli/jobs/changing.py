"""`gridtui job cancel|retry|hold|release|priority`: what people ask for of jobs that are there. Whoever dispatches carries it out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ...errors import UsageError
from ...jobs.model import Group, JobId
from ...jobs.spec.numbering import ids as read_ids
from .. import exits, output
from ..main import Context, as_json, verb
from . import opening

if TYPE_CHECKING:
    from ...jobs.queue import Queue

Body = TypeVar("Body", bound=Callable[..., Any])

_PLACES = 200
"""Characters of ids that are shown."""


def _choosing(function: Body) -> Body:
    """Which jobs."""
    for option in (
        click.argument("words", nargs=-1, metavar="ID..."),
        as_json,
        click.option("--all", "everything", is_flag=True, help="All jobs that have not ended."),
    ):
        function = option(function)
    return function


def _changed(
    context: Context,
    words: Sequence[str],
    everything: bool,
    as_json: bool,
    done: str,
    change: Callable[[Queue, Sequence[JobId]], list[JobId]],
) -> int:
    if bool(words) is everything:
        raise UsageError("name jobs, or all of them with --all", hint="`gridtui job list` lists them")
    ids = read_ids(words)
    with opening.queue(context, changes=True) as queue:
        if everything:
            live = [one.number for group in (Group.RUNNING, Group.WAITING) for one in queue.progress(group=group)]
            ids = tuple(JobId(number) for number in sorted(live))
        changed = change(queue, ids) if ids else []
        waiting = len(queue.wishes()) if changed else 0
        nobody = queue.holder() is None
    if as_json:
        output.document({"schema": 1, "changed": [str(id) for id in sorted(changed)]})
    else:
        output.note(f"{done}: {_many(changed)}" if changed else "nothing had to be changed")
    if waiting and nobody:
        output.note("what is on nodes is ended when somebody dispatches: gridtui job dispatch, or the dashboard")
    return exits.OK


def _many(ids: Sequence[JobId]) -> str:
    """`12, 13.[1-40]` and how many."""
    from ...jobs.spec.numbering import spell_indices

    parts: dict[int, list[int]] = {}
    for id in sorted(ids):
        parts.setdefault(id.number, []).extend([] if id.index is None else [id.index])
    texts = [f"{number}.{spell_indices(indices)}" if indices else str(number) for number, indices in parts.items()]
    text = " ".join(texts)
    text = text if len(text) <= _PLACES else f"{text[:_PLACES]}…"
    return f"{len(ids)} job{'' if len(ids) == 1 else 's'} ({text})"


@verb("cancel", short_help="End jobs.")
@_choosing
def cancel_command(context: Context, words: Sequence[str], everything: bool, as_json: bool) -> int:
    """End jobs: what waits at once, what runs by SIGTERM and, after a grace (the setting `jobs.grace`, 10 seconds), SIGKILL. What they made until then is fetched.

    ID is 12 for all of a submission, 12.7 for an element of an array, 12.1-10 or 12-15 for several.
    """
    return _changed(context, words, everything, as_json, "cancelled", lambda queue, ids: queue.cancel(ids))


@verb("retry", short_help="Queue jobs again that failed, were lost or cancelled.")
@as_json
@click.argument("words", nargs=-1, required=True, metavar="ID...")
def retry_command(context: Context, words: Sequence[str], as_json: bool) -> int:
    """Queue jobs again that failed, were lost or cancelled, with all their tries. Of an array only those; what has succeeded stays."""
    import time

    return _changed(context, words, False, as_json, "queued", lambda queue, ids: queue.retry(ids, time.time()))


@verb("hold", short_help="Keep jobs from starting; stop those that run where they stand.")
@_choosing
def hold_command(context: Context, words: Sequence[str], everything: bool, as_json: bool) -> int:
    """Keep jobs from starting until they are released. Those that run are stopped where they stand and keep their memory."""
    return _changed(context, words, everything, as_json, "held", lambda queue, ids: queue.hold(ids))


@verb("release", short_help="Let held jobs start, and go on.")
@_choosing
def release_command(context: Context, words: Sequence[str], everything: bool, as_json: bool) -> int:
    """Let held jobs start, and go on."""
    return _changed(context, words, everything, as_json, "released", lambda queue, ids: queue.release(ids))


@verb("priority", short_help="Let jobs go before others of yours, or after them.")
@click.option("--to", "priority", type=click.IntRange(-1000, 1000), required=True, metavar="N", help="-1000 to 1000.")
@_choosing
def priority_command(context: Context, words: Sequence[str], everything: bool, as_json: bool, priority: int) -> int:
    """Let submissions go before others of yours (higher), or after them. An array has one priority."""
    return _changed(
        context,
        words,
        everything,
        as_json,
        f"now of priority {priority}",
        lambda queue, ids: queue.prioritise(ids, priority),
    )
