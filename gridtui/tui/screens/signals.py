"""A signal to a process: which one, whether really, and what came of it. Owns the question; what a signal does is `exec.signals`'."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical

from ...errors import GridtuiError
from ...exec.signals import SIGNALS
from .. import text
from ..actions import bindings
from ..widgets.lines import Lines, Parts
from ..widgets.panel import Panel
from .question import ConfirmScreen, Question, wrapped

if TYPE_CHECKING:
    from ...probes import Process
    from ..app import Dashboard


class SignalLines(Lines):
    """A signal a line, with what it does."""

    def on_mount(self) -> None:
        self.replaced(len(SIGNALS))

    def parts(self, index: int) -> Parts:
        name, does = list(SIGNALS.items())[index]
        return ((f"{name:<6}", "strong"), (does, "dim"))


class SignalScreen(Question[str | None]):
    """Which signal; None when none."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("signals")]

    def __init__(self, title: str, words: str) -> None:
        super().__init__()
        self._title, self._words = title, words

    def compose(self) -> ComposeResult:
        with Vertical(id="box"):
            yield Panel(self._title, id="words")
            yield SignalLines(id="signals")

    def on_mount(self) -> None:
        self.query_one("#words", Panel).show(lambda cells: wrapped(self._words, cells))
        self.query_one(SignalLines).focus()

    @on(Lines.Chosen)
    def action_send(self) -> None:
        if self.is_active:
            self.dismiss(list(SIGNALS)[self.query_one(SignalLines).cursor])

    def action_no(self) -> None:
        if self.is_active:
            self.dismiss(None)


def ask_signal(dashboard: Dashboard, node: str, process: Process, then: Callable[[], object]) -> None:
    """Ask which signal, ask whether, send it, say what came of it; `then` is called when it was sent."""
    try:
        dashboard.fleet.allow_changes()
    except GridtuiError as error:
        dashboard.notify(str(error), markup=False, severity="warning")
        return
    named = text.plain(f"{process.pid} {process.name} of {process.user or 'somebody'}")
    whose = "" if process.ours else "It is another user's: the signal goes through sudo."

    def chosen(signal: str | None) -> None:
        if signal is None:
            return
        lines = [(named, "strong"), (f"on {text.plain(node)}", "text"), (f"{signal} {SIGNALS[signal]}.", "text")]
        if whose:
            lines.append((whose, "warning"))
        question = ConfirmScreen(f"Send it {signal}?", lines, dashboard.key("yes"), dashboard.key("no"))
        dashboard.push_screen(question, lambda yes: answered(signal, yes))

    def answered(signal: str, yes: bool | None) -> None:
        if yes:
            dashboard.run_worker(send(signal), group="signal")
        else:
            dashboard.notify("nothing was sent", markup=False, timeout=3)

    async def send(signal: str) -> None:
        try:
            done = await dashboard.fleet.signal(
                node, process, signal, sudo=not process.ours, ask=None if process.ours else dashboard.asking.secret
            )
        except GridtuiError as error:
            dashboard.ledger.note(f"{signal} to {named}", [node], str(error))
            dashboard.notify(str(error), markup=False, severity="error")
            return
        dashboard.ledger.note(f"{signal} to {named}", [node], "" if done.ok else done.text)
        dashboard.notify(
            f"{signal} to {named}: {done.text}", markup=False, severity="information" if done.ok else "error"
        )
        if done.ok:
            then()

    dashboard.push_screen(SignalScreen("Send a signal", f"to {named}"), chosen)
