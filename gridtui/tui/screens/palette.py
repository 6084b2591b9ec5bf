"""The command palette: Textual's, kept from ending the program. Owns three guards, and finds nodes and commands; the rest comes from the app."""

from __future__ import annotations

import contextlib
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from textual import work
from textual.await_complete import AwaitComplete
from textual.command import CommandPalette, Hit, Hits, Provider
from textual.content import Content
from textual.css.query import NoMatches

from ..commands import usage
from ..offers import fitting, rank
from ..text import plain

if TYPE_CHECKING:
    from ..app import Dashboard

NODES = 12
"""Nodes that are offered at once."""
_SCORES = (1.0, 0.9, 0.7, 0.5, 0.3)
"""How well a word fits (see `offers.rank`), as the palette counts it."""


class Findings(Provider):
    """Nodes by their names, and commands that want words behind them."""

    async def search(self, query: str) -> Hits:
        """The best of them."""
        dashboard = cast("Dashboard", self.app)
        typed = query.strip()
        for name, address in fitting(
            typed, ((name, node.address) for name, node in dashboard.fleet.nodes.items()), NODES
        ):
            score = _SCORES[rank(typed, name) or 0]
            yield Hit(score, Content(f"Node: {plain(name)}"), partial(dashboard.open_node, name), name, plain(address))
        for command in dashboard.commands_of(self.screen).values():
            found = rank(typed, command.name) if command.args else None
            if found is not None:
                open_line = partial(dashboard.open_command_line, f"{command.name} ")
                yield Hit(_SCORES[found], Content(f":{usage(command)}"), open_line, command.name, command.help)


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
