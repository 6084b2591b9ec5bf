"""Columns of bytes as one small blob, and back. Pure.

Plain deflate: taking the difference of neighbours first gave blobs as large, because a byte a value has lost its noise already.
A blob may come from somebody else's file: it is unpacked to the size that it should have and not further.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable

from ..errors import StateError

LEVEL = 6


def pack(columns: Iterable[bytes]) -> bytes:
    """The columns, one behind the other."""
    packer = zlib.compressobj(LEVEL, zlib.DEFLATED, -15)
    return packer.compress(b"".join(columns)) + packer.flush()


def unpack(blob: bytes, length: int) -> list[bytes]:
    """Columns of `length` bytes each. Raises StateError for what is no such blob."""
    if not 0 < length <= 1 << 20 or len(blob) > 1 << 26:
        raise StateError("the recording is damaged: a piece of it has no possible size")
    unpacker = zlib.decompressobj(-15)
    try:
        content = unpacker.decompress(blob, 1 << 26)
    except zlib.error as error:
        raise StateError(f"the recording is damaged: {error}") from error
    if not unpacker.eof or unpacker.unconsumed_tail or len(content) % length:
        raise StateError("the recording is damaged: a piece of it is not as long as it says")
    return [content[at : at + length] for at in range(0, len(content), length)]
