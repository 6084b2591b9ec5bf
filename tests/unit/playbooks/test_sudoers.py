"""The sudo rule of the playbook `base`: each command is one rule, and no character of it makes the rule wider."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from jinja2 import Environment

TEMPLATE = Path(__file__).parents[3] / "playbooks" / "roles" / "base" / "templates" / "sudoers.j2"


def rules(*commands: str) -> list[str]:
    """What is written for them. Ansible's own filter is re.sub with its words in another order."""
    environment = Environment(trim_blocks=True, autoescape=False)  # sudoers(5), not HTML
    environment.filters["regex_replace"] = lambda text, pattern, new: re.sub(pattern, new, text)
    text = environment.from_string(TEMPLATE.read_text("utf-8")).render(
        base_user="grid", base_sudo_all=False, base_sudo_commands=commands
    )
    return [line for line in text.splitlines() if not line.startswith("#")]


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("/usr/bin/id -u", "/usr/bin/id -u"),
        ("/usr/bin/x a=b:c,d", r"/usr/bin/x a\=b\:c\,d"),
        # what follows would be a comment, and a command without arguments is one with any
        ("/usr/bin/head #x", r"/usr/bin/head \#x"),
        ("/usr/bin/x, ALL", r"/usr/bin/x\, ALL"),
        ("/usr/bin/x \\", "/usr/bin/x \\\\"),
        ('/usr/sbin/dmidecode ""', '/usr/sbin/dmidecode ""'),
    ],
)
def test_a_command_is_one_rule(command: str, expected: str) -> None:
    assert rules(command) == [f"grid ALL=(root) NOPASSWD: {expected}"]


def test_nothing_is_allowed_unasked() -> None:
    assert rules() == []
