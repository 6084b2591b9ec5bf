"""Where the reader has been: what was left by going back, and how it is opened again as it was. Owns the way forward; knows no screen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

MOST = 8
"""Steps that are kept: a screen that was left keeps its widgets until it is forgotten."""


def _nothing() -> None:
    """There is nothing to give up."""


@dataclass(frozen=True, slots=True)
class Step:
    """Something that was left."""

    crumb: str
    redo: Callable[[], None]
    """Opens it again. May raise GridtuiError."""
    drop: Callable[[], None] = _nothing
    """It is not wanted any more."""


class Trail:
    """The way forward, the next step last. Going somewhere else forgets it."""

    def __init__(self) -> None:
        self.ahead: list[Step] = []
        self._going = False

    def left(self, step: Step) -> None:
        """The reader went back from it."""
        self.ahead.append(step)
        if len(self.ahead) > MOST:
            self.ahead.pop(0).drop()

    def forward(self) -> bool:
        """Open again what was left last; False when there is nothing. Raises what the step raises."""
        if not self.ahead:
            return False
        step = self.ahead.pop()
        with self._on_the_way():
            step.redo()
        return True

    def forget(self) -> None:
        """The reader goes somewhere else."""
        if not self._going:
            ahead, self.ahead = self.ahead, []
            for step in ahead:
                step.drop()

    @contextmanager
    def _on_the_way(self) -> Iterator[None]:
        before, self._going = self._going, True
        try:
            yield
        finally:
            self._going = before
