"""GPUs of all nodes during one round: who has such as a kind of job asks for, and which ones it gets. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from ..model import Needs
from .fitting import choose
from .offers import Offer, OfferedGpu


class Gpus:
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
