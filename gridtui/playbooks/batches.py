"""How a run goes over its nodes: in which batches. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..errors import UsageError

_SIZE = re.compile(r"([0-9]{1,9})(%?)", re.ASCII)


def parse(text: str) -> tuple[str, ...]:
    """`1,10%,100%` as sizes. Raises UsageError."""
    sizes = tuple(part.strip() for part in text.split(","))
    for size in sizes:
        _amount(size, 1)
    return sizes


def of(value: object) -> tuple[str, ...]:
    """Sizes as variables have them: a number, a share, or a list of them. Raises UsageError."""
    sizes = tuple(str(one).strip() for one in (value if isinstance(value, list | tuple) else (value,)))
    for size in sizes:
        _amount(size, 1)
    return sizes


def split(nodes: Sequence[str], sizes: Sequence[str]) -> list[tuple[str, ...]]:
    """The nodes in batches; the last size is repeated, each batch has a node at least. No sizes: one batch. Raises UsageError."""
    for size in sizes:
        _amount(size, 1)
    batches: list[tuple[str, ...]] = []
    position = 0
    while position < len(nodes):
        count = _amount(sizes[min(len(batches), len(sizes) - 1)], len(nodes)) if sizes else len(nodes)
        batches.append(tuple(nodes[position : position + count]))
        position += count
    return batches


def _amount(size: str, total: int) -> int:
    match = _SIZE.fullmatch(size)
    if not match or not int(match[1]) or (match[2] and int(match[1]) > 100):
        raise UsageError(f"{size!r} is no size of a batch", hint="write sizes such as 1,10%,100%")
    return max(1, int(match[1]) * total // 100 if match[2] else int(match[1]))
