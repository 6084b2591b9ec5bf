"""The real ansible-inventory on the same files, in an environment that nothing of this machine reaches."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

from gridtui import inventory
from gridtui.inventory import Inventory

PROGRAM = Path(sys.executable).parent / "ansible-inventory"

Picture = tuple[dict[str, dict[str, list[str]]], dict[str, Any]]
"""Groups with their hosts and children, and effective variables by host."""


def environment(folder: Path) -> dict[str, str]:
    """A clean environment with an empty ansible.cfg in `folder`."""
    config = folder / "ansible-of-the-test.cfg"
    config.write_text("[defaults]\n")
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "LC_ALL": "C.UTF-8",
        "ANSIBLE_CONFIG": str(config),
        "ANSIBLE_DEPRECATION_WARNINGS": "false",
        "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "true",
    }


def theirs(sources: Sequence[Path], folder: Path) -> Picture | None:
    """What ansible-inventory lists, or None when it refuses."""
    words = [str(PROGRAM), "--list"]
    for source in sources:
        words += ["-i", str(source)]
    done = subprocess.run(words, capture_output=True, text=True, check=False, env=environment(folder), cwd=folder)
    if done.returncode:
        return None
    data = json.loads(done.stdout)
    hostvars = data.pop("_meta")["hostvars"]
    groups = {
        name: {key: sorted(content[key]) for key in ("hosts", "children") if content.get(key)}
        for name, content in data.items()
    }
    hosts = {host for content in groups.values() for host in content.get("hosts", ())}
    return groups, {host: plain(hostvars.get(host, {})) for host in hosts}


def ours(loaded: Inventory) -> Picture:
    """The same picture of what we read. Ansible leaves empty groups out, and the hosts of `all`."""
    groups: dict[str, dict[str, list[str]]] = {}
    for name in loaded.groups:
        content = {
            "hosts": sorted(loaded.members[name]) if name != "all" else [],
            "children": sorted(loaded.children[name]),
        }
        if filled := {key: value for key, value in content.items() if value}:
            groups[name] = filled
    return groups, {name: plain(node.vars) for name, node in loaded.nodes.items()}


def plain(value: Any) -> Any:
    """Values as JSON gives them: dates are text, keys are text, text marked unsafe is text."""
    if isinstance(value, Mapping):
        if set(value) == {"__ansible_unsafe"}:
            return value["__ansible_unsafe"]
        return {key if isinstance(key, str) else json.dumps(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value.isoformat() if isinstance(value, date | datetime) else value


def load(sources: Sequence[Path]) -> Inventory:
    return inventory.load(list(sources))


def write(folder: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
