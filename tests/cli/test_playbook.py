"""`gridtui playbook` as a process, with a real Ansible on this machine: exit statuses, JSON, folded output, guard rails."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from ..e2e.program import Program

pytestmark = pytest.mark.timeout(120)

PLAY = """\
# Writes a file.
# gridtui: can be undone
- name: A file everywhere
  hosts: all
  gather_facts: false
  tasks:
    - name: Write it
      ansible.builtin.copy:
        content: "{{ word | default('hello') }}\\n"
        dest: "PLACE/{{ inventory_hostname }}"
        mode: "0644"
    - name: One differs
      ansible.builtin.command: "false"
      when: inventory_hostname == broken | default('')
      changed_when: false
"""


@pytest.fixture
def inventory(tmp_path: Path) -> Path:
    path = tmp_path / "inventory.ini"
    path.write_text(
        f"n[1:3]\n[all:vars]\nansible_connection=local\nansible_python_interpreter={sys.executable}\n"
        f"ansible_remote_tmp={tmp_path}/remote\n"
    )
    return path


@pytest.fixture
def own(program: Program, tmp_path: Path) -> Path:
    """A folder of playbooks that the settings name."""
    (tmp_path / "own").mkdir()
    (tmp_path / "out").mkdir()
    path = tmp_path / "own" / "note.yml"
    path.write_text(PLAY.replace("PLACE", str(tmp_path / "out")))
    program.settings(f'[playbooks]\npaths = ["{tmp_path / "own"}"]\nkeep = 5\n')
    return path


def test_list_and_show(program: Program, own: Path) -> None:
    listed = program.run("playbook", "list", "--json")
    assert listed.status == 0, listed
    found = {one["name"]: one for one in listed.json["playbooks"]}
    assert found["note"] == {
        "name": "note",
        "path": str(own),
        "title": "A file everywhere",
        "shipped": False,
        "cuts_the_link": False,
        "reboots_nodes": False,
        "can_be_undone": True,
    }
    assert found["firewall"]["cuts_the_link"] and found["firewall"]["shipped"]
    shown = program.run("playbook", "show", "note")
    assert "Writes a file." in shown.stdout and "ansible.builtin.copy" in shown.stdout and shown.is_clean()
    missing = program.run("playbook", "show", "notes")
    assert missing.status == 2
    assert "there is no playbook notes; did you mean note?" in missing.stderr


def test_check_run_again_and_what_is_kept(program: Program, inventory: Path, own: Path, tmp_path: Path) -> None:
    look = program.run("-i", inventory, "playbook", "run", "note", "--check", "--diff")
    assert look.status == 0, look
    assert look.is_clean()
    lines = look.stdout.splitlines()
    assert [line for line in lines if line.startswith("====")] == [
        f"==== {name} (1): Write it" for name in ("n1", "n2", "n3")
    ]
    assert lines.count("+hello") == 3
    assert not list((tmp_path / "out").iterdir())
    done = program.run("-i", inventory, "playbook", "run", "note", "--json", "-w", "n[1-2]", "-e", "word='a b'")
    assert done.status == 0, done
    assert [(one["node"], one["status"], one["changed"]) for one in done.json["results"]] == [
        ("n1", "changed", 1),
        ("n2", "changed", 1),
    ]
    assert (tmp_path / "out" / "n1").read_text() == "a b\n"
    again = program.run("-i", inventory, "playbook", "run", str(own), "-w", "n1", "-e", "word='a b'")
    assert again.status == 0, again
    assert "1 node in" in again.stderr and ": 1 ok" in again.stderr
    runs = program.run("playbook", "runs", "--json").json["runs"]
    assert [run["check"] for run in runs] == [True, False, False]
    one = program.run("playbook", "runs", runs[1]["run"])
    assert one.status == 0 and "changed" in one.stdout


def test_one_fails(program: Program, inventory: Path, own: Path) -> None:
    done = program.run("-i", inventory, "playbook", "run", "note", "-e", "broken=n2")
    assert done.status == 1, done
    assert "failed: n2: One differs: non-zero return code" in done.stderr
    assert "  1 Write it: changed: n[1-3]" in done.stderr.splitlines()


def test_guard_rails(program: Program, inventory: Path, own: Path, tmp_path: Path) -> None:
    def refused(*words: object, status: int = 2) -> str:
        done = program.run("-i", inventory, *map(str, words))
        assert done.status == status, done
        return done.stderr

    assert "this is read-only" in refused("--read-only", "playbook", "run", "note")
    assert "is no size of a batch" in refused("playbook", "run", "note", "--batch", "0")
    assert "is no variable" in refused("playbook", "run", "note", "-e", "word")
    assert "nobody to ask" in refused("playbook", "run", "note", "-K")
    assert "nothing is selected" in refused("playbook", "run", "note", "-x", "@all", status=3)
    (tmp_path / "own" / "plain.yml").write_text("- hosts: all\n  tasks: []\n")
    assert "does not say that it can be undone" in refused("playbook", "run", "plain", "--undo")
    assert "no run is kept that put anything under a guard" in refused("playbook", "confirm")
    (tmp_path / "own" / "broken.yml").write_text("- hosts: all\n   gather_facts: no\n")
    assert "broken.yml:2:" in refused("playbook", "run", "broken", status=1)
