"""Where logs and outputs lie here, once an attempt has ended. Owns the names in the state folder and where `into` leads.

<state>/jobs/<queue>/<number>/<index or ->.<attempt>.log       what the attempt wrote
<state>/jobs/<queue>/<number>/<index or ->.<attempt>/          its outputs, where the job names no folder for them
"""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path

from ..errors import StateError
from ..store import folder
from .model import Key, Spec
from .staging import fill


class Logs:
    """The kept logs of one queue."""

    def __init__(self, queue: str) -> None:
        self._root = folder() / "jobs" / queue

    def log(self, key: Key) -> Path:
        """The file of an attempt's log; it need not be there: nothing is kept of an attempt that wrote nothing."""
        return self._place(key, ".log")

    def outputs(self, key: Key, spec: Spec) -> Path:
        """The folder that an attempt's outputs go to."""
        return fill(spec.into, key.id, spec.name) if spec.into else self._place(key, "")

    def write(self, key: Key, text: bytes) -> None:
        """Keep a log that is known already. Raises StateError."""
        path = self.prepare(key)
        part = path.with_suffix(".part")
        try:
            part.write_bytes(text)
            os.replace(part, path)
        except OSError as error:
            raise StateError(f"{path} cannot be written: {error.strerror}") from error

    def prepare(self, key: Key) -> Path:
        """The file of an attempt's log, its folder made. Raises StateError."""
        path = self.log(key)
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise StateError(f"{path.parent} cannot be made: {error.strerror}") from error
        return path

    def remove(self, number: int) -> None:
        """Remove all that is kept here of a submission that was forgotten. Folders that the user named stay."""
        with contextlib.suppress(OSError):
            shutil.rmtree(self._root / str(number))

    def _place(self, key: Key, end: str) -> Path:
        index = "-" if key.id.index is None else key.id.index
        return self._root / str(key.id.number) / f"{index}.{key.attempt}{end}"
