"""All nodes during one round: what each has left, and which suit a kind of job best. Pure; owns the sets that make a round fast.

A set of nodes is an integer with a bit for each. Which nodes a kind of job may go to at all is worked out once; what they have left
is kept by `Capacity`; how full each is, in steps, by `_fullness`. So a job costs a few operations on such integers, not a look at every node.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from ..model import Idle, Level, Lot, Needs, Sandbox, Spec
from ..sandbox import reached
from .affinity import Holders, Sizes
from .capacity import NONE, Capacity
from .gpus import Gpus
from .idle import may_start
from .offers import Offer
from .weight import weight

STEPS = 64
"""Steps of fullness that are told apart."""
Match = Callable[[str], Collection[str]]
"""The names of the nodes that match a text of requirements."""


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
    cost: float
    """For its user (`weight`)."""
    likings: Sequence[int] = ()
    """Sets of nodes, the best first: each next one would have to be sent more. Those in none of them have to be sent the most."""
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
    kinds: dict[tuple[object, ...], Kind] = field(default_factory=dict)


class Grid:
    """The nodes of one round. Which of two equal nodes is taken is decided by name."""

    def __init__(
        self,
        offers: Iterable[Offer],
        lots: Sequence[Lot],
        match: Match,
        now: float,
        inputs: Mapping[int, Sizes] = MappingProxyType({}),
    ) -> None:
        self.offers = offers = sorted(offers, key=lambda one: one.node)
        self._match, self._now = match, now
        self._number = {one.node: at for at, one in enumerate(offers)}
        needs = [lot.spec.needs for lot in lots]
        amounts = {need.cpus for need in needs}
        self._cpus = Capacity(amounts, [one.cpus_open for one in offers])
        self._cpus_most = Capacity(amounts, [one.cpus_most for one in offers])
        amounts = {need.memory for need in needs}
        self._memory = Capacity(amounts, [_known(one.memory_free) for one in offers])
        self._memory_most = Capacity(amounts, [_known(one.memory_free) + one.memory_placed for one in offers])
        self._disk = Capacity({need.disk for need in needs}, [_known(one.disk_free) for one in offers])
        self._gpus = Gpus(needs, offers)
        self._holders = Holders(inputs.values(), [one.holds for one in offers])
        self._room = [one.room for one in offers]
        self._open = self._set(at for at, one in enumerate(offers) if not one.closed)
        self._with_room = self._set(at for at, one in enumerate(offers) if one.room > 0)
        shunned = self._set(at for at, one in enumerate(offers) if one.shunned)
        self._trusted = ~shunned if shunned else 0
        self._a_cpu = [STEPS / one.cpus if one.cpus else 0.0 for one in offers]
        self._a_byte = [STEPS / one.memory if one.memory else 0.0 for one in offers]
        self._full = [self._step(at) for at in range(len(offers))]
        self._fullness = [0] * STEPS
        for at, step in enumerate(self._full):
            self._fullness[step] |= 1 << at
        self._memo = _Memo()

    def kind(self, spec: Spec, inputs: Sizes | None) -> Kind:
        """What jobs of a specification ask for; `inputs` are those that have to be there."""
        needs, sandbox = spec.needs, spec.sandbox
        # Numbers and text: a hundred thousand specifications are told apart faster by these than by frozen values.
        key = (
            needs.cpus,
            needs.memory,
            needs.gpus,
            needs.gpu_memory,
            needs.disk,
            spec.where,
            spec.pack,
            sandbox.least + 8 * sandbox.most,
            sandbox.image != "",
            spec.idle,
        )
        found = self._memo.kinds.get(key)
        if found is None:
            found = self._memo.kinds[key] = self._new_kind(spec)
        return replace(found, likings=self._holders.by_distance(inputs)) if inputs else found

    def _new_kind(self, spec: Spec) -> Kind:
        nodes, levels = self._sandboxed(spec.sandbox)
        nodes &= self._open & self._matching(spec.where)
        if spec.idle is not None:
            nodes &= self._unused(spec.idle)
        needs = spec.needs
        return Kind(
            needs,
            spec.pack,
            nodes,
            levels,
            self._cpus.index(needs.cpus),
            self._memory.index(needs.memory),
            self._disk.index(needs.disk),
            self._gpus.index(needs),
            weight(needs),
        )

    def spent(self) -> bool:
        """Whether no node has room for the least that any job of this round asks for."""
        cpus, memory = self._cpus, self._memory
        return not self._open & self._with_room & cpus.sets[cpus.least] & memory.sets[memory.least]

    def fitting(self, kind: Kind) -> int:
        """The nodes to which a job of that kind may go now."""
        nodes = kind.nodes & self._with_room & self._cpus.sets[kind.cpus]
        if kind.memory:
            nodes &= self._memory.sets[kind.memory]
        if kind.disk:
            nodes &= self._disk.sets[kind.disk]
        if kind.gpus >= 0:
            nodes &= self._gpus.having(kind.gpus)
        return nodes

    def possible(self, kind: Kind) -> int:
        """The nodes to which it may go once all of our jobs there have ended."""
        return (
            kind.nodes
            & self._cpus_most.sets[kind.cpus]
            & self._memory_most.sets[kind.memory]
            & self._disk.sets[kind.disk]
            & self._gpus.owning(kind.gpus)
        )

    def best(self, kind: Kind, fitting: int, among: int) -> int:
        """The number of the best node of `among`, a part of `fitting` that is not empty."""
        nodes = among
        if self._trusted:
            nodes = nodes & self._trusted or nodes
        for liked in kind.likings:
            if nodes & liked:
                nodes &= liked
                break
        fullness = self._fullness
        if kind.pack:
            if not nodes & kind.last:
                at = next(step for step in range(STEPS - 1, -1, -1) if nodes & fullness[step])
                found = nodes & fullness[at]
                kind.last = found & -found
            return kind.last.bit_length() - 1
        at = kind.fullness
        while not fitting & fullness[at]:
            at += 1
        kind.fullness = at
        while not (found := nodes & fullness[at]):
            at += 1
        return (found & -found).bit_length() - 1

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
        self._reserve(kind.needs, at)
        self._room[at] = room = self._room[at] - 1
        if room <= 0:
            self._with_room &= ~(1 << at)
        return self._gpus.take(at, kind.needs) if kind.gpus >= 0 else ()

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
        if needs.memory:
            self._memory.take(at, needs.memory)
        if needs.disk:
            self._disk.take(at, needs.disk)
        old, new = self._full[at], self._step(at)
        if new != old:
            bit = 1 << at
            self._fullness[old] ^= bit
            self._fullness[new] |= bit
            self._full[at] = new

    def _step(self, at: int) -> int:
        """How full: the fuller of CPUs and memory, where these are known."""
        left = self._cpus.left[at] * self._a_cpu[at]
        if (a_byte := self._a_byte[at]) and (memory := self._memory.left[at] * a_byte) < left:
            left = memory
        return 0 if left >= STEPS else int(STEPS - left) if left > 1 else STEPS - 1

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
                    known[offer.levels] = reached(sandbox, offer.levels)
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


def members(nodes: int) -> Iterator[int]:
    """The numbers in a set, rising."""
    while nodes:
        bit = nodes & -nodes
        yield bit.bit_length() - 1
        nodes ^= bit


def _known(amount: int | None) -> float:
    return NONE if amount is None else float(amount)
