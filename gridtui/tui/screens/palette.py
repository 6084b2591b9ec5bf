"""The command palette: Textual's, kept from ending the program. Owns three guards; what it offers comes from the app."""

from __future__ import annotations

import contextlib
from typing import Any

from textual.await_complete import AwaitComplete
from textual.command import CommandPalette


class Palette(CommandPalette):
    """As Textual's (8.2), for people who type faster than screens change."""

    def _gather_commands(self, search_value: str) -> Any:
        # What was typed behind the key that closed it: a search would look for widgets that are being removed.
        return super()._gather_commands(search_value) if self.is_current else None

    def _action_command_list(self, action: str) -> None:
        # A page key in a list that is being made anew raises KeyError: then there is nothing to page.
        with contextlib.suppress(KeyError):
            super()._action_command_list(action)

    def dismiss(self, result: object = None) -> AwaitComplete:
        # Enter may come twice before the palette is gone; the second one would take another screen away, or the last.
        return super().dismiss(None) if self.is_current else AwaitComplete()
