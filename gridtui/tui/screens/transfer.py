"""Files to many nodes: a small form, who has how much, the sum, what came of it. Owns what is shown of a push."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.widgets import Input

from ... import push as pushes
from ...errors import UsageError
from .. import endings, moves, text
from ..actions import bindings, of
from ..widgets.bars import Chunk, KeyBar, TextLine
from ..widgets.lines import Lines
from ..widgets.prompt import Prompt
from ..widgets.transfers import TransferLines, TransferTitles
from .run import RunScreen

_LAST = {pushes.Ending.OK: 2, pushes.Ending.SKIPPED: 1}


class TransferScreen(RunScreen):
    """A push. `--delete` is left to the command line, where it asks for a second word."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("push")]
    NOUN = "push"

    def __init__(self) -> None:
        super().__init__()
        self._plan: pushes.Plan | None = None
        self._peers = False
        self._names: Sequence[str] = ()
        self._seen: dict[str, pushes.Progress] = {}
        self._done: dict[str, pushes.Transfer] = {}

    def compose(self) -> ComposeResult:
        yield TextLine("raised", cut=True, id="summary")
        yield TextLine(cut=True, id="target")
        with Horizontal(id="form"):
            yield Prompt("files and folders here, e.g.  site/", id="sources")
            yield Prompt("where to on the nodes, e.g.  /srv/www", id="destination")
        yield TransferTitles(id="titles")
        yield TransferLines(id="table")
        yield TextLine("raised", cut=True, id="detail")
        yield KeyBar([*of("push"), *of("app")], self.dashboard.keys, id="keys")

    def on_screen_resume(self) -> None:
        super().on_screen_resume()
        if self.running:
            self.restful()
        elif not self._done and not isinstance(self.focused, Prompt):
            self.action_form()

    @property
    def _table(self) -> TransferLines:
        return self.query_one(TransferLines)

    # ---- what is shown ----

    def busy(self) -> int:
        return len(self._names) - len(self._done)

    def headline(self) -> str:
        return pushes.summary.headline(list(self._done.values()), self.took)

    def restful(self) -> None:
        self.set_focus(self._table)

    def options(self) -> list[Chunk]:
        return [(("via ", "dim"), ("peers" if self._peers else "star", "text"))]

    def show(self) -> None:
        names = self._names
        if not self.running:
            # what did not go well first; the sort is stable
            names = sorted(names, key=lambda name: _LAST.get(self._done[name].status, 0) if name in self._done else 1)
        self._table.take(names, self._seen, self._done)
        second: list[Chunk] = []
        title = ""
        if self._plan is not None:
            title = f"{' '.join(self._plan.sources)} → {self._plan.destination}"
            second = endings.counts((one.status for one in self._done.values()), self.busy() if self.running else 0)
            if self.running:
                second.append(moves.together(pushes.summary.total(self._seen, len(self._names))))
            elif self._done:
                second = [((self.headline(), "text"),)]
        self.show_lines(title, second)

    def explained(self) -> list[Chunk]:
        """The node under the cursor where it went wrong; else all troubles, folded."""
        name = self._table.node
        done = self._done.get(name) if name is not None else None
        if name is not None and done is not None and not done.ok:
            role = endings.ROLES[done.status]
            return [((f"{text.plain(name)} {done.status}", role),), ((done.error, "text"),)]
        troubles = pushes.summary.troubles(self._done.values(), self.dashboard.fleet.fold)
        return [((text.plain(words), endings.ROLES[ending]),) for ending, words in troubles]

    @on(Lines.Moved)
    def _moved(self) -> None:
        self.show()

    # ---- running ----

    @on(Input.Submitted, "#sources")
    def _next_field(self) -> None:
        self.set_focus(self.query_one("#destination", Prompt))

    @on(Input.Submitted, "#destination")
    def _typed(self) -> None:
        sources, destination = self.query_one("#sources", Prompt), self.query_one("#destination", Prompt)
        try:
            try:
                words = [os.path.expanduser(word) for word in shlex.split(sources.value)]
            except ValueError as error:
                raise UsageError(f"the sources cannot be read: {str(error).lower()}") from None
            plan = pushes.Plan(tuple(words), destination.value.strip())
            pushes.guard.check(plan)
        except UsageError as error:
            self.say(str(error))
            self.show()
            return
        stop, names, peers = pushes.Stop(), tuple(self.names), self._peers
        lines = [(f"{sources.value.strip()} → {plan.destination}", "strong")]
        self.begin("Push this?", names, lines, stop, lambda: self._go(plan, names, peers, stop))

    async def _go(self, plan: pushes.Plan, names: Sequence[str], peers: bool, stop: pushes.Stop) -> None:
        for field in ("#sources", "#destination"):
            box = self.query_one(field, Prompt)
            box.remember(box.value)
        self._plan, self._names = plan, names
        self._seen, self._done = {}, {}
        self._table.go(0)
        self.show()
        self._done = dict(
            await self.dashboard.fleet.push(
                plan,
                names=names,
                via_peers=peers,
                say=lambda words: self.say(words, "dim"),
                told=self._told,
                ended=self._ended,
                stop=stop,
            )
        )
        self.say("")

    def _told(self, progress: pushes.Progress) -> None:
        self._seen[progress.node] = progress

    def _ended(self, outcome: pushes.Transfer) -> None:
        self._done[outcome.node] = outcome
        before = self._seen.get(outcome.node)
        whole = max(outcome.size, before.bytes if before else 0)
        self._seen[outcome.node] = pushes.Progress(
            outcome.node, pushes.Stage.DONE, whole, whole, files=outcome.files, feeder=outcome.feeder
        )

    # ---- keys ----

    def action_form(self) -> None:
        self.set_focus(self.query_one("#sources", Prompt))

    def action_via(self) -> None:
        self._peers = not self._peers
        self.show()

    def action_close(self) -> None:
        if isinstance(self.focused, Prompt) and (self._done or self.running):
            self.restful()
        else:
            super().action_close()
