"""YAML as Ansible reads it. Owns the loader with `!vault` and `!unsafe`, duplicate keys, and finding a line for an error.

Knows nothing of inventories. PyYAML loads only here, when a YAML file is read (20 ms).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

from ..errors import InventoryError
from ..model import clean


class Vaulted:
    """A value that ansible-vault encrypted. Opaque: neither text nor JSON ever shows what is in it."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "<vault>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Vaulted)

    def __hash__(self) -> int:
        return hash(Vaulted)


VAULT_HEADER = "$ANSIBLE_VAULT;"
"""How a file begins that ansible-vault encrypted as a whole."""


def parse(text: str, file: Path, warn: Callable[[str], None]) -> Any:
    """The one document in `text`: JSON when it is JSON, else YAML. `warn` is told of duplicate keys. Raises InventoryError."""
    if text.lstrip()[:1] in ("{", "["):
        try:
            return _revive(json.loads(text))
        except (ValueError, RecursionError):
            pass  # YAML's flow style looks like JSON; its reader gives the better error
    import yaml

    loader = _loader()(text)
    loader.duplicates = []
    try:
        data = loader.get_single_data()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = clean(", ".join(part for part in (error.context, error.problem) if part), 200)
        raise InventoryError(
            f"not valid YAML: {problem}",
            file=str(file),
            line=mark.line + 1 if mark else None,
            column=mark.column + 1 if mark else None,
            hint=_advice(text, mark.line if mark else None),
        ) from None
    except yaml.YAMLError as error:
        raise InventoryError(f"not valid YAML: {clean(str(error), 200)}", file=str(file)) from None
    except RecursionError:
        raise InventoryError("nested too deeply", file=str(file)) from None
    except ValueError as error:  # a date such as 2026-13-45
        raise InventoryError(f"a value cannot be read: {clean(str(error), 200)}", file=str(file)) from None
    finally:
        loader.dispose()
    for key, line, column in loader.duplicates:
        warn(f"{file}:{line}:{column}: key `{clean(str(key), 80)}` is given twice; the last one counts")
    return data


def compose(text: str) -> Any:
    """The tree of nodes of `text`, for `locate`; None when it is not YAML. 0.3 s for 5,000 hosts."""
    import yaml

    try:
        return yaml.compose(text, Loader=cast(Any, _loader()))
    except (yaml.YAMLError, RecursionError):
        return None


def locate(node: Any, keys: Sequence[Any]) -> tuple[int | None, int | None]:
    """Line and column, from 1, of the key that `keys` lead to, or of the last one on the way that is found."""
    import yaml

    mark = None
    for key in keys:
        if isinstance(node, yaml.MappingNode):
            # The last of duplicate keys is the one in force.
            found = next((pair for pair in reversed(node.value) if pair[0].value == str(key)), None)
            if found is None:
                break
            mark, node = found[0].start_mark, found[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(key, int) and key < len(node.value):
            node = node.value[key]
            mark = node.start_mark
        else:
            break
    return (mark.line + 1, mark.column + 1) if mark else (None, None)


def _advice(text: str, line: int | None) -> str:
    if line is None:
        return ""
    lines = text.splitlines()
    around = lines[max(0, line - 1) : line + 1]
    if any(part.lstrip(" ").startswith("\t") or part.startswith("\t") for part in around):
        return "indent with blanks, not with tabs"
    if any(": {{" in part or ": %" in part or ": @" in part or ": *" in part for part in around):
        return "put the value in quotes"
    return ""


@lru_cache(maxsize=1)
def _loader() -> type[Any]:
    import yaml

    base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

    class Loader(base):  # type: ignore[misc]
        duplicates: list[tuple[Any, int, int]]

        def construct_mapping(self, node: Any, deep: bool = False) -> Any:
            pairs = node.value
            mapping = super().construct_mapping(node, deep)
            if len(mapping) < len(pairs):
                self._seek_duplicates(pairs)
            return mapping

        def _seek_duplicates(self, pairs: list[Any]) -> None:
            seen: set[Any] = set()
            for key_node, _ in pairs:
                key = self.construct_object(key_node, deep=True)
                if key in seen:
                    self.duplicates.append((key, key_node.start_mark.line + 1, key_node.start_mark.column + 1))
                seen.add(key)

        def unsafe(self, node: Any) -> Any:
            kind = type(node)
            tag = self.resolve(kind, node.value, (True, False))
            return self.construct_object(kind(tag, node.value, node.start_mark, node.end_mark), deep=True)

        def vault(self, node: Any) -> Vaulted:
            return Vaulted()

    Loader.add_constructor("!unsafe", Loader.unsafe)
    Loader.add_constructor("!vault", Loader.vault)
    Loader.add_constructor("!vault-encrypted", Loader.vault)
    return Loader


def _revive(value: Any) -> Any:
    """JSON with Ansible's marks for vault and unsafe text."""
    if isinstance(value, dict):
        if "__ansible_vault" in value:
            return Vaulted()
        if len(value) == 1 and "__ansible_unsafe" in value:
            return value["__ansible_unsafe"]
        return {key: _revive(item) for key, item in value.items()}
    return [_revive(item) for item in value] if isinstance(value, list) else value


def revive(text: str) -> Any:
    """JSON as Ansible's programs print it. Raises ValueError."""
    return _revive(json.loads(text))
