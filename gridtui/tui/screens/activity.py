"""What runs now and what was done: from here, by other programs of ours, by the queue. Owns the list and what follows from it; `ledger` knows."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, ClassVar, cast

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical

from ...errors import GridtuiError
from ...exec.log import Logged
from ...jobs.model import JobId
from .. import activity, text
from ..actions import bindings
from ..activity import VIEWS, Deed, Kind
from ..columns import Parts
from ..errands import Errand, ExecErrand, PlayErrand, PushErrand
from ..hints import hints
from ..shells import Shell
from ..widgets.bars import Chunk, KeyBar, TextLine
from ..widgets.deeds import DeedLines, DeedTitles
from ..widgets.lines import Lines
from ..widgets.panel import Panel
from .changes import ask
from .noded import NodedScreen

if TYPE_CHECKING:
    from ...jobs.queue import Progress
    from ...playbooks.artefacts import Kept
    from .exec import ExecScreen
    from .transfer import TransferScreen

SHARE = 200
"""What is said of a deed that goes on is made again after so many times of what it took: half a per cent of a core."""


class ActivityScreen(NodedScreen):
    """What runs first, then the newest."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("activity")]

    def __init__(self) -> None:
        super().__init__()
        self._deeds: list[Deed] = []
        self._view = 0
        self._said: Chunk = ()
        self._told: tuple[Deed, int, Sequence[Parts]] | None = None
        self._told_until = 0.0

    @property
    def crumb(self) -> str:
        return "activity"

    def compose(self) -> ComposeResult:
        yield TextLine("raised", cut=True, id="summary")
        yield TextLine(cut=True, id="tabs")
        yield DeedTitles(id="titles")
        yield DeedLines(id="list")
        with Vertical(id="about"):
            yield Panel("What it is")
        yield TextLine("raised", cut=True, id="detail")
        yield KeyBar(hints("activity"), self.dashboard.keys, id="keys")

    def on_mount(self) -> None:
        self._lines.marked = self.dashboard.marks.all
        self.set_focus(self._lines)

    def on_screen_resume(self) -> None:
        super().on_screen_resume()
        self.show()
        self._look()

    @property
    def _lines(self) -> DeedLines:
        return self.query_one(DeedLines)

    # ---- what is new ----

    def freshen(self, changed: bool) -> None:
        """Show what goes on, and read what others wrote."""
        self._look()
        self.show()

    def _look(self) -> None:
        self.run_worker(self._read(), group="ledger", exclusive=False)

    async def _read(self) -> None:
        if await self.dashboard.ledger.look() and self.is_active:
            self.show()

    def show(self) -> None:
        dashboard, now = self.dashboard, self.dashboard.clock()
        every = dashboard.ledger.deeds()
        self._deeds = activity.chosen(every, VIEWS[self._view])
        self._lines.take(self._deeds, now)
        running = sum(one.running for one in every)
        first: list[Chunk] = [(("activity", "title"),)]
        if running:
            first.append(((f"{activity.RUNNING} {running} running", "accent"),))
        first.append(((f"{len(every) - running} ended", "text"),))
        if bad := sum(not one.running and not one.well for one in every):
            first.append(((f"✖ {bad} not well", "critical"),))
        self.query_one("#summary", TextLine).show((first, self.corner()))
        tabs: list[Chunk] = [((word, "title" if at == self._view else "dim"),) for at, word in enumerate(VIEWS)]
        self.query_one("#tabs", TextLine).show((tabs, ()))
        deed = self._deed()
        self.query_one(Panel).show(self._about)
        self.query_one("#detail", TextLine).show(([self._said] if self._said else self._explained(deed), ()))

    def _about(self, cells: int) -> Sequence[Parts]:
        """What stands below the list; made anew only when it is another deed, or has changed: folding 5,000 names takes 10 ms.
        Of one that goes on that is now and then enough."""
        deed = self._deed()
        if deed is None:
            return []
        now = time.perf_counter()
        told = self._told if self._told is not None and self._told[1] == cells else None
        recent = deed.running and now < self._told_until
        if told is not None and (told[0] == deed or (recent and told[0].id == deed.id)):
            return told[2]
        ledger, fold = self.dashboard.ledger, self.dashboard.fleet.fold
        lines = activity.about(deed, fold, ledger.groups(deed), cells)
        self._told = deed, cells, lines
        self._told_until = now + SHARE * (time.perf_counter() - now)
        return lines

    def _explained(self, deed: Deed | None) -> list[Chunk]:
        if trouble := self.dashboard.ledger.trouble:
            return [((text.plain(trouble), "critical"),)]
        if deed is None:
            return [(("nothing was done yet", "dim"),)]
        key = self.dashboard.key
        chunks: list[Chunk] = [((key("open_deed"), "key"), (" shows it as it was", "text"))]
        if deed.failed:
            chunks.append(((key("rerun"), "key"), (f" again on the {len(deed.failed)} where it failed", "text")))
        return chunks

    def _deed(self) -> Deed | None:
        at = self._lines.cursor
        return self._deeds[at] if at < len(self._deeds) else None

    @on(Lines.Moved)
    def _moved(self) -> None:
        self._said = ()
        self.show()

    def say(self, words: str, role: str = "critical") -> None:
        self._said = ((text.plain(words), role),) if words else ()

    def bad(self) -> Sequence[str]:
        deed = self._deed()
        return deed.failed if deed is not None else ()

    def concerned(self) -> Sequence[str]:
        deed = self._deed()
        return deed.names if deed is not None else ()

    # ---- keys ----

    def action_next_view(self) -> None:
        self._turn(1)

    def action_previous_view(self) -> None:
        self._turn(-1)

    def _turn(self, step: int) -> None:
        self._view = (self._view + step) % len(VIEWS)
        self._said = ()
        self._lines.go(0)
        self.show()

    @on(Lines.Chosen)
    def _chosen(self) -> None:
        self.action_open_deed()

    def action_open_deed(self) -> None:
        if (deed := self._deed()) is None:
            return
        source = deed.source
        try:
            if isinstance(source, Errand):
                self.dashboard.open_errand(source)
            elif isinstance(source, Logged):
                from ..ledger import bare

                self.dashboard.open_errand(bare(source))
            elif isinstance(source, Shell):
                self.dashboard.shells.again(source)
            elif deed.kind is Kind.PLAYBOOK:
                self._open_kept(cast("Kept", source))
            elif deed.kind is Kind.JOB:
                progress = cast("Progress", source)
                if progress.array:
                    self.dashboard.open_array(progress.number)
                else:
                    self.dashboard.open_job(JobId(progress.number))
            elif len(deed.names) == 1 and self._known(deed.names):
                self.dashboard.open_node(deed.names[0])
            else:
                self.say("there is no more to see of it", "text")
                self.show()
        except GridtuiError as error:
            self.say(str(error))
            self.show()

    def _open_kept(self, kept: Kept) -> None:
        if self.dashboard.playbook_screen.running:
            self.say("something runs there: this can be looked at once that has ended")
            self.show()
            return
        self.dashboard.run_worker(self._recall(kept), group="kept", exclusive=True)

    async def _recall(self, kept: Kept) -> None:
        try:
            await self.dashboard.open_kept(kept)
        except GridtuiError as error:
            self.say(str(error))
            self.show()

    def action_rerun(self) -> None:
        if (deed := self._deed()) is not None:
            if deed.kind is Kind.JOB:
                self._retry(cast("Progress", deed.source))
            elif not deed.failed:
                self._refuse("there is no node on which it did not end well")
            else:
                self._again(deed, deed.failed)

    def action_repeat(self) -> None:
        if (deed := self._deed()) is not None:
            if deed.kind is Kind.JOB:
                self._refuse("a job is submitted on the command line: `gridtui job submit`")
            else:
                self._again(deed, deed.names)

    def _refuse(self, words: str) -> None:
        self.say(words, "text")
        self.show()

    def _again(self, deed: Deed, names: Collection[str]) -> None:
        """Do it again, on its screen; there the reader is asked."""
        known, source, dashboard = self._known(sorted(names, key=list(deed.names).index)), deed.source, self.dashboard
        if not known:
            self._refuse("none of its nodes is in this inventory")
        elif deed.kind is Kind.SHELL:
            dashboard.open_shell(known)
        elif isinstance(source, ExecErrand):
            self._exec(source.task.command, source.task.sudo, source.task.timeout, known)
        elif isinstance(source, Logged):
            if source.stdin:
                self._refuse("it had standard input, which is not kept")
            else:
                self._exec(source.command, source.sudo, source.timeout, known)
        elif isinstance(source, PushErrand):
            push = cast("TransferScreen", dashboard.run_screen("push"))
            self._go("push", known, lambda: push.repeat(source, known))
        elif isinstance(source, PlayErrand) and not source.kept:
            if dashboard.playbook_screen.running:
                self._refuse("something runs there: once that has ended")
            else:
                plan = source.plan
                self._go("playbook", known, lambda: dashboard.playbook_screen.repeat(plan, known))
        elif deed.kind is Kind.PLAYBOOK:
            self._refuse("what its variables were is not kept: choose the playbook anew")
        else:
            self._refuse("all that it takes is not kept: do it where it was done")

    def _exec(self, command: str, sudo: bool, timeout: float | None, names: Sequence[str]) -> None:
        screen = cast("ExecScreen", self.dashboard.run_screen("exec"))
        self._go("exec", names, lambda: screen.repeat(command, names, sudo, timeout))

    def _go(self, name: str, names: Sequence[str], call: Callable[[], None]) -> None:
        """Ask on a verb's screen; while something runs there, that is shown as it is."""
        screen = self.dashboard.run_screen(name)
        screen.aim(names)
        if not screen.running:
            screen.soon(call)
        self.dashboard.bring(name)

    def _retry(self, progress: Progress) -> None:
        """Queue again what failed of a submission."""
        words = [(f"job {progress.number}{'[]' if progress.array else ''} {progress.name}".rstrip(), "strong")]

        def change() -> str:
            count = len(self.dashboard.desk.jobs.retry([JobId(progress.number)]))
            return (
                f"{count:,} job{'' if count == 1 else 's'} queued again"
                if count
                else "there was nothing to queue again"
            )

        def say(said: str, role: str) -> None:
            self.say(said, role)
            self.show()

        ask(self.dashboard, "Queue again what failed of it?", words, change, say)

    def action_back(self) -> None:
        if self.is_active:  # the key may come twice before the screen is gone
            self.app.pop_screen()
