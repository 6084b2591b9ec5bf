"""All nodes during one round: what each has left, and which suit a kind of job best. Pure; owns the sets that make a round fast.

A set of nodes is an integer with a bit for each. Which nodes a kind of job may go to at all is worked out once; what they have left
is kept by `Capacity`; how full each is, in steps, by `_fullness`. So a job costs a few operations on such integers, not a look at every node.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ..model import Idle, Level, Lot, Needs, Sandbox, Spec
from .capacity import NONE, Capacity
from .fitting import choose, level
from .idle import may_start
from .offers import Offer, OfferedGpu

STEPS = 64
"""Steps of fullness that are told apart."""
NEAR = 4 << 20
"""Bytes of inputs that a node may lack and still count as having them: they are there in an instant."""

Match = Callable[[str], Collection[str]]
"""The names of the nodes that match a text of requirements."""
Sizes = Mapping[str, int]
"""Inputs: digest to bytes."""


@dataclass(slots=True, eq=False)
class Kind:
    """What jobs of one specification ask for, in the terms of this round."""

    needs: Needs
    pack: bool
    nodes: int
    """The nodes that it may go to, were they empty of our jobs and had they room."""
    levels: Sequence[Level | None]
    cpus: int
    memory: int
    disk: int
    gpus: int
    likings: Sequence[int]
    """Sets of nodes, the best first: each next one would have to be sent more."""
    last: int = 0
    """Where the one before went, as a bit: packing goes on there."""
    fullness: int = 0
    """No node that it may go to is less full: nodes only fill up within a round."""


@dataclass(slots=True)
class _Memo:
    """What is the same for many kinds."""

    where: dict[str, int] = field(default_factory=dict)
    sandbox: dict[Sandbox, tuple[int, list[Level | None]]] = field(default_factory=dict)
    idle: dict[Idle, int] = field(default_factory=dict)
    kinds: dict[tuple[Needs, Sandbox, Idle | None, str, bool], Kind] = field(default_factory=dict)


class Grid:
    """The nodes of one round. Which of two equal nodes is taken is decided by name."""

    def __init__(self, offers: Iterable[Offer], lots: Sequence[Lot], match: Match, now: float) -> None:
        self.offers = sorted(offers, key=lambda one: one.node)
        self._match, self._now = match, now
        self._number = {one.node: at for at, one in enumerate(self.offers)}
        needs = [lot.spec.needs for lot in lots]
        offers = self.offers
        amounts = {need.cpus for need in needs}
        self._cpus = Capacity(amounts, [one.cpus_open for one in offers])
        self._cpus_most = Capacity(amounts, [one.cpus_most for one in offers])
        amounts = {need.memory for need in needs}
        self._memory = Capacity(amounts, [_known(one.memory_free) for one in offers])
        self._memory_most = Capacity(amounts, [_known(one.memory_free) + one.memory_placed for one in offers])
        self._disk = Capacity({need.disk for need in needs}, [_known(one.disk_free) for one in offers])
        self._gpus = _Gpus(needs, offers)
        self._room = [one.room for one in offers]
        self._open = self._set(at for at, one in enumerate(offers) if not one.closed)
        self._with_room = self._set(at for at, one in enumerate(offers) if one.room > 0)
        self._trusted = self._set(at for at, one in enumerate(offers) if not one.shunned)
        self._full = [self._step(at) for at in range(len(offers))]
        self._fullness = [0] * STEPS
        for at, step in enumerate(self._full):
            self._fullness[step] |= 1 << at
        self._memo = _Memo()

    def kind(self, spec: Spec, inputs: Sizes) -> Kind:
        """What jobs of a specification ask for; `inputs` are those that have to be there."""
        key = (spec.needs, spec.sandbox, spec.idle, spec.where, spec.pack)
        found = self._memo.kinds.get(key)
        if found is None:
            nodes, levels = self._sandboxed(spec.sandbox)
            nodes &= self._open & self._matching(spec.where)
            if spec.idle is not None:
                nodes &= self._unused(spec.idle)
            needs = spec.needs
            found = self._memo.kinds[key] = Kind(
                needs,
                spec.pack,
                nodes,
                levels,
                self._cpus.index(needs.cpus),
                self._memory.index(needs.memory),
                self._disk.index(needs.disk),
                self._gpus.index(needs),
                (),
            )
        return replace(found, likings=self._likings(inputs)) if inputs else found

    def fitting(self, kind: Kind) -> int:
        """The nodes to which a job of that kind may go now."""
        return (
            kind.nodes
            & self._with_room
            & self._cpus.having(kind.cpus)
            & self._memory.having(kind.memory)
            & self._disk.having(kind.disk)
            & self._gpus.having(kind.gpus)
        )

    def possible(self, kind: Kind) -> int:
        """The nodes to which it may go once all of our jobs there have ended."""
        return (
            kind.nodes
            & self._cpus_most.having(kind.cpus)
            & self._memory_most.having(kind.memory)
            & self._disk.having(kind.disk)
            & self._gpus.owning(kind.gpus)
        )

    def best(self, kind: Kind, nodes: int) -> int:
        """The number of the best of a set of nodes, which is not empty."""
        nodes = nodes & self._trusted or nodes
        for liked in kind.likings:
            if nodes & liked:
                nodes &= liked
                break
        if kind.pack:
            if nodes & kind.last:
                return kind.last.bit_length() - 1
            for step in range(STEPS - 1, -1, -1):
                if found := nodes & self._fullness[step]:
                    kind.last = found & -found
                    return kind.last.bit_length() - 1
        while not kind.nodes & self._fullness[kind.fullness]:
            kind.fullness += 1
        for step in range(kind.fullness, STEPS):
            if found := nodes & self._fullness[step]:
                return (found & -found).bit_length() - 1
        raise AssertionError(nodes)

    def nearest(self, kind: Kind, nodes: int, stay: str = "") -> int:
        """The number of the node of a set that lacks the least of what the kind needs: the one to keep for it. Of equal ones, `stay`."""
        needs = kind.needs

        def lack(at: int) -> tuple[float, bool, int]:
            offer = self.offers[at]
            cpus = (needs.cpus - self._cpus.left[at]) / max(offer.cpus, 1.0)
            memory = (needs.memory - self._memory.left[at]) / (offer.memory or 1) if needs.memory else 0.0
            gpus = self._gpus.lacking(at, needs) / max(len(offer.gpus), 1) if needs.gpus else 0.0
            return max(cpus, memory, gpus), offer.node != stay, at

        return min(lack(at) for at in members(nodes))[2]

    def take(self, kind: Kind, at: int) -> tuple[int, ...]:
        """A job of that kind goes to the node with that number; the GPUs that it gets."""
        needs = kind.needs
        self._reserve(needs, at)
        self._room[at] -= 1
        if self._room[at] <= 0:
            self._with_room &= ~(1 << at)
        return self._gpus.take(at, needs) if needs.gpus else ()

    def keep(self, kind: Kind, at: int) -> None:
        """Nobody else gets what a job of that kind needs on that node: as its jobs end, room is left for it."""
        self._reserve(kind.needs, at)
        if kind.needs.gpus:
            self._gpus.keep(at, kind.needs)

    def numbers(self, names: Iterable[str]) -> int:
        """The set of the nodes with those names."""
        return self._set(at for name in names if (at := self._number.get(name)) is not None)

    def _reserve(self, needs: Needs, at: int) -> None:
        self._cpus.take(at, needs.cpus)
        self._memory.take(at, needs.memory)
        self._disk.take(at, needs.disk)
        old, new = self._full[at], self._step(at)
        if new != old:
            bit = 1 << at
            self._fullness[old] ^= bit
            self._fullness[new] |= bit
            self._full[at] = new

    def _step(self, at: int) -> int:
        offer = self.offers[at]
        cpus = 1.0 - self._cpus.left[at] / offer.cpus if offer.cpus else 1.0
        if offer.memory:
            cpus = max(cpus, 1.0 - self._memory.left[at] / offer.memory)
        return min(STEPS - 1, max(0, int(cpus * STEPS))) if cpus != float("inf") else STEPS - 1

    def _set(self, numbers: Iterable[int]) -> int:
        digits = bytearray(b"0") * (len(self.offers) or 1)
        for at in numbers:
            digits[-1 - at] = 49
        return int(digits, 2)

    def _matching(self, where: str) -> int:
        if not where:
            return self._open
        found = self._memo.where.get(where)
        if found is None:
            found = self._memo.where[where] = self.numbers(self._match(where))
        return found

    def _sandboxed(self, sandbox: Sandbox) -> tuple[int, list[Level | None]]:
        found = self._memo.sandbox.get(sandbox)
        if found is None:
            known: dict[frozenset[Level], Level | None] = {}
            for offer in self.offers:
                if offer.levels not in known:
                    known[offer.levels] = level(sandbox, offer.levels)
            levels = [known[offer.levels] for offer in self.offers]
            nodes = self._set(at for at, one in enumerate(levels) if one is not None)
            found = self._memo.sandbox[sandbox] = (nodes, levels)
        return found

    def _unused(self, idle: Idle) -> int:
        found = self._memo.idle.get(idle)
        if found is None:
            found = self._memo.idle[idle] = self._set(
                at for at, one in enumerate(self.offers) if not one.closed and not may_start(idle, one, self._now)
            )
        return found

    def _likings(self, inputs: Sizes) -> list[int]:
        """Nodes by what they lack of the inputs, in steps of twice as much."""
        steps: dict[int, list[int]] = {}
        for at, offer in enumerate(self.offers):
            steps.setdefault(distance(inputs, offer.holds), []).append(at)
        return [self._set(steps[step]) for step in sorted(steps)]


class _Gpus:
    """GPUs of all nodes; a set of nodes for each number and memory of GPUs that jobs ask for."""

    def __init__(self, asked: Iterable[Needs], offers: Sequence[Offer]) -> None:
        kinds = {(needs.gpus, needs.gpu_memory): needs for needs in asked if needs.gpus}
        self._at = {kind: at for at, kind in enumerate(kinds)}
        self._asked = list(kinds.values())
        self._left = [one.gpus for one in offers]
        self._all = (1 << len(offers)) - 1
        with_gpus = [(at, gpus) for at, gpus in enumerate(self._left) if gpus]
        self._sets = [
            sum(1 << at for at, gpus in with_gpus if choose(needs, gpus) is not None) for needs in self._asked
        ]
        self._owners = [sum(1 << at for at, gpus in with_gpus if _owns(needs, gpus)) for needs in self._asked]

    def index(self, needs: Needs) -> int:
        return self._at[needs.gpus, needs.gpu_memory] if needs.gpus else -1

    def having(self, index: int) -> int:
        return self._all if index < 0 else self._sets[index]

    def owning(self, index: int) -> int:
        """Nodes that have such GPUs, ours in use or not."""
        return self._all if index < 0 else self._owners[index]

    def lacking(self, at: int, needs: Needs) -> int:
        return max(0, needs.gpus - sum(not gpu.taken for gpu in self._left[at]))

    def take(self, at: int, needs: Needs) -> tuple[int, ...]:
        chosen = choose(needs, self._left[at])
        assert chosen is not None
        self._mark(at, chosen)
        return chosen

    def keep(self, at: int, needs: Needs) -> None:
        """As many of its GPUs as are asked for go to nobody else, as far as they are free."""
        self._mark(at, [gpu.index for gpu in self._left[at] if not gpu.taken][: needs.gpus])

    def _mark(self, at: int, chosen: Collection[int]) -> None:
        self._left[at] = tuple(replace(gpu, taken=True) if gpu.index in chosen else gpu for gpu in self._left[at])
        bit = 1 << at
        for index, needs in enumerate(self._asked):
            if self._sets[index] & bit and choose(needs, self._left[at]) is None:
                self._sets[index] ^= bit


def _owns(needs: Needs, gpus: Iterable[OfferedGpu]) -> bool:
    return sum(not gpu.busy and (gpu.memory is None or gpu.memory >= needs.gpu_memory) for gpu in gpus) >= needs.gpus


def distance(inputs: Sizes, holds: Collection[str]) -> int:
    """How far a node is from having the inputs: 0 where it has them, or nearly; one more each time that it lacks twice as much."""
    lacks = sum(size for digest, size in inputs.items() if digest not in holds)
    return (lacks // NEAR).bit_length()


def members(nodes: int) -> Iterator[int]:
    """The numbers in a set, rising."""
    while nodes:
        bit = nodes & -nodes
        yield bit.bit_length() - 1
        nodes ^= bit


def _known(amount: int | None) -> float:
    return NONE if amount is None else float(amount)
