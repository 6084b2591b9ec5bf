"""In which order and in which groups nodes are shown, and what they are together. Pure: statuses in, lines out."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ..model import Node, State, Status
from .columns import BY_NAME
from .states import WORDS, Kind, face


@dataclass(frozen=True, slots=True)
class Group:
    """A group's header: what its nodes are together. A mean is over the nodes where the value is known."""

    title: str
    counts: Mapping[Kind, int]
    means: Mapping[str, float] = field(default_factory=dict)
    sums: Mapping[str, float] = field(default_factory=dict)


Line = str | Group
"""A line of the table: a node's name, or a group's header."""

_MEANS = ("cpu", "mem", "load", "disk", "gpu", "temp")
_SUMS = ("net.rx", "net.tx", "mem.used", "mem.total")
_ALL = _MEANS + _SUMS


def count(statuses: Iterable[Status]) -> Mapping[Kind, int]:
    """How many nodes are in which state."""
    return Counter(face(status).kind for status in statuses)


def aggregate(title: str, statuses: Iterable[Status]) -> Group:
    """What some nodes are together: 4 us a node, so not at every beat."""
    counts: defaultdict[Kind, int] = defaultdict(int)
    totals: defaultdict[str, float] = defaultdict(float)
    known: defaultdict[str, int] = defaultdict(int)
    for status in statuses:
        seen = face(status)
        counts[seen.kind] += 1
        trips = status.trips
        if trips.last is not None:
            totals["rtt"] += trips.last
            known["rtt"] += 1
        if trips.sent and not seen.silent:
            totals["loss"] += trips.loss
            known["loss"] += 1
        if status.sample is None or seen.silent:
            continue
        known_value = status.sample.metrics.get
        for name in _ALL:
            value = known_value(name)
            if value is not None and value == value:
                totals[name] += value
                known[name] += 1
    means = {name: totals[name] / known[name] for name in ("rtt", "loss", *_MEANS) if known[name]}
    return Group(title, dict(counts), means, {name: totals[name] for name in _SUMS if known[name]})


def group_keys(nodes: Iterable[Node]) -> tuple[str, ...]:
    """What the nodes can be grouped by, in the order of the key that cycles: '' is not at all."""
    labels: dict[str, None] = {}
    groups = False
    for node in nodes:
        groups = groups or bool(node.groups)
        labels.update(dict.fromkeys(node.labels))
    return ("", *(("group",) if groups else ()), "state", *(f"label:{name}" for name in sorted(labels)))


def arrange(
    names: Sequence[str],
    status: Callable[[str], Status],
    sort: str = "problems",
    descending: bool = False,
    group: str = "",
    smallest: Mapping[str, str] | None = None,
    score: Callable[[str], int | None] | None = None,
) -> list[Line]:
    """The lines of the table. `names` is the order of the inventory, which stands where the sort key says nothing.

    `score` gives a node's posture, by which `posture` sorts; `smallest` maps a node to the group that it is shown under (see `smallest_groups`). Values that are not known come last,
    in either direction.
    """
    ordered = _sorted(names, status, sort, descending, score)
    if not group:
        return list(ordered)
    buckets: dict[tuple[int, str], list[str]] = {}
    for name in ordered:
        buckets.setdefault(_bucket(name, status, group, smallest or {}), []).append(name)
    lines: list[Line] = []
    for (_, title), members in sorted(buckets.items(), key=lambda item: item[0]):
        lines.append(aggregate(title, (status(name) for name in members)))
        lines += members
    return lines


def _bucket(name: str, status: Callable[[str], Status], group: str, smallest: Mapping[str, str]) -> tuple[int, str]:
    if group == "group":
        return (0, smallest[name]) if name in smallest else (1, "(no group)")
    if group == "state":
        kind = face(status(name)).kind
        return kind, WORDS[kind]
    label = group.removeprefix("label:")
    value = status(name).node.labels.get(label)
    return (1, f"(no {label})") if value is None else (0, f"{label}={value}")


def smallest_groups(nodes: Mapping[str, Node]) -> dict[str, str]:
    """The group that each node is shown under: of its groups the one with the fewest nodes, which says most about it."""
    sizes = Counter(group for node in nodes.values() for group in node.groups)
    return {
        name: min(groups, key=lambda group: (sizes[group], group))
        for name, node in nodes.items()
        if (groups := [group for group in node.groups if group not in ("all", "ungrouped")])
    }


def _sorted(
    names: Sequence[str],
    status: Callable[[str], Status],
    sort: str,
    descending: bool,
    score: Callable[[str], int | None] | None,
) -> Sequence[str]:
    if sort == "problems":
        return sorted(names, key=lambda name: _trouble(status(name)), reverse=descending)
    key = BY_NAME[sort].key
    assert key is not None
    known: list[tuple[float | str, str]] = []
    unknown: list[str] = []
    for name in names:
        value = score(name) if score is not None and sort == "posture" else key(status(name))
        if value is None:
            unknown.append(name)
        else:
            known.append((value, name))
    # Python's sort is stable in reverse too: equals keep the inventory's order.
    known.sort(key=lambda pair: pair[0], reverse=descending)
    return [name for _, name in known] + unknown


def _trouble(status: Status) -> tuple[int, int]:
    """Worst first; within one state, several reasons before one."""
    kind = face(status).kind
    counted = sum(not reason.soft and reason.state is not State.OK for reason in status.verdict.reasons)
    return kind, -counted if kind in (Kind.CRITICAL, Kind.WARNING) else 0
