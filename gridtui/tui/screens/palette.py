"""The command palette: Textual's, kept from ending the program. Owns three guards; what it offers comes from the app."""

from __future__ import annotations

import contextlib
from typing import Any

from textual import work
from textual.await_complete import AwaitComplete
from textual.command import CommandPalette
from textual.css.query import NoMatches


class Palette(CommandPalette):
    """As Textual's (8.2), for people who type faster than screens change."""

    @work(exclusive=True, group=CommandPalette._GATHER_COMMANDS_GROUP)
    async def _gather_commands(self, search_value: str) -> None:
        # What was typed around the key that closed it: a search looks for widgets that are being removed, or are gone.
        search: Any = CommandPalette._gather_commands
        if self.is_current:
            with contextlib.suppress(NoMatches):
                await search.__wrapped__(self, search_value)

    def _action_command_list(self, action: str) -> None:
        # A page key in a list that is being made anew raises KeyError: then there is nothing to page.
        with contextlib.suppress(KeyError):
            super()._action_command_list(action)

    def dismiss(self, result: object = None) -> AwaitComplete:
        # Enter may come twice before the palette is gone; the second one would take another screen away, or the last.
        return super().dismiss(None) if self.is_current else AwaitComplete()
