"""What the screens share that change something on nodes: whom it is for, the guard rails, stopping, going aside. Owns no layout."""

from __future__ import annotations

from collections.abc import Coroutine, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from textual.widgets import Input

from ...errors import GridtuiError
from .. import text
from ..actions import BY_NAME
from ..widgets.bars import Chunk, TextLine
from .place import Place
from .question import ConfirmScreen

if TYPE_CHECKING:
    pass

TICK = 0.2
"""Seconds between two pictures while something runs."""
HARD = 2
"""A run that was asked so often to stop does not wait for anything."""


class Stop(Protocol):
    """What `exec.Stop` and `push.Stop` have in common."""

    count: int

    def ask(self) -> None: ...


class RunScreen(Place):
    """Opened over the fleet for the nodes that are shown there. It is kept when the reader goes aside, and what runs goes on."""

    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (60, "-wide")]  # noqa: RUF012 - declared so by Textual
    NOUN: ClassVar[str]
    """What the summary calls it."""

    def __init__(self) -> None:
        super().__init__()
        self.names: Sequence[str] = ()
        """The nodes that the next run is for."""
        self._stop: Stop | None = None
        self._said: Chunk = ()
        self._began = self._took = 0.0

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

    def options(self) -> list[Chunk]:
        """How it will run, for the line that says where."""
        return []

    # ---- whom it is for ----

    def aim(self, names: Sequence[str]) -> None:
        """The next run is for these nodes."""
        if not self.running:
            self.names = tuple(names)
            self.say("")

    def on_mount(self) -> None:
        self.set_interval(TICK, self._tick)

    def on_screen_resume(self) -> None:
        self.show()

    def freshen(self, changed: bool) -> None:
        """The clock has moved."""
        self.show()

    def _tick(self) -> None:
        if self.running and self.is_active:
            self.show()

    def show_lines(self, title: str, second: Sequence[Chunk]) -> None:
        """The lines around what is run: title and clock, figures, target, the last word."""
        dashboard = self.dashboard
        first: list[Chunk] = [(("gridtui", "title"),), ((self.NOUN, "strong"),)]
        if title:
            first.append(((text.plain(title), "text"),))
        self.query_one("#summary", TextLine).show((first, dashboard.corner(self.size.width)), (second, ()))
        count = len(self.names)
        target: list[Chunk] = [
            (("on ", "dim"), (f"{count} node{'' if count == 1 else 's'}", "strong")),
            *self.options(),
        ]
        if self.names:
            target.append(((text.plain(dashboard.fleet.fold(self.names)), "accent"),))
        self.query_one("#target", TextLine).show((target, ()))
        self.query_one("#detail", TextLine).show(([self._said] if self._said else self.explained(), ()))

    def explained(self) -> list[Chunk]:
        """What stands in the last line when there is nothing to say."""
        return []

    @property
    def took(self) -> float:
        """Seconds since the run began, or that it took."""
        return self.dashboard.clock() - self._began if self.running else self._took

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
                count = f"{len(names)} node{'' if len(names) == 1 else 's'}"
                asked = [*lines, (f"on {count}: {fleet.fold(names)}", "strong")]

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
        self._began = self.dashboard.clock()
        self.say("")
        self.restful()
        self.run_worker(self._follow(run), group="run")

    async def _follow(self, run: Coroutine[Any, Any, None]) -> None:
        try:
            await run
        except GridtuiError as error:
            self.say(str(error))
        finally:
            self._took = self.dashboard.clock() - self._began
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
        return not (binding and binding.priority and isinstance(self.focused, Input) and "app" not in binding.places)

    def action_close(self) -> None:
        if self.running:
            self.stop()
        else:
            self.action_aside()

    def action_aside(self) -> None:
        if self.is_active:  # the key may come twice before the screen is gone
            self.app.pop_screen()
