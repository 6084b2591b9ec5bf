"""Where things were read, for errors. Owns finding line and column again, which happens only when there is something to say."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import yaml_text


@dataclass(frozen=True, slots=True)
class Place:
    """A line, or the keys that lead to something in a YAML file; with both, the last key is a variable on that line."""

    file: Path
    line: int | None = None
    column: int | None = None
    keys: tuple[Any, ...] = ()

    def inside(self, key: str) -> Place:
        """The place of `key` in this block, or on this line."""
        return Place(self.file, self.line, keys=(*self.keys, key))


class Locator:
    """Places to lines and columns, from 1. A file is read again, and composed, once."""

    def __init__(self) -> None:
        self._texts: dict[Path, str] = {}
        self._roots: dict[Path, Any] = {}
        self._found: dict[Place, tuple[int | None, int | None]] = {}

    def locate(self, place: Place) -> tuple[int | None, int | None]:
        if place.column is not None or not place.keys:
            return place.line, place.column
        if place not in self._found:
            self._found[place] = self._locate(place)
        return self._found[place]

    def text(self, place: Place) -> str:
        """`file:line:column`, as far as it is known."""
        return ":".join(str(part) for part in (place.file, *self.locate(place)) if part)

    def _locate(self, place: Place) -> tuple[int | None, int | None]:
        if place.file not in self._texts:
            try:
                self._texts[place.file] = place.file.read_text("utf-8-sig")
            except (OSError, UnicodeDecodeError):
                self._texts[place.file] = ""
        text = self._texts[place.file]
        if place.line is None:
            if place.file not in self._roots:
                self._roots[place.file] = yaml_text.compose(text)
            return yaml_text.locate(self._roots[place.file], place.keys)
        lines = text.splitlines()
        if place.line <= len(lines):
            name = re.escape(str(place.keys[-1]))
            if found := re.search(rf"(?<!\w){name}\s*=", lines[place.line - 1]):
                return place.line, found.start() + 1
        return place.line, None
