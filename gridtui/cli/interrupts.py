"""Signals to a command whose run ends in two stages. Owns the exit status that follows; the run itself listens to its `Stop`."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Sequence

from ..stopping import Stop
from . import exits, output


class Interrupts:
    """From now on SIGINT and SIGTERM ask `stop`; the first one says `stopping: ...`, after `clear` has taken progress off the terminal."""

    def __init__(
        self,
        stop: Stop,
        what: str,
        clear: Callable[[], None],
        signals: Sequence[signal.Signals] = (signal.SIGINT, signal.SIGTERM),
    ) -> None:
        self._stop, self._what, self._clear = stop, what, clear
        self.status = exits.INTERRUPTED
        """What a run that was stopped exits with: 128 and the signal's number."""
        loop = asyncio.get_running_loop()
        for number in signals:
            loop.add_signal_handler(number, self._asked, number)

    def _asked(self, number: int) -> None:
        self.status = 128 + number
        self._stop.ask()
        self._clear()
        if self._stop.count == 1:
            output.note(f"stopping: {self._what}; once more to leave at once")
