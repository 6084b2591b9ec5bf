"""A playbook's run: node × task as it goes, what was said, what failed and what changed. Owns what is shown of it, and what may follow.

It is opened with a plan (`look_at`, `start`) by the screen that chooses one, by a finding of the posture, or with a run that was kept.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType

from ...errors import GridtuiError
from ...playbooks.model import Outcome, Plan
from ...stopping import Stop
from .. import plays, text
from ..actions import bindings
from ..course import Course
from ..errands import Errand, PlayErrand
from ..hints import hints
from ..output import Page
from ..widgets.bars import Chunk, KeyBar, TextLine
from ..widgets.course import CourseLines, CourseTitles
from ..widgets.lines import Lines
from ..widgets.output import OutputLines
from .run import RunScreen

if TYPE_CHECKING:
    pass

SHARE = 20
"""A page that took t seconds to make is made again after SHARE * t at the earliest: 10,000 different diffs take longer than a beat."""
LOG, FAILURES, CHANGES, NODE = "log", "failures", "changes", "node"


class PlaybookScreen(RunScreen):
    """One run at a time; the last one stays until there is another."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("playbook")]
    NOUN = "playbook"

    def __init__(self) -> None:
        super().__init__()
        self._nothing = Course(())
        self.seen = True
        """Whether the reader has looked at the end of the last run."""
        self._view = LOG
        self._chose = False
        self._inspected = ""
        self._shown: tuple[object, ...] = ()
        self._made_at = self._making = 0.0
        self._dry_run_of: tuple[Plan, tuple[str, ...]] | None = None
        # Most tasks end alike on the same nodes, and folding 1,000 names takes 9 ms.
        self._folded = lru_cache(256)(lambda names: self.dashboard.fleet.fold(names))

    @property
    def _played(self) -> PlayErrand | None:
        return self.errand if isinstance(self.errand, PlayErrand) else None

    @property
    def course(self) -> Course:
        """What became of it so far."""
        return self._played.course if self._played is not None else self._nothing

    @property
    def plan(self) -> Plan | None:
        """What was asked for."""
        return self._played.plan if self._played is not None else None

    @property
    def _kept(self) -> bool:
        return self._played is not None and self._played.kept

    def compose(self) -> ComposeResult:
        yield TextLine("raised", cut=True, id="summary")
        yield TextLine(cut=True, id="target")
        yield CourseTitles(id="titles")
        yield CourseLines(id="grid")
        yield TextLine("raised", cut=True, id="head")
        yield OutputLines(id="pane")
        yield TextLine("raised", cut=True, id="detail")
        yield KeyBar(hints("playbook"), self.dashboard.keys, id="keys")

    @property
    def _grid(self) -> CourseLines:
        return self.query_one(CourseLines)

    @property
    def _pane(self) -> OutputLines:
        return self.query_one(OutputLines)

    # ---- opened ----

    def due(self, plan: Plan, names: Sequence[str], dry: bool, whom: str = "") -> None:
        """Run this as soon as the screen is shown; `dry`: a dry run first."""
        self.aim(names, whom)
        plan = replace(plan, check=True, diff=True) if dry else plan
        self.soon(lambda: self._begin(plan, self.names))

    def review(self, errand: Errand) -> None:
        super().review(errand)
        self.seen, self._chose, self._dry_run_of = True, False, None
        course = self.course
        self._turn_to(FAILURES if course.failed() else CHANGES if course.changed() else LOG)

    def on_screen_resume(self) -> None:
        if not self.running:
            self.seen = True
        super().on_screen_resume()

    def _begin(self, plan: Plan, names: Sequence[str], title: str = "Run this for real?") -> None:
        stop = Stop()
        names = tuple(names)
        words = [(plays.named(plan), "strong")]
        if plan.undo:
            words.append(("undo: what it did is taken back", "warning"))
        if any(one.cuts for one in plan.playbooks):
            words.append(
                (
                    f"It may cut the link: a node takes it back after {plan.window:g} s unless it is confirmed.",
                    "warning",
                )
            )
        # What was looked at in a dry run, and cuts no link, is asked about above a number of nodes only, as everything is.
        looked = self._dry_run_of == (replace(plan, check=True, diff=True), names)
        cuts = any(one.cuts for one in plan.playbooks)
        ask = False if plan.check else None if looked and not cuts else True
        self.begin(title, names, words, stop, lambda: self._go(plan, names, stop), ask=ask, harmless=plan.check)

    async def _go(self, plan: Plan, names: tuple[str, ...], stop: Stop) -> None:
        course = Course(names, self.dashboard.clock, plan.check)
        self.keep(PlayErrand(plan, course, names, self.dashboard.clock()))
        self.seen = False
        if names != self.names:
            self.names, self.whom = names, ""
        self._turn_to(LOG)
        self._chose = False
        self._grid.go(0)
        self.show()
        try:
            result = await self.dashboard.fleet.playbook(
                plan,
                names=names,
                told=course.take,
                ended=course.ended,
                ask=self.dashboard.asking.secret,
                stop=stop,
            )
            course.end(result)
        except GridtuiError as error:
            course.refused(str(error))
            raise
        finally:
            self.seen = self.is_active
        if not plan.check:
            self.dashboard.survey.touch(names)
        self._dry_run_of = (plan, names) if plan.check and not course.failed() else None
        if not self._chose:
            troubled = course.failed() or (course.result is not None and course.result.error)
            self._turn_to(FAILURES if troubled else CHANGES if course.changed() else LOG)
            self.set_focus(self._pane)
        self.say("")

    # ---- what is shown ----

    def busy(self) -> int:
        return len(self.course.running())

    def headline(self) -> str:
        return plays.headline(self.course, self.took)

    def restful(self) -> None:
        self.set_focus(self._grid)

    def options(self) -> list[Chunk]:
        return plays.options(self.plan) if self.plan is not None else []

    def show(self) -> None:
        course, grid = self.course, self._grid
        troubled = course.failed()
        bad = set(troubled)
        names = [*troubled, *(name for name in course.names if name not in bad)] if troubled else course.names
        grid.styles.max_height = max(1, len(names))
        grid.take(course, names)
        self.query_one(CourseTitles).show(grid.titles())
        second = plays.counts(course)
        second += self.time()
        if course.batch is not None and course.batch.of > 1:
            second.append(((f"batch {course.batch.number} of {course.batch.of}", "accent"),))
        second += plays.guards(course)
        self.show_lines(plays.named(self.plan) if self.plan is not None else "", second)
        self._turn_page()

    def explained(self) -> list[Chunk]:
        """The node under the cursor where it went wrong; at the end what may follow."""
        if self.plan is None:
            return []
        name = self._grid.node
        outcome = self.course.outcomes.get(name) if name is not None else None
        chunks: list[Chunk] = []
        if name is not None and outcome is not None and outcome.error:
            role = plays.ROLES[outcome.status]
            chunks += [((f"{text.plain(name)} {outcome.status}", role),), ((outcome.error, "text"),)]
        if self.running or self.course.result is None or self._kept:
            return chunks
        key = self.dashboard.key
        if self.plan.check and not self.course.failed():
            chunks.insert(0, (("nothing was changed yet: ", "text"), (key("carry_on"), "key"), (" runs it", "text")))
        elif self.course.failed():
            chunks.append(((key("rerun"), "key"), (f" again on {len(self.course.failed())}", "text")))
        return chunks or [((self.headline(), "dim"),)]

    def _turn_page(self) -> None:
        """The page below, made anew only when there is something new to say, and not more often than is cheap."""
        course, pane, now = self.course, self._pane, time.monotonic()
        self._head()
        state = course.said if self._view == LOG else course.version + len(course.outcomes)
        if self._view == NODE:
            state = course.heard_of(self._inspected)
        shown = (course, self._view, self._inspected, state)
        if shown == self._shown:
            if self._view == LOG and pane.cursor >= pane.count - 1:
                pane.follow()
            return
        anew = shown[:3] != self._shown[:3]
        if not anew and now < self._made_at + SHARE * self._making and self.running:
            return
        self._shown = shown
        follow = self._view == LOG and (anew or pane.cursor >= pane.count - 1)
        page = self._page()
        self._made_at = time.monotonic()
        self._making = self._made_at - now
        pane.take(page, anew)
        if follow:
            pane.follow()

    def _page(self) -> Page:
        course = self.course

        def fold(names: Iterable[str]) -> str:
            return self._folded(tuple(names))

        if self._view == FAILURES:
            return plays.failures(course, fold)
        if self._view == CHANGES:
            return plays.changes(course, fold)
        if self._view == NODE:
            return plays.node(course, self._inspected)
        return plays.log(course)

    def _head(self) -> None:
        title = text.plain(self._inspected) if self._view == NODE else self._view
        chunks: list[Chunk] = [((title, "title"),)]
        if self._view in (LOG, NODE):
            chunks += plays.task_line(self.course, self._grid.column)
        else:
            count = len(self.course.failed()) if self._view == FAILURES else len(self.course.changed())
            what = "did not end well" if self._view == FAILURES else "changed"
            if self.plan is not None and self.plan.check and self._view == CHANGES:
                what = "would change"
            chunks.append(((f"{count} node{'' if count == 1 else 's'} {what}", "text"),))
        self.query_one("#head", TextLine).show((chunks, ()))

    def _turn_to(self, view: str, name: str = "") -> None:
        self._view, self._inspected = view, name

    @on(Lines.Moved)
    def _moved(self) -> None:
        if self._view == NODE and self.focused is self._grid and self._grid.node is not None:
            self._inspected = self._grid.node
        self.show()

    @on(Lines.Chosen)
    def _chosen(self) -> None:
        if self.focused is self._grid:
            self.action_inspect()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        # Who reads below needs the room there; who looks at the grid needs it there.
        self.set_class(event.widget is self._pane, "-reading")

    # ---- keys ----

    def _look_at(self, view: str) -> None:
        """Show a page and go there; its key again goes back to the grid."""
        self._chose = True
        if self._view == view and self.focused is self._pane:
            self.restful()
        else:
            self._turn_to(view)
            self.set_focus(self._pane)
        self.show()

    def action_failures(self) -> None:
        self._look_at(FAILURES)

    def action_changes(self) -> None:
        self._look_at(CHANGES)

    def action_said(self) -> None:
        self._look_at(LOG)

    def action_inspect(self) -> None:
        if self.focused is self._pane and self.plan is not None and self.plan.check and not self.running:
            if not self.dashboard.refused("carry_on"):
                self.action_carry_on()  # what it would do was read to the end
        elif self.focused is self._grid and (name := self._grid.node) is not None:
            self._chose = True
            self._turn_to(NODE, name)
            self.set_focus(self._pane)
            self.show()

    def action_next_part(self) -> None:
        self._go_to_part(1)

    def action_previous_part(self) -> None:
        self._go_to_part(-1)

    def _go_to_part(self, step: int) -> None:
        pane = self._pane
        self.set_focus(pane)
        if (place := pane.page.heading(pane.cursor, step)) is not None:
            pane.go(place)
            pane.scroll_to(y=place, animate=False)  # what it says stands below it

    def action_task_left(self) -> None:
        if self.focused is self._pane:
            self._pane.shift(-1)
        else:
            self._grid.step(-1)

    def action_task_right(self) -> None:
        if self.focused is self._pane:
            self._pane.shift(1)
        else:
            self._grid.step(1)

    def _again(self) -> bool:
        """Whether it can be run again from here."""
        if self._kept and not self.running:
            self.say(f"a run that was kept: choose it anew with {self.dashboard.key('playbooks')}", "text")
            self.show()
        return not self._kept

    def repeat(self, plan: Plan, names: Sequence[str]) -> None:
        """Run what was run before once more; the reader is asked."""
        self._begin(plan, names, "Run this again?")

    def action_carry_on(self) -> None:
        if not self._again():
            return
        if self.plan is None or not self.plan.check:
            self.say("this was no dry run", "text")
            self.show()
        else:
            self._begin(replace(self.plan, check=False), self.names)

    def action_rerun(self) -> None:
        if not self._again():
            return
        failed = self.course.failed() or (self.names if self.course.result is None else ())
        if self.plan is None or not failed:
            self.say("there is no node on which it did not end well", "text")
            self.show()
        else:
            self._begin(self.plan, failed, "Run this again?")

    def action_roll_back(self) -> None:
        """By the nodes' guards where the change is under one, else by the playbook's own undoing."""
        plan, result = self.plan, self.course.result
        if plan is None or result is None or self.running or plan.check:
            self.say("there is nothing to take back: nothing was changed", "text")
        elif any(one.cuts for one in plan.playbooks) or (self._played is not None and self._played.guarded):
            stop, names = Stop(), tuple(self.course.names)
            words = [(plays.named(plan), "strong"), ("Its nodes bring back what was there before.", "text")]
            self.begin("Take this run back?", names, words, stop, lambda: self._take_back(result.run, names), ask=True)
        elif self._again() and all(one.undoable for one in plan.playbooks) and not plan.undo:
            self._begin(replace(plan, undo=True), self.names, "Take back what it did?")
        elif not self._kept:
            self.say("this playbook cannot be undone")
        self.show()

    async def _take_back(self, run: str, names: tuple[str, ...]) -> None:
        dashboard, course = self.dashboard, self.course
        if self.errand is not None:
            self.errand.took = None  # it goes on
        self._turn_to(LOG)
        password = None
        if self.plan is not None and self.plan.become_password:
            password = await dashboard.asking.secret("[sudo] password for all nodes")
        where = dashboard.fleet.fold(names)
        settled = await dashboard.fleet.rollback_playbook(run, where, password=password, told=course.take)
        for name, one in settled.items():
            if one.fate in plays.FATES:
                course.ended(Outcome(name, plays.FATES[one.fate], error=one.error, layer=one.layer))

    def action_runs(self) -> None:
        self.dashboard.open_runs()

    def action_close(self) -> None:
        """From below to the grid; there, what runs is stopped once the reader says so, else back."""
        if self.focused is self._pane:
            self.restful()
            self.show()
        else:
            super().action_close()

    def stopping(self) -> Sequence[tuple[str, str]]:
        return [
            ("No more nodes and tasks begin; what runs has a few seconds to end.", "text"),
            ("A change that is not confirmed by then is taken back by its node.", "text"),
        ]
