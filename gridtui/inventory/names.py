"""Node sets: `web[01-20]` to names, and names back to `web[01-20]`. Owns the use of ClusterShell, and guards it.

ClusterShell loads (30 ms) when a set has brackets or when more than one name is folded, never before.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from .hosts import MOST

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
    folded = [str(NodeSet.fromlist(plain, resolver=RESOLVER_NOGROUP))] if plain else []
    return ",".join([*folded, *odd])


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
