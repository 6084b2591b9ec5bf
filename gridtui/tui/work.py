"""Jobs as lines of text with roles: a submission's row, an element's row, bars, sums, who dispatches. Owns what they say; pure.

Every state is a shape and a word, not only a colour; in a bar too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..jobs.model import ENDED, PLACED, Group, Job, JobState
from . import text
from .columns import Parts

if TYPE_CHECKING:
    from ..jobs.queue import Holder, Progress, Standing

GLYPHS: Mapping[JobState, str] = {
    JobState.RUNNING: "▸",
    JobState.FROZEN: "◇",
    JobState.STARTING: "▹",
    JobState.FAILED: "✖",
    JobState.LOST: "▲",
    JobState.QUEUED: "○",
    JobState.HELD: "‖",
    JobState.CANCELLED: "⊘",
    JobState.SUCCEEDED: "●",
}
"""In the order in which they matter to the reader: what goes on, what went wrong, what waits, what is done."""
ROLES: Mapping[JobState, str] = {
    JobState.RUNNING: "accent",
    JobState.FROZEN: "warning",
    JobState.STARTING: "accent",
    JobState.FAILED: "critical",
    JobState.LOST: "critical",
    JobState.QUEUED: "dim",
    JobState.HELD: "warning",
    JobState.CANCELLED: "dim",
    JobState.SUCCEEDED: "ok",
}
WRONG = frozenset({JobState.FAILED, JobState.LOST})
WAITING = frozenset({JobState.QUEUED, JobState.HELD})
OLD = 15.0
"""Seconds without a beat after which who holds the lease is doubted."""


@dataclass(frozen=True, slots=True)
class View:
    """A tab: its word, and what of the list it shows, in order."""

    word: str
    segments: tuple[Group | JobState, ...]


SUBMISSIONS = (
    View("all", tuple(Group)),
    View("running", (Group.RUNNING,)),
    View("queue", (Group.WAITING,)),
    View("done", (Group.ENDED,)),
)
_STATES = tuple(GLYPHS)
ELEMENTS = (
    View("all", _STATES),
    View("running", tuple(state for state in _STATES if state in PLACED)),
    View("queue", tuple(state for state in _STATES if state in WAITING)),
    View("failed", tuple(state for state in _STATES if state in WRONG)),
    View("done", tuple(state for state in _STATES if state in ENDED)),
)


# ---- one submission ----


def total(counts: Mapping[JobState, int]) -> int:
    """All jobs of some counts."""
    return sum(counts.values())


def among(counts: Mapping[JobState, int], states: frozenset[JobState]) -> int:
    """Those that are in some states."""
    return sum(count for state, count in counts.items() if state in states)


def standing(counts: Mapping[JobState, int]) -> JobState:
    """The one state that tells most of a submission: what goes on, else what went wrong where all has ended, else what waits."""
    present = [state for state in GLYPHS if counts.get(state)]
    if not all(state in ENDED for state in present):
        present = [state for state in present if state not in ENDED]
    return present[0] if present else JobState.QUEUED


def share(counts: Mapping[JobState, int]) -> float | None:
    """Per cent of the jobs that have ended."""
    whole = total(counts)
    return 100.0 * among(counts, ENDED) / whole if whole else None


def bar(counts: Mapping[JobState, int], cells: int) -> Parts:
    """How far a submission is: `━` succeeded, `×` went wrong, `╍` on a node, `─` waits or was cancelled. What there is one of takes a cell at least."""
    whole = total(counts)
    if not whole or cells <= 0:
        return ((" " * max(0, cells), "track"),)
    kinds = (
        ("━", "ok", counts.get(JobState.SUCCEEDED, 0)),
        ("×", "critical", among(counts, WRONG)),
        ("╍", "accent", among(counts, PLACED)),
    )
    wide = [max(1, int(cells * count / whole)) if count else 0 for _, _, count in kinds]
    if sum(count for _, _, count in kinds) == whole:
        wide[max(range(3), key=lambda at: kinds[at][2])] += cells - sum(wide)
    while sum(wide) > cells:
        wide[wide.index(max(wide))] -= 1
    parts = [(sign * width, role) for (sign, role, _), width in zip(kinds, wide, strict=True) if width]
    rest = cells - sum(wide)
    return (*parts, ("─" * rest, "track")) if rest else tuple(parts)


def left(progress: Progress, now: float) -> float | None:
    """Seconds until the rest has ended, if it goes on as it did; None where that cannot be told."""
    ended = among(progress.counts, ENDED)
    rest = total(progress.counts) - ended
    if progress.started is None or not rest or not among(progress.counts, PLACED) or ended < 3:
        return None
    return (now - progress.started) / ended * rest


@dataclass(frozen=True, slots=True)
class Layout:
    """How many cells each part of a row has. 0: it is not shown."""

    state: int
    job: int
    name: int
    user: int
    bar: int
    counts: int
    """Of each count; 0: none but those in the note."""
    priority: int
    age: int
    note: int


_COUNTS = (("RUN", PLACED), ("WAIT", WAITING), ("BAD", WRONG), ("DONE", frozenset({JobState.SUCCEEDED})))


def layout(cells: int) -> Layout:
    """How a row of `cells` cells is divided."""
    state = 12 if cells >= 70 else 2
    job = 8 if cells >= 50 else 6
    user = 9 if cells >= 110 else 0
    bar = 22 if cells >= 130 else 16 if cells >= 100 else 10 if cells >= 60 else 6
    counts = 7 if cells >= 78 else 0
    priority = 6 if cells >= 100 else 0
    age = 8 if cells >= 60 else 0
    room = cells - state - job - user - bar - 5 - counts * len(_COUNTS) - priority - age
    note = min(60, room - (28 if room >= 60 else 16)) if room >= 30 else 0
    return Layout(state, job, max(4, room - note), user, bar, counts, priority, age, note)


def titles(made: Layout) -> Parts:
    """The titles of submissions' columns."""
    return (
        (text.fit("STATE" if made.state > 2 else "", made.state), "header"),
        (text.fit("JOB", made.job), "header"),
        (text.fit("NAME", made.name), "header"),
        (text.fit("USER", made.user), "header"),
        (text.fit("PROGRESS", made.bar + 5), "header"),
        *((text.fit(title, made.counts - 1, right=True) + " ", "header") for title, _ in _COUNTS if made.counts),
        (text.fit("PRIO ", made.priority, right=True), "header"),
        (text.fit("AGE ", made.age, right=True), "header"),
        (text.fit("", made.note), "header"),
    )


