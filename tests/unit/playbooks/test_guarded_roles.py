"""Roles that put a change under the guard: what takes effect there goes through `guard during`, or nobody takes back what comes late."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROLES = Path(__file__).parents[3] / "playbooks" / "roles"
FILES = sorted(
    path
    for path in ROLES.glob("*/tasks/*.yml")
    if "tasks_from: arm" in path.read_text("utf-8") and path.parts[-3] != "guard"
)
COMMANDS = ("ansible.builtin.command", "ansible.builtin.shell")
SERVICES = ("ansible.builtin.service", "ansible.builtin.systemd", "ansible.builtin.systemd_service")


def tasks(found: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for task in found:
        yield task
        for part in ("block", "rescue", "always"):
            yield from tasks(task.get(part, []))


@pytest.mark.parametrize("path", FILES, ids=lambda path: "-".join(path.parts[-3::2]))
def test_what_takes_effect_does_so_while_the_guard_is_armed(path: Path) -> None:
    found = list(tasks(yaml.safe_load(path.read_text("utf-8"))))
    armed = next(i for i, task in enumerate(found) if "tasks_from: arm" in yaml.safe_dump(task) and "block" not in task)
    during = 0
    for task in found[armed + 1 :]:
        assert not any(module in task for module in SERVICES), task["name"]
        for module in COMMANDS:
            words = task.get(module)
            text = " ".join(map(str, words["argv"])) if isinstance(words, dict) and "argv" in words else str(words)
            if text.startswith("/var/lib/gridtui/guard during "):
                during += 1
            else:
                assert "reload" not in text and "systemctl" not in text, task["name"]
    assert during == 1
    assert sum("tasks_from: rollback" in yaml.safe_dump(task) and "block" not in task for task in found) == 1


def test_all_of_them_are_looked_at() -> None:
    assert {path.parts[-3] for path in FILES} == {"firewall", "mesh", "ssh"}
