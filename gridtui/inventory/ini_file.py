"""An inventory in Ansible's INI form. Owns sections, host lines and how values are read; the errors name line and column.

Values are Python literals where they are, else text, for host lines and `:vars` sections alike, as in Ansible.
"""

from __future__ import annotations

import ast
import difflib
import re
import shlex
import warnings
from pathlib import Path
from typing import Any

from ..model import clean
from .places import Place
from .secrets import is_secret
from .tree import Tree

_SECTION = re.compile(r"\[([^:\]\s]+)(?::(\w+))?\]\s*(?:#.*)?")
_GROUP = re.compile(r"([^:\]\s]+)\s*(?:#.*)?")
_KINDS = ("hosts", "children", "vars")


def read(text: str, file: Path, tree: Tree) -> None:
    """Add what the INI inventory `text` says to `tree`."""
    group, kind = "ungrouped", "hosts"
    declared: set[str] = {*tree.groups}
    used: list[tuple[str, str, int]] = []  # groups that must be declared somewhere: name, how it was used, line
    links: list[tuple[str, str, int]] = []
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        place = Place(file, number)
        if not line or line[0] in "#;":
            continue
        if section := _SECTION.fullmatch(line):
            group, kind = section[1], section[2] or "hosts"
            if kind not in _KINDS:
                near = difflib.get_close_matches(kind, _KINDS, 1)
                hint = f"did you mean [{group}:{near[0]}]?" if near else "it is `children` or `vars`"
                tree.fail(f"section [{clean(group, 80)}:{kind}] is of no known kind", place, hint)
                kind = "vars"  # read on, for further errors, without making hosts of its lines
            if not group.isprintable():
                tree.fail(f"group name `{clean(group, 80)}` holds control characters", place, "")
            tree.group(group)
            if kind == "vars":
                used.append((group, "vars", number))
            else:
                declared.add(group)
        elif line.startswith("[") and line.endswith("]"):
            tree.fail(
                f"`{clean(line, 80)}` is no section",
                place,
                "write [group], [group:children] or [group:vars], without blanks",
            )
        elif kind == "hosts":
            _host(line, raw, group, place, tree)
        elif kind == "vars":
            name, equals, value = line.partition("=")
            if not equals:
                first = re.split(r"[\s:]", line, maxsplit=1)[0]  # YAML's way of writing it: the rest is the value
                shown = f"{first} ..." if is_secret(first) else line
                tree.fail(f"`{clean(shown, 80)}` is not `name=value`", place, "")
            elif (read_value := _value(value.strip(), place, tree)) is not _BAD:
                tree.assign(group, name.strip(), read_value, place)
        elif child := _GROUP.fullmatch(line):
            used.append((child[1], "children", number))
            links.append((group, child[1], number))
            tree.group(child[1])
        else:
            tree.fail(
                f"`{clean(line, 80)}` is no group name", place, "a [group:children] section lists groups, one a line"
            )
    missing = set()
    for name, how, number in used:
        if name not in declared:
            missing.add(name)
            near = difflib.get_close_matches(name, sorted(declared), 1)
            tree.fail(
                f"group {clean(name, 80)} is not defined"
                + (f", so [{clean(name, 80)}:vars] has no meaning" if how == "vars" else ""),
                Place(file, number),
                f"did you mean {near[0]}?" if near else f"add a section [{clean(name, 80)}]",
            )
    for parent, child_name, number in links:
        if child_name not in missing:
            tree.child(parent, child_name, Place(file, number))


class _Bad:
    pass


_BAD = _Bad()


def _host(line: str, raw: str, group: str, place: Place, tree: Tree) -> None:
    try:
        words = shlex.split(line, comments=True)
    except ValueError as error:
        tree.fail(f"this line cannot be split into words: {str(error).lower()}", place, "close the quote")
        return
    if not words:
        return
    pattern = words[0]
    if pattern.endswith(":"):
        hint = "this looks like YAML: name the file .yaml" if raw.strip() == pattern else "a port goes behind `:`"
        tree.fail(f"host `{clean(pattern, 80)}` ends in `:`", place, hint)
        return
    if pattern == "---":
        tree.fail("`---` begins a YAML file, and this is read as INI", place, "name the file .yaml")
        return
    variables = {}
    for word in words[1:]:
        name, equals, value = word.partition("=")
        if not equals:
            hint = "one host a line, then its variables without blanks around `=`"
            tree.fail(
                f"`{clean(word, 80)}` is not `name=value`",
                Place(place.file, place.line, raw.find(word) + 1 or None),
                hint,
            )
            return
        read_value = _value(value, place, tree)
        if read_value is _BAD:
            return
        variables[name] = read_value
    tree.add(pattern, group, variables, place)


def _value(text: str, place: Place, tree: Tree) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            value = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text
    except (TypeError, MemoryError, RecursionError):
        tree.fail(f"value `{clean(text, 60)}` cannot be read", place, "put it in quotes, twice: '\"...\"'")
        return _BAD
    return _plain(value)


def _plain(value: Any) -> Any:
    """Python's literals as Ansible's variables: tuples and sets are lists, bytes are text."""
    if isinstance(value, list | tuple | set):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {_plain(key) if not isinstance(key, tuple) else key: _plain(item) for key, item in value.items()}
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if value is ...:
        return "..."
    return str(value) if isinstance(value, complex) else value
