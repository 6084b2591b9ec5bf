"""What people asked for since, of attempts that a node has: to end, to stand still, to go on. Owns that each is told, and told again where it was not done."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from .board import Board
from .engines.protocol import Engine
from .model import Key
from .queue import Queue

END_AGAIN = 30.0
"""Seconds after which an attempt is told again to end, to stand still or to go on, where it did not."""

Begin = Callable[[Coroutine[Any, Any, None]], object]


class Wishes:
    """Carries them out for one dispatcher."""

    def __init__(self, queue: Queue, engine: Engine, board: Board, grace: float, begin: Begin) -> None:
        self._queue, self._engine, self._board, self._grace, self._begin = queue, engine, board, grace, begin

    def carry_out(self, now: float) -> None:
        """`now` is the loop's. Raises StateError."""
        ends: dict[str, list[Key]] = defaultdict(list)
        stands: dict[tuple[str, bool], list[Key]] = defaultdict(list)
        wishes, held = self._queue.wishes(), set(self._queue.holds())
        for key in wishes:
            card = self._board.get(key)
            if card is None or card.ended or (card.end_asked is not None and now - card.end_asked < END_AGAIN):
                continue
            card.end_asked = now
            if card.sending and len(card.together) == 1:
                card.sending.cancel()  # its inputs need not travel any further
            ends[card.node].append(key)
        for node, keys in ends.items():
            self._begin(self._ending(node, keys))
        for card in self._board:
            hold = card.order.key in held
            # One that its node froze by itself is told to go on, too: whether we or the owner wished that may be forgotten here, not there.
            deaf = card.stands != hold and (card.held_told is None or now - card.held_told >= END_AGAIN)
            if card.started and not card.ended and (card.held != hold or deaf):
                card.held, card.held_told = hold, now
                stands[card.node, hold].append(card.order.key)
        for (node, frozen), keys in stands.items():
            self._begin(self._engine.freeze(node, keys, frozen))

    async def _ending(self, node: str, keys: Sequence[Key]) -> None:
        """What is being sent comes first: an end that overtakes its start would be lost."""
        cards = [card for key in keys if (card := self._board.get(key))]
        if sending := {card.sending for card in cards if card.sending and card.on_its_way}:
            await asyncio.wait(sending)
        await self._engine.end(node, keys, grace=self._grace)
