"""`gridtui job wait`, and what `submit --wait` shares with it: progress while jobs run, what it came to, and how to get back."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from ...jobs.model import ENDED, Group, Job, JobId, JobState
from ...jobs.spec.numbering import ids as read_ids
from ...jobs.spec.numbering import spell_indices
from ...model import clean, duration
from .. import exits, output
from ..interrupts import Interrupts
from ..main import Context, as_json, run, verb
from . import wording

if TYPE_CHECKING:
    from ...fleet import Fleet
    from ...jobs.queue import Progress

_EVERY = 0.2
"""Seconds between two pictures."""
_ROWS = 12
"""Submissions that are shown at once."""
_QUIET = 5.0
"""Seconds before it is said, where there is no terminal, why nothing starts."""
_BAR = 20
_TOLD = 10
"""Ways of failing that are told at the end."""


@verb("wait", short_help="Wait until jobs have ended.")
@as_json
@click.argument("words", nargs=-1, metavar="[ID...]")
def wait_command(context: Context, as_json: bool, words: Sequence[str]) -> int:
    """Wait until jobs have ended, without ID all of them; held ones too. Dispatches while nobody else does.

    Exits with 0 when all succeeded, 1 when any did not, 2 wrong usage, 130 interrupted.

    Ctrl-C ends the waiting, not the jobs.
    """
    from ..passphrases import asking

    fleet = context.fleet(ask=asking())
    return run(wait(fleet, read_ids(words), as_json=as_json))


async def wait(fleet: Fleet, ids: Sequence[JobId], *, as_json: bool = False) -> int:
    """Wait, with everything that is shown of it. The exit status."""
    from ...stopping import Stop

    board, stop = Board(), Stop()
    back = " ".join(["gridtui job wait", *map(str, ids[:5])]) if len(ids) <= 5 else "gridtui job wait"
    what = f"the jobs go on, and what is queued starts when somebody dispatches; `{back}` comes back to them"
    asked = Interrupts(stop, what, board.clear)
    began = time.monotonic()

    def hear(text: str) -> None:
        board.clear()
        output.note(text)

    fleet.jobs.hear = hear
    task = asyncio.create_task(fleet.jobs.wait(ids, board.told, stop))
    drawing = asyncio.create_task(board.tick())

    def again() -> None:
        if stop.count > 1:
            task.cancel()

    stop.listen(again)
    try:
        jobs = await task
    except asyncio.CancelledError:
        if not stop.count:
            raise
        return asked.status
    finally:
        drawing.cancel()
        board.clear()
        await fleet.close()
    if as_json:
        output.document({"schema": 1, "jobs": [wording.job_document(job) for job in jobs]}, ascii_only=True)
    conclude(jobs, time.monotonic() - began)
    if stop.count and any(job.state not in ENDED for job in jobs):
        return asked.status
    return exits.OK if all(job.state is JobState.SUCCEEDED for job in jobs) else exits.FAILED


def conclude(jobs: Sequence[Job], seconds: float) -> None:
    """What it came to, on standard error; what failed last, the same once."""
    counts: dict[JobState, int] = {}
    for job in jobs:
        counts[job.state] = counts.get(job.state, 0) + 1
    many = f"{len(jobs):,} job{'' if len(jobs) == 1 else 's'}"
    output.note(f"{many} in {duration(seconds)}: {wording.sum_up(counts) or 'nothing to wait for'}")
    alike: dict[tuple[JobState, str], list[Job]] = {}
    for job in jobs:
        if job.state in ENDED and job.state is not JobState.SUCCEEDED:
            alike.setdefault((job.state, wording.outcome(job)), []).append(job)
    ways = sorted(alike.items(), key=lambda item: len(item[1]))
    for (state, why), same in ways[-_TOLD:]:
        text = clean(f"{state}: {_ids(same)}{_on(same)}{f': {why}' if why else ''}")
        output.note(output.styled(text, "yellow" if state is JobState.CANCELLED else "red", sys.stderr))
    if any(state is JobState.FAILED for state, _ in alike):
        first = next(job for (state, _), same in alike.items() if state is JobState.FAILED for job in same)
        output.note(f"what it wrote: gridtui job logs {first.id}")


def _ids(jobs: Sequence[Job]) -> str:
    parts: dict[int, list[int]] = {}
    for job in jobs:
        parts.setdefault(job.id.number, []).extend([] if job.id.index is None else [job.id.index])
    text = " ".join(f"{number}.{spell_indices(found)}" if found else str(number) for number, found in parts.items())
    return text if len(text) <= 100 else f"{text[:100]}…"


def _on(jobs: Sequence[Job]) -> str:
    nodes = sorted({job.node for job in jobs if job.node})
    return f" on {nodes[0]}" if len(nodes) == 1 else f" on {len(nodes)} nodes" if nodes else ""


class Board:
    """Progress on a terminal; elsewhere, once, why nothing starts."""

    def __init__(self) -> None:
        self._found: Sequence[Progress] = ()
        self._lines = 0
        self._began = time.monotonic()

    def told(self, found: Sequence[Progress]) -> None:
        """News of the submissions: drawn with the next picture."""
        self._found = found

    async def tick(self) -> None:
        """Draw it again and again: what is told comes in bursts, and the time that jobs take goes on without news."""
        while output.live() or not self._told():
            if self._found and output.live():
                self._draw()
            await asyncio.sleep(_EVERY)

    def _told(self) -> bool:
        """Say why nothing starts, where there is no picture that tells; whether it was said. Not at once: nodes that are just looked at
        have none of their reasons for long."""
        waiting = [one for one in self._found if wording.waits(one)]
        if not waiting or time.monotonic() - self._began < _QUIET:
            return False
        if any(one.group is Group.RUNNING for one in self._found):
            return False
        first, more = waiting[0], len(waiting) - 1
        output.note(clean(f"{_title(first)} waits: {wording.waits(first)}{f' (and {more} more)' if more else ''}"))
        return True

    def clear(self) -> None:
        """Take the picture away."""
        self._lines = output.block([], self._lines)

    def _draw(self) -> None:
        live = [one for one in self._found if one.group is not Group.ENDED]
        shown = (live or list(self._found))[:_ROWS]
        width = max((len(_title(one)) for one in shown), default=0)
        lines = [row(one, width) for one in shown]
        if len(live) > _ROWS:
            lines.append(f"and {len(live) - _ROWS} more")
        self._lines = output.block(lines, self._lines)


def row(one: Progress, width: int) -> str:
    """One submission's line."""
    title = _title(one).ljust(width)
    state = wording.state(one)
    if not one.array:
        text = wording.took_all(one, time.time())
        if not text and state is JobState.QUEUED:
            text = wording.waits(one) or f"gridtui job explain {one.number} tells why"
        return f"{title}  {state}{f', {text}' if text else ''}"
    done, whole = wording.ended(one.counts), one.jobs
    filled = _BAR * done // whole if whole else 0
    rest: dict[JobState, int] = {state: count for state, count in one.counts.items() if state is not JobState.SUCCEEDED}
    why = f", {text}" if (text := wording.waits(one)) else ""
    return f"{title}  {'━' * filled}{'╌' * (_BAR - filled)}  {done:,}/{whole:,}  {wording.sum_up(rest)}{why}"


def _title(one: Progress) -> str:
    return clean(f"{one.number} {one.name}".strip(), 40)
