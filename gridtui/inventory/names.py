"""Node sets: `web[01-20]` to names, and names back to `web[01-20]`. Owns the use of ClusterShell, and guards it.

ClusterShell loads (30 ms) when a set has brackets or when more than one name is folded, never before.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from .hosts import MOST

_NUMBERED = re.compile(r"([A-Za-z._-]*)(\d{1,15})([A-Za-z._-]*)", re.ASCII)
"""A name with one number in it."""
_BRACKET = re.compile(r"\[([^\[\]]*)\]")
_PIECE = re.compile(r"\s*([0-9]{1,15})(?:\s*-\s*([0-9]{1,15})(?:/([0-9]{1,6}))?)?\s*", re.ASCII)


class NodeSetProblem(ValueError):
    """A node set that cannot be expanded; the text says why."""


def expand(operand: str) -> list[str]:
    """The names that one node set without operators stands for; wildcards stay in them. Raises NodeSetProblem.

    Counts before it expands, so that `node[1-999999999]` is refused and not built.
    """
    if "[" not in operand and "]" not in operand:
        return [operand]
    outside = _BRACKET.sub("", operand)
    if "[" in outside or "]" in outside:
        raise NodeSetProblem("a bracket is not closed, or closed twice")
    count = 1
    for match in _BRACKET.finditer(operand):
        glued = match.start() > 0 and operand[match.start() - 1].isdigit()
        count *= sum(_count(piece, glued) for piece in match[1].split(","))
        if count > MOST:
            raise NodeSetProblem(f"that is more than {MOST:,} nodes")
    if count == 0:
        raise NodeSetProblem("the range is empty")
    from ClusterShell.NodeSet import RESOLVER_NOGROUP, NodeSet, NodeSetException

    try:
        return [str(name) for name in NodeSet(operand, resolver=RESOLVER_NOGROUP)]
    except NodeSetException as error:
        raise NodeSetProblem(str(error)) from None


def fold(names: Iterable[str]) -> str:
    """Names as one short text, `node[01-20],web3`, which selects the same nodes again. Empty for none."""
    known = list(dict.fromkeys(names))
    if len(known) < 2:
        return "".join(known)
    from ClusterShell.NodeSet import RESOLVER_NOGROUP, NodeSet

    # Digits that are not ASCII count as digits to ClusterShell, and `%` is its own sign: such names stand as they are.
    plain = [name for name in known if name.isascii() and "%" not in name]
    odd = [name for name in known if not (name.isascii() and "%" not in name)]
    folded = [str(NodeSet.fromlist(_joined(plain), resolver=RESOLVER_NOGROUP))] if plain else []
    return ",".join([*folded, *odd])


def _joined(names: Iterable[str]) -> list[str]:
    """Names that differ in one number as ranges of it: ClusterShell reads 5,000 single names in 45 ms, one range of them in none."""
    stems: dict[tuple[str, str, int], list[int]] = {}
    others: list[str] = []
    for name in names:
        if match := _NUMBERED.fullmatch(name):
            stems.setdefault((match[1], match[3], len(match[2])), []).append(int(match[2]))
        else:
            others.append(name)
    for (before, after, width), numbers in stems.items():
        numbers.sort()
        starts = [at for at in range(1, len(numbers)) if numbers[at] != numbers[at - 1] + 1]
        ends = zip([0, *starts], [*starts, len(numbers)], strict=True)
        ranges = (f"{numbers[first]:0{width}d}-{numbers[end - 1]:0{width}d}" for first, end in ends)
        others.append(f"{before}[{','.join(ranges)}]{after}")
    return others


def _count(piece: str, glued: bool) -> int:
    match = _PIECE.fullmatch(piece)
    if not match:
        raise NodeSetProblem(f"`{piece.strip()}` is no range: write 1-20, 01-20 or 1-20/2")
    begin, end, step = match[1], match[2] or match[1], int(match[3] or 1)
    if step < 1:
        raise NodeSetProblem("the step must be above 0")
    if int(begin) > int(end):
        raise NodeSetProblem(f"`{piece.strip()}` counts down")
    if glued and len(begin) != len(end):
        # ClusterShell would read n1[8-11] as n[18-111].
        raise NodeSetProblem(f"`{piece.strip()}` stands behind a digit, so both ends must be equally long")
    return (int(end) - int(begin)) // step + 1
