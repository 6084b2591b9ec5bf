"""Which playbooks, with which variables, a node gets: a small YAML file over a built-in default. Owns its reading and its errors.

    profiles:
      default:
        playbooks: [base, ssh, firewall, sandbox]
      render:
        playbooks: [base, ssh, firewall, sandbox, our/gpu-driver.yml]
        vars: {sandbox_memory: 80%}
    groups:
      gpu: render

A node's profile is what its variable `gridtui_profile` names, else that of the first entry of `groups` that it is in, else `default`.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import InventoryError, UsageError
from ..inventory import yaml_text
from ..model import NOTHING, Node, clean

DEFAULT = "default"
PLAYBOOKS = ("base", "ssh", "firewall", "sandbox")
"""What a node gets when nobody says anything else, in this order."""

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_SECRET = re.compile(r"pass(word|phrase|wd)?$|secret|token|private_key", re.I)


@dataclass(frozen=True, slots=True)
class Profile:
    """What one kind of node gets. `playbooks` are names of the catalogue or absolute paths, in their order."""

    name: str = DEFAULT
    playbooks: tuple[str, ...] = PLAYBOOKS
    vars: Mapping[str, Any] = field(default_factory=lambda: NOTHING)
    """Above the inventory's. Never secrets: a run's artefacts keep them."""


@dataclass(frozen=True, slots=True)
class Profiles:
    """All of a file, or the built-in default alone."""

    profiles: Mapping[str, Profile] = field(default_factory=lambda: {DEFAULT: Profile()})
    groups: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    """Group name to profile name, in the file's order."""
    source: str = ""

    def of(self, node: Node) -> Profile:
        """The node's. Raises UsageError when its `gridtui_profile` names none."""
        named = node.vars.get("gridtui_profile")
        if named is None:
            named = next((profile for group, profile in self.groups.items() if group in node.groups), DEFAULT)
        if not isinstance(named, str) or named not in self.profiles:
            near = difflib.get_close_matches(str(named), self.profiles, 1)
            place = self.source or "--profile names no file, and built in is only `default`"
            raise UsageError(
                f"{clean(node.name)}: gridtui_profile is {clean(repr(named), 80)}, and there is no such profile ({place})",
                hint=f"did you mean {near[0]}?" if near else "",
            )
        return self.profiles[named]


def load(path: Path | None) -> Profiles:
    """Read a profile file; None gives the built-in default. Raises UsageError: `FILE:LINE:COLUMN: what is wrong`."""
    if path is None:
        return Profiles()
    try:
        text = path.expanduser().read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: cannot be read: {getattr(error, 'strerror', '') or 'it is no UTF-8 text'}") from None
    return parse(text, path)


def parse(text: str, path: Path) -> Profiles:
    """A profile file's text. Raises UsageError."""
    return _Reader(text, path).profiles()


class _Reader:
    def __init__(self, text: str, path: Path) -> None:
        self._path = path
        duplicates: list[str] = []
        try:
            self._data = yaml_text.parse(text, path, duplicates.append)
        except InventoryError as error:
            raise UsageError(str(error)) from None
        if duplicates:
            raise UsageError(duplicates[0])
        self._tree = yaml_text.compose(text)

    def profiles(self) -> Profiles:
        data = {} if self._data is None else self._mapping(self._data, (), "the file")
        self._known(data, ("profiles", "groups"), ())
        found = {DEFAULT: Profile()}
        for name, value in self._mapping(data.get("profiles") or {}, ("profiles",), "`profiles`").items():
            found[str(name)] = self._profile(str(name), value, ("profiles", name))
        groups = {}
        for group, named in self._mapping(data.get("groups") or {}, ("groups",), "`groups`").items():
            if not isinstance(named, str) or named not in found:
                near = difflib.get_close_matches(str(named), found, 1)
                raise self._wrong(
                    f"there is no profile {clean(repr(named), 80)}",
                    ("groups", group),
                    f"did you mean {near[0]}?" if near else "",
                )
            groups[str(group)] = named
        return Profiles(found, groups, str(self._path))

    def _profile(self, name: str, value: object, at: Sequence[Any]) -> Profile:
        data = self._mapping(value, at, f"the profile {clean(name, 60)}")
        self._known(data, ("playbooks", "vars"), at)
        listed = data.get("playbooks", list(PLAYBOOKS))
        if not isinstance(listed, list) or not listed:
            raise self._wrong("`playbooks` is a list of names or paths", [*at, "playbooks"])
        playbooks = []
        for index, word in enumerate(listed):
            if not isinstance(word, str) or not word.strip():
                raise self._wrong("a playbook is a name or a path", [*at, "playbooks", index])
            if word in playbooks:
                raise self._wrong(f"{clean(word, 80)} is there twice", [*at, "playbooks", index])
            playbooks.append(self._placed(word, [*at, "playbooks", index]))
        variables = self._mapping(data.get("vars") or {}, [*at, "vars"], "`vars`")
        for variable, content in variables.items():
            where = [*at, "vars", variable]
            if not isinstance(variable, str) or not _VARIABLE.fullmatch(variable):
                raise self._wrong(f"{clean(repr(variable), 80)} is no name of a variable", where)
            if isinstance(content, yaml_text.Vaulted) or _SECRET.search(variable):
                raise self._wrong(f"{variable} looks like a secret", where, "secrets belong into the inventory's vault")
        return Profile(name, tuple(playbooks), variables)

    def _placed(self, word: str, at: Sequence[Any]) -> str:
        """A path counts from the profile's folder."""
        if "/" not in word and not word.endswith((".yml", ".yaml")):
            return word
        path = self._path.expanduser().absolute().parent / Path(word).expanduser()
        if not path.is_file():
            raise self._wrong(f"there is no playbook {clean(str(path), 200)}", at)
        return str(path)

    def _mapping(self, value: object, at: Sequence[Any], what: str) -> dict[Any, Any]:
        if not isinstance(value, dict):
            raise self._wrong(f"{what} must be a mapping", at)
        return value

    def _known(self, data: Mapping[Any, Any], names: Sequence[str], at: Sequence[Any]) -> None:
        for name in data:
            if name not in names:
                near = difflib.get_close_matches(str(name), names, 1)
                hint = f"did you mean {near[0]}?" if near else f"it is one of {', '.join(names)}"
                raise self._wrong(f"{clean(repr(name), 80)} is unknown here", [*at, name], hint)

    def _wrong(self, text: str, at: Sequence[Any], hint: str = "") -> UsageError:
        line, column = yaml_text.locate(self._tree, at)
        where = ":".join(str(part) for part in (self._path, line, column) if part)
        return UsageError(f"{where}: {text}", hint=hint)
