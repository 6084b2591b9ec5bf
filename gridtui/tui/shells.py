"""Shells on nodes: the system's ssh in the dashboard's place, or in windows of tmux. Owns which way, what is said of an end, and those that
were stopped; the words come from the fleet, the terminal from `terminal`.

The dashboard goes on watching meanwhile; it only does not paint.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from ..errors import GridtuiError, UsageError
from . import text, tmux
from .terminal import LOST, Program

if TYPE_CHECKING:
    from .app import Dashboard

FEW = 4
"""Shells that are opened at once without a question."""
PATIENCE = 3.0
"""Seconds that a shell in front may take to end with the dashboard."""
TOLD = ("SSH_AUTH_SOCK", "PATH")
"""What tmux, which may have been started elsewhere and at another time, is told of our environment."""


@dataclass(slots=True)
class Shell:
    """One that was opened."""

    node: str
    began: float
    way: str
    """`here` or `tmux`."""
    status: int | None = None
    """How it ended, -n after signal n; None while it is open, and where that cannot be known."""
    ended: float | None = None
    stopped: bool = False
    program: Program | None = field(default=None, repr=False)
    window: tmux.Window | None = None

    @property
    def open(self) -> bool:
        return self.ended is None

    @property
    def lost(self) -> bool:
        """Whether it ended in another way than by its user."""
        return self.status is not None and (self.status < 0 or self.status == LOST)


class Shells:
    """All that this dashboard opened, the newest last."""

    def __init__(self, dashboard: Dashboard) -> None:
        self._dashboard = dashboard
        self.opened: list[Shell] = []
        self._busy = False
        self._home = asyncio.Event()
        """Nothing is in front of the dashboard."""
        self._home.set()
        self._unwatch: list[Callable[[], None]] = []
        self.front: Callable[[Shell, Sequence[str], str], Awaitable[int | None]] = self._front
        """Runs one in front, told what to say before; for tests without a terminal another."""

    # ---- from keys ----

    def ask(self, names: Sequence[str]) -> None:
        """A shell on each of these nodes; above a few the reader is asked first."""
        dashboard = self._dashboard
        try:
            dashboard.fleet.allow_changes()
        except GridtuiError as error:
            dashboard.notify(str(error), markup=False, severity="warning")
            return
        if not names or self._busy:
            return
        if len(names) <= FEW:
            self._begin(names)
            return
        from .screens.question import ConfirmScreen

        def answered(answer: bool | None) -> None:
            if answer:
                self._begin(names)

        how = "each in a window of tmux" if self._in_windows else "one after the other: the end of one begins the next"
        lines = [(f"on {len(names)} nodes: {dashboard.fleet.fold(names)}", "strong"), (how, "text")]
        dashboard.push_screen(
            ConfirmScreen("Open a shell on each of these?", lines, *map(dashboard.key, ("yes", "no"))), answered
        )

    def again(self, shell: Shell) -> None:
        """Go to one that is open, else open another one on its node."""
        if shell.open and shell.window is not None:
            self._dashboard.run_worker(self._select(shell.window), group="tmux")
        else:
            self.ask([shell.node])

    # ---- opening ----

    @property
    def _in_windows(self) -> bool:
        wish = self._dashboard.fleet.settings.dashboard.shell
        return wish == "tmux" or (wish == "auto" and tmux.here())

    def _begin(self, names: Sequence[str]) -> None:
        if not self._busy:
            self._busy = True
            self._dashboard.run_worker(self._open(tuple(names)), group="shells")

    async def _open(self, names: Sequence[str]) -> None:
        try:
            stopped = len(names) == 1 and self._stopped(names[0]) is not None
            await (self._windows(names) if self._in_windows and not stopped else self._row(names))
        finally:
            self._busy = False

    async def _words(self, name: str) -> list[str] | None:
        try:
            # It may read ssh_config, and run what `Match exec` says.
            return await asyncio.to_thread(self._dashboard.fleet.shell, name)
        except GridtuiError as error:
            self._say(f"{name}: {error}", "warning")
            return None

    def _say(self, words: str, severity: str = "information") -> None:
        self._dashboard.notify(
            text.plain(words), markup=False, severity="warning" if severity == "warning" else "information", timeout=6
        )

    def _end(self, shell: Shell, status: int | None = None) -> None:
        shell.status, shell.ended = status, self._dashboard.clock()
        self._dashboard.ledger.keep()

    # ---- in windows ----

    async def _windows(self, names: Sequence[str]) -> None:
        variables = {name: os.environ[name] for name in TOLD if name in os.environ}
        for at, name in enumerate(names):
            if (words := await self._words(name)) is None:
                continue
            try:
                window = await tmux.new_window(words, name, variables, behind=at > 0)
            except UsageError as error:
                self._say(str(error), "warning")
                if self._dashboard.fleet.settings.dashboard.shell == "auto":
                    await self._row(names[at:])
                return
            shell = Shell(name, self._dashboard.clock(), "tmux", window=window)
            self.opened.append(shell)
            try:
                self._unwatch.append(tmux.watch(window, partial(self._closed, shell)))
            except OSError:
                self._closed(shell)  # gone already, or a kernel that cannot tell
        self._say(f"{len(names)} shell{'' if len(names) == 1 else 's'} in tmux")

    def _closed(self, shell: Shell) -> None:
        self._end(shell)

    async def _select(self, window: tmux.Window) -> None:
        try:
            await tmux.select(window)
        except UsageError as error:
            self._say(str(error), "warning")

    # ---- in the dashboard's place ----

    def _stopped(self, name: str) -> Shell | None:
        return next((one for one in reversed(self.opened) if one.node == name and one.stopped), None)

    async def _row(self, names: Sequence[str]) -> None:
        for at, name in enumerate(names):
            shell = self._stopped(name)
            words: Sequence[str] = ()
            if shell is None:
                if (found := await self._words(name)) is None:
                    continue
                words = found
                shell = Shell(name, self._dashboard.clock(), "here")
                self.opened.append(shell)
            turn = f" ({at + 1} of {len(names)})" if len(names) > 1 else ""
            shell.stopped = False
            try:
                status = await self.front(shell, words, f"gridtui: shell on {text.plain(name)}{turn}")
            except UsageError as error:
                self._end(shell)
                self._say(str(error), "warning")
                return
            if status is None:
                shell.stopped = True
                self._say(f"the shell on {name} is stopped: the same key goes on with it")
                return
            self._end(shell, status)
            if (words_of_end := ended(name, status)) is not None:
                self._say(words_of_end, "warning")
            if status == -signal.SIGINT:
                return  # Ctrl-C while it connects ends the whole row

    async def _front(self, shell: Shell, words: Sequence[str], said: str) -> int | None:
        if not self._dashboard.lends:
            raise UsageError("this terminal cannot be given to a shell")
        program = shell.program = shell.program or Program(words)
        status: int | None = None
        trouble: Exception | None = None
        self._home.clear()
        try:
            with self._dashboard.suspend():
                try:
                    os.write(2, f"{said}; its end comes back to the dashboard\r\n".encode())
                    status = await program.front()
                except Exception as error:  # whatever it is, the dashboard comes back first
                    trouble = error
                if program.orphaned:
                    self._dashboard.exit(128 + signal.SIGHUP)
                if self._dashboard.leaving:
                    raise asyncio.CancelledError  # out of `suspend` without painting again
        finally:
            self._home.set()
        if trouble is not None:
            raise trouble
        return status

    # ---- the end ----

    def hang_up(self) -> None:
        """The dashboard is to end: so does what is in front, and what was stopped; windows of tmux stay. The terminal is ours at once."""
        for shell in self.opened:
            if shell.open and shell.program is not None:
                shell.program.hang_up()

    async def end(self) -> None:
        """As `hang_up`, and wait until the terminal is as before."""
        self.hang_up()
        for leave in self._unwatch:
            leave()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                await self._home.wait()
        for shell in self.opened:
            if shell.stopped and shell.program is not None:
                await shell.program.gone()
            if shell.open and shell.window is None:
                shell.stopped, shell.ended = False, self._dashboard.clock()


def ended(name: str, status: int) -> str | None:
    """What is said of an end, where it is no usual one."""
    if status == LOST:
        return f"{name}: ssh ended with status {LOST}: it did not come through, or the connection was lost"
    if status < 0:
        try:
            word = signal.Signals(-status).name
        except ValueError:
            word = f"signal {-status}"
        return f"{name}: the shell was ended by {word}"
    return None
