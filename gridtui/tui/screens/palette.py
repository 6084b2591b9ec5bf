"""The command palette: Textual's, kept from ending the program. Owns one guard; what it offers comes from the app."""

from __future__ import annotations

import contextlib

from textual.command import CommandPalette


class Palette(CommandPalette):
    """As Textual's. A page key in a list that is being made anew raises KeyError there (8.2): then there is nothing to page."""

    def _action_command_list(self, action: str) -> None:
        with contextlib.suppress(KeyError):
            super()._action_command_list(action)
