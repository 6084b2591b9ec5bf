"""How many alerts there are, and who is called when a new one comes: the terminal's bell and its title, where that is wished. Draws nothing.

Nothing that a node sends gets there: the title is made of a number.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable

from ..model import State, Status

PAUSE = 5.0
"""Seconds between two bells, at least: a rack that dies is one noise."""


class Alarm:
    """Told of all nodes whenever a verdict may be another one."""

    def __init__(
        self, ring: Callable[[], object] | None, title: Callable[[str], object] | None, name: str = "gridtui"
    ) -> None:
        """`ring` rings the bell and `title` sets the terminal's title; None where that is not wished."""
        self.count = 0
        """Alerts that nobody has acknowledged."""
        self._ring, self._title, self._name = ring, title, name
        self._loud: frozenset[str] = frozenset()
        self._known: frozenset[str] = frozenset()
        self._rang = -PAUSE
        self._told = ""

    def look(self, statuses: Iterable[Status], clock: Callable[[], float] = time.monotonic) -> None:
        """Count; ring where a node that was no alert is one now. What is found at the first look at a node is no news."""
        loud, known = [], []
        for status in statuses:
            verdict = status.verdict  # 0.2 us a node that is well
            if verdict.state is State.OK:
                known.append(verdict.node)
            elif verdict.known:
                known.append(verdict.node)
                if verdict.alert:
                    loud.append(verdict.node)
        now = frozenset(loud)
        news = (now - self._loud) & self._known
        self._loud, self._known, self.count = now, frozenset(known), len(now)
        if news and self._ring is not None and clock() - self._rang >= PAUSE:
            self._rang = clock()
            self._ring()
        words = f"{self._name}: {alerts(self.count)}" if self.count else self._name
        if self._title is not None and words != self._told:
            self._told = words
            self._title(words)


def alerts(count: int) -> str:
    """`1 alert`, `3 alerts`."""
    return f"{count} alert{'' if count == 1 else 's'}"


def titled() -> bool:
    """Whether the terminal is one that gives back the title which it had before (the title stack of XTWINOPS, 22 and 23)."""
    kind = os.environ.get("TERM", "")
    stacks = ("xterm", "tmux", "alacritty", "foot", "wezterm", "rxvt", "ghostty", "konsole", "vte", "contour")
    return kind.startswith(stacks) or (kind.startswith("screen") and "TMUX" in os.environ)
