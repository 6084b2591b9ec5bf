"""The one place where words become shell text. Owns quoting; knows nothing of transports."""

from __future__ import annotations

import shlex


def quote(*words: str) -> str:
    """`words` as one text that a POSIX shell splits into exactly these words again (XCU 2.2.2, single quotes).

    Raises ValueError for a word with a NUL, which no command line can carry.
    """
    if any("\0" in word for word in words):
        raise ValueError("a word with a NUL character cannot be given to a shell")
    return " ".join(map(shlex.quote, words))
