"""The files that a playbook is made of: itself, what lies beside it, and the roles that it names. Owns finding them; judges nothing."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

_BESIDE = ("tasks", "handlers", "vars", "templates", "files", "group_vars", "host_vars")
_LEFT_OUT = ("molecule", "tests", ".git", "__pycache__")
_MOST = 4 << 20
"""Bytes of a file in which names of roles are looked for."""


def files(playbooks: Sequence[Path]) -> Iterator[Path]:
    """All of them, each once, in a fixed order. A role counts where its name stands in a file that counts."""
    found = list(dict.fromkeys(playbooks))
    folders = list(dict.fromkeys(playbook.parent for playbook in found))
    for folder in folders:
        for name in _BESIDE:
            found += below(folder / name)
    seen = " ".join(map(read, found))
    for folder in folders:
        included = (folder / name for name in sorted(set(re.findall(r"[\w./-]+\.(?:j2|ya?ml)\b", seen))))
        found += [path for path in included if path.is_file() and path not in found]
    yield from found
    words = set(re.findall(r"[\w.-]+", " ".join(map(read, found))))
    left = {
        role.name: role
        for base in (*(folder / "roles" for folder in folders), *folders, *_elsewhere())
        if base.is_dir()
        for role in sorted(base.iterdir(), reverse=True)
        if (role / "tasks").is_dir()
    }
    while named := sorted(name for name in left if name in words):
        for name in named:
            for path in below(left.pop(name)):
                words |= set(re.findall(r"[\w.-]+", read(path)))
                yield path


def _elsewhere() -> list[Path]:
    """Where Ansible looks for roles beside the playbook's own."""
    places = os.environ.get("ANSIBLE_ROLES_PATH", "~/.ansible/roles:/usr/share/ansible/roles:/etc/ansible/roles")
    return [Path(place).expanduser() for place in places.split(":") if place]


def below(folder: Path) -> list[Path]:
    """All files under a folder, sorted; none where there is none."""
    found: list[Path] = []
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in _LEFT_OUT)
        found += (Path(place) / name for name in sorted(names))
    return found


def read(path: Path) -> str:
    """The beginning of a file as text; empty where it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(_MOST).decode("utf-8", "replace")
    except OSError:
        return ""
