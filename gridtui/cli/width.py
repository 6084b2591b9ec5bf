"""How wide a text is on a terminal. Pure."""

from __future__ import annotations

import unicodedata


def columns(text: str) -> int:
    """The columns that `text` takes: two for wide characters, none for combining ones."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text
    )
