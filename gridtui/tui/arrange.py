"""In which order and in which groups nodes are shown, and what they are together. Pure: statuses in, lines out."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field

from ..model import Node, State, Status
from .columns import BY_NAME
from .slices import Work, pieces
from .states import WORDS, Kind, face


@dataclass(frozen=True, slots=True)
class Group:
    """A group's header: what its nodes are together. A mean is over the nodes where the value is known."""

    title: str
    counts: Mapping[Kind, int]
    means: Mapping[str, float] = field(default_factory=dict)
    sums: Mapping[str, float] = field(default_factory=dict)
    worst: str | None = None
    """The first of its nodes that are in the worst state; None where all are up."""
    key: str = ""
    """By which it is known while its nodes and numbers change."""
    members: Sequence[str] = ()
    """Its nodes, those of the groups in it too, as they are sorted."""
    depth: int = 0
    """How many groups it is in."""
    folded: bool = False
    """Whether its nodes are left out."""


Line = str | Group
"""A line of the table: a node's name, or a group's header."""

_MEANS = ("cpu", "mem", "load", "disk", "gpu", "temp")
_SUMS = ("net.rx", "net.tx", "mem.used", "mem.total")
_ALL = _MEANS + _SUMS

Path = tuple[tuple[int, str], ...]
"""The groups that a node is shown under, the outermost first: each with its rank, for the order, and its title."""


def counting(names: Sequence[str], status: Callable[[str], Status]) -> Work[Mapping[Kind, int]]:
    """How many nodes are in which state."""
    found: Counter[Kind] = Counter()
    for some in pieces(names):
        found.update([face(status(name)).kind for name in some])
        yield
    return found


class _Sum:
    """Adds nodes up, and what was added up before: a group of groups costs as much as its nodes do once."""

    def __init__(self) -> None:
        self._counts: defaultdict[Kind, int] = defaultdict(int)
        self._totals: defaultdict[str, float] = defaultdict(float)
        self._known: defaultdict[str, int] = defaultdict(int)
        self._worst: tuple[Kind, str] | None = None

    def add(self, status: Status) -> None:
        totals, known = self._totals, self._known  # 2 us a node
        seen = face(status)
        self._counts[seen.kind] += 1
        if seen.kind is not Kind.UP and (self._worst is None or seen.kind < self._worst[0]):
            self._worst = (seen.kind, status.node.name)
        trips = status.trips
        if trips.last is not None:
            totals["rtt"] += trips.last
            known["rtt"] += 1
        if trips.sent and not seen.silent:
            totals["loss"] += trips.loss
            known["loss"] += 1
        if status.sample is None or seen.silent:
            return
        known_value = status.sample.metrics.get
        for name in _ALL:
            value = known_value(name)
            if value is not None and value == value:
                totals[name] += value
                known[name] += 1

    def join(self, other: _Sum) -> None:
        for kind, number in other._counts.items():
            self._counts[kind] += number
        for name, total in other._totals.items():
            self._totals[name] += total
            self._known[name] += other._known[name]
        if other._worst is not None and (self._worst is None or other._worst[0] < self._worst[0]):
            self._worst = other._worst

    def group(
        self, title: str, key: str = "", members: Sequence[str] = (), depth: int = 0, folded: bool = False
    ) -> Group:
        totals, known = self._totals, self._known
        means = {name: totals[name] / known[name] for name in ("rtt", "loss", *_MEANS) if known[name]}
        sums = {name: totals[name] for name in _SUMS if known[name]}
        worst = self._worst[1] if self._worst is not None else None
        return Group(title, dict(self._counts), means, sums, worst, key, members, depth, folded)


def adding(names: Sequence[str], status: Callable[[str], Status]) -> Work[Group]:
    """What some nodes are together."""
    total = _Sum()
    for some in pieces(names):
        for name in some:
            total.add(status(name))
        yield
    return total.group("")


def group_keys(nodes: Iterable[Node]) -> tuple[str, ...]:
    """What the nodes can be grouped by, in the order of the key that cycles: '' is not at all."""
    labels: dict[str, None] = {}
    groups = False
    for node in nodes:
        groups = groups or bool(node.groups)
        labels.update(dict.fromkeys(node.labels))
    return ("", *(("group",) if groups else ()), "state", *(f"label:{name}" for name in sorted(labels)))


def arranging(
    names: Sequence[str],
    status: Callable[[str], Status],
    sort: str = "problems",
    descending: bool = False,
    group: str = "",
    paths: Mapping[str, Sequence[str]] | None = None,
    score: Callable[[str], int | None] | None = None,
    folded: Set[str] = frozenset(),
) -> Work[list[Line]]:
    """The lines of the table. `names` is the order of the inventory, which stands where the sort key says nothing.

    `score` gives a node's posture, by which `posture` sorts; `paths` maps a node to the groups that it is shown under (see
    `group_paths`); of the groups with a key in `folded` the header alone is shown. Values that are not known come last, in either
    direction.
    """
    ordered = yield from _sorted(names, status, sort, descending, score)
    if not group:
        return list(ordered)
    tell = _telling(status, group, paths or {})
    told: dict[Hashable, list[str]] = {}
    for some in pieces(ordered):
        for name in some:
            told.setdefault(tell(name), []).append(name)
        yield
    # A path is made for each group, not for each node.
    own = {_path(what, group): names for what, names in told.items()}
    members, sums = yield from _added(own, status)
    lines: list[Line] = []
    closed: Path | None = None
    for path in sorted(members):  # what a group holds comes right behind it
        if closed is not None and path[: len(closed)] == closed:
            continue
        title = path[-1][1]
        key = f"{group}/{title}"
        lines.append(sums[path].group(title, key, members[path], len(path) - 1, key in folded))
        if key in folded:
            closed = path
        else:
            lines += own.get(path, ())
    return lines


