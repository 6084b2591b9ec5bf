"""What the dispatcher believes to be where: orders by node, how far each has come, when a node was last heard. Pure; the queue is the truth.

Times are the event loop's: a controller that slept has not lost its nodes.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .model import Key, Order
from .placement import Share, Trace

if TYPE_CHECKING:
    import asyncio


@dataclass(slots=True, eq=False)
class Card:
    """One attempt on the board."""

    order: Order
    user: str
    node: str
    """Empty while an engine that places by itself has not chosen."""
    started: bool = False
    """The node said that it has it."""
    waits: bool = False
    """An engine that places by itself has it in its own queue."""
    fault: str = ""
    """Why its engine could not be asked to start it the last time; empty where it was."""
    ended: bool = False
    """Its end is known; what it made is still to be fetched."""
    stands: bool = False
    """It stands still, as its node told last."""
    held: bool = False
    """What its node was told last: to stop it where it stands, or to let it go on."""
    held_told: float | None = None
    sending: asyncio.Task[None] | None = None
    """What sends, or sent, its order."""
    together: tuple[Key, ...] = ()
    """The attempts whose orders travel in the same message."""
    end_asked: float | None = None
    placed: float = 0.0
    """When it was given to the node, as `time.time()`."""

    @property
    def on_its_way(self) -> bool:
        """An order is on its way: nothing else is asked about it meanwhile."""
        return self.sending is not None and not self.sending.done()


@dataclass(slots=True, eq=False)
class Column:
    """One node on the board."""

    cards: dict[Key, Card] = field(default_factory=dict)
    heard: float = 0.0
    """When an attempt on it was last told of, or when it was first looked at."""
    asked: float | None = None
    """When its attempts were last asked for."""
    asking: bool = False
    unanswered: int = 0
    """How often in a row it did not answer."""
    changes: int = 0
    """How often what attempts hold of it has changed."""
    trace: Trace = field(default_factory=Trace)
    """What our attempts held there of late."""


class Board:
    """Cards by key and by node."""

    def __init__(self) -> None:
        self._cards: dict[Key, Card] = {}
        self._columns: dict[str, Column] = {}
        self._usage: dict[str, float] = {}

    def __len__(self) -> int:
        return len(self._cards)

    def __contains__(self, key: Key) -> bool:
        return key in self._cards

    def __iter__(self) -> Iterator[Card]:
        return iter(tuple(self._cards.values()))

    def get(self, key: Key) -> Card | None:
        return self._cards.get(key)

    def column(self, node: str, now: float = 0.0) -> Column:
        """The node's column; a new one counts as heard `now`."""
        if node not in self._columns:
            self._columns[node] = Column(heard=now)
        return self._columns[node]

    def columns(self) -> Iterable[tuple[str, Column]]:
        return tuple(self._columns.items())

    def put(self, order: Order, user: str, now: float, placed: float, node: str = "") -> Card:
        """An attempt has a node, since `placed`. Putting it again changes nothing."""
        if found := self._cards.get(order.key):
            return found
        card = Card(order, user, node or order.node, placed=placed)
        self._cards[order.key] = card
        column = self.column(card.node, now)
        if not column.cards:
            column.heard = max(column.heard, now)  # silence counts from when there was something to tell
        column.cards[order.key] = card
        self._follow(card, order.spec.needs.cpus, placed)
        return card

    def move(self, card: Card, node: str, now: float) -> None:
        """An engine that places by itself told where the attempt is."""
        if node and node != card.node:
            self.column(card.node).cards.pop(card.order.key, None)
            card.node = node
            self.column(node, now).cards[card.order.key] = card

    def end(self, card: Card) -> None:
        """An attempt has ended and holds nothing of its node any more; what it made is still there."""
        if not card.ended:
            card.ended = True
            self._follow(card, -card.order.spec.needs.cpus, time.time())

    def drop(self, key: Key) -> Card | None:
        """An attempt is over, and nothing of it is wanted any more."""
        card = self._cards.pop(key, None)
        if card:
            self.end(card)
            self.column(card.node).cards.pop(key, None)
        return card

    def shares(self, node: str) -> list[Share]:
        """What attempts hold of the node."""
        return [
            Share(card.order.spec.needs, card.order.gpus, card.placed)
            for card in self.column(node).cards.values()
            if not card.ended
        ]

    def _follow(self, card: Card, cpus: float, when: float) -> None:
        held = self._usage.get(card.user, 0.0) + cpus
        if held > 1e-9:
            self._usage[card.user] = held
        else:
            self._usage.pop(card.user, None)
        column = self.column(card.node)
        there = [one.order.spec.needs.cpus for one in column.cards.values() if not one.ended]
        column.trace.follow(sum(there), when)
        column.changes += 1

    def heard(self, node: str, now: float) -> None:
        """The node told of an attempt."""
        self.column(node, now).heard = now

    @property
    def usage(self) -> Mapping[str, float]:
        """CPUs that each user's attempts hold."""
        return self._usage
