"""The terminal as Textual (8.2) drives it, but one that may go away, or be slow. Owns what happens to output that nobody can see (yet)."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TextIO

from textual.drivers.linux_driver import LinuxDriver

if TYPE_CHECKING:
    from textual.app import App


class Mute:
    """A stream that takes what is written after its terminal has gone.

    Textual writes in a thread of its own, which would end with the first EIO; then the queue before it fills up, and whoever
    draws next, or leaves, waits for ever.
    """

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._taken = 0
        self.flushed = 0
        """Characters that the terminal has taken."""
        self.owed: Callable[[], object] | None = None
        """Called once, in the thread that writes, when it has taken all."""

    def write(self, text: str) -> int:
        """As the stream's; what cannot be written is dropped."""
        with contextlib.suppress(OSError):
            self._file.write(text)
        self._taken += len(text)
        return len(text)

    def flush(self) -> None:
        """As the stream's."""
        with contextlib.suppress(OSError):
            self._file.flush()
        self.flushed = self._taken
        owed, self.owed = self.owed, None
        if owed is not None:
            owed()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


LAG = 0.1
"""Seconds that a terminal may take for what it was given before nothing more is drawn for it: a few frames, of which Textual's queue holds ten."""
_PUSH, _POP = "\x1b[22;2t", "\x1b[23;2t"
"""XTWINOPS: keep the title, and bring back the one that was kept."""


class Driver(LinuxDriver):
    """LinuxDriver over a stream that outlives its terminal; while another program has the terminal, nothing is written to it."""

    def __init__(self, app: App[Any], **options: Any) -> None:
        super().__init__(app, **options)
        assert self._file is not None  # nothing but headless tests is without
        self._mute = Mute(self._file)
        self._file = self._mute  # type: ignore[assignment]
        self._given = 0
        self._since = 0.0
        self._away = False
        self._title = ""

    def title(self, words: str) -> None:
        """Set the terminal's title, which it gets back when the program ends or another one has the terminal. Neutral words of ours."""
        before, self._title = self._title, words
        if not self._away and not self.behind:
            self.write(f"{'' if before else _PUSH}\x1b]2;{words}\x07")

    @property
    def away(self) -> bool:
        """Whether another program has the terminal."""
        return self._away

    def suspend_application_mode(self) -> None:
        """Give the terminal to another program."""
        super().suspend_application_mode()
        # The thread that writes has ended: what is put into its queue would fill it, and then whoever draws waits for ever.
        self._away = True

    def resume_application_mode(self) -> None:
        """Take it again."""
        self._away = False
        super().resume_application_mode()
        if self._title:
            self.write(f"{_PUSH}\x1b]2;{self._title}\x07")

    def stop_application_mode(self) -> None:
        """Give it back, if that was not done before."""
        if not self._away:
            if self._title:
                self.write(_POP)
            super().stop_application_mode()

    def close(self) -> None:
        """End the thread that writes."""
        if not self._away:
            super().close()

    def write(self, data: str) -> None:
        """As the terminal's; nothing while another program has it."""
        if not self._away:
            if self._given == self._mute.flushed:
                self._since = time.monotonic()
            self._given += len(data)
            super().write(data)

    @property
    def behind(self) -> bool:
        """Whether the terminal has not taken what it was given a while ago. Who draws on would wait for it, and keys with him."""
        return self._given != self._mute.flushed and time.monotonic() - self._since > LAG

    def owe(self, call: Callable[[], object]) -> None:
        """Call this once the terminal has taken all, from any thread, perhaps twice."""
        self._mute.owed = call
        if self._given == self._mute.flushed:  # it has meanwhile
            call()
