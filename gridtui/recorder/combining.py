"""Pieces that lie side by side, or over each other where the clock was set back, as one column a metric. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .codes import COUNT, SCALES


def combined(pieces: Iterable[tuple[int, Sequence[bytes]]], first: int, slots: int) -> list[bytes]:
    """The columns of `slots` slots from `first` on, out of pieces (first slot, columns). A slot that was lived through twice is the mean."""
    columns = [bytearray(slots) for _ in range(COUNT)]
    for start, piece in pieces:
        for metric, codes in enumerate(piece[:COUNT]):
            lay(columns[metric], metric, start - first, codes)
    return [bytes(column) for column in columns]


def lay(column: bytearray, metric: int, at: int, codes: bytes) -> None:
    """Put values into a column, from slot `at` on; what falls outside is left out."""
    if at < 0:
        codes, at = codes[-at:], 0
    codes = codes[: len(column) - at]
    there = column[at : at + len(codes)]
    if not any(codes):
        return
    if not any(there):
        column[at : at + len(codes)] = codes
        return
    values, encode = SCALES[metric].values, SCALES[metric].encode
    for offset, (old, new) in enumerate(zip(there, codes, strict=True), at):
        if not old:
            column[offset] = new
        elif new and new != old:
            column[offset] = encode((values[old] + values[new]) / 2)
