"""YAML as the text that it is: nodes with their places, and what is wrong with them gathered. Knows nothing of jobs.

The text is composed, not constructed, so a scalar stays what was written. PyYAML loads only here.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from ...errors import SpecError
from ...model import clean

_MERGES = 16
"""Merge keys (`<<`) within merge keys."""
_WORDS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
_CORE = "tag:yaml.org,2002:"


class Wrong(Exception):
    """What was being read cannot be; it has been noted."""


def compose(text: str, source: str) -> Any:
    """The root node of the one document in `text`; None where there is nothing. Raises SpecError."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return yaml.compose(text, Loader=loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = clean(", ".join(part for part in (error.context, error.problem) if part), 200)
        lines = text.splitlines()
        tab = mark is not None and mark.line < len(lines) and lines[mark.line].startswith((" \t", "\t"))
        raise SpecError(
            f"not valid YAML: {problem}",
            file=source,
            line=mark.line + 1 if mark else None,
            column=mark.column + 1 if mark else None,
            hint="indent with blanks, not with tabs" if tab else "",
        ) from None
    except yaml.YAMLError as error:
        raise SpecError(f"not valid YAML: {clean(str(error), 200)}", file=source) from None
    except RecursionError:
        raise SpecError("nested too deeply", file=source) from None


class Nodes:
    """Reads nodes; notes what is wrong and goes on."""

    def __init__(self, source: str, folder: Path) -> None:
        self.source = source
        self.folder = folder
        self.problems: list[SpecError] = []

    def pairs(self, node: Any, what: str, depth: int = 0) -> dict[str, tuple[Any, Any]]:
        """A mapping's values with the nodes of their keys; what `<<` merges in stands behind its own."""
        import yaml

        if not isinstance(node, yaml.MappingNode):
            self.fail(node, f"{what} must be a mapping, not {_kind(node)}", "write `key: value`")
        if depth > _MERGES:
            self.fail(node, "merged too often", "")
        merged: dict[str, tuple[Any, Any]] = {}
        own: dict[str, tuple[Any, Any]] = {}
        for at, value in node.value:
            if at.tag == f"{_CORE}merge":
                for one in value.value if isinstance(value, yaml.SequenceNode) else [value]:
                    merged = {**self.pairs(one, "what is merged", depth + 1), **merged}
                continue
            key = self.text(at, "a key")
            if key in own:
                self.note(at, f"`{clean(key, 60)}` is given twice", "")
            own[key] = at, value
        return {**merged, **own}

    def several(self, node: Any) -> Sequence[Any]:
        import yaml

        return list(node.value) if isinstance(node, yaml.SequenceNode) else [node]

    def text(self, node: Any, what: str) -> str:
        """A scalar's text as it is written."""
        import yaml

        if not isinstance(node, yaml.ScalarNode):
            self.fail(node, f"`{clean(what, 60)}` must be text, not {_kind(node)}", "")
        if not node.tag.startswith(_CORE) or node.tag == f"{_CORE}binary":
            self.fail(node, f"`{clean(node.tag, 60)}` cannot be read here", "")
        if self.is_null(node):
            self.fail(node, f"`{clean(what, 60)}` has no value", "")
        return str(node.value)

    def flag(self, node: Any, what: str) -> bool:
        word = self.text(node, what).lower()
        if word not in _WORDS:
            self.fail(node, f"`{clean(what, 60)}` is `{clean(word, 40)}`", "it is true or false")
        return _WORDS[word]

    def is_null(self, node: Any) -> bool:
        return bool(node.tag == f"{_CORE}null")

    def near(self, key: str, known: Sequence[str]) -> str:
        found = difflib.get_close_matches(key, known, 1)
        if found:
            return f"did you mean `{found[0]}`?"
        return f"there are {', '.join(known)}" if len(known) < 12 else ""

    def note(self, node: Any, message: str, hint: str, inside: int = 0) -> None:
        mark = node.start_mark if node is not None else None
        self.problems.append(
            SpecError(
                message,
                file=self.source,
                line=mark.line + 1 if mark else None,
                column=mark.column + 1 + inside if mark else None,
                hint=hint,
            )
        )

    def fail(self, node: Any, message: str, hint: str, inside: int = 0) -> NoReturn:
        self.note(node, message, hint, inside)
        raise Wrong


def _kind(node: Any) -> str:
    name = type(node).__name__
    if name == "ScalarNode":
        return f"the value `{clean(node.value, 40)}`" if node.value else "nothing"
    return "a list" if name == "SequenceNode" else "a mapping"
