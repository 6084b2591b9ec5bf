"""Who stands behind whom at first: chains of near neighbours. Pure; knows round trips and nothing of transfers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

Trips = Mapping[tuple[str, str], float | None]
"""Seconds from one node to another's SSH port; None: no way. A pair that is absent was not tried and may work."""

UNTRIED = 10.0
"""What a pair counts that nobody measured: taken only when no measured one is left."""


def cost(trips: Trips, feeder: str, receiver: str) -> float | None:
    """What it costs to stand behind `feeder`; None: no way."""
    return trips.get((feeder, receiver), UNTRIED)


def chains(nodes: Sequence[str], trips: Trips, home: Mapping[str, float]) -> list[list[str]]:
    """Chains that hold every node once; the first of each is fed from here. As few as reachability allows.

    Each chain goes on with the nearest node that its end reaches. What is left over is put between two that both have a way,
    before the first or after the last; only what no neighbour reaches begins a chain of its own. `home`: seconds from here.
    One chain is as fast as the links (docs/BROADCAST.md); each more shares the uplink here.
    """
    left = sorted(nodes, key=lambda name: (home.get(name, UNTRIED), name))
    made: list[list[str]] = []
    while left:
        # who reaches most others begins: a node behind a firewall would end the chain at once
        first = max(left, key=lambda name: sum(cost(trips, name, other) is not None for other in left if other != name))
        chain = [first]
        left.remove(first)
        while nearest := _nearest(chain[-1], left, trips):
            chain.append(nearest)
            left.remove(nearest)
        made.append(chain)
        for name in list(left):
            if _insert(made, name, trips):
                left.remove(name)
    for chain in [chain for chain in made if len(chain) == 1 and len(made) > 1]:
        made.remove(chain)
        if not _insert(made, chain[0], trips):
            made.append(chain)
    return made


def _nearest(name: str, left: Sequence[str], trips: Trips) -> str | None:
    ways = [(way, other) for other in left if (way := cost(trips, name, other)) is not None]
    return min(ways)[1] if ways else None


def _insert(made: list[list[str]], name: str, trips: Trips) -> bool:
    """Put a node where it costs least. False when it fits nowhere."""
    best: tuple[float, list[str], int] | None = None
    for chain in made:
        for place in range(len(chain) + 1):
            before = cost(trips, chain[place - 1], name) if place else 0.0
            after = cost(trips, name, chain[place]) if place < len(chain) else 0.0
            if before is not None and after is not None and (best is None or before + after < best[0]):
                best = (before + after, chain, place)
    if best is None:
        return False
    best[1].insert(best[2], name)
    return True
