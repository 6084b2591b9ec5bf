"""What a whole run came to: counts, and why nodes are not ok, alike ones together. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from .. import outcomes as totals
from .task import Ending, Outcome

_ORDER = (Ending.FAILED, Ending.TIMEOUT, Ending.UNREACHABLE, Ending.CANCELLED, Ending.SKIPPED)


def headline(outcomes: Sequence[Outcome], seconds: float) -> str:
    """`50 nodes in 1.2 s: 47 ok, 2 failed, 1 unreachable`."""
    return totals.headline([outcome.status for outcome in outcomes], seconds)


def troubles(outcomes: Iterable[Outcome], fold: Callable[[Iterable[str]], str]) -> list[tuple[Ending, str]]:
    """For each way of not being ok a line: `failed (exit 1): web[01-02]`. Worst last, as a reader of a terminal wants it."""
    found: dict[tuple[Ending, str], list[str]] = {}
    for outcome in outcomes:
        if not outcome.ok:
            found.setdefault((outcome.status, reason(outcome)), []).append(outcome.node)
    order = {ending: index for index, ending in enumerate(reversed(_ORDER))}
    keys = sorted(found, key=lambda key: order[key[0]])
    return [
        (key[0], f"{key[0]}: {fold(found[key])}: {key[1]}" if key[1] else f"{key[0]}: {fold(found[key])}")
        for key in keys
    ]


def left(outcomes: Iterable[Outcome]) -> list[str]:
    """The nodes where something of the command may still be running."""
    return [outcome.node for outcome in outcomes if outcome.left]


def reason(outcome: Outcome) -> str:
    """Why, without what names the node, so that alike ones fold."""
    if outcome.status is Ending.FAILED and outcome.exit is not None and not outcome.error:
        return f"exit {outcome.exit}"
    first, colon, rest = outcome.error.partition(": ")
    # errors of a connection begin with `user@host:port: `
    return rest if colon and " " not in first and ("@" in first or first == outcome.node) else outcome.error
