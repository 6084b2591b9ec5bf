"""Questions to the person at the screen that somebody waits for: secrets, one after the other. Never keeps, logs or echoes an answer."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from textual.app import App


class Asking:
    """Asks over whatever screen is shown. `secret` may be called from any task of the app's loop."""

    def __init__(self, app: App[Any]) -> None:
        self._app = app
        self._turn = asyncio.Lock()

    async def secret(self, question: str) -> str | None:
        """What was typed, or None when nothing was. Who asks while another question is open waits for its turn."""
        from .screens.question import SecretScreen

        async with self._turn:
            answer: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()

            def answered(words: str | None) -> None:
                if not answer.done():
                    answer.set_result(words)

            screen = SecretScreen(question)

            def show() -> None:
                self._app.push_screen(screen, answered)

            # Through the app's own queue: who asks is a task of the connections, which knows no screen.
            self._app.call_later(show)
            try:
                return await answer
            except asyncio.CancelledError:
                screen.withdraw()  # nobody waits for it any more
                raise
