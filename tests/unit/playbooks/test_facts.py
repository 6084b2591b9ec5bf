"""Which playbooks need facts, and which files a playbook is made of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gridtui.model import Node
from gridtui.playbooks import facts, matching, material


@pytest.mark.parametrize(
    ("files", "variables", "expected"),
    [
        ({}, {}, False),
        (
            {"play.yml": "- hosts: all\n  tasks: [{debug: {msg: '{{ inventory_hostname }} {{ ansible_host }}'}}]"},
            {},
            False,
        ),
        ({"play.yml": "- hosts: all\n  tasks: [{debug: {msg: '{{ ansible_hostname }}'}}]"}, {}, True),
        ({"play.yml": "- hosts: all\n  tasks: [{debug: {msg: '{{ ansible_facts.os_family }}'}}]"}, {}, True),
        ({"play.yml": "- hosts: all\n  tasks:\n    - service: {name: x}"}, {}, True),
        ({"play.yml": "- hosts: all\n  tasks:\n    - ansible.builtin.command: true"}, {}, False),
        ({"play.yml": "- hosts: all\n  tasks:\n    - community.general.ini_file: {}"}, {}, True),
        (
            {
                "play.yml": "- hosts: all\n  roles: [web]",
                "roles/web/templates/x.j2": "{{ ansible_fqdn }}",
                "roles/web/tasks/main.yml": "",
            },
            {},
            True,
        ),
        ({"roles/web/templates/x.j2": "{{ ansible_fqdn }}", "roles/web/tasks/main.yml": ""}, {}, False),
        (
            {
                "play.yml": "- hosts: all\n  roles: [a]",
                "roles/a/tasks/main.yml": "",
                "roles/a/meta/main.yml": "dependencies: [b]",
                "roles/b/tasks/main.yml": "ansible_fqdn",
            },
            {},
            True,
        ),
        ({"library/mine.py": ""}, {}, True),
        (
            {
                "play.yml": "- hosts: all\n  roles: [web]",
                "roles/web/tasks/main.yml": "",
                "roles/web/files/x": "ansible_fqdn",
            },
            {},
            False,
        ),
        ({}, {"x": "{{ ansible_default_ipv4.address }}"}, True),
        ({}, {"x": "ansible_default_ipv4"}, False),
    ],
)
def test_needed(tmp_path: Path, files: dict[str, str], variables: dict[str, Any], expected: bool) -> None:
    for name, text in {"play.yml": "- hosts: all\n", **files}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert facts.needed([tmp_path / "play.yml"], [Node("n", "n", vars=variables)]) is expected


def test_material_and_manifest(tmp_path: Path) -> None:
    role = tmp_path / "roles" / "web"
    for place in ("tasks", "defaults", "files"):
        (role / place).mkdir(parents=True)
    (role / "tasks" / "main.yml").write_text("")
    (role / "files" / "x").write_text("1")
    (role / "defaults" / "main.yml").write_text(
        "web_manifest: [/etc/web.conf, relative, '/{{ x }}', 5]\nother_manifest: [/no]\n"
    )
    play = tmp_path / "play.yml"
    play.write_text("- hosts: all\n  roles: [web]\n")
    other = tmp_path / "other.yml"
    other.write_text("- hosts: all\n")
    assert role / "files" / "x" in list(material.files([play]))
    assert list(material.files([other])) == [other]
    assert matching.managed(play) == ["/etc/web.conf"]
