"""Who feeds whom, part by part, and what to do when a feeder dies, stalls or cannot reach its receiver. Pure: events in, orders out.

Every node has one feeder, another node or this machine (`HERE`), and passes on each part as soon as it has been checked. A node
that does not deliver is put at the end of its chain, where nobody waits for it; those behind it move up.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from .chains import UNTRIED, Trips, cost

HERE = ""
"""This machine, as a feeder."""
PATIENCE = 4.0
"""Seconds at least before a feeder that has what its receiver lacks counts as stalled."""
SLACK = 6.0
"""How many usual times between two parts that is, where these are long."""
LAG = 8
"""Parts that a feeder may be ahead of its receiver; in a healthy chain it is one or two."""


@dataclass(frozen=True, slots=True)
class Attach:
    """`feeder` begins to send to `receiver`: parts from `first` on, without `skip`."""

    feeder: str
    receiver: str
    first: int = 0
    skip: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Detach:
    """`feeder` sends nothing more to `receiver`."""

    feeder: str
    receiver: str


@dataclass(frozen=True, slots=True)
class Drop:
    """Every node has this part: nobody needs to keep it for others."""

    part: int


Order = Attach | Detach | Drop


@dataclass(slots=True)
class _Member:
    name: str
    feeder: str
    held: set[int] = field(default_factory=set)
    came: float = 0.0
    """When the last part arrived, or the feeder changed."""
    waits: float | None = None
    """Since when the feeder has something for it, and nothing comes."""
    gaps: list[float] = field(default_factory=list)
    """Seconds between its last parts."""
    behind: int = 0
    """How far it was behind its feeder when that began."""
    usual: float | None = None
    """Seconds between parts that were usual above it when its feeder was changed for being slow."""
    strikes: int = 0
    late: bool = False
    """Put at the end: judged no more."""
    linked: bool = False


class Swarm:
    """The state of one broadcast. Times are of any one clock, in seconds."""

    def __init__(self, chains: Sequence[Sequence[str]], trips: Trips, now: float = 0.0) -> None:
        self._trips = dict(trips)
        self._members: dict[str, _Member] = {}
        self._bad: set[tuple[str, str]] = set()
        self._gaps: list[float] = []
        self._dropped = 0
        self.produced = 0
        self.total: int | None = None
        self.failed: dict[str, str] = {}
        """Nodes that nobody can feed, and the last reason."""
        for chain in chains:
            feeder = HERE
            for name in chain:
                self._members[name] = _Member(name, feeder, came=now)
                feeder = name

    # what is

    @property
    def nodes(self) -> list[str]:
        """Who takes part."""
        return list(self._members)

    @property
    def feeders(self) -> Mapping[str, str]:
        """Receiver to feeder."""
        return {member.name: member.feeder for member in self._members.values()}

    def held(self, name: str) -> int:
        """How many parts a node has."""
        return len(self._members[name].held) if name in self._members else 0

    def holds(self, name: str, part: int) -> bool:
        """Whether a node has a part."""
        return name in self._members and part in self._members[name].held

    def done(self, name: str) -> bool:
        """Whether a node has all."""
        return self.total is not None and self.held(name) == self.total

    def late(self, name: str) -> bool:
        """Whether a node was put at the end for being slow or deaf."""
        return name in self._members and self._members[name].late

    def receivers(self, feeder: str) -> list[str]:
        """Whom a node feeds."""
        return [member.name for member in self._members.values() if member.feeder == feeder]

    # what happens

    def start(self) -> list[Order]:
        """The first orders."""
        return [Attach(member.feeder, member.name) for member in self._members.values()]

    def produce(self, count: int, *, last: bool = False) -> None:
        """This machine has the first `count` parts by now; `last`: there are no more."""
        self.produced = count
        if last:
            self.total = count

    def linked(self, feeder: str, receiver: str, now: float) -> None:
        """The way is open."""
        if (member := self._members.get(receiver)) and member.feeder == feeder:
            member.linked, member.came = True, now
            member.behind = max(0, self._lead(member))

    def arrived(self, name: str, part: int, now: float) -> list[Order]:
        """A node has a part, and its hash is right."""
        member = self._members.get(name)
        if member is None or part in member.held:
            return []
        if member.held and member.linked:
            for gaps, kept in ((self._gaps, 64), (member.gaps, 6)):
                gaps.append(now - member.came)
                del gaps[:-kept]
        member.held.add(part)
        member.came, member.waits = now, None
        return self._drops()

    def unlinked(self, feeder: str, receiver: str, now: float, why: str = "") -> list[Order]:
        """No way from one to the other, or nothing right comes through it."""
        self._bad.add((feeder, receiver))
        member = self._members.get(receiver)
        if member is None or member.feeder != feeder:
            return []
        return self._feed_anew(member, now, why, swap=feeder != HERE)

    def lost(self, name: str, now: float) -> list[Order]:
        """A node is gone. Those behind it move up; it is forgotten."""
        gone = self._members.pop(name, None)
        if gone is None:
            return []
        orders: list[Order] = []
        if gone.feeder in self._members or gone.feeder == HERE:
            orders.append(Detach(gone.feeder, name))
        for child in [member for member in self._members.values() if member.feeder == name]:
            orders += self._attach(child, self._choose(child, gone.feeder), now)
        return [*orders, *self._drops()]

    def tick(self, now: float) -> list[Order]:
        """Look for who waits in vain. To be called about once a second."""
        stalled = [member for member in self._members.values() if self._stalls(member, now)]
        for member in stalled:
            if any(other.feeder == member.name for other in stalled):
                return self._demote(member, now)  # nothing gets in, nothing gets out
        for member in stalled:
            return self._accuse(member, now)
        for member in self._members.values():
            if self.done(member.name) or member.late or not member.linked:
                continue
            if member.feeder != HERE and self._lead(member) >= member.behind + LAG:
                return self._accuse(member, now)
            if member.usual is not None and self._no_better(member, member.usual, now):
                return self._demote(member, now)
        return []

    # how it is decided

    def _patience(self) -> float:
        return max(PATIENCE, SLACK * statistics.median(self._gaps)) if self._gaps else 4 * PATIENCE

    def _lead(self, member: _Member) -> int:
        ahead = self.produced if member.feeder == HERE else self.held(member.feeder)
        return ahead - len(member.held)

    def _stalls(self, member: _Member, now: float) -> bool:
        if self.done(member.name) or member.late or not member.linked or self._lead(member) <= 0:
            member.waits = None
            return False
        member.waits = now if member.waits is None else member.waits
        return now - member.waits > self._patience()

    def _no_better(self, member: _Member, usual: float, now: float) -> bool:
        """Whether its feeder was changed in vain, so that it is the receiver."""
        if len(member.gaps) >= 3:
            return statistics.median(member.gaps) > 2 * usual
        return member.waits is not None and now - member.waits > max(PATIENCE, 4 * usual)

    def _accuse(self, member: _Member, now: float) -> list[Order]:
        """Nobody can tell whose fault it is: first the feeder's, and if it is no better with another, the receiver's."""
        member.strikes += 1
        if member.strikes > 1 or member.feeder == HERE:
            return self._demote(member, now)
        above = self._members[member.feeder]
        member.usual = statistics.median(above.gaps) if above.gaps else None
        return self._swap(member, now)

    def _demote(self, member: _Member, now: float) -> list[Order]:
        """To the end of the chain, where nobody waits for it."""
        children = [child for child in self._members.values() if child.feeder == member.name]
        member.late = True
        orders: list[Order] = []
        for child in children:
            orders += self._attach(child, self._choose(child, member.feeder), now)
        if children:
            orders += self._behind(member, self._tail(children[0]), now)
        return orders

    def _swap(self, member: _Member, now: float) -> list[Order]:
        """A receiver moves up to its feeder's feeder, and the feeder goes to the end of the chain."""
        feeder = self._members[member.feeder]
        feeder.late = True
        orders: list[Order] = []
        for child in [child for child in self._members.values() if child.feeder == feeder.name]:
            orders += self._attach(child, self._choose(child, feeder.feeder), now)
        return [*orders, *self._behind(feeder, self._tail(member), now)]

    def _behind(self, member: _Member, tail: str, now: float) -> list[Order]:
        if tail == member.name or not self._way(tail, member.name):
            return []
        return self._attach(member, tail, now)

    def _feed_anew(self, member: _Member, now: float, why: str, *, swap: bool) -> list[Order]:
        """Another feeder for one whose link failed."""
        above = self._members[member.feeder].feeder if swap and member.feeder in self._members else HERE
        if swap and member.feeder in self._members and self._way(above, member.name):
            tail = self._tail(member)
            if self._way(tail, member.feeder):
                feeder = self._members[member.feeder]
                orders = self._attach(member, above, now)
                return [*orders, *self._attach(feeder, tail, now)] if len(self.receivers(feeder.name)) == 0 else orders
        chosen = self._choose(member, above)
        if not self._way(chosen, member.name):
            self.failed[member.name] = why
            return self.lost(member.name, now)
        return self._attach(member, chosen, now)

    def _choose(self, member: _Member, first: str) -> str:
        """The best feeder for a node: `first` if there is a way, else who feeds fewest and is nearest; this machine last."""
        if self._way(first, member.name) and first not in self._below(member.name):
            return first
        below = self._below(member.name)
        others = [
            other
            for other in self._members.values()
            if other.name not in below and not other.late and self._way(other.name, member.name)
        ]
        best = min(
            others,
            key=lambda other: (
                len(self.receivers(other.name)),
                cost(self._trips, other.name, member.name) or UNTRIED,
                -len(other.held),
            ),
            default=None,
        )
        return best.name if best else HERE

    def _way(self, feeder: str, receiver: str) -> bool:
        if (feeder, receiver) in self._bad or feeder == receiver:
            return False
        return feeder == HERE or (feeder in self._members and cost(self._trips, feeder, receiver) is not None)

    def _below(self, name: str) -> set[str]:
        """The node and all who are fed through it."""
        found, queue = {name}, [name]
        while queue:
            for child in self.receivers(queue.pop()):
                if child not in found:
                    found.add(child)
                    queue.append(child)
        return found

    def _tail(self, member: _Member) -> str:
        name, seen = member.name, {member.name}
        while children := [child for child in self.receivers(name) if child not in seen]:
            name = children[0]
            seen.add(name)
        return name

    def _attach(self, member: _Member, feeder: str, now: float) -> list[Order]:
        if feeder == member.feeder:
            return []
        orders: list[Order] = []
        if member.feeder == HERE or member.feeder in self._members:
            orders.append(Detach(member.feeder, member.name))
        member.feeder, member.came, member.linked, member.waits = feeder, now, False, None
        member.gaps.clear()
        return [*orders, self.attachment(member.name)]

    def attachment(self, name: str) -> Attach:
        """The order for a node's feeder of now, with what the node has by now left out."""
        member = self._members[name]
        first = 0
        while first in member.held:
            first += 1
        return Attach(member.feeder, name, first, tuple(sorted(part for part in member.held if part > first)))

    def _drops(self) -> list[Order]:
        orders: list[Order] = []
        while self._members and all(self._dropped in member.held for member in self._members.values()):
            orders.append(Drop(self._dropped))
            self._dropped += 1
        return orders
