"""The bar of a replay: which moment is shown, how fast it goes, where that is in the recording, and where alarms were. A click goes there."""

from __future__ import annotations

import time
from collections.abc import Container, Sequence

from textual import events
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from .. import text
from ..themes import palette
from .strips import strip

Parts = list[tuple[str, str]]


def cell(cells: int, since: float, until: float, when: float) -> int:
    """Where a moment lies on a line."""
    return max(0, min(cells - 1, round((when - since) / max(1.0, until - since) * (cells - 1))))


def track(cells: int, head: int, marks: Container[int]) -> Parts:
    """The recording as a line: `━` has been, `─` is to come, `●` is shown, `!` were alarms."""
    parts: Parts = []
    for x in range(cells):
        if x == head:
            one = ("●", "accent")
        elif x in marks:
            one = ("!", "critical")
        else:
            one = ("━", "bar") if x < head else ("─", "track")
        if parts and parts[-1][1] == one[1]:
            parts[-1] = (parts[-1][0] + one[0], one[1])
        else:
            parts.append(one)
    return parts


class Playhead(Widget):
    """One line."""

    ALLOW_SELECT = False
    DEFAULT_CSS = "Playhead { height: 1; dock: bottom; }"

    class Went(Message):
        """The reader wants another moment."""

        def __init__(self, moment: float) -> None:
            super().__init__()
            self.moment = moment

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._state: tuple[float, float, float, Sequence[float], bool, float, str, str] = (
            *(0.0, 1.0, 0.0, (), False, 1.0),
            "",
            "",
        )

        self._marks: frozenset[int] = frozenset()
        self._marks_of: object = None

    def show(
        self,
        since: float,
        until: float,
        now: float,
        alarms: Sequence[float],
        playing: bool,
        speed: float,
        back: str = "",
        keys: str = "",
    ) -> None:
        """Another moment, or another speed. `back` says how one gets out of it, `keys` what else there is."""
        state = (since, until, now, alarms, playing, speed, back, keys)
        if state != self._state:
            self._state = state
            self.refresh()

    def _ends(self) -> tuple[Parts, int, Parts]:
        _, until, now, _, playing, speed, back, keys = self._state
        moment = time.localtime(now)
        wide = self.size.width >= 70
        when = time.strftime("%Y-%m-%d %H:%M:%S" if wide else "%d. %H:%M:%S", moment)
        left: Parts = [(" ▶ " if playing else " ‖ ", "ok" if playing else "warning"), (when, "strong")]
        left += [(f" ×{speed:g} ", "text")]
        told = [f"{text.age(until - now)} to the end"] if wide else []
        told += [keys] if keys and self.size.width >= 120 else []
        told += [back] if back else []
        right: Parts = [(f" {'  '.join(told)} ", "dim")] if told else []
        used = sum(text.width(words) for words, _ in (*left, *right))
        return left, max(0, self.size.width - used), right

    def render_line(self, y: int) -> Strip:
        since, until, now, alarms, *_ = self._state
        left, room, right = self._ends()
        line: Parts = []
        if room > 3:
            key = (room, since, until, len(alarms))
            if key != self._marks_of:  # there may be a hundred thousand
                self._marks_of = key
                self._marks = frozenset(cell(room, since, until, when) for when in alarms)
            line = track(room, cell(room, since, until, now), self._marks)
        return strip((*left, *line, *right), palette(self.app), self.size.width, "raised")

    def on_click(self, event: events.Click) -> None:
        since, until, *_ = self._state
        left, room, _ = self._ends()
        at = event.x - sum(text.width(words) for words, _ in left)
        if room > 3 and 0 <= at < room:
            self.post_message(self.Went(since + (until - since) * at / max(1, room - 1)))
