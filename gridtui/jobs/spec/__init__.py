"""What people write of jobs (options, YAML, scripts) becomes a `Submission`. This is the room's door; it runs nothing and stores nothing.

PyYAML loads when a YAML text is read or written.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from .amounts import size, span, spell_size, spell_span
from .fields import FIELDS, IDLE, Field, Shape
from .numbering import after, ids, indices, spell_after, spell_indices
from .submission import Submission, build, idle, items

if TYPE_CHECKING:
    from ..model import After, Spec

__all__ = [
    "FIELDS",
    "IDLE",
    "Field",
    "Shape",
    "Submission",
    "after",
    "build",
    "idle",
    "ids",
    "indices",
    "items",
    "parse_yaml",
    "read_yaml",
    "size",
    "span",
    "spell_after",
    "spell_indices",
    "spell_size",
    "spell_span",
    "spell_yaml",
]


def parse_yaml(text: str, source: str, folder: Path | None = None) -> list[Submission]:
    """The submissions that a YAML text describes; paths are meant from `folder`. Raises SpecError."""
    from . import document

    return document.parse_yaml(text, source, folder)


def read_yaml(path: Path) -> list[Submission]:
    """The submissions that a YAML file describes. Raises SpecError, UsageError."""
    from . import document

    return document.read(path)


def spell_yaml(spec: Spec, *, array: Sequence[int] = (), each: Sequence[str] = (), after: Sequence[After] = ()) -> str:
    """A submission as YAML."""
    from . import writing

    return writing.spell(spec, array=array, each=each, after=after)
