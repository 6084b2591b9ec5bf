"""The jobs: submissions with their progress, or the elements of one array; the grid's use over time; who dispatches. Owns what is shown."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import Input

from ...jobs.model import Job, JobId
from .. import text, use, work
from ..actions import bindings
from ..hints import hints
from ..listing import Elements, Entry, Listing, Submissions
from ..narrowing import job_words, offers
from ..offers import Word
from ..pages import Pages
from ..trail import Step
from ..widgets.bars import Chunk, KeyBar, TextLine
from ..widgets.completing import Completing
from ..widgets.jobs import JobLines, JobTitles
from ..widgets.lines import Lines
from ..widgets.plot import Curve, Plot
from .changes import ChangeScreen
from .filtering import TYPING

if TYPE_CHECKING:
    from ...jobs.queue import Progress
    from ..app import Dashboard


LAST = 500
"""Jobs of an array that failed last, whose nodes are marked."""


def _cpus(value: float | None) -> str:
    return (
        text.UNKNOWN
        if value is None or value != value
        else f"{value:.0f}"
        if value >= 10
        else f"{value:.1f}".removesuffix(".0")
    )


class JobsScreen(ChangeScreen):
    """All submissions; with a number, the elements of that array."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("jobs")]

    def __init__(self, dashboard: Dashboard, number: int | None = None) -> None:
        super().__init__()
        self.number = number
        self._view = 0
        self._known: list[Word] = []
        """What may be typed to filter them."""
        self._under: JobId | None = None
        self._changing: JobId | None = None
        """Whom the reader wanted changed last, while the cursor is there."""
        desk, clock = dashboard.desk, dashboard.clock
        self._list: Listing = Submissions(desk, clock) if number is None else Elements(desk, clock, number)
        self._pages = Pages(self._list.load)

    @property
    def crumb(self) -> str:
        return "jobs" if self.number is None else f"job {self.number}[]"

    @property
    def within(self) -> str:
        return self._words

    def widen(self) -> None:
        self._clear()

    def compose(self) -> ComposeResult:
        yield TextLine("raised", cut=True, id="summary")
        if self.number is None:
            yield Plot("CPUs", _cpus, id="use")
        yield TextLine(cut=True, id="tabs")
        yield JobTitles(self._list.titles, id="titles")
        yield JobLines(self._pages, self._list.row, self._list.node, id="list")
        yield TextLine("raised", cut=True, id="detail")
        dashboard = self.dashboard
        yield Completing(
            lambda text: offers(text, self._known),
            self._done,
            self._clear,
            lambda: dashboard.typed("jobs"),
            "words of name, user, labels or state, e.g.  ada failed project=titles",
            id="filter",
        )
        yield KeyBar(hints("jobs"), self.dashboard.keys, id="keys")

    def on_mount(self) -> None:
        self._lines.marked = self.dashboard.marks.all
        self.set_focus(self._lines)

    def on_screen_resume(self) -> None:
        self.dashboard.desk.soon()
        self.call_after_refresh(self.freshen, True)  # the first paint does not wait for the queue

    @property
    def _lines(self) -> JobLines:
        return self.query_one(JobLines)

    # ---- what is new ----

    def freshen(self, changed: bool) -> None:
        """Read what is due, and show it."""
        desk = self.dashboard.desk
        if desk.read():
            with desk.reading():
                self._list.read()
                self._turn()
            desk.rest()
        self._lines.look()  # ages grow
        self.show()

    def _turn(self) -> None:
        """A new picture of the list; the cursor follows its job as far as that is in sight. On the first line it stays on whatever stands
        first, unless a change was asked for there: the next one is meant for the same job."""
        lines, pages = self._lines, self._pages
        row, at = lines.row, lines.cursor
        view = self._list.views[self._view]
        pages.take([(segment, self._list.size(segment)) for segment in view.segments])
        pages.want(*lines.span())
        cursor = None
        if row is not None and (at or self._list.id(row) == self._changing):
            id = self._list.id(row)
            cursor = pages.find(lambda other: self._list.id(other) == id)
        lines.replaced(pages.count, cursor)
        pages.want(*lines.span())

    @on(JobLines.Wanted)
    def _wanted(self) -> None:
        self.call_after_refresh(self._read_on)

    def _read_on(self) -> None:
        """Rows have come into view: what the key did is painted by now."""
        desk = self.dashboard.desk
        with desk.reading():
            self._pages.want(*self._lines.span())
        self._lines.look()
        self.show()

    def show(self) -> None:
        desk, now = self.dashboard.desk, self.dashboard.clock()
        first, second = self._array(now) if self.number is not None else self._all(now)
        self.query_one("#summary", TextLine).show((first, self.corner()), (second, ()))
        sizes = [sum(map(self._list.size, view.segments)) for view in self._list.views]
        before: list[Chunk] = [(("filter ", "dim"), (self._words, "accent"))] if self._list.words else []
        if marked := len(self.dashboard.marks):
            before.append(((f"{marked} marked", "accent"),))
        self.query_one("#tabs", TextLine).show(([*before, *work.tabs(self._list.views, self._view, sizes)], ()))
        if self.number is None:
            held, free = desk.use.curves(now)
            curves = [Curve("free", free, "second"), Curve("held by jobs", held)]
            self.query_one("#use", Plot).show(curves, use.STEP)
        self.query_one("#detail", TextLine).show(([self._said] if self._said else self._explained(), ()))

    def _all(self, now: float) -> tuple[list[Chunk], list[Chunk]]:
        desk = self.dashboard.desk
        first: list[Chunk] = [(("jobs", "title"),), *work.counts(desk.counts)]
        second = work.holder(desk.holder, os.getpid(), now, self.dashboard.duty.trouble, self.dashboard.off_duty)
        out = [name for name, one in desk.standing.items() if one.closed(now)]
        if out:
            second.append(
                ((f"{len(out)} left out: ", "warning"), (text.plain(self.dashboard.fleet.fold(out)), "accent"))
            )
        return first, second

    def _array(self, now: float) -> tuple[list[Chunk], list[Chunk]]:
        array = self._list
        assert isinstance(array, Elements)
        progress = array.progress
        if progress is None:
            return [((f"job {self.number}[]", "strong"),)], []
        first: list[Chunk] = [
            ((f"job {self.number}[] ", "strong"), (text.plain(progress.name), "title")),
            *work.counts(progress.counts),
        ]
        share = text.percent(work.share(progress.counts))
        second: list[Chunk] = [
            (*work.bar(progress.counts, max(8, min(40, self.size.width // 4))), (f" {share}", "strong"))
        ]
        if (left := work.left(progress, now)) is not None:
            second.append(((f"about {text.age(left)} left", "text"),))
        second += [
            (("by ", "dim"), (text.plain(progress.user), "text")),
            (("priority ", "dim"), (str(progress.priority), "text")),
            ((f"{text.age(now - progress.submitted)} ago", "dim"),),
            ((array.command, "dim"),),
        ]
        return first, second

    def _explained(self) -> list[Chunk]:
        """What stands under the cursor, in words."""
        if trouble := self.dashboard.desk.trouble:
            return [((text.plain(trouble), "critical"),)]
        row = self._lines.row
        if row is None:
            return [] if self._pages.count else [((self._nothing(), "dim"),)]
        if isinstance(row, Entry):
            return self._told(row.progress, row.job)
        words, role = work.doing(row)
        state = row.state
        return [
            ((f"{work.GLYPHS[state]} {row.id} {state}", work.ROLES[state]),),
            *([((words, role),)] if words else []),
            *([((text.plain(row.item), "accent"),)] if row.item else []),
        ]

    def _nothing(self) -> str:
        word = self._list.views[self._view].word
        if self.number is not None:
            return f"no element is under `{word}`"
        if self._list.words:
            return f"no job under `{word}` has all of: {self._words}"
        if word != "all":
            return f"no job is under `{word}`"
        return "there are no jobs: `gridtui job submit -- COMMAND` makes one"

    def _told(self, progress: Progress, job: Job | None) -> list[Chunk]:
        state = work.standing(progress.counts)
        who = f"{progress.number}{'[]' if progress.array else ''} {text.plain(progress.name)}".rstrip()
        chunks: list[Chunk] = [((f"{work.GLYPHS[state]} ", work.ROLES[state]), (who, "strong"))]
        if job is not None:
            words, role = work.doing(job)
            return [*chunks, ((str(job.state), work.ROLES[job.state]),), ((words, role),)]
        chunks += work.counts(progress.counts)
        if progress.waits:
            chunks.append((("comes after others", "dim"),))
        return chunks

    # ---- the filter ----

    @property
    def _words(self) -> str:
        return text.plain(" ".join(self._list.words))

    def action_narrow(self) -> None:
        if self.number is not None:
            self.say("elements are shown by their state alone, with the tabs", "text")
            return
        with self.dashboard.desk.reading():
            self._known = job_words(self.dashboard.desk.jobs)
        self._box.display = True
        self.set_focus(self._box)  # at once: what is typed on quickly would be taken for keys
        self._box.start(" ".join(self._list.words))

    @property
    def _box(self) -> Completing:
        return self.query_one("#filter", Completing)

    @on(Input.Changed, "#filter")
    def _typing(self, event: Input.Changed) -> None:
        value = event.value
        self.set_timer(TYPING, lambda: self._typed(value))

    def _typed(self, value: str) -> None:
        if self._box.value == value and self._box.display:  # else it was typed on
            self._choose(value)

    def _done(self, line: str) -> None:
        self._box.typed.remember(line)
        self._choose(line)
        self._close_filter()

    def _clear(self) -> None:
        """All jobs again; the words can be gone forward to."""
        self._close_filter()
        if self._list.words:
            words = " ".join(self._list.words)
            self._choose("")
            self.dashboard.trail.left(Step(text.plain(words), lambda: self._choose(words)))

    def _choose(self, value: str) -> None:
        words = tuple(value.split())
        if words != self._list.words:
            self.dashboard.trail.forget()
            self._list.words = words
            with self.dashboard.desk.reading():
                self._list.read()
            self._first_page()

    def _close_filter(self) -> None:
        self._box.display = False
        self.set_focus(self._lines)

    def action_back(self) -> None:
        if self._list.words or self._box.display:
            self._clear()
        else:
            super().action_back()

    # ---- keys ----

    @on(Lines.Moved)
    def _moved(self) -> None:
        row = self._lines.row
        under = None if row is None else self._list.id(row)
        if under not in (self._under, self._changing):  # else it is the job that moved, not the reader
            self._said, self._changing = (), None
        self._under = under
        self.show()

    @on(Lines.Chosen)
    def _chosen(self) -> None:
        self.action_open_job()

    def action_next_view(self) -> None:
        self._step_view(1)

    def action_previous_view(self) -> None:
        self._step_view(-1)

    def _step_view(self, step: int) -> None:
        self._view = (self._view + step) % len(self._list.views)
        self._first_page()

    def _first_page(self) -> None:
        """Another list, from its beginning."""
        self._said = ()
        lines = self._lines
        self._pages.take([(segment, self._list.size(segment)) for segment in self._list.views[self._view].segments])
        lines.replaced(self._pages.count, 0)
        lines.scroll_to(y=0, animate=False)
        self.show()
        self.call_after_refresh(self._read_on)

    def action_open_job(self) -> None:
        row = self._lines.row
        if row is None:
            return
        if isinstance(row, Entry) and row.progress.array:
            self.dashboard.open_array(row.progress.number)
        else:
            self.dashboard.open_job(self._list.id(row))

    def subject(self) -> tuple[JobId, str, int] | None:
        row = self._lines.row
        if row is None:
            return None
        self._changing = self._list.id(row)
        if isinstance(row, Entry):
            return JobId(row.progress.number), row.progress.name, row.progress.priority
        return row.id, row.name, row.priority

    def whole(self, id: JobId) -> str:
        row = self._lines.row
        if id.index is None and isinstance(row, Entry) and row.progress.array:
            return f"all of {id}[], {row.progress.jobs:,} jobs,"
        return f"all of {id}[]" if id.index is None and self.number is not None else f"job {id}"

    def job(self) -> Job | None:
        row = self._lines.row
        return None if row is None else self._list.job(row)

    # ---- marks ----

    def action_mark(self) -> None:
        if (name := self._node()) is not None:
            self.dashboard.marks.toggle(name)
            self._lines.action_down()
            self._lines.refresh()
            self.show()

    def action_mark_failed(self) -> None:
        row, desk = self._lines.row, self.dashboard.desk
        # The lines of an array may not have been read yet.
        number = self.number if row is None else self._list.id(row).number
        if number is None:
            return
        with desk.reading():
            jobs = desk.jobs.list(numbers=[number], states=sorted(work.WRONG), limit=LAST, newest=True)
            names = list(dict.fromkeys(job.node for job in jobs if job.node in self.dashboard.fleet.nodes))
            if names:
                self.dashboard.marks.set(names)
                self._lines.refresh()
                self.say(f"marked: {self.dashboard.fleet.fold(names)}", "text")
            else:
                self.say(f"no node of this inventory is known on which job {number} failed", "text")
