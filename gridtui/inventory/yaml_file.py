"""An inventory in Ansible's YAML form: groups with `hosts`, `children` and `vars`. Owns its structure and the errors about it."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..model import clean
from .places import Place
from .tree import Tree

_SECTIONS = ("hosts", "children", "vars")
_DEPTH = 100
"""Groups within groups; Ansible's own limit is Python's recursion."""


def read(data: Any, file: Path, tree: Tree) -> None:
    """Add what `data`, the document of `file`, says to `tree`."""
    if data is None or data == {}:
        tree.fail("this inventory is empty", Place(file), "it needs at least `all: {hosts: {...}}`")
        return
    if not isinstance(data, dict):
        tree.fail(f"an inventory is a mapping of groups, not {_kind(data)}", Place(file, 1), "begin with `all:`")
        return
    for name, content in data.items():
        _group(name, content, (name,), file, tree)


def _group(name: Any, content: Any, keys: tuple[Any, ...], file: Path, tree: Tree) -> bool:
    place = Place(file, keys=keys)
    if not isinstance(name, str) or not name:
        tree.fail(f"group name {name!r} is not text", place, "put it in quotes")
        return False
    if not name.isprintable():
        tree.fail(f"group name `{clean(name, 80)}` holds control characters", place, "")
        return False
    if content is not None and not isinstance(content, dict):
        if len(keys) > 1:
            tree.fail(f"group {name} is {_kind(content)}", place, "a group holds `hosts`, `children` or `vars`")
        else:
            tree.warn(f"group {name} is left out: it is {_kind(content)}", place)
        return False
    if len(keys) > 2 * _DEPTH:
        tree.fail("groups are nested too deeply", Place(file, keys=keys[:8]), "")
        return False
    tree.group(name)
    sections = {}
    for key, section in (content or {}).items():
        if key in _SECTIONS and isinstance(section, str):
            section = {section: None}
        if key not in _SECTIONS:
            near = difflib.get_close_matches(str(key), _SECTIONS, 1)
            hint = f"; did you mean {near[0]}?" if near else "; a group holds `hosts`, `children` or `vars`"
            tree.warn(f"`{clean(str(key), 80)}` in group {name} is left out{hint}", place)
        elif section is not None and not isinstance(section, dict):
            hint = f"put a `:` behind each name, without `-`: {key}: {{name: }}" if isinstance(section, list) else ""
            tree.fail(
                f"`{key}` of group {name} must be a mapping, not {_kind(section)}", Place(file, keys=(*keys, key)), hint
            )
        elif section:
            sections[key] = section
    for key, section in sections.items():
        _section(name, key, section, (*keys, key), file, tree)
    return True


def _section(group: str, key: str, section: dict[Any, Any], keys: tuple[Any, ...], file: Path, tree: Tree) -> None:
    if key == "vars":
        place = Place(file, keys=keys)
        for name, value in variables(section, place, tree).items():
            tree.assign(group, name, value, place)
    elif key == "children":
        for child, content in section.items():
            if _group(child, content, (*keys, child), file, tree):
                tree.child(group, child, Place(file, keys=(*keys, child)))
    else:
        for pattern, content in section.items():
            place = Place(file, keys=(*keys, pattern))
            if not isinstance(pattern, str):
                tree.fail(f"host name {pattern!r} is not text", place, "put it in quotes")
            elif content and not isinstance(content, dict):
                tree.fail(
                    f"host {clean(pattern, 80)} is {_kind(content)}", place, "variables are written `name: value`"
                )
            else:
                tree.add(pattern, group, variables(content or {}, place, tree), place)


def variables(section: dict[Any, Any], place: Place, tree: Tree) -> Mapping[str, Any]:
    """`section` with names that are text; others (`no:` is False to YAML) are left out with a warning."""
    if all(type(name) is str for name in section):
        return section
    for name in section:
        if not isinstance(name, str):
            tree.warn(f"variable name {name!r} is not text and left out; put it in quotes", place)
    return {name: value for name, value in section.items() if isinstance(name, str)}


def is_plugin(data: Any) -> bool:
    """Whether the document configures an inventory plugin rather than being an inventory."""
    return isinstance(data, dict) and bool(data.get("plugin"))


def _kind(value: Any) -> str:
    if isinstance(value, list):
        return "a list"
    if isinstance(value, dict):
        return "a mapping"
    return "text" if isinstance(value, str) else f"the value {clean(repr(value), 40)}"
