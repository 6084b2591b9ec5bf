"""Nodes without news: who is asked for its attempts, and when, and what is given up. Owns that patience; believes no answer itself.

Silence is judged by attempts, not by probes: a node that has some and told of none for a while is asked, one that could not be asked
for long enough has lost them.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from typing import Any

from ..errors import StateError
from ..events import Seen
from ..model import Status
from .board import Board
from .engines.protocol import Engine
from .model import Key, Phase, Report
from .offering import Grid
from .queue import Queue

ASK = 30.0
"""Seconds without a word of any attempt on a node after which it is asked; sooner where nodes are given up sooner."""
ASK_AGAIN = 3.0
"""Seconds after which a node is asked again that did not answer, or did not confirm an order."""

Begin = Callable[[Coroutine[Any, Any, None]], object]
Heard = Callable[[Iterable[Report]], None]
Lose = Callable[[Sequence[Key], str], None]


class Silence:
    """Asks for one dispatcher."""

    def __init__(
        self,
        queue: Queue,
        engine: Engine,
        grid: Grid,
        board: Board,
        lost_after: float,
        begin: Begin,
        heard: Heard,
        lose: Lose,
    ) -> None:
        """`heard` gets what was answered, `lose` what was given up and why."""
        self._queue, self._engine, self._grid, self._board = queue, engine, grid, board
        self._lost_after = lost_after
        self._begin, self._heard, self._lose = begin, heard, lose
        self.up: set[str] = set()
        """Nodes that answer our probes."""
        self._fleeting: dict[str, str] = {}
        """Why jobs end with our connection, of nodes where they do or did."""

    async def watch(self) -> None:
        """Ask a node for its attempts when it comes, or comes back."""
        events = self._grid.events()
        for name in self._grid.nodes:
            self._look(self._grid.status(name))
        async for event in events:
            if isinstance(event, Seen):
                self._look(event.status)

    def _look(self, status: Status) -> None:
        name = status.node.name
        if not status.reach.up:
            self.up.discard(name)
        elif name not in self.up:
            self.up.add(name)
            self._ask(name)

    def seek(self) -> None:
        """Ask nodes that fell silent; give up those that were silent for too long. Raises StateError."""
        now = _clock()
        quiet = min(ASK, self._lost_after / 4)
        for node, column in self._board.columns():
            silent = now - column.heard
            if column.cards and silent > self._lost_after:
                self._lose(list(column.cards), f"nothing was heard of {node or self._engine.name} for too long")
            unsure = any(not card.started and not card.on_its_way for card in column.cards.values())
            mute = node in self.up and self._engine.places and self._engine.ground(node) is None
            # One that can run no jobs says so each time that it is asked.
            mute = mute and now - (column.asked or 0.0) >= min(ASK, ASK_AGAIN * 2 ** min(column.unanswered, 10))
            if mute or (column.cards and (unsure or silent > quiet)):
                self._ask(node)

    def _ask(self, node: str) -> None:
        now = _clock()
        column = self._board.column(node, now)
        if not column.asking and (column.asked is None or now - column.asked >= ASK_AGAIN):
            column.asking, column.asked = True, now
            self._begin(self._asking(node))

    async def _asking(self, node: str) -> None:
        column = self._board.column(node)
        asked = {key: card.sending for key, card in column.cards.items() if not card.on_its_way}
        answer: list[Report] = []
        try:
            found = await self._engine.poll(node, list(asked))
            # What was sent meanwhile was not there yet when this was asked.
            answer = [one for one in found if one.phase is not Phase.UNKNOWN or self._still(one.key, asked)]
            if (ground := self._engine.ground(node)) is not None:
                self._warn(node, ground.fleeting)
                column.heard = _clock()
                column.unanswered = -1
        finally:
            column.unanswered += 1
            column.asking = False
            self._heard(answer)

    def _still(self, key: Key, asked: Mapping[Key, asyncio.Task[None] | None]) -> bool:
        card = self._board.get(key)
        return card is None or (key in asked and card.sending is asked[key])

    def _warn(self, node: str, fleeting: str) -> None:
        """Let people know where jobs end with our connection, and where they do no more."""
        if fleeting != self._fleeting.get(node, ""):
            self._fleeting[node] = fleeting
            with contextlib.suppress(StateError):  # it is for people alone
                self._queue.warn({name: why for name, why in self._fleeting.items() if why})


def _clock() -> float:
    return asyncio.get_running_loop().time()
