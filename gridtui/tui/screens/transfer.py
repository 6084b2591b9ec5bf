"""Files to many nodes: a small form, who has how much, the sum, what came of it. Owns what is shown of a push."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence
from functools import partial
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.widgets import Input

from ... import push as pushes
from ...errors import UsageError
from .. import endings, moves, text
from ..actions import bindings
from ..errands import PushErrand
from ..hints import hints
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
        self._peers = False

    def compose(self) -> ComposeResult:
        yield TextLine("raised", cut=True, id="summary")
        yield TextLine(cut=True, id="target")
        with Horizontal(id="form"):
            yield Prompt("files and folders here, e.g.  site/", id="sources")
            yield Prompt("where to on the nodes, e.g.  /srv/www", id="destination")
        yield TransferTitles(id="titles")
        yield TransferLines(id="table")
        yield TextLine("raised", cut=True, id="detail")
        yield KeyBar(hints("push"), self.dashboard.keys, id="keys")

    def on_screen_resume(self) -> None:
        super().on_screen_resume()
        if self.running:
            self.restful()
        elif not self._done and not isinstance(self.focused, Prompt):
            self.action_form()

    @property
    def _table(self) -> TransferLines:
        return self.query_one(TransferLines)

    @property
    def _pushed(self) -> PushErrand | None:
        return self.errand if isinstance(self.errand, PushErrand) else None

    @property
    def _done(self) -> Mapping[str, pushes.Transfer]:
        return self._pushed.done if self._pushed is not None else {}

    # ---- what is shown ----

    def busy(self) -> int:
        return len(self.concerned()) - len(self._done)

    def headline(self) -> str:
        return pushes.summary.headline(list(self._done.values()), self.took)

    def restful(self) -> None:
        self.set_focus(self._table)

    def begin_typing(self) -> None:
        self.set_focus(self.query_one("#sources", Prompt))

    def options(self) -> list[Chunk]:
        return [(("via ", "dim"), ("peers" if self._peers else "star", "text"))]

    def show(self) -> None:
        pushed, done = self._pushed, self._done
        names = self.concerned() if pushed is not None else ()
        if not self.running:
            # what did not go well first; the sort is stable
            names = sorted(names, key=lambda name: _LAST.get(done[name].status, 0) if name in done else 1)
        self._table.take(names, pushed.seen if pushed is not None else {}, done)
        second: list[Chunk] = []
        if pushed is not None:
            second = endings.counts((one.status for one in done.values()), self.busy() if self.running else 0)
            second += self.time()
            if self.running:
                second.append(moves.together(pushes.summary.total(pushed.seen, len(names))))
            elif done:
                moved = sum(one.size for one in done.values())
                second.append((("moved ", "dim"), (text.amount(moved), "text")))
        self.show_lines(pushed.what() if pushed is not None else "", second)

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

    def push_typed(self, sources: str, destination: str) -> None:
        """Push what was typed elsewhere, to whom this is aimed at."""
        self.query_one("#sources", Prompt).value = sources
        self.query_one("#destination", Prompt).value = destination
        self._typed()

    async def _go(self, plan: pushes.Plan, names: Sequence[str], peers: bool, stop: pushes.Stop) -> None:
        for field in ("#sources", "#destination"):
            box = self.query_one(field, Prompt)
            box.remember(box.value)
        errand = PushErrand(plan, peers, names, self.dashboard.clock())
        self.keep(errand)
        self._table.go(0)
        self.show()
        errand.done = dict(
            await self.dashboard.fleet.push(
                plan,
                names=names,
                via_peers=peers,
                say=lambda words: self.say(words, "dim"),
                told=errand.told,
                ended=errand.ended,
                stop=stop,
            )
        )
        self.say("")

    # ---- keys ----

    def action_form(self) -> None:
        self.aim_at_marks()
        self.show()
        self.set_focus(self.query_one("#sources", Prompt))

    def action_via(self) -> None:
        self._peers = not self._peers
        self.show()

    def action_rerun(self) -> None:
        pushed = self._pushed
        if pushed is None:
            self.say("nothing was pushed yet", "text")
        elif not self.running and not pushed.failed():
            self.say("there is no node on which it did not end well", "text")
        else:
            self._again(pushed, () if self.running else pushed.failed())
            return
        self.show()

    def repeat(self, pushed: PushErrand, names: Sequence[str]) -> None:
        """Push what was pushed before once more; the reader is asked."""
        self._again(pushed, names, ask=True)

    def _again(self, pushed: PushErrand, names: Sequence[str], ask: bool | None = None) -> None:
        stop, names = pushes.Stop(), tuple(names)
        lines = [(pushed.what(), "strong")]
        run = partial(self._go, pushed.plan, names, pushed.peers, stop)
        self.begin("Push this again?", names, lines, stop, run, ask=ask)

    def action_close(self) -> None:
        if isinstance(self.focused, Prompt) and (self._done or self.running):
            self.restful()
        else:
            super().action_close()
