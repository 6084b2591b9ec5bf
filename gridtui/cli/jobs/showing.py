"""`gridtui job show` and `gridtui job explain`: one job, closely."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any

import click

from ...jobs.model import ENDED, Attempt, Job, JobId, JobState, Level, Spec
from ...model import clean, duration, size
from .. import exits, output
from ..main import Context, as_json, run, verb
from . import opening, wording

if TYPE_CHECKING:
    from ...jobs.placement import Why
    from ...jobs.queue import Awaited, Progress

_SHOWN = 20
"""Elements of an array that are told one by one."""


@verb("show", short_help="All that is known of a job.")
@click.option("--yaml", "as_yaml", is_flag=True, help="The description, as `submit -f` reads it.")
@as_json
@click.argument("word", metavar="ID")
def show_command(context: Context, word: str, as_yaml: bool, as_json: bool) -> int:
    """All that is known of a job: what it is, what it needs, where it was tried and how that went, where its outputs are."""
    id = JobId.parse(word)
    with opening.queue(context) as queue:
        spec, after = queue.spec(id.number), queue.after(id.number)
        (one,) = queue.progress(numbers=[id.number])
        if as_yaml:
            _yaml(spec, after, queue.jobs(numbers=[id.number]) if one.array else [])
            return exits.OK
        whole = one.array and id.index is None
        jobs = queue.jobs(numbers=[id.number]) if whole else [queue.job(id)]
        attempts = [] if whole else queue.attempts(jobs[0].id)
    if as_json:
        output.document(
            {
                "schema": 1,
                "submission": wording.submission_document(one),
                "job": None if whole else wording.job_document(jobs[0]),
                "spec": _plain(spec),
                "after": [{"id": str(each.after.id), "how": each.after.how, "met": each.met} for each in after],
                "attempts": [wording.attempt_document(each) for each in attempts],
            },
            ascii_only=True,
        )
        return exits.OK
    _told(one, spec, after, None if whole else jobs[0])
    if whole:
        _elements(one, jobs)
    elif attempts:
        _attempts(attempts)
    return exits.OK


def _plain(value: Any) -> Any:
    """A specification as JSON has it: fields and mappings as objects, a level by its word."""
    if is_dataclass(value):
        return {item.name: _plain(getattr(value, item.name)) for item in fields(value)}
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value.word if isinstance(value, Level) else value


def _yaml(spec: Spec, after: Sequence[Awaited], jobs: Sequence[Job]) -> None:
    from ...jobs.spec import spell_yaml

    each = [job.item for job in jobs] if any(job.item for job in jobs) else []
    array = [job.id.index for job in jobs if job.id.index is not None]
    output.data(spell_yaml(spec, array=array, each=each, after=[one.after for one in after]))


def _told(one: Progress, spec: Spec, after: Sequence[Awaited], job: Job | None) -> None:
    title = f"{job.id if job else one.number}{f': {one.name}' if one.name else ''}"
    output.data(output.styled(clean(title), "bold"))
    now = time.time()
    state = job.state if job else wording.state(one)
    why = wording.outcome(job) if job else wording.sum_up(one.counts)
    lines = [
        ("state", output.styled(state, style) if (style := wording.STYLES.get(state)) else state),
        ("why" if job else "jobs", clean(why)),
        ("node", clean(job.node) if job else ""),
        ("item", clean(job.item) if job else ""),
        ("submitted", f"{_clock(one.submitted)} by {clean(one.user)}"),
        (
            "took",
            wording.took(job.started, job.ended, now, over=job.state in ENDED) if job else wording.took_all(one, now),
        ),
        ("after", ", ".join(_awaited(each) for each in after)),
        *_facts(spec, one.priority),
    ]
    first, *rest = spec.command.rstrip("\n").split("\n")
    for name, text in lines:
        if text:
            output.data(f"{name + ':':<11} {text}")
    output.data(f"{'command:':<11} {clean(first, 1000)}")
    for line in rest:
        output.data(f"{'':<11} {clean(line, 1000)}")


def _facts(spec: Spec, priority: int) -> list[tuple[str, str]]:
    from ...jobs.spec.amounts import spell_hours
    from ...jobs.spec.words import spell_mount, spell_sandbox

    needs, sandbox, idle = spec.needs, spec.sandbox, spec.idle
    asked = [f"{needs.cpus:g} CPU{'' if needs.cpus == 1 else 's'}"]
    asked += [f"{size(needs.memory)} of memory"] if needs.memory else []
    asked += [f"{needs.gpus} GPU{'' if needs.gpus == 1 else 's'}"] if needs.gpus else []
    asked += [f"{size(needs.gpu_memory)} free on each"] if needs.gpu_memory else []
    asked += [f"{size(needs.disk)} of disk"] if needs.disk else []
    asked += [f"{duration(needs.wall)} at most"] if needs.wall else []
    kept = [spell_sandbox(sandbox.least, sandbox.most), "network" if sandbox.network else "no network"]
    kept += [sandbox.image] if sandbox.image else []
    kept += [f"mount {spell_mount(mount)}" for mount in sandbox.mounts]
    gives = ""
    if idle:
        parts = [f"after {duration(idle.after)} without the owner", f"load below {idle.load:g} a core"]
        parts += [spell_hours(idle.hours)] if idle.hours else []
        parts += ["on battery too"] if idle.battery else []
        gives = ", ".join(parts)
    return [
        ("needs", ", ".join(asked)),
        ("where", clean(spec.where)),
        ("sandbox", clean(", ".join(kept))),
        ("idle", gives),
        ("retries", str(spec.retries) if spec.retries else ""),
        ("priority", str(priority) if priority else ""),
        ("labels", clean(", ".join(f"{key}={value}" for key, value in spec.labels.items()))),
        # Values may be secrets: their names tell enough here, and --yaml and --json have them.
        ("env", clean(", ".join(spec.env))),
        ("inputs", clean(", ".join(each.name for each in spec.inputs))),
        ("outputs", clean(", ".join(spec.outputs))),
        ("into", clean(spec.into)),
    ]


def _awaited(one: Awaited) -> str:
    met = {None: "open", True: "met", False: "can never be"}[one.met]
    return f"{one.after.id}:{one.after.how} ({met})"


def _attempts(attempts: Sequence[Attempt]) -> None:
    output.data("")
    rows = []
    for one in attempts:
        how = one.why or ("" if one.exit is None else f"exit {one.exit}")
        rows.append(
            (
                str(one.key.attempt),
                one.node,
                _clock(one.placed),
                wording.took(one.started, one.ended, time.time(), over=one.ended is not None),
                "" if one.cpu is None else duration(one.cpu),
                "" if one.memory is None else size(one.memory),
                "" if one.level is None else one.level.word,
                how,
                one.fetched,
            )
        )
    output.table(("TRY", "NODE", "PLACED", "TIME", "CPU", "MEMORY", "SANDBOX", "HOW", "OUTPUTS"), rows, (0,))


def _elements(one: Progress, jobs: Sequence[Job]) -> None:
    """What is worth telling of an array: what failed, and what runs."""
    told = [job for job in jobs if job.state not in (JobState.SUCCEEDED, JobState.QUEUED, JobState.HELD)]
    told.sort(key=lambda job: job.state not in (JobState.FAILED, JobState.LOST))
    if not told:
        return
    output.data("")
    output.table(
        ("JOB", "STATE", "NODE", "WHY"),
        [(str(job.id), job.state, job.node, wording.outcome(job)) for job in told[:_SHOWN]],
    )
    if len(told) > _SHOWN:
        output.note(f"and {len(told) - _SHOWN:,} more: gridtui job list {one.number} --elements")


def _clock(moment: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(moment))


@verb("explain", short_help="Why a job goes to a node, or not: each node's part.")
@as_json
@click.argument("word", metavar="ID")
def explain_command(context: Context, word: str, as_json: bool) -> int:
    """Why a job would be given to each of the nodes now, or not. The nodes are looked at first.

    Exits with 0 when there is a node for it, 1 when there is none now.
    """
    from ..passphrases import asking

    fleet = context.fleet(ask=asking())
    id = JobId.parse(word)
    with opening.queue(context) as queue:
        found = queue.progress(numbers=[id.number])
        if found and found[0].array and id.index is None:
            # Any element stands for all: what they need is the same.
            (job,) = queue.jobs(numbers=[id.number], limit=1)
            id = job.id
        else:
            job = queue.job(id)
    whys = run(fleet.jobs.explain(id))
    fleet.jobs.close()
    if as_json:
        nodes = [{"node": why.node, "answer": why.answer, "score": why.score, "why": why.reason} for why in whys]
        output.document({"schema": 1, "job": wording.job_document(job), "nodes": nodes}, ascii_only=True)
    else:
        _why(job, whys)
    return exits.OK if any(why.answer != "no" for why in whys) else exits.FAILED


def _why(job: Job, whys: Sequence[Why]) -> None:
    if job.state is not JobState.QUEUED:
        output.note(f"{job.id} ({job.state}), were it to start now:")
    elif job.why:
        output.note(clean(f"{job.id} waits: {job.why}"))
    output.table(
        ("NODE", "ANSWER", "SCORE", "WHY"),
        [(why.node, why.answer, "" if why.answer == "no" else f"{why.score:.2f}", why.reason) for why in whys],
        (2,),
    )
