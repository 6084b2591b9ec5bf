"""What `--output` understands: patterns in the job's folder. Pure: parsing, the `find` that lists what may match, and the exact match.

`*`, `?` and `[...]` as in a shell: within one folder, and not for a leading dot; `**` is any number of folders. A folder that matches
comes with all that is in it. The node's `find` walks only where a match can lie and never through a link, and knows `*` alone; what it
tells is matched again here.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from ...errors import UsageError

MOST = 200
"""Patterns of one job."""
_LONGEST = 4096
_LITERAL = str.maketrans({letter: f"\\{letter}" for letter in "\\*?["})


@dataclass(frozen=True, slots=True)
class Pattern:
    """One of them. Equal ones match alike."""

    parts: tuple[str, ...]
    """Its components; `**` stands alone in one, and never last."""

    def matches(self, name: str) -> bool:
        """Whether a relative name is meant, or lies in a folder that is."""
        # the components that may come next, as in any automaton: `**` stays, and is left at once
        states = self._after({0})
        for component in name.split("/"):
            moved = set()
            for state in states:
                part = self.parts[state]
                if part == "**":
                    if not component.startswith("."):
                        moved.add(state)
                elif _one(part, component):
                    moved.add(state + 1)
            states = self._after(moved)
            if len(self.parts) in states:
                return True
        return False

    def _after(self, states: set[int]) -> set[int]:
        found = set(states)
        for state in states:
            while state < len(self.parts) and self.parts[state] == "**":
                state += 1
                found.add(state)
        return found


def _one(part: str, component: str) -> bool:
    if component.startswith(".") and part[0] in "*?[":
        return False
    return _compiled(part).match(component) is not None


@lru_cache(maxsize=1024)
def _compiled(part: str) -> re.Pattern[str]:
    return re.compile(fnmatch.translate(part))


def parse(texts: Sequence[str]) -> tuple[Pattern, ...]:
    """Patterns of a specification. Raises UsageError."""
    if len(texts) > MOST:
        raise UsageError(f"more than {MOST} patterns for outputs", hint="name a folder")
    return tuple(map(_parse, texts))


def _parse(text: str) -> Pattern:
    if "\0" in text or len(text) > _LONGEST:
        raise UsageError("a pattern for outputs holds a NUL character or is too long")
    parts = [part for part in text.split("/") if part not in ("", ".")]
    if text.startswith(("/", "~")) or ".." in parts:
        raise UsageError(f"{text!r} leads out of the job's folder", hint="outputs are named relative to it")
    if not parts:
        raise UsageError(f"{text!r} names no output", hint="`*` is everything")
    for part in parts:
        if "**" in part and part != "**":
            raise UsageError(f"{text!r}: ** stands for folders, alone between slashes")
    return Pattern((*parts, "*") if parts[-1] == "**" else tuple(parts))


def expression(patterns: Sequence[Pattern]) -> list[str]:
    """Words for `find .` that print (`-print0`) a little more than what matches, and walk little more than the way there."""
    walk: list[list[str]] = []
    take: list[list[str]] = []
    for pattern in patterns:
        path, depth = ".", 0
        for index, part in enumerate(pattern.parts):
            if part == "**":
                take.append(["-path", f"{path}/*"])
                break
            path, depth = f"{path}/{_wider(part)}", depth + 1
            # as many slashes as the pattern has: so a star of `-path`, which takes slashes too, has none
            exactly = ["-path", path, "!", "-path", "." + "/*" * (depth + 1)]
            if index < len(pattern.parts) - 1:
                walk.append(exactly)
            else:
                take += [exactly, ["-path", f"{path}/*"]]
    return ["!", "-name", ".", "!", *_any(walk + take), "-prune", "-o", *_any(take), "-print0"]


def _any(terms: Sequence[list[str]]) -> list[str]:
    words = ["("]
    for index, term in enumerate(terms):
        words += [*(["-o"] if index else []), *term]
    return [*words, ")"]


def _wider(part: str) -> str:
    """A component for fnmatch(3) in any locale and any find: literal but for stars."""
    made = ""
    for letter in part:
        if letter == "[":
            return made + "*"  # what a bracket is depends on what follows
        made += "*" if letter in "*?" else letter.translate(_LITERAL)
    return made