def row(progress: Progress, job: Job | None, now: float, made: Layout) -> Parts:
    """A submission's line; `job` where it is a single one."""
    counts = progress.counts
    state = standing(counts)
    many = f"{progress.number}[]" if progress.array else str(progress.number)
    parts: list[tuple[str, str]] = [
        (text.fit(f"{GLYPHS[state]} {state}" if made.state > 2 else GLYPHS[state], made.state), ROLES[state]),
        (text.fit(many, made.job - 1) + " ", "dim"),
        (text.fit(progress.name, made.name - 1) + " ", "strong"),
    ]
    if made.user:
        parts.append((text.fit(progress.user, made.user - 1) + " ", "dim"))
    parts += [*bar(counts, made.bar), (text.fit(text.percent(share(counts)), 4, right=True) + " ", "text")]
    for title, states in _COUNTS if made.counts else ():
        number = among(counts, states)
        role = "critical" if title == "BAD" and number else "text" if number else "faint"
        parts.append((text.fit(str(number), made.counts - 1, right=True) + " ", role))
    if made.priority:
        parts.append((text.fit(str(progress.priority), made.priority - 1, right=True) + " ", "dim"))
    if made.age:
        parts.append((text.fit(text.age(now - progress.submitted), made.age - 1, right=True) + " ", "dim"))
    if made.note:
        words, role = _note(progress, job, now)
        parts.append((text.fit(words, made.note), role))
    return tuple(parts)


def _note(progress: Progress, job: Job | None, now: float) -> tuple[str, str]:
    if job is not None:
        return doing(job)
    rest = left(progress, now)
    return (f"{text.age(rest)} left", "dim") if rest is not None else ("", "dim")


def doing(job: Job) -> tuple[str, str]:
    """Where a job is, or why it stands where it does."""
    if job.state in PLACED:
        return f"on {text.plain(job.node)}" + (f", {text.plain(job.why)}" if job.why else ""), "dim"
    if job.why:
        return text.plain(job.why), "critical" if job.state in WRONG else "dim"
    if job.state in WRONG and job.exit is not None:
        return f"exit {job.exit} on {text.plain(job.node)}", "critical"
    return (f"on {text.plain(job.node)}" if job.node else ""), "dim"


# ---- one job of many ----


@dataclass(frozen=True, slots=True)
class ElementLayout:
    """How many cells each part of an element's row has. 0: it is not shown."""

    state: int
    job: int
    node: int
    attempt: int
    exit: int
    took: int
    note: int


def element_layout(cells: int) -> ElementLayout:
    """How a row of `cells` cells is divided."""
    state = 12 if cells >= 60 else 2
    job = 14 if cells >= 50 else 10
    node = 24 if cells >= 110 else 14 if cells >= 60 else 9
    attempt = 5 if cells >= 70 else 0
    exit = 6 if cells >= 50 else 0
    took = 9 if cells >= 60 else 0
    return ElementLayout(
        state, job, node, attempt, exit, took, max(0, cells - state - job - node - attempt - exit - took)
    )


