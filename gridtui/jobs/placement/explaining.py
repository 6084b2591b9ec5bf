"""Why a job goes to a node or not, for each node, in words and numbers. Pure; the same rules as `plan`, one node at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from ...model import NOTHING, size
from ..model import Lot, Needs
from ..sandbox import reached
from .affinity import Sizes, distance
from .fitting import emptied, number, obstacles, reserved
from .grid import STEPS, Match
from .offers import Offer

Answer = Literal["chosen", "could", "no"]


@dataclass(frozen=True, slots=True)
class Why:
    """One node's part in the question where a job goes."""

    node: str
    answer: Answer
    """Where it would go now; where it could; where it cannot go now."""
    score: float
    """0 to 1: higher is chosen first. 0 where it cannot go."""
    reason: str


class Kept(NamedTuple):
    """Room on a node that is left, as jobs end there, for one that does not fit yet."""

    number: int
    """The submission."""
    needs: Needs


def explain(
    lot: Lot,
    offers: Iterable[Offer],
    match: Match,
    now: float,
    index: int | None = None,
    inputs: Sizes = NOTHING,
    kept: Mapping[str, Kept] = NOTHING,
) -> list[Why]:
    """One answer a node, the chosen one first, then by score, then by name. `index` is the element of an array; `kept` has the nodes on
    which room is kept for large jobs, as far as that is known."""
    offers = list(offers)
    names = frozenset(match(lot.spec.where)) if lot.spec.where else None
    failed = lot.avoid.get(index, frozenset())
    against = {offer.node: obstacles(lot.spec, offer, names is None or offer.node in names, now) for offer in offers}
    # One whose earlier attempts failed waits for other nodes, if there are others: also where they are only full.
    elsewhere = bool(failed) and any(
        not obstacles(lot.spec, emptied(offer), names is None or offer.node in names, now)
        for offer in offers
        if offer.node not in failed
    )
    found = []
    for offer in offers:
        why = against[offer.node]
        if offer.node in failed and not why and elsewhere:
            why = ["an earlier attempt failed there"]
        if room := kept.get(offer.node):
            if room.number == lot.number:
                why = ["room is kept there for it", *why] if why else []
            elif not why and obstacles(lot.spec, reserved(offer, room.needs), True, now):
                why = [f"room is kept there for job {room.number}"]
        if why:
            found.append(Why(offer.node, "no", 0.0, "; ".join(why)))
        else:
            found.append(Why(offer.node, "could", _score(lot, offer, inputs), _merits(lot, offer, inputs)))
    found.sort(key=lambda one: (-one.score, one.node))
    if found and found[0].answer == "could":
        first = found[0]
        found[0] = Why(first.node, "chosen", first.score, first.reason)
    return found


def waiting(lot: Lot, offers: Sequence[Offer], match: Match, now: float) -> str:
    """Why none of a submission's jobs starts now, in a line: what keeps them from how many nodes, the most frequent first."""
    if not offers:
        return "there is no node"
    if lot.spec.where:
        names = frozenset(match(lot.spec.where))
        offers = [offer for offer in offers if offer.node in names]
        if not offers:
            return f"no node matches `{lot.spec.where}`"
    groups: dict[str, Counter[str]] = {}
    for offer in offers:
        found = obstacles(lot.spec, offer, True, now)
        if not found and any(offer.node not in lot.avoid.get(index, ()) for index in lot.ready):
            return "others are before it"
        reason = found[0] if found else "an earlier attempt failed there"
        groups.setdefault(_short(reason), Counter())[reason.split(": ")[0]] += 1
    counted = sorted(groups.items(), key=lambda item: (-item[1].total(), item[0]))
    parts = []
    for short, reasons in counted[:3]:
        text = next(iter(reasons)) if len(reasons) == 1 else short
        parts.append(
            text if len(counted) == 1 else f"{text} ({reasons.total()} node{'' if reasons.total() == 1 else 's'})"
        )
    rest = len(counted) - len(parts)
    return "; ".join(parts) + (f"; {rest} other reasons" if rest else "")


def _short(reason: str) -> str:
    """A reason without the numbers that are each node's own."""
    return reason.split("; ")[0].split(": ")[0].split(", ")[0]


def _score(lot: Lot, offer: Offer, inputs: Sizes) -> float:
    near = 1.0 / (1 + distance(inputs, offer.holds)) if inputs else 1.0
    full = _fullness(offer)
    step = int(full * STEPS) / STEPS
    room = step if lot.spec.pack else 1.0 - step
    # Trust, then inputs, then room, as `Grid.best` goes: each outweighs all that comes after.
    return round((0.0 if offer.shunned else 0.5) + 0.4 * near + 0.1 * room, 4)


def _fullness(offer: Offer) -> float:
    return min(1.0, max(0.0, 1.0 - offer.cpus_open / offer.cpus)) if offer.cpus else 1.0


def _merits(lot: Lot, offer: Offer, inputs: Sizes) -> str:
    parts = [f"{number(max(0.0, offer.cpus_free))} of {number(offer.cpus)} cpus free"]
    if lot.spec.needs.memory and offer.memory_free is not None:
        parts.append(f"{size(offer.memory_free)} of memory free")
    if lot.spec.needs.gpus:
        parts.append(f"{sum(not (gpu.taken or gpu.busy) for gpu in offer.gpus)} of {len(offer.gpus)} GPUs free")
    if inputs:
        there = sum(bytes_ for digest, bytes_ in inputs.items() if digest in offer.holds)
        parts.append(f"holds {size(there)} of {size(sum(inputs.values()))} of its inputs")
    if lot.spec.idle is not None and offer.owner.idle is None:
        parts.append("the node says whether somebody is there")
    if (level := reached(lot.spec.sandbox, offer.levels)) is not None:
        parts.append(f"sandbox {level.word}")
    if offer.shunned:
        parts.append("jobs failed there of late: only where nothing else will do")
    return ", ".join(parts)
