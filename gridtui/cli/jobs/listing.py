"""`gridtui job list`: submissions folded to a line each, or every job."""

from __future__ import annotations

import fnmatch
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from ...errors import UsageError
from ...jobs.model import ENDED, Group, Job, JobState
from ...jobs.spec.numbering import ids as read_ids
from .. import exits, output
from ..main import Context, as_json, verb
from . import opening, wording

if TYPE_CHECKING:
    from ...jobs.queue import Progress, Queue

RECENT = 20
"""Submissions that have ended that are shown unless more is asked for."""
_PAGE = 100
"""Submissions whose jobs are asked for at once."""


@verb("list", short_help="What waits, what runs, and what ended of late.")
@click.option("-a", "--all", "everything", is_flag=True, help="All that has ended, too, not only the last 20.")
@click.option("-e", "--elements", is_flag=True, help="Each job of an array on a line of its own.")
@click.option("--state", "states", metavar="STATE,...", help="Only jobs in these states; implies --all.")
@click.option("--name", metavar="PATTERN", help="Only jobs of this name: `frames*`.")
@click.option("--label", metavar="KEY[=VALUE]", help="Only jobs with this label; implies --elements.")
@click.option("--node", metavar="NODE", help="Only jobs that are or were last on this node; implies --elements.")
@as_json
@click.argument("words", nargs=-1, metavar="[ID...]")
def list_command(
    context: Context,
    everything: bool,
    elements: bool,
    states: str | None,
    name: str | None,
    label: str | None,
    node: str | None,
    as_json: bool,
    words: Sequence[str],
) -> int:
    """The jobs: a line a submission, what has ended last. ID is 12, 12.7 for an element of an array, 12.1-10 or 12-15 for several."""
    wanted = _states(states)
    ids = read_ids(words)
    with opening.queue(context) as queue:
        idle = "" if queue.holder() else "nobody dispatches"
        found = _submissions(queue, [id.number for id in ids], everything or bool(wanted), name)
        if as_json or elements or node or label or any(id.index is not None for id in ids):
            jobs = _jobs(queue, found, wanted, node or "")
            elements_of = {id.number for id in ids if id.index is not None} - {
                id.number for id in ids if id.index is None
            }
            jobs = [
                job for job in jobs if (job.id.number not in elements_of or job.id in ids) and _labelled(job, label)
            ]
            if as_json:
                _document(jobs, found)
            else:
                _table([_row(job, idle) for job in jobs])
            return exits.OK
        if wanted:
            found = [one for one in found if any(one.counts.get(state) for state in wanted)]
        single = {job.id.number: job for job in _jobs(queue, [one for one in found if not one.array], (), "")}
        _table([_row(single[one.number], idle) if one.number in single else _folded(one, idle) for one in found])
    return exits.OK


def _states(text: str | None) -> tuple[JobState, ...]:
    import difflib

    found = []
    for word in (text or "").split(","):
        word = word.strip().lower()
        if not word:
            continue
        if word not in [*JobState]:
            near = difflib.get_close_matches(word, [*JobState], 1)
            hint = f"did you mean {near[0]}?" if near else f"they are {', '.join(JobState)}"
            raise UsageError(f"`{word}` is no state of a job", hint=hint)
        found.append(JobState(word))
    return tuple(found)


def _submissions(queue: Queue, numbers: Sequence[int], everything: bool, name: str | None) -> list[Progress]:
    """What is to be shown, by number. Raises UsageError for what is not there."""
    if numbers:
        found = [
            one
            for at in range(0, len(numbers), _PAGE)
            for one in queue.progress(numbers=list(numbers)[at : at + _PAGE])
        ]
        if missing := set(numbers) - {one.number for one in found}:
            raise UsageError(f"there is no job {min(missing)}", hint="`gridtui job list --all` lists them")
    elif everything:
        found = queue.progress()
    else:
        live = [one for group in (Group.RUNNING, Group.WAITING) for one in queue.progress(group=group)]
        found = [*live, *queue.progress(group=Group.ENDED, limit=RECENT)]
    if name:
        found = [one for one in found if fnmatch.fnmatchcase(one.name, name)]
    unique = {one.number: one for one in found}
    return sorted(unique.values(), key=lambda one: (one.group is not Group.ENDED, one.number))


def _jobs(queue: Queue, found: Sequence[Progress], states: Sequence[JobState], node: str) -> list[Job]:
    """The jobs of submissions, in their order."""
    numbers = [one.number for one in found]
    order = {number: at for at, number in enumerate(numbers)}
    jobs = [
        job
        for at in range(0, len(numbers), _PAGE)
        for job in queue.jobs(numbers=numbers[at : at + _PAGE], states=states, node=node)
    ]
    return sorted(jobs, key=lambda job: order[job.id.number])


def _labelled(job: Job, label: str | None) -> bool:
    if label is None:
        return True
    key, equals, value = label.partition("=")
    return key in job.labels and (not equals or job.labels[key] == value)


def _row(job: Job, idle: str) -> tuple[str, ...]:
    over = job.state in ENDED
    waits = idle if job.state is JobState.QUEUED else ""
    return (
        str(job.id),
        job.name,
        job.user,
        job.state,
        "",
        job.node,
        wording.took(job.started, job.ended, time.time(), over=over),
        wording.outcome(job) or job.item or waits,
    )


def _folded(one: Progress, idle: str) -> tuple[str, ...]:
    done, jobs = wording.ended(one.counts), one.jobs
    state = wording.state(one)
    rest = {name: count for name, count in one.counts.items() if name is not JobState.SUCCEEDED or done < jobs}
    why = wording.waits(one) or (idle if one.counts.get(JobState.QUEUED) else "")
    text = "; ".join(part for part in (wording.sum_up(rest) if len(one.counts) > 1 else "", why) if part)
    return (str(one.number), one.name, one.user, state, f"{done}/{jobs}", "", wording.took_all(one, time.time()), text)


def _table(rows: Sequence[tuple[str, ...]]) -> None:
    if not rows:
        output.note("there are no jobs")
        return
    output.table(("JOB", "NAME", "USER", "STATE", "DONE", "NODE", "TIME", "WHY"), rows, (4,))


def _document(jobs: Sequence[Job], found: Sequence[Progress]) -> None:
    output.document(
        {
            "schema": 1,
            "time": time.time(),
            "jobs": [wording.job_document(job) for job in jobs],
            "submissions": [wording.submission_document(one) for one in found],
        },
        ascii_only=True,
    )
