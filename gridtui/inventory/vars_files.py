"""`group_vars/` and `host_vars/` beside an inventory. Owns which files count, in which order, and their reading.

A name's variables are in the file `name`, `name.yml`, `name.yaml` or `name.json`, the first that exists; or in a folder of
that name, of which all files count, sorted by name (the last wins). Files encrypted by ansible-vault are noted and skipped.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import InventoryError
from ..model import clean
from . import yaml_text
from .places import Place
from .tree import Tree
from .yaml_file import variables

_SUFFIXES = ("", ".yml", ".yaml", ".json")


@dataclass(slots=True)
class VarsFolder:
    """One folder of variables (`group_vars` or `host_vars`), listed once: 5,000 hosts would else cost 20,000 stats."""

    folder: Path
    tree: Tree
    places: dict[tuple[str, str], Place] = field(default_factory=dict)
    """Name and variable to the file that set it last."""
    _entries: frozenset[str] | None = None
    _known: dict[str, dict[str, Any]] = field(default_factory=dict)

    def read(self, name: str) -> dict[str, Any]:
        """The variables of the host or group `name`. What is wrong is told to the tree."""
        if not self._names():
            return {}
        if name not in self._known:
            self._known[name] = self._read(name)
        return self._known[name]

    def _read(self, name: str) -> dict[str, Any]:
        result: dict[str, Any] = {}
        if "/" in name:
            return result
        first = next((name + suffix for suffix in _SUFFIXES if name + suffix in self._names()), None)
        if first is None:
            return result
        path = self.folder / first
        for file in self._files(path) if path.is_dir() else [path]:
            try:
                found = self._read_file(file)
            except InventoryError as error:
                place = Place(Path(error.file or str(file)), error.line, error.column)
                self.tree.fail(error.message, place, error.hint)
                continue
            for variable in found:
                self.places[name, variable] = Place(file, keys=(variable,))
            result.update(found)
        return result

    def _names(self) -> frozenset[str]:
        if self._entries is None:
            try:
                self._entries = frozenset(os.listdir(self.folder))
            except (FileNotFoundError, NotADirectoryError):
                self._entries = frozenset()
            except OSError as error:
                self.tree.fail(f"cannot be read: {error.strerror}", Place(self.folder), "")
                self._entries = frozenset()
        return self._entries

    def _files(self, folder: Path) -> list[Path]:
        found: list[Path] = []
        for entry in sorted(os.listdir(folder)):
            if entry.startswith(".") or entry.endswith("~"):
                continue
            path, suffix = folder / entry, os.path.splitext(entry)[1]
            if path.is_dir() and not suffix:
                found.extend(self._files(path))
            elif path.is_file() and suffix in _SUFFIXES:
                found.append(path)
        return found

    def _read_file(self, file: Path) -> dict[str, Any]:
        try:
            text = file.read_text("utf-8-sig")
        except OSError as error:
            raise InventoryError(f"cannot be read: {error.strerror}", file=str(file)) from None
        except UnicodeDecodeError as error:
            raise InventoryError(f"not UTF-8 text at byte {error.start}", file=str(file)) from None
        if text.startswith(yaml_text.VAULT_HEADER):
            self.tree.warn(f"{file}: encrypted by ansible-vault; its variables are not read")
            return {}
        data = yaml_text.parse(text, file, self.tree.warn)
        if not data:
            return {}
        if not isinstance(data, dict):
            shown = clean(type(data).__name__, 40)
            raise InventoryError(
                f"variables are a mapping, not a {shown}", file=str(file), line=1, hint="write `name: value`"
            )
        return dict(variables(data, Place(file), self.tree))
