"""A broadcast on paper: the real `Swarm` decides, links and nodes are numbers. One part takes 1 / rate seconds on an uplink.

A feeder sends one part at a time, to its receivers in turn, as `onnode.sh` does on the whole: lowest part first.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from gridtui.push.peers.swarm import HERE, Attach, Detach, Order, Swarm

LINK = 0.2
"""What a login takes."""


@dataclass
class World:
    """`rates`: parts a second of an uplink (`HERE` is ours), 1 where it is not said; `downs` likewise of a downlink."""

    chains: Sequence[Sequence[str]]
    parts: int
    rates: Mapping[str, float] = field(default_factory=dict)
    downs: Mapping[str, float] = field(default_factory=dict)
    deaths: Mapping[str, float] = field(default_factory=dict)
    """When a node dies; it is noticed `notice` later."""
    walls: frozenset[tuple[str, str]] = frozenset()
    """Pairs without a way that nobody knew of."""
    notice: float = 6.0
    now: float = 0.0

    def run(self, until: float = 10_000.0) -> dict[str, float]:
        """When each node had all; nodes that never did are absent."""
        self.swarm = Swarm(self.chains, {})
        self.swarm.produce(self.parts, last=True)
        self.events: list[tuple[float, int, tuple[str, ...]]] = []
        self.serial = 0
        self.sent: dict[tuple[str, str], set[int]] = {}
        self.busy: dict[str, tuple[str, int]] = {}
        self.holds: dict[str, set[int]] = {HERE: set(range(self.parts))}
        self.turns: dict[str, int] = {}
        self.done: dict[str, float] = {}
        self.dead: set[str] = set()
        for name in self.swarm.nodes:
            self.holds[name] = set()
        for name, when in self.deaths.items():
            self._at(when, "dies", name)
            self._at(when + self.notice, "noticed", name)
        self._obey(self.swarm.start())
        self._at(1.0, "tick")
        while self.events and self.now < until and any(name not in self.done for name in self.swarm.nodes):
            self.now, _, event = heapq.heappop(self.events)
            self._happen(*event)
        return self.done

    def _at(self, when: float, *event: str) -> None:
        self.serial += 1
        heapq.heappush(self.events, (when, self.serial, event))

    def _happen(self, kind: str, *words: str) -> None:
        if kind == "tick":
            self._obey(self.swarm.tick(self.now))
            self._at(self.now + 1, "tick")
        elif kind == "dies":
            self.dead.add(words[0])
        elif kind == "noticed":
            self._obey(self.swarm.lost(words[0], self.now))
        elif kind == "wall":
            self._obey(self.swarm.unlinked(words[0], words[1], self.now, "no way"))
        elif kind == "link":
            self.swarm.linked(words[0], words[1], self.now)
        else:
            self._arrive(words[0], words[1], int(words[2]))
        for feeder in list(self.holds):
            self._send(feeder)

    def _arrive(self, feeder: str, receiver: str, part: int) -> None:
        if self.busy.get(feeder) != (receiver, part):
            return  # it was cut off
        del self.busy[feeder]
        if feeder in self.dead or receiver in self.dead:
            return
        self.holds[receiver].add(part)
        self._obey(self.swarm.arrived(receiver, part, self.now))
        if len(self.holds[receiver]) == self.parts:
            self.done.setdefault(receiver, self.now)

    def _obey(self, orders: Sequence[Order]) -> None:
        for order in orders:
            if isinstance(order, Attach):
                if (order.feeder, order.receiver) in self.walls:
                    self._at(self.now + 3, "wall", order.feeder, order.receiver)
                    continue
                self.sent[order.feeder, order.receiver] = set(range(order.first)) | set(order.skip)
                self._at(self.now + LINK, "link", order.feeder, order.receiver)
            elif isinstance(order, Detach):
                self.sent.pop((order.feeder, order.receiver), None)
                if self.busy.get(order.feeder, ("", 0))[0] == order.receiver:
                    del self.busy[order.feeder]

    def _send(self, feeder: str) -> None:
        if feeder in self.busy or feeder in self.dead:
            return
        ways = [pair for pair in self.sent if pair[0] == feeder]
        self.turns[feeder] = turn = self.turns.get(feeder, 0) + 1
        for index in range(len(ways)):
            pair = ways[(index + turn) % len(ways)]
            if left := self.holds[feeder] - self.sent[pair]:
                part = min(left)
                self.sent[pair].add(part)
                self.busy[feeder] = pair[1], part
                seconds = 1 / min(self.rates.get(feeder, 1.0), self.downs.get(pair[1], 1000.0))
                self._at(self.now + seconds, "arrive", *pair, str(part))
                return
