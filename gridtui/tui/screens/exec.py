"""A command on many nodes: typed here, run over the open connections, its outcomes folded as they come. Owns what is shown of it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Input

from ... import exec as execs
from ...errors import StateError, UsageError
from ...exec import summary
from .. import endings, output, text
from ..actions import bindings
from ..errands import ExecErrand
from ..hints import hints
from ..results import Heap, Key, Results
from ..widgets.bars import Chunk, KeyBar, TextLine
from ..widgets.groups import RUNNING, GroupLines
from ..widgets.lines import Lines
from ..widgets.output import OutputLines
from ..widgets.prompt import Prompt
from .run import RunScreen
from .searching import SearchingScreen

TIMEOUTS = (None, 10.0, 30.0, 60.0, 300.0, 3600.0)
"""Seconds for each node, one after the other behind the key."""


class ExecScreen(SearchingScreen, RunScreen):
    """The command and what came of it."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("exec")]
    NOUN = "exec"

    def __init__(self) -> None:
        super().__init__()
        self._sudo = False
        self._timeout: float | None = None
        self._diff = False
        self._shown: tuple[object, ...] = ()

    def compose(self) -> ComposeResult:
        yield TextLine("raised", cut=True, id="summary")
        yield TextLine(cut=True, id="target")
        yield Prompt("a command for the shell there, e.g.  uptime   or   df -h / | tail -1", id="command")
        with Horizontal(id="body"):
            yield GroupLines(self.dashboard.fleet.fold, id="groups")
            with Vertical(id="right"):
                yield TextLine("raised", cut=True, id="head")
                yield OutputLines(id="output")
        yield TextLine("raised", cut=True, id="detail")
        yield self.search_box()
        yield KeyBar(hints("exec"), self.dashboard.keys, id="keys")

    def on_mount(self) -> None:
        super().on_mount()
        self.run_worker(self._recall(), group="ledger")

    async def _recall(self) -> None:
        """What the joblog knows of commands, for the keys that bring them back."""
        ledger = self.dashboard.ledger
        await ledger.look()
        self.query_one(Prompt).recall(ledger.commands())

    def on_screen_resume(self) -> None:
        super().on_screen_resume()
        if self.running:
            self.restful()
        elif not self._results.outcomes:
            self.action_command()

    @property
    def _results(self) -> Results:
        return self.errand.results if isinstance(self.errand, ExecErrand) else Results()

    @property
    def _asked(self) -> execs.Task | None:
        return self.errand.task if isinstance(self.errand, ExecErrand) else None

    @property
    def _groups(self) -> GroupLines:
        return self.query_one(GroupLines)

    # ---- what is shown ----

    def busy(self) -> int:
        return len(self._results.running)

    def headline(self) -> str:
        return summary.headline(list(self._results.outcomes.values()), self.took)

    def restful(self) -> None:
        self.set_focus(self._groups)

    def begin_typing(self) -> None:
        self.set_focus(self.query_one(Prompt))

    def options(self) -> list[Chunk]:
        chunks: list[Chunk] = []
        if self._sudo:
            chunks.append((("as root", "warning"),))
        if self._timeout is not None:
            chunks.append((("time-out ", "dim"), (text.age(self._timeout), "text")))
        return chunks

    def show(self) -> None:
        results = self._results
        heaps = results.heaps()
        self._groups.take(heaps, results.running)
        outcomes = results.outcomes.values()
        second = endings.counts((one.status for one in outcomes), len(results.running))
        if self._asked is not None:
            second += self.time()
            if heaps:
                different = f"{len(heaps)} different outcome{'' if len(heaps) == 1 else 's'}"
                second.append(((different, "dim"),))
        command = execs.harmless(self._asked.command.encode(errors="surrogateescape")) if self._asked else ""
        self.show_lines(f"{'sudo ' if self._asked and self._asked.sudo else ''}{command}", second)
        self._turn_page()

    def explained(self) -> list[Chunk]:
        if isinstance(self.errand, ExecErrand) and self.errand.bare:
            return [(("of its output nothing is kept", "dim"),)]
        left = summary.left(self._results.outcomes.values())
        if left:
            return [((f"may still be running on {text.plain(self.dashboard.fleet.fold(left))}", "warning"),)]
        apart = len(self._results.apart())
        if self._asked is None or self.running or not self._results.outcomes:
            return []
        return [((f"{apart} differ or failed" if apart else "all gave the same", "dim"),)]

    def _turn_page(self) -> None:
        """The output of the group under the cursor, made anew only when it is another one."""
        groups, results = self._groups, self._results
        heap, common = groups.heap, results.common()
        key = groups.key
        if heap is None:
            anew = self._shown != (RUNNING,)
            self._shown = (RUNNING,)
            page = output.live(results.running) if key == RUNNING else output.Page([])
            self._output.take(page, anew)
        else:
            compared = self._diff and common is not None and common is not heap and heap.ran
            shown = (heap, common if compared else None)
            if shown != self._shown:
                self._shown = shown
                self._output.take(self._page(heap, common if compared else None), True)
        self._head(heap, common)

    def _page(self, heap: Heap, common: Heap | None) -> output.Page:
        return output.page(heap.sample) if common is None else output.differences(common.group, heap.group)

    def _head(self, heap: Heap | None, common: Heap | None) -> None:
        count = len(heap.names) if heap is not None else len(self._results.running)
        chunks: list[Chunk] = []
        if count:
            chunks.append(((f"{count} node{'' if count == 1 else 's'}", "strong"),))
        if heap is not None:
            sample = heap.sample
            word = endings.word(sample) or "ok"
            chunks.append(((f"{endings.GLYPHS[sample.status]} {word}", endings.ROLES[sample.status]),))
            if self._diff:
                against = "the most common" if heap is common else "against the most common"
                chunks.append((("diff ", "accent"), (against, "dim")))
            if len(heap.names) == 1:
                chunks.append(((f"{sample.seconds:.1f} s", "dim"),))
        if count:
            chunks.append(((self._groups.node_set(), "accent"),))
        self.query_one("#head", TextLine).show((chunks, ()))

    @on(Lines.Moved)
    def _moved(self) -> None:
        self._turn_page()

    @on(Lines.Chosen)
    def _chosen(self) -> None:
        if self.focused is self._groups:  # a line of output can be clicked too
            self.action_unfold()

    # ---- running ----

    @on(Input.Submitted, "#command")
    def _typed(self, event: Input.Submitted) -> None:
        self._run(event.value.strip(), self.names, self._sudo, self._timeout)

    def run_typed(self, command: str) -> None:
        """Run what was typed elsewhere, on whom this is aimed at."""
        self._run(command, self.names, self._sudo, self._timeout)

    def repeat(self, command: str, names: Sequence[str], sudo: bool, timeout: float | None) -> None:
        """Run what was run before once more; the reader is asked."""
        self._run(command, names, sudo, timeout, ask=True)

    def _run(
        self,
        command: str,
        names: Sequence[str],
        sudo: bool,
        timeout: float | None,
        again: bool = False,
        ask: bool | None = None,
    ) -> None:
        try:
            task = execs.Task(command, sudo=sudo, timeout=timeout)
        except UsageError as error:
            self.say(error.message)
            self.show()
            return
        stop = execs.Stop()
        lines = [(command, "strong"), *([("as root", "warning")] if sudo else [])]
        title = "Run this command again?" if again or ask else "Run this command?"
        self.begin(title, names, lines, stop, lambda: self._go(task, tuple(names), stop, again), ask=ask)

    async def _go(self, task: execs.Task, names: Sequence[str], stop: execs.Stop, again: bool) -> None:
        self.query_one(Prompt).remember(task.command)
        began, now = time.time(), self.dashboard.clock()
        errand = self.errand
        if again and isinstance(errand, ExecErrand) and not errand.bare:
            errand.again(names, now)
        else:
            errand = ExecErrand(task, names, now)
        self.keep(errand)
        results = errand.results
        results.start(names)
        self._groups.go(0)
        self.show()
        fleet = self.dashboard.fleet
        try:
            await fleet.exec(
                task,
                names=names,
                lines=lambda node, stream, lines: results.heard(node, lines),
                ended=results.add,
                ask=self.dashboard.asking.secret,
                stop=stop,
            )
        finally:
            results.running.clear()
        try:
            errand.log = execs.log.write(
                task, [results.outcomes[name] for name in names], began, fleet.inventory.sources
            )
        except StateError as error:
            self.say(f"{error}; `gridtui exec --retry-failed` knows nothing of this run", "warning")

    # ---- keys ----

    def action_command(self) -> None:
        self.aim_at_marks()
        self.show()
        self.set_focus(self.query_one(Prompt))

    def action_close(self) -> None:
        if self._search_box.display:
            self._close_search()
        elif self.focused is self.query_one(Prompt) and (self._results.outcomes or self.running):
            self.restful()
        else:
            super().action_close()

    def action_sudo(self) -> None:
        self._sudo = not self._sudo
        self.show()

    def action_timeout(self) -> None:
        self._timeout = TIMEOUTS[(TIMEOUTS.index(self._timeout) + 1) % len(TIMEOUTS)]
        self.show()

    def action_unfold(self) -> None:
        self._groups.unfold()

    def action_diff(self) -> None:
        self._diff = not self._diff
        self._turn_page()

    def action_rerun(self) -> None:
        if self._asked is None:
            self.say("nothing was run yet", "text")
        elif not self.running and not (apart := self._results.apart()):
            self.say("there is none that differs or failed", "text")
        else:
            task = self._asked
            self._run(task.command, [] if self.running else apart, task.sudo, task.timeout, again=True)
            return
        self.show()

    # ---- searching ----

    def _find(self, step: int, including: bool = False) -> None:
        """Go to the next match: in what is shown, then in the groups after it, and round."""
        lines = self._output
        self.say("")
        if not lines.needle:
            self.say("nothing is searched for", "text")
        elif (found := lines.page.find(lines.needle, lines.cursor, step, including)) is not None:
            lines.go(found)
        elif (there := self._elsewhere(step)) is not None:
            key, found = there
            self._groups.seek(key)
            self._turn_page()
            lines.go(found)
            self.say("in another group", "text")
        else:
            self.say(f"{lines.needle!r} is nowhere", "warning")
        self.show()

    def _elsewhere(self, step: int) -> tuple[Key, int] | None:
        """The first match in the groups after or before the one that is shown; that one last."""
        heaps, key, common = self._results.heaps(), self._groups.key, self._results.common()
        at = next((index for index, heap in enumerate(heaps) if heap.key == key), -1 if step > 0 else 0)
        for distance in range(1, len(heaps) + 1):
            heap = heaps[(at + step * distance) % len(heaps)]
            compared = common if self._diff and common is not heap and heap.ran else None
            page = self._page(heap, compared)
            found = page.find(self._output.needle, 0 if step > 0 else page.count - 1, step, including=True)
            if found is not None:
                return heap.key, found
        return None
