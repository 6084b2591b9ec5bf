"""What was done, as far as that is known: from this dashboard, in memory; before it and beside it, from the joblog, the runs that were kept,
the queue, and what other dashboards did by hand. Owns what is remembered and for how long; `activity` says it in words.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import GridtuiError
from ..exec import Task
from ..exec import log as joblog
from ..jobs.model import ENDED, PLACED, Group
from ..playbooks.model import Plan, Playbook, Result
from . import deeds, work
from .activity import WELL, Deed, Kind, counted
from .course import Course
from .errands import Errand, ExecErrand, PlayErrand
from .shells import Shell

if TYPE_CHECKING:
    from ..jobs.queue import Progress
    from ..playbooks.artefacts import Kept
    from .app import Dashboard

MOST = 100
"""Errands and changes that are remembered."""
OUTPUT = 64 << 20
"""Bytes of output of commands that are remembered, all together; that of the newest one always is."""
SUBMISSIONS = 50
"""Submissions of each kind that are looked at: that run, wait, have ended."""
EVERY = 2.0
"""Seconds between two looks at what others write."""
SHARE = 20
"""A look that took t seconds is repeated after SHARE * t at the earliest."""


@dataclass(frozen=True, slots=True)
class Change:
    """Something that was changed by hand."""

    time: float
    what: str
    names: tuple[str, ...]
    error: str = ""


class Ledger:
    """One for the whole dashboard."""

    def __init__(self, dashboard: Dashboard) -> None:
        self._dashboard = dashboard
        self._errands: list[Errand] = []
        self._changes: list[Change] = []
        self._logged: Sequence[joblog.Logged] = ()
        self._jobs: Sequence[Progress] = ()
        self._old: Sequence[tuple[Path, Deed]] = ()
        """The deeds of both, each with its place."""
        self._others: Sequence[Deed] = ()
        """What was done by hand, from here too."""
        self._kept: set[tuple[object, ...]] = set()
        self._keeping: asyncio.Task[None] | None = None
        self._state: tuple[object, ...] = ()
        self._next = 0.0
        self._reading = False
        self.trouble = ""
        """What went wrong with the last look."""

    # ---- what is done from here ----

    def add(self, errand: Errand) -> None:
        """Something begins, or begins again."""
        if errand in self._errands:
            self._errands.remove(errand)
        self._errands.append(errand)
        running = [one for one in self._errands[:-MOST] if one.running]
        self._errands = [*running, *self._errands[-MOST:]]
        self._forget()

    def _forget(self) -> None:
        """Let go of the output of the oldest commands, so that a day of them does not fill the memory."""
        room = OUTPUT
        for errand in reversed(self._errands):
            if isinstance(errand, ExecErrand) and not errand.running and not errand.bare:
                room -= errand.results.size
                if room < 0 and errand is not self._errands[-1]:
                    errand.results.forget()
                    errand.bare = True

    def note(self, what: str, names: Iterable[str] = (), error: str = "") -> None:
        """Something was changed by hand, or was to be."""
        self._changes.append(Change(self._dashboard.clock(), what, tuple(names), error))
        del self._changes[:-MOST]
        self.keep()

    # ---- over restarts ----

    def keep(self) -> None:
        """Something has ended: write down what nobody else does."""
        if self._keeping is None or self._keeping.done():
            self._keeping = asyncio.create_task(self._keep())

    async def close(self) -> None:
        """Wait until all is written; shells that are open stay so, in windows of their own."""
        if self._keeping is not None:
            await self._keeping
        await self._keep(leaving=True)

    async def _keep(self, leaving: bool = False) -> None:
        while new := [one for one in self._here() if self._lasting(one, leaving)]:
            self._kept.update(map(deeds.key, new))
            try:
                await asyncio.to_thread(deeds.add, [replace(one, running=False) for one in new])
            except GridtuiError as error:
                self._dashboard.keeping.complain("deeds", error)

    def _lasting(self, deed: Deed, leaving: bool) -> bool:
        return deed.kind in deeds.KINDS and deeds.key(deed) not in self._kept and (leaving or not deed.running)

    # ---- what others did ----

    async def look(self) -> bool:
        """Read what changed since the last look, where one is due; whether anything did. Files are read in a thread."""
        if self._reading or time.monotonic() < self._next:
            return False
        self._reading, self.trouble = True, ""
        began = time.monotonic()
        try:
            changed = await self._read()
        except GridtuiError as error:
            self.trouble, changed = str(error), True
        finally:
            self._reading = False
            now = time.monotonic()
            self._next = now + max(EVERY, SHARE * (now - began))
        return changed

    async def _read(self) -> bool:
        dashboard = self._dashboard
        queue = dashboard.fleet.jobs
        jobs = [one for group in Group for one in queue.progress(group=group, limit=SUBMISSIONS)]
        state = await asyncio.to_thread(self._files)
        changed = jobs != self._jobs or state != self._state
        self._jobs = jobs
        if state != self._state:
            self._state = state  # also where reading fails: what is damaged is told once
            self._logged, self._old, self._others = await asyncio.to_thread(self._recorded)
        return changed

    def _recorded(self) -> tuple[Sequence[joblog.Logged], Sequence[tuple[Path, Deed]], Sequence[Deed]]:
        logged, kept = joblog.runs(), self._dashboard.fleet.playbook_runs()
        old = [*((one.path, _of_log(one)) for one in logged), *((one.folder, _of_kept(one)) for one in kept)]
        return logged, old, deeds.read()

    def _files(self) -> tuple[object, ...]:
        """Another value as soon as there is something new to read."""
        found: list[object] = []
        for folder in (joblog.folder(), joblog.folder().parent / "playbooks"):
            try:
                with os.scandir(folder) as entries:
                    names = sorted(entry.name for entry in entries)
            except OSError:
                continue
            found.append(tuple(names))
            found += [(folder / name / "outcomes.json").exists() for name in names if (folder / name).is_dir()]
        with contextlib.suppress(FileNotFoundError):
            found.append(deeds.path().stat().st_mtime_ns)
        return tuple(found)

    # ---- all of it ----

    def deeds(self) -> list[Deed]:
        """All that is known, in no order."""
        here = self._here()
        own = {errand.log for errand in self._errands if isinstance(errand, ExecErrand)}
        own |= {errand.folder for errand in self._errands if isinstance(errand, PlayErrand)}
        known = set(map(deeds.key, here))
        here += [deed for place, deed in self._old if place not in own and not self._going(deed)]
        here += [deed for deed in self._others if deeds.key(deed) not in known]
        return here + [_of_jobs(one) for one in self._jobs]

    def _here(self) -> list[Deed]:
        """What was done from here."""
        here = [errand.deed() for errand in self._errands]
        here += map(_of_shell, self._dashboard.shells.opened[-MOST:])
        return here + [_of_change(one) for one in self._changes]

    def _going(self, deed: Deed) -> bool:
        """Whether it is what goes on here, whose folder is not known before its end."""
        return (
            deed.kind is Kind.PLAYBOOK
            and not deed.ended
            and any(
                isinstance(one, PlayErrand) and one.running and set(deed.names) == set(one.names)
                for one in self._errands
            )
        )

    def groups(self, deed: Deed) -> Mapping[str, Sequence[str]]:
        """The nodes of a deed by how it ended there."""
        source = deed.source
        endings: Mapping[str, str] = {}
        if isinstance(source, Errand):
            endings = source.endings()
        elif isinstance(source, joblog.Logged):
            endings = {one.node: str(one.status) for one in source.outcomes}
        elif deed.kind is Kind.PLAYBOOK and (outcomes := getattr(source, "outcomes", None)):
            endings = outcomes
        found: dict[str, list[str]] = {}
        for name, word in endings.items():
            found.setdefault(word, []).append(name)
        return found

    # ---- again ----

    def commands(self) -> list[str]:
        """What was run before, the oldest first, each once: the newest time."""
        words = [one.command for one in self._logged]
        words += [one.task.command for one in self._errands if isinstance(one, ExecErrand)]
        return list(dict.fromkeys(reversed(words)))[::-1]

    def played(self, kept: Kept) -> PlayErrand | None:
        """The errand of this dashboard that is kept there."""
        return next((one for one in self._errands if isinstance(one, PlayErrand) and one.folder == kept.folder), None)

    async def recall(self, kept: Kept) -> PlayErrand:
        """A run that was kept, as it was. Raises StateError."""
        from ..playbooks import replay

        now = [kept.time]
        course = Course(kept.nodes, lambda: now[0], kept.check)
        async for when, news in replay.progress(kept):
            now[0] = when
            course.take(news)
        course.end(Result(kept.run, kept.folder, replay.outcomes(kept)))
        plan = Plan(tuple(Playbook(name, Path(name)) for name in kept.playbooks), check=kept.check)
        errand = PlayErrand(plan, course, course.names, kept.time, kept=True, guarded=bool(kept.changes))
        errand.took = max((one.seconds for one in course.outcomes.values()), default=0.0)
        return errand


def bare(logged: joblog.Logged) -> ExecErrand:
    """A command of the joblog, of whose output nothing is known."""
    task = Task(logged.command, sudo=logged.sudo, timeout=logged.timeout)
    errand = ExecErrand(task, [one.node for one in logged.outcomes], logged.time)
    for outcome in logged.outcomes:
        errand.results.add(outcome)
    errand.took = _longest(logged)
    errand.bare, errand.log = True, logged.path
    return errand


def _longest(logged: joblog.Logged) -> float:
    return max((one.seconds for one in logged.outcomes), default=0.0)


def _of_log(one: joblog.Logged) -> Deed:
    return Deed(
        ("log", one.path),
        Kind.EXEC,
        f"{'sudo ' if one.sudo else ''}{one.command}",
        one.time,
        tuple(outcome.node for outcome in one.outcomes),
        len(one.outcomes),
        _longest(one),
        ended=counted(str(outcome.status) for outcome in one.outcomes),
        failed=one.failed,
        source=one,
    )


def _of_kept(one: Kept) -> Deed:
    outcomes = one.outcomes or {}
    return Deed(
        ("kept", one.run),
        Kind.PLAYBOOK,
        ", ".join(one.playbooks) + (" (dry run)" if one.check else ""),
        one.time,
        one.nodes,
        len(one.nodes),
        ended=counted(outcomes.values()),
        failed=tuple(name for name, word in outcomes.items() if word not in WELL),
        note="did not end, or goes on elsewhere" if one.outcomes is None else "",
        source=one,
    )


def _of_shell(one: Shell) -> Deed:
    word = "stopped" if one.stopped else "open" if one.open else "lost" if one.lost else "closed"
    return Deed(
        id(one),
        Kind.SHELL,
        f"shell on {one.node}{' (tmux)' if one.window is not None else ''}",
        one.began,
        (one.node,),
        1,
        None if one.ended is None else one.ended - one.began,
        one.open,
        ended=((word, 1),),
        failed=(one.node,) if one.lost else (),
        note=f"status {one.status}" if one.lost else "",
        source=one,
    )


def _of_change(one: Change) -> Deed:
    return Deed(
        id(one),
        Kind.CHANGE,
        one.what,
        one.time,
        one.names,
        len(one.names),
        ended=(("refused" if one.error else "done", 1),),
        failed=one.names if one.error else (),
        note=one.error,
        source=one,
    )


def _of_jobs(one: Progress) -> Deed:
    running = any(state not in ENDED for state in one.counts)
    placed = any(state in PLACED for state in one.counts)
    took = one.ended - one.started if one.ended is not None and one.started is not None else None
    order = list(work.GLYPHS)
    return Deed(
        ("job", one.number),
        Kind.JOB,
        f"{one.number}{'[]' if one.array else ''} {one.name}".rstrip(),
        one.submitted,
        (),
        one.jobs,
        None if running else took,
        running,
        work.share(one.counts) if placed or running else None,
        tuple((str(state), one.counts[state]) for state in sorted(one.counts, key=order.index)),
        (),
        one.user,
        source=one,
    )
