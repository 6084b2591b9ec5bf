"""Jobs, submissions and attempts as words and as JSON. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from ...jobs.model import ENDED, PLACED, Attempt, Group, Job, JobState
from ...model import duration

if TYPE_CHECKING:
    from ...jobs.queue import Progress

STYLES: Mapping[JobState, str] = {
    JobState.SUCCEEDED: "green",
    JobState.FAILED: "red",
    JobState.LOST: "red",
    JobState.CANCELLED: "yellow",
    JobState.FROZEN: "cyan",
    JobState.RUNNING: "cyan",
    JobState.STARTING: "cyan",
}

_ORDER = (
    JobState.RUNNING,
    JobState.STARTING,
    JobState.FROZEN,
    JobState.QUEUED,
    JobState.HELD,
    JobState.FAILED,
    JobState.LOST,
    JobState.CANCELLED,
    JobState.SUCCEEDED,
)


LIVE = frozenset(JobState) - ENDED


def state(one: Progress) -> JobState:
    """One state for a whole submission: what runs before what waits, and the worst of what has ended."""
    return next(state for state in _ORDER if one.counts.get(state)) if one.counts else JobState.QUEUED


def ended(counts: Mapping[JobState, int]) -> int:
    """How many have ended."""
    return sum(count for state, count in counts.items() if state in ENDED)


def sum_up(counts: Mapping[JobState, int]) -> str:
    """`12 running, 3 failed, 640 succeeded`."""
    return ", ".join(f"{counts[state]:,} {state}" for state in _ORDER if counts.get(state))


def waits(one: Progress) -> str:
    """Why jobs of a submission wait, where none of it runs; empty where it is not known."""
    if one.group is not Group.WAITING or not one.counts.get(JobState.QUEUED):
        return ""
    return "comes after others" if one.waits else one.why


def outcome(job: Job) -> str:
    """Why it is where it is, or how it ended: one line."""
    if job.state in PLACED and not job.why:
        return f"try {job.attempt}" if job.attempt > 1 else ""
    if job.exit and not job.why:
        return f"exit {job.exit}"
    return job.why


def took(started: float | None, ended: float | None, now: float, *, over: bool) -> str:
    """How long it has taken, or took; empty before it began."""
    if started is None:
        return ""
    until = ended if over else now
    return duration(max(0.0, until - started)) if until is not None else ""


def took_all(one: Progress, now: float) -> str:
    """The same of a submission."""
    return took(one.started, one.ended, now, over=one.group is Group.ENDED)


def job_document(job: Job) -> dict[str, Any]:
    """A job in `--json`. Fields may be added, never renamed."""
    return {
        "id": str(job.id),
        "name": job.name,
        "state": job.state,
        "node": job.node or None,
        "attempt": job.attempt,
        "exit": job.exit,
        "why": job.why or None,
        "item": job.item or None,
        "user": job.user,
        "priority": job.priority,
        "labels": dict(job.labels),
        "cpus": job.cpus,
        "submitted": job.submitted,
        "started": job.started,
        "ended": job.ended,
    }


def submission_document(one: Progress) -> dict[str, Any]:
    """A submission in `--json`."""
    return {
        "number": one.number,
        "name": one.name,
        "state": state(one),
        "jobs": one.jobs,
        "counts": {name: one.counts[name] for name in JobState if one.counts.get(name)},
        "array": one.array,
        "user": one.user,
        "priority": one.priority,
        "submitted": one.submitted,
        "started": one.started,
        "ended": one.ended if one.group is Group.ENDED else None,
        "why": waits(one) or None,
    }


def ephemeral(fleeting: Mapping[str, str], fold: Callable[[Iterable[str]], str]) -> list[str]:
    """Where jobs do not outlive the dispatcher's connection: a line for each reason."""
    reasons: dict[str, list[str]] = {}
    for node, why in fleeting.items():
        reasons.setdefault(why, []).append(node)
    return [f"jobs on {fold(names)} end when the dispatcher's connection does: {why}" for why, names in reasons.items()]


def attempt_document(one: Attempt) -> dict[str, Any]:
    """An attempt in `--json`; times are seconds since the epoch, memory bytes."""
    return {
        "attempt": one.key.attempt,
        "node": one.node or None,
        "placed": one.placed,
        "started": one.started,
        "ended": one.ended,
        "exit": one.exit,
        "cause": one.cause,
        "why": one.why or None,
        "sandbox": None if one.level is None else one.level.word,
        "cpu": one.cpu,
        "memory": one.memory,
        "outputs": one.fetched or None,
    }
