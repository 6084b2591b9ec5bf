"""What the screens share that change something on nodes: whom it is for, the guard rails, stopping, going aside. Owns no layout."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import Any, ClassVar, Protocol

from textual.widgets import Input

from ...errors import GridtuiError
from .. import text
from ..actions import BY_NAME
from ..errands import Errand
from ..widgets.bars import Chunk, TextLine
from .noded import NodedScreen
from .question import ConfirmScreen

TICK = 0.2
"""Seconds between two pictures while something runs."""
HARD = 2
"""A run that was asked so often to stop does not wait for anything."""


class Stop(Protocol):
    """What `exec.Stop` and `push.Stop` have in common."""

    count: int

    def ask(self) -> None: ...


class RunScreen(NodedScreen):
    """Opened over the fleet for the nodes that are shown there. It is kept when the reader goes aside, and what runs goes on."""

    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (60, "-wide")]  # noqa: RUF012 - declared so by Textual
    NOUN: ClassVar[str]
    """What the summary calls it."""

    def __init__(self) -> None:
        super().__init__()
        self.names: Sequence[str] = ()
        """The nodes that the next run is for."""
        self.whom = ""
        """The same in words, where there are any: `the 3 marked nodes`."""
        self.errand: Errand | None = None
        """What is shown: what runs, else the last one, or one that was looked up."""
        self._stop: Stop | None = None
        self._said: Chunk = ()
        self._next: Callable[[], None] | None = None

    @property
    def crumb(self) -> str:
        return self.NOUN

    @property
    def running(self) -> bool:
        """Whether something goes on."""
        return self._stop is not None

    @property
    def stops(self) -> int:
        """How often the reader asked for an end."""
        return self._stop.count if self._stop else 0

    # ---- for subclasses ----

    def show(self) -> None:
        """Draw what is new."""
        raise NotImplementedError

    def headline(self) -> str:
        """What it came to, in a line."""
        raise NotImplementedError

    def busy(self) -> int:
        """Nodes that have not ended."""
        raise NotImplementedError

    def restful(self) -> None:
        """Put the focus where results are."""
        raise NotImplementedError

    def leaf(self) -> None:
        """Begin to read what is shown."""
        self.restful()
        self.rows.go(0)
        self.show()

    def begin_typing(self) -> None:
        """Put the focus where the next run is typed, if it is."""

    def options(self) -> list[Chunk]:
        """How it will run, for the line that says where."""
        return []

    # ---- whom it is for ----

    def aim(self, names: Sequence[str], whom: str = "") -> None:
        """The next run is for these nodes, who are called so."""
        if not self.running:
            self.names, self.whom = tuple(names), whom
            self.say("")

    def aim_at_marks(self) -> None:
        """Where nodes are marked, the next run is for them."""
        if len(marks := self.dashboard.marks):
            self.aim(marks.names, marks.whom((), 0))

    def soon(self, call: Callable[[], None]) -> None:
        """Do this as soon as the screen is shown."""
        if self.is_active and self.is_mounted:
            call()
        else:
            self._next = call

    def review(self, errand: Errand) -> None:
        """Show one that was, as soon as the screen is shown. Nothing may run."""
        self.errand = errand
        self.aim(errand.whole())
        self.soon(self.leaf)

    def bad(self) -> Sequence[str]:
        return self.errand.failed() if self.errand is not None else ()

    def concerned(self) -> Sequence[str]:
        return self.errand.whole() if self.errand is not None else self.names

    def on_mount(self) -> None:
        self.rows.marked = self._all_marked
        self.set_interval(TICK, self._tick)

    def _all_marked(self, names: Iterable[str]) -> bool:
        return self.dashboard.marks.all(names)

    def on_screen_resume(self) -> None:
        self.show()
        if self._next is not None:
            call, self._next = self._next, None
            call()

    def freshen(self, changed: bool) -> None:
        """The clock has moved."""
        self.show()

    def _tick(self) -> None:
        if self.running and self.is_active:
            self.show()

    def show_lines(self, title: str, second: Sequence[Chunk]) -> None:
        """The lines around what is run: title and clock, figures, target, the last word."""
        dashboard = self.dashboard
        first: list[Chunk] = [((self.NOUN, "title"),)]
        if title:
            first.append(((text.plain(title), "text"),))
        self.query_one("#summary", TextLine).show((first, self.corner()), (second, ()))
        target: list[Chunk] = [(("on ", "dim"), (self.called(self.names), "strong")), *self.options()]
        if self.names:
            target.append(((text.plain(dashboard.fleet.fold(self.names)), "accent"),))
        self.query_one("#target", TextLine).show((target, ()))
        self.query_one("#detail", TextLine).show(([self._said] if self._said else self.explained(), ()))

    def explained(self) -> list[Chunk]:
        """What stands in the last line when there is nothing to say."""
        return []

    def called(self, names: Sequence[str]) -> str:
        """Some nodes in words: as they were aimed at, where it is these."""
        if self.whom and names == self.names:
            return self.whom
        return f"{len(names)} node{'' if len(names) == 1 else 's'}"

    @property
    def took(self) -> float:
        """Seconds since the run began, or that it took."""
        return self.errand.seconds(self.dashboard.clock()) if self.errand is not None else 0.0

    def time(self) -> list[Chunk]:
        """The same as it is shown."""
        if self.errand is None:
            return []
        return [((f"{self.took:.1f} s" if self.took < 60 else text.age(self.took), "dim"),)]

    def keep(self, errand: Errand) -> None:
        """This one begins now."""
        self.errand = errand
        self.dashboard.ledger.add(errand)

    def say(self, words: str, role: str = "critical") -> None:
        """A word to the reader in the last line, until something else is done."""
        self._said = ((text.plain(words), role),) if words else ()

    # ---- running ----

    def begin(
        self,
        title: str,
        names: Sequence[str],
        lines: Sequence[tuple[str, str]],
        stop: Stop,
        run: Any,
        *,
        ask: bool | None = None,
        harmless: bool = False,
    ) -> None:
        """Run on `names`, when nothing stands against it; above a number of nodes, or where `ask` says so, the reader is asked.
        `run()` gives the coroutine; a `harmless` one changes nothing."""
        fleet = self.dashboard.fleet
        if self.running:
            self.say("something still runs: stop it first, or wait")
        elif not names:
            self.say("no node is selected")
        elif harmless or self._allowed():
            if ask if ask is not None else len(names) > fleet.settings.guard.confirm_above:
                yes, no = map(self.dashboard.key, ("yes", "no"))
                asked = [*lines, (f"on {self.called(names)}: {fleet.fold(names)}", "strong")]

                def answered(answer: bool | None) -> None:
                    if answer:
                        self._start(stop, run())
                    else:
                        self.say("nothing was run", "text")
                        self.show()

                self.app.push_screen(ConfirmScreen(title, asked, yes, no), answered)
                return
            self._start(stop, run())
        self.show()

    def _allowed(self) -> bool:
        try:
            self.dashboard.fleet.allow_changes()
        except GridtuiError as error:
            self.say(str(error))
            return False
        return True

    def _start(self, stop: Stop, run: Coroutine[Any, Any, None]) -> None:
        if self.running:  # another answer came first
            run.close()
            return
        self._stop = stop
        self.say("")
        self.restful()
        self.run_worker(self._follow(run), group="run")

    async def _follow(self, run: Coroutine[Any, Any, None]) -> None:
        try:
            await run
        except GridtuiError as error:
            self.say(str(error))
            if self.errand is not None:
                self.errand.trouble = str(error)
        finally:
            if self.errand is not None and self.errand.running:
                self.errand.end(self.dashboard.clock())
                self.dashboard.ledger.keep()
            self._stop = None
        self.show()
        if not self.is_active:
            self.app.notify(f"{self.NOUN}: {self.headline()}", markup=False)

    def stop(self) -> None:
        """Ask what runs to end; again: to end at once."""
        if self._stop is None:
            return
        self._stop.ask()
        if self._stop.count == 1:
            self.say(
                "stopping: no more nodes start, and what runs is asked to end; once more to end at once", "warning"
            )
        else:
            self.say("stopping at once: something may be left running", "warning")
        self.show()

    # ---- keys ----

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """While something is typed, keys that are characters are just that."""
        binding = BY_NAME.get(action)
        return not (binding and binding.priority and isinstance(self.focused, Input) and "app" not in binding.scopes)

    def action_close(self) -> None:
        """What runs is stopped once the reader says so, again at once; else back."""
        if not self.running:
            self.action_aside()
        elif self.stops:
            self.stop()
        else:
            yes, no, aside = map(self.dashboard.key, ("yes", "no", "aside"))
            words = [*self.stopping(), (f"Without stopping: {aside} goes back and lets it run on.", "dim")]

            def answered(answer: bool | None) -> None:
                if answer:
                    self.stop()

            self.app.push_screen(ConfirmScreen(f"Stop the {self.NOUN}?", words, yes, no), answered)

    def stopping(self) -> Sequence[tuple[str, str]]:
        """What a stop means, for the question."""
        return [("No more nodes begin; what runs has a few seconds to end.", "text")]

    def action_rerun(self) -> None:
        """Run it again where it did not end well."""
        raise NotImplementedError

    def action_aside(self) -> None:
        if self.is_active:  # the key may come twice before the screen is gone
            self.app.pop_screen()
