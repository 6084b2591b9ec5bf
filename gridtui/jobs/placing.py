"""From lots to orders on their way: plans, commits what was planned bit by bit, and sends it. Owns what is planned and not yet in the queue.

Commits come before messages: an attempt is in the queue before its node hears of it. Which job goes where is placement's.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Coroutine, Iterable, Mapping, Sequence
from typing import Any

from ..errors import EngineError
from .board import Board, Card
from .engines.protocol import Engine
from .model import Lot, Placement, Report
from .offering import Offering, pass_on
from .queue import Queue

WAITING = 1000
"""Attempts that wait in the queue of an engine which places by itself."""

Begin = Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]]
Heard = Callable[[Iterable[Report]], None]


class Placing:
    """Places for one dispatcher."""

    def __init__(
        self,
        queue: Queue,
        engine: Engine,
        board: Board,
        offering: Offering,
        up: Collection[str],
        begin: Begin,
        heard: Heard,
        due: Callable[[], None],
    ) -> None:
        """`up`: the nodes that are, at any time. `heard` gets what engines answer, `due` that there is more to do."""
        self._queue, self._engine, self._board, self._offering, self._up = queue, engine, board, offering, up
        self._begin, self._heard, self._due = begin, heard, due
        self._planned: list[Placement] = []
        self._users: Mapping[int, str] = {}
        """Whose they are, by submission."""
        self._inputs: dict[int, Mapping[str, int] | None] = {}
        """Of submissions that wait for nodes: digests and bytes; None while they are looked at."""

    def plan(self) -> None:
        """Unless there is something left of the last plan. Raises StateError."""
        now = time.time()
        lots = [] if self._planned else self._queue.lots(now)
        if not lots:
            return
        if self._engine.places:
            known = self._with_inputs(lots)
            inputs = {number: found for number, found in self._inputs.items() if found}
            self._planned = list(self._offering.plan(known, self._up, self._queue.standing(), inputs, now))
        else:
            self._planned = pass_on(lots, WAITING - sum(card.waits or not card.started for card in self._board))
        if self._planned:
            self._users = {lot.number: lot.user for lot in lots}

    def place(self, most: int) -> None:
        """So much of what was planned. What cannot be placed is planned anew in the next round. Raises StateError."""
        if not self._planned:
            return
        now = time.time()
        planned, self._planned = self._planned, []
        standing = self._queue.standing()
        closed = {node for node, one in standing.items() if one.closed(now)}  # drained since then, perhaps
        by_node: dict[str, list[Card]] = defaultdict(list)
        for order in self._queue.place([one for one in planned[:most] if one.node not in closed], now):
            card = self._board.put(order, self._users[order.key.id.number], asyncio.get_running_loop().time(), now)
            by_node[card.node].append(card)
        for cards in by_node.values():
            self.send(cards)
        if planned[most:]:
            self._planned = planned[most:]
            self._due()

    def _with_inputs(self, lots: Sequence[Lot]) -> Sequence[Lot]:
        """Those whose inputs are known, or that have none; the others' are looked at meanwhile."""
        for number in self._inputs.keys() - {lot.number for lot in lots}:
            del self._inputs[number]
        for lot in lots:
            if lot.spec.inputs and lot.number not in self._inputs:
                self._inputs[lot.number] = None
                self._begin(self._look_at_inputs(lot))
        return [lot for lot in lots if not lot.spec.inputs or self._inputs[lot.number] is not None]

    async def _look_at_inputs(self, lot: Lot) -> None:
        found = await self._engine.inputs(lot.spec)
        if lot.number in self._inputs:
            self._inputs[lot.number] = found
            self._due()

    def send(self, cards: Sequence[Card]) -> None:
        """Orders without inputs go together; one whose inputs travel must not keep others waiting, nor be kept by them."""
        light = [card for card in cards if not card.order.spec.inputs]
        for together in ([light] if light else []) + [[card] for card in cards if card.order.spec.inputs]:
            task = self._begin(self._sending(together))
            keys = tuple(card.order.key for card in together)
            for card in together:
                card.sending, card.together, card.fault = task, keys, ""

    async def _sending(self, cards: Sequence[Card]) -> None:
        try:
            self._heard(await self._engine.start([card.order for card in cards]))
        except EngineError as error:
            for card in cards:
                card.fault = str(error)
