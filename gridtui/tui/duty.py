"""The dashboard dispatches jobs while nobody else does. Owns the trying and the end of it; the lease and the loop are the core's."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING

from ..errors import GridtuiError, LockedError
from ..stopping import Stop

if TYPE_CHECKING:
    from .bridge import Jobs

AGAIN = 3.0
"""Seconds between two tries to get the lease while another one holds it."""
TROUBLED = 30.0
"""Seconds until the next try after something else went wrong."""
PATIENCE = 5.0
"""Seconds that a polite end may take."""


class Duty:
    """Begun once the fleet is started, ended before it is closed."""

    def __init__(self, jobs: Callable[[], Jobs]) -> None:
        self._jobs = jobs
        self._task: asyncio.Task[None] | None = None
        self._stop = Stop()
        self._going = asyncio.Event()
        self.trouble = ""
        """Why it could not dispatch, in one line."""

    def begin(self) -> None:
        """Try, and go on trying."""
        if self._task is None and not self._stop.count:
            self._task = asyncio.create_task(self._run(), name="dispatching")

    async def end(self) -> None:
        """Stop politely, else hard. Jobs on nodes go on. May be called again."""
        self._stop.ask()
        self._going.set()
        task, self._task = self._task, None
        if task is None:
            return
        done, _ = await asyncio.wait([task], timeout=PATIENCE)
        if not done:
            self._stop.ask()
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    async def _run(self) -> None:
        while not self._stop.count:
            pause = AGAIN
            try:
                await self._jobs().dispatch(stop=self._stop)
                self.trouble = ""
            except LockedError:
                self.trouble = ""
            except GridtuiError as error:
                self.trouble, pause = str(error), TROUBLED
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._going.wait(), pause)
