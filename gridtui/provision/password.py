"""A password, asked for once: held in memory, tasted by one node before others get it, never shown. Owns that secret and nothing else.

Where accounts are central, one typing error sent to 200 nodes locks somebody out. So until it was accepted somewhere only one node
has it at a time, and after `REFUSALS` nodes refused it nobody else is given it. Each node gets it once.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

REFUSALS = 2
"""Nodes that may refuse it before anybody accepted it. Usual locks (faillock(8), `deny`) fall at the third."""


class Refused(Exception):
    """There is no password to be given to this node. `str()` says why."""


class Password:
    """One secret. Blocking, for threads: `take` waits while another node tastes.

    `source` is the text, or what is called once, by the first node that needs it (None when there is none).
    """

    __slots__ = ("_accepted", "_asked", "_given", "_holder", "_refused", "_secret", "_source", "_turn", "what")

    def __init__(self, source: str | Callable[[], str | None] | None = None, what: str = "the password") -> None:
        self.what = what
        self._source: Callable[[], str | None] = source if callable(source) else lambda: source
        self._secret: str | None = None
        self._asked = False
        self._accepted = False
        self._refused: list[str] = []
        self._given: set[str] = set()
        self._holder = ""
        self._turn = threading.Condition()

    def __repr__(self) -> str:
        return "<password>"

    def __reduce__(self) -> str:
        raise TypeError("a password is not to be written anywhere")

    def offered(self) -> bool:
        """Whether there is one at all; asks for it the first time."""
        with self._turn:
            self._ask()
            return self._secret is not None

    def take(self, node: str) -> str:
        """The password, for this node, once. To be followed by `accepted`, `refused` or `unclear`. Raises Refused."""
        with self._turn:
            while self._holder and not self._accepted:
                self._turn.wait()
            self._ask()
            if self._secret is None:
                raise Refused(f"{self.what} was not given")
            if node in self._given:
                raise Refused(f"{self.what} was tried there before: not again")
            if not self._accepted:
                if len(self._refused) >= REFUSALS:
                    raise Refused(f"{self.what} was refused by {' and '.join(self._refused)}, so it was not tried here")
                self._holder = node
            self._given.add(node)
            return self._secret

    def proven(self) -> str | None:
        """The password, where some node accepted it; else None."""
        with self._turn:
            return self._secret if self._accepted else None

    def accepted(self, node: str) -> None:
        """It was right. It may be given to this node again: it cannot lock anybody out."""
        with self._turn:
            self._accepted = True
            self._given.discard(node)
            self._pass_on(node)

    def refused(self, node: str) -> None:
        """It was wrong there."""
        with self._turn:
            self._refused.append(node)
            self._pass_on(node)

    def unclear(self, node: str) -> None:
        """It ended before anybody could tell; it may have counted, so this node does not get it again."""
        with self._turn:
            self._pass_on(node)

    def _ask(self) -> None:
        if not self._asked:
            self._asked = True
            self._secret = self._source() or None

    def _pass_on(self, node: str) -> None:
        if self._holder == node:
            self._holder = ""
        self._turn.notify_all()
