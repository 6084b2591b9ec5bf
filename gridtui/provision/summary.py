"""What a whole run came to: counts, why nodes are not ready, and what the inventory should say from now on. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from ..model import Node, duration
from .model import Ending, Outcome

_ORDER = (Ending.CANCELLED, Ending.SKIPPED, Ending.UNREACHABLE, Ending.FAILED)
"""Worst last, as a reader of a terminal wants it."""
_WORDS = {Ending.OK: "ready, nothing changed", Ending.CHANGED: "ready now", Ending.PLANNED: "looked at"}


def headline(outcomes: Sequence[Outcome], seconds: float) -> str:
    """`3 nodes in 41.2 s: 2 ready now, 1 failed`."""
    took = f"{seconds:.1f} s" if seconds < 60 else duration(seconds)
    found = dict.fromkeys(Ending, 0)
    for outcome in outcomes:
        found[outcome.status] += 1
    parts = ", ".join(f"{count} {_WORDS.get(ending, ending)}" for ending, count in found.items() if count)
    return f"{len(outcomes)} node{'' if len(outcomes) == 1 else 's'} in {took}: {parts or 'nothing to do'}"


def troubles(outcomes: Iterable[Outcome], fold: Callable[[Iterable[str]], str]) -> list[tuple[Ending, str]]:
    """For each way of not being ready a line: `failed: new[01-02]: root: sudo: the password was refused`."""
    found: dict[tuple[Ending, str], list[str]] = {}
    for outcome in outcomes:
        if not outcome.ok:
            found.setdefault((outcome.status, outcome.error), []).append(outcome.node)
    keys = sorted(found, key=lambda key: _ORDER.index(key[0]))
    return [(status, f"{status}: {fold(found[status, error])}: {error}") for status, error in keys]


def advice(
    outcomes: Iterable[Outcome], nodes: Mapping[str, Node], key: str, fold: Callable[[Iterable[str]], str]
) -> list[str]:
    """What the inventory should say of nodes that are ready, where it says otherwise. `key` is the file that was named, or ''."""
    users: dict[str, list[str]] = {}
    keyless = []
    for outcome in outcomes:
        if outcome.status not in (Ending.OK, Ending.CHANGED):
            continue
        node = nodes[outcome.node]
        if outcome.user and node.user != outcome.user:
            users.setdefault(outcome.user, []).append(outcome.node)
        if key and node.identity != key:
            keyless.append(outcome.node)
    lines = [f"put `ansible_user: {user}` into the inventory for {fold(names)}" for user, names in users.items()]
    if keyless:
        lines.append(f"put `ansible_ssh_private_key_file: {key}` into the inventory for {fold(keyless)}")
    return lines