def _added(
    own: Mapping[Path, Sequence[str]], status: Callable[[str], Status]
) -> Work[tuple[Mapping[Path, Sequence[str]], Mapping[Path, _Sum]]]:
    """All nodes and all sums of every group, those of the groups in it too."""
    members: dict[Path, list[str]] = {}
    sums: dict[Path, _Sum] = {}
    for path, names in own.items():
        mine = _Sum()
        for some in pieces(names):
            for name in some:
                mine.add(status(name))
            yield
        for depth in range(1, len(path) + 1):
            members.setdefault(path[:depth], []).extend(names)
            sums.setdefault(path[:depth], _Sum()).join(mine)
    return members, sums


def _telling(
    status: Callable[[str], Status], group: str, paths: Mapping[str, Sequence[str]]
) -> Callable[[str], Hashable]:
    """What tells the groups apart: of a node, the groups that it is in, its state or its label."""
    if group == "group":
        return lambda name: tuple(paths.get(name, ()))
    if group == "state":
        return lambda name: face(status(name)).kind
    label = group.removeprefix("label:")
    return lambda name: status(name).node.labels.get(label)


def _path(told: Hashable, group: str) -> Path:
    if group == "group":
        assert isinstance(told, tuple)
        return tuple((0, title) for title in told) or ((1, "(no group)"),)
    if group == "state":
        assert isinstance(told, Kind)
        return ((told, WORDS[told]),)
    label = group.removeprefix("label:")
    return ((1, f"(no {label})") if told is None else (0, f"{label}={told}"),)


def shown(lines: Iterable[Line]) -> list[str]:
    """The nodes of some lines, those of folded groups too."""
    names: list[str] = []
    for line in lines:
        if isinstance(line, str):
            names.append(line)
        elif line.folded:
            names += line.members
    return names


def group_paths(nodes: Mapping[str, Node]) -> dict[str, tuple[str, ...]]:
    """The groups that each node is shown under, the outermost first.

    The innermost is the one with the fewest nodes of those it is in, which says most about it. It stands in the smallest group that
    holds all its nodes and more, and so on. A group of all nodes tells none apart and is left out.
    """
    holds: defaultdict[str, set[str]] = defaultdict(set)
    for name, node in nodes.items():
        for group in node.groups:
            holds[group].add(name)
    useful = {group for group, names in holds.items() if group not in ("all", "ungrouped") and len(names) < len(nodes)}
    if not useful:
        useful = set(holds) - {"all", "ungrouped"}

    def smallest(groups: Iterable[str]) -> str | None:
        return min(groups, key=lambda group: (len(holds[group]), group), default=None)

    above: dict[str, tuple[str, ...]] = {}

    def path(group: str) -> tuple[str, ...]:
        if group not in above:
            mine = holds[group]
            candidates = nodes[next(iter(mine))].groups
            parent = smallest(one for one in candidates if one in useful and holds[one] > mine)
            above[group] = (*path(parent), group) if parent is not None else (group,)
        return above[group]

    return {
        name: path(innermost)
        for name, node in nodes.items()
        if (innermost := smallest(one for one in node.groups if one in useful)) is not None
    }


def _sorted(
    names: Sequence[str],
    status: Callable[[str], Status],
    sort: str,
    descending: bool,
    score: Callable[[str], int | None] | None,
) -> Work[Sequence[str]]:
    if sort == "inventory":
        return list(reversed(names)) if descending else names
    key: Callable[[Status], float | str | None] | None = _trouble if sort == "problems" else BY_NAME[sort].key
    assert key is not None
    known: dict[str, float | str] = {}
    unknown: list[str] = []
    for some in pieces(names):
        for name in some:
            value = score(name) if score is not None and sort == "posture" else key(status(name))
            if value is None:
                unknown.append(name)
            else:
                known[name] = value
        yield
    # Python's sort is stable in reverse too: equals keep the inventory's order.
    return sorted(known, key=known.__getitem__, reverse=descending) + unknown


def _trouble(status: Status) -> int:
    """Worst first; within one state, several reasons before one."""
    kind = face(status).kind
    if kind is not Kind.CRITICAL and kind is not Kind.WARNING:
        return kind * _REASONS
    counted = sum(not reason.soft and reason.state is not State.OK for reason in status.verdict.reasons)
    return kind * _REASONS - min(counted, _REASONS - 1)


_REASONS = 1000
"""More than a node has."""
