"""A job's page: where it stands, what it says, its attempts, where and why there, what it asks for. Owns what is shown; `dossier` has the words."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.widgets import Input

from ...errors import GridtuiError
from ...jobs.model import ENDED, PLACED, Attempt, Job, JobId
from .. import dossier, text
from ..actions import bindings
from ..hints import hints
from ..tail import Tail
from ..widgets.bars import Chunk, KeyBar, TextLine
from ..widgets.lines import Lines
from ..widgets.output import OutputLines
from ..widgets.panel import Panel
from .changes import ChangeScreen
from .searching import SearchingScreen

if TYPE_CHECKING:
    from ...jobs.jobs import Shown
    from ...jobs.placement import Why

TICK = 0.2
"""Seconds between two pictures of output that grows."""
AGAIN = 5.0
"""Seconds until output is asked for again that could not be had."""


class JobScreen(SearchingScreen, ChangeScreen):
    """One job. Its newest attempt is shown, until the reader chooses another one."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("job")]

    def __init__(self, id: JobId) -> None:
        super().__init__()
        self.job_id = id
        self._shown: Shown | None = None
        self._chosen: int | None = None
        """The attempt that the reader chose; None: the newest."""
        self._heard: int | None = None
        """The attempt whose output is read."""
        self._tail = Tail()
        self._drawn = -1
        self._following = True
        self._why: Sequence[Why] | None = None
        self._asking = False
        self._asked_of = ""
        """The state of the job when it was asked where it could run."""
        self._refusal = ""

    @property
    def crumb(self) -> str:
        return f"job {self.job_id}"

    def compose(self) -> ComposeResult:
        yield TextLine("raised", cut=True, id="summary")
        with Horizontal(id="body"):
            with VerticalScroll(id="left"):
                yield Panel("Attempts", id="attempts")
                yield Panel("Comes after", id="after")
                yield Panel("Where, and why there", id="why")
                yield Panel("Runs", id="command")
                yield Panel("Asks for", id="asks")
                yield Panel("Outputs", id="outputs")
            with Vertical(id="right"):
                yield TextLine("raised", cut=True, id="head")
                yield OutputLines(id="output")
                yield self.search_box()
        yield TextLine("raised", cut=True, id="detail")
        yield KeyBar(hints("job"), self.dashboard.keys, id="keys")

    def on_mount(self) -> None:
        self.set_focus(self._output)
        self.set_interval(TICK, self._tick)

    def on_screen_resume(self) -> None:
        self.dashboard.desk.soon()
        self.call_after_refresh(self.freshen, True)  # the first paint does not wait for the queue

    # ---- what is new ----

    def freshen(self, changed: bool) -> None:
        """Read what is due, and show it."""
        desk = self.dashboard.desk
        if desk.read():
            with desk.reading():
                self._shown = desk.jobs.show(self.job_id)
            desk.rest()
            self._hear()
            self._ask_when_moved()
        self.show()

    def _attempt(self) -> Attempt | None:
        """The attempt that is looked at."""
        found = self._shown.attempts if self._shown is not None else ()
        if self._chosen is not None:
            return next((one for one in found if one.key.attempt == self._chosen), None)
        return max(found, key=lambda one: one.key.attempt, default=None)

    def show(self) -> None:
        dashboard, now = self.dashboard, self.dashboard.clock()
        shown = self._shown
        first: list[Chunk] = [((f"job {self.job_id}", "strong"),)]
        second: list[Chunk] = []
        if shown is not None:
            job = shown.job
            first = [dossier.headline(job), *dossier.state(job, now)]
            second = [
                (("by ", "dim"), (text.plain(job.user), "text")),
                (("priority ", "dim"), (str(job.priority), "text")),
                (("submitted ", "dim"), (f"{text.age(now - job.submitted)} ago", "text")),
            ]
            if job.item:
                second.append((("item ", "dim"), (text.plain(job.item), "accent")))
        self.query_one("#summary", TextLine).show((first, self.corner()), (second, ()))
        if shown is not None:
            self._show_panels(shown, now)
        self._show_head(now)
        trouble: list[Chunk] = []
        if words := self._refusal or dashboard.desk.trouble:
            trouble = [((text.plain(words), "critical"),)]
        self.query_one("#detail", TextLine).show(([self._said] if self._said else trouble, ()))

    def _show_panels(self, shown: Shown, now: float) -> None:
        attempt = self._attempt()
        chosen = attempt.key.attempt if attempt is not None else 0
        fold = self.dashboard.fleet.fold
        why = self._why
        self._panel("attempts").show(lambda cells: dossier.attempts(shown.attempts, chosen, now, cells))
        self._panel("after").show(lambda cells: dossier.after(shown, cells))
        self._panel("why").show(
            lambda cells: (
                dossier.why(why, fold, cells, shown.job.state in PLACED)
                if why is not None
                else [(("asking ...", "faint"),)]
                if self._asking
                else []
            )
        )
        self._panel("command").show(lambda cells: dossier.command(shown.spec, shown.job.item, cells))
        self._panel("asks").show(lambda cells: dossier.asks(shown.spec, cells))
        self._panel("outputs").show(lambda cells: dossier.outputs(shown, attempt, cells))

    def _panel(self, name: str) -> Panel:
        return self.query_one(f"#{name}", Panel)

    def _show_head(self, now: float) -> None:
        attempt = self._attempt()
        if attempt is None:
            self.query_one("#head", TextLine).show(([(("output", "strong"),), (("not begun yet", "dim"),)], ()))
            return
        word, role = dossier.ended(attempt)
        chunks: list[Chunk] = [
            (("output ", "strong"), (f"of try {attempt.key.attempt}", "text")),
            ((word, role),),
            ((text.plain(attempt.node), "accent"),),
            (("following" if self._following else "staying here", "dim"),),
        ]
        self.query_one("#head", TextLine).show((chunks, ()))

    # ---- its output ----

    def _hear(self) -> None:
        """Read the output of the attempt that is looked at."""
        attempt = self._attempt()
        number = attempt.key.attempt if attempt is not None else None
        if number != self._heard:
            self._heard = number
            self._tail, self._drawn, self._following = Tail(), -1, True
            if number is not None:
                self.run_worker(self._listen(self._tail, number), group="output", exclusive=True)

    async def _listen(self, tail: Tail, number: int) -> None:
        """What the attempt says, until it has ended. Where it cannot be had it is asked for again, from the beginning."""
        while True:
            try:
                begun = False
                async for data in self.dashboard.desk.jobs.logs(self.job_id, number, follow=True):
                    if not begun:
                        tail.restart()  # not before: what is shown stays until there is more to show
                        begun = True
                    tail.feed(data)
                tail.end()
                return
            except GridtuiError as error:
                tail.say(text.plain(str(error)))
            if self._over(number):
                return
            await asyncio.sleep(AGAIN)

    def _over(self, number: int) -> bool:
        found = self._shown.attempts if self._shown is not None else ()
        return any(one.key.attempt == number and one.ended is not None for one in found)

    def _tick(self) -> None:
        if not self.is_active:
            return
        output = self._output
        if self._tail.changes != self._drawn:
            self._drawn = self._tail.changes
            output.take(self._tail.page(), anew=False)
        if self._following:
            output.follow()  # also where the widget has got another size since

    @on(Lines.Moved)
    def _moved(self) -> None:
        output = self._output
        self._following = output.cursor >= output.count - 1
        self._show_head(self.dashboard.clock())

    # ---- searching ----

    def _find(self, step: int, including: bool = False) -> None:
        """Go to the next match, and round."""
        lines, page = self._output, self._output.page
        if not lines.needle:
            self.say("nothing is searched for", "text")
            return
        found = page.find(lines.needle, lines.cursor, step, including)
        if found is None:
            found = page.find(lines.needle, 0 if step > 0 else page.count - 1, step, including=True)
        if found is None:
            self.say(f"{lines.needle!r} is nowhere", "warning")
            return
        self._following = False
        lines.go(found)
        self.say("")

    def action_back(self) -> None:
        if self._search_box.display:
            self._close_search()
        else:
            super().action_back()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        if isinstance(event.widget, Input):
            return  # it is beneath the output
        # Who reads at the left needs the room there; who reads what it says needs it there.
        self.set_class(not isinstance(event.widget, OutputLines), "-reading")

    # ---- where, and why there ----

    def _ask_when_moved(self) -> None:
        """It stands elsewhere than when it was asked about."""
        if self._shown is not None and self._asked_of != self._shown.job.state:
            self._ask_why()

    def _ask_why(self) -> None:
        if not self._asking and self._shown is not None:
            self._asked_of = self._shown.job.state
            if self._shown.job.state in ENDED:
                self._why = None  # it goes nowhere any more
                return
            self._asking = True
            self.run_worker(self._explain(), group="why")

    async def _explain(self) -> None:
        self._refusal = ""
        try:
            self._why = await self.dashboard.desk.jobs.explain(self.job_id)
        except GridtuiError as error:
            self._refusal = str(error)
        finally:
            self._asking = False
        if self.is_mounted:
            self.show()

    # ---- keys ----

    def action_why(self) -> None:
        if self._shown is not None and self._shown.job.state in ENDED:
            self.say("it has ended: no node is chosen for it", "text")
            return
        self._ask_why()
        self.show()

    def action_follow(self) -> None:
        self._following = not self._following
        if self._following:
            self._output.follow()
        self.show()

    def action_older_attempt(self) -> None:
        self._step(-1)

    def action_newer_attempt(self) -> None:
        self._step(1)

    def _step(self, step: int) -> None:
        attempt = self._attempt()
        if attempt is None or self._shown is None:
            return
        numbers = sorted(one.key.attempt for one in self._shown.attempts)
        at = numbers.index(attempt.key.attempt) + step
        if 0 <= at < len(numbers):
            self._chosen = numbers[at] if at < len(numbers) - 1 else None
            self._hear()
            self.show()

    def subject(self) -> tuple[JobId, str, int] | None:
        job = self.job()
        return (job.id, job.name, job.priority) if job is not None else None

    def job(self) -> Job | None:
        return self._shown.job if self._shown is not None else None