def element_titles(made: ElementLayout) -> Parts:
    """The titles of elements' columns."""
    return (
        (text.fit("STATE" if made.state > 2 else "", made.state), "header"),
        (text.fit("JOB", made.job), "header"),
        (text.fit("NODE", made.node), "header"),
        (text.fit("TRY ", made.attempt, right=True), "header"),
        (text.fit("EXIT ", made.exit, right=True), "header"),
        (text.fit("TIME ", made.took, right=True), "header"),
        (text.fit("ITEM, WHY", made.note), "header"),
    )


def element(job: Job, now: float, made: ElementLayout) -> Parts:
    """An element's line."""
    state = job.state
    seconds = took(job, now)
    parts: list[tuple[str, str]] = [
        (text.fit(f"{GLYPHS[state]} {state}" if made.state > 2 else GLYPHS[state], made.state), ROLES[state]),
        (text.fit(str(job.id), made.job - 1) + " ", "strong"),
        (text.fit(job.node, made.node - 1) + " ", "text"),
    ]
    for words, cells, role in (
        (str(job.attempt) if job.attempt else "", made.attempt, "warning" if job.attempt > 1 else "dim"),
        ("" if job.exit is None else str(job.exit), made.exit, "critical" if job.exit else "dim"),
        ("" if seconds is None else text.age(seconds), made.took, "dim"),
    ):
        if cells:
            parts.append((text.fit(words, cells - 1, right=True) + " ", role))
    why = text.plain(job.why)
    words = "  ".join(part for part in (text.plain(job.item), why) if part)
    parts.append((text.fit(words, made.note), "critical" if state in WRONG and why else "dim"))
    return tuple(parts)


def took(job: Job, now: float) -> float | None:
    """Seconds that a job's newest attempt took, or takes so far."""
    if job.started is None:
        return None
    if job.state in PLACED:
        return now - job.started
    return job.ended - job.started if job.ended is not None and job.ended >= job.started else None


PENDING: Parts = ((text.UNKNOWN, "faint"),)
"""A row that is not read yet."""


# ---- lines around the list ----


def counts(found: Mapping[JobState, int]) -> list[Parts]:
    """`▸ 12 running  ○ 400 queued  ✖ 2 failed`, as chunks."""
    return [((f"{sign} {found[state]:,} {state}", ROLES[state]),) for state, sign in GLYPHS.items() if found.get(state)]


def tabs(views: Sequence[View], chosen: int, sizes: Sequence[int]) -> list[Parts]:
    """The tabs with how many lines each has; the chosen one set apart by more than colour."""
    return [
        ((f"[{view.word} {size:,}]", "title") if at == chosen else (f" {view.word} {size:,} ", "dim"),)
        for at, (view, size) in enumerate(zip(views, sizes, strict=True))
    ]


def holder(found: Holder | None, me: int, now: float, trouble: str, off: str) -> list[Parts]:
    """Who dispatches, and how old its last beat is. `me` is this process, `off` why it does not itself."""
    if found is not None:
        old = now - found.beat
        who = "this dashboard" if found.pid == me else f"process {found.pid} on {text.plain(found.host)}"
        beat = (f"beat {text.age(old)} ago", "warning" if old > OLD else "dim")
        return [
            (("dispatched by ", "dim"), (who, "accent" if found.pid == me else "text")),
            ((f"for {text.age(now - found.since)}", "dim"),),
            (beat,),
        ]
    why = trouble or off
    return [((f"nobody dispatches{': ' if why else ''}{text.plain(why)}", "warning"),)]


# ---- a node's page ----


def on_node(found: Sequence[Job], standing: Standing | None, now: float, cells: int) -> list[Parts]:
    """What a node has of jobs, and whether it gets any; nothing where there is nothing to say."""
    lines: list[Parts] = []
    if standing is not None and (closed := standing.closed(now)):
        lines.append((("no more jobs ", "warning"), (text.fit(closed, max(0, cells - 13)), "text")))
    for job in found:
        seconds = took(job, now)
        lines.append(
            (
                (text.fit(f"{GLYPHS[job.state]} {job.state}", 12), ROLES[job.state]),
                (text.fit(str(job.id), 13) + " ", "strong"),
                (text.fit(job.name, max(8, min(30, cells - 46))) + " ", "text"),
                (text.fit(job.user, 9) + " ", "dim"),
                (text.fit(f"{job.cpus:g} CPU{'' if job.cpus == 1 else 's'}", 8), "dim"),
                (text.fit("" if seconds is None else text.age(seconds), 7, right=True), "dim"),
            )
        )
    return lines
