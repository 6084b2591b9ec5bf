"""The answers to keyboard-interactive: the password once, to a question that hides what is typed; to the rest nothing. Owns that talk."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..model import clean

PROMPTS = 4
"""Questions that a server may ask in one login before it is taken for somebody who fishes."""

EXPIRED = re.compile(
    r"(new|current|old)\b.*password|password.*\b(expired|aged|change)|(expired|change).*password", re.I | re.S
)
"""What PAM says about a password that must be changed first (pam_unix(8)), in English."""


class Fishing(Exception):
    """A server that asks for more than a password, or for a new one. `expired` says which."""

    def __init__(self, text: str, *, expired: bool = False) -> None:
        super().__init__(text)
        self.expired = expired


class Interview:
    """One login's."""

    def __init__(self, text: str) -> None:
        self._text: str | None = text
        self._asked = 0

    def answer(self, title: str, instructions: str, prompts: Sequence[tuple[str, bool]]) -> list[str]:
        """paramiko's handler: an answer for each of (prompt, shown while typed). Raises Fishing."""
        answers = []
        for text, shown in prompts:
            self._asked += 1
            if self._text is None and EXPIRED.search(f"{title} {instructions} {text}"[:2000]):
                raise Fishing("the password has expired", expired=True)
            if shown or self._text is None or self._asked > PROMPTS:
                raise Fishing(f"the server asks {clean(text, 100)!r}, which is not answered here")
            answers.append(self._text)
            self._text = None
        return answers
