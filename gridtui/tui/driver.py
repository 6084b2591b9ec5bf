"""The terminal as Textual (8.2) drives it, but one that may go away. Owns what happens to output that nobody can see any more."""

from __future__ import annotations

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

    def write(self, text: str) -> int:
        """As the stream's; what cannot be written is dropped."""
        try:
            return self._file.write(text)
        except OSError:
            return len(text)

    def flush(self) -> None:
        """As the stream's."""
        try:
            self._file.flush()
        except OSError:
            return

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


class Driver(LinuxDriver):
    """LinuxDriver over a stream that outlives its terminal."""

    def __init__(self, app: App[Any], **options: Any) -> None:
        super().__init__(app, **options)
        if self._file is not None:
            self._file = Mute(self._file)  # type: ignore[assignment]
