"""`gridtui playbook run` on the lab's nodes: three at once, a node that dies in the middle, a wrong password, no Python, stopping, killing, the guard."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gridtui.playbooks import keeper

from ..e2e.program import Program, Running
from .lab import Lab

pytestmark = pytest.mark.timeout(240)

CHANGE = """\
# gridtui: can be undone
- name: A note on each node
  hosts: all
  become: true
  gather_facts: false
  tasks:
    - name: A folder
      ansible.builtin.file: {path: /srv/note, state: directory, mode: "0755"}
    - name: A file
      ansible.builtin.copy: {content: "one\\ntwo\\n", dest: /srv/note/file, mode: "0600"}
"""
SLOW = """\
- name: Something long
  hosts: all
  gather_facts: false
  tasks:
    - name: Begin
      ansible.builtin.command: touch /tmp/slow-began
      changed_when: false
    - name: Wait
      ansible.builtin.command: sleep 987.6
    - name: Go on
      ansible.builtin.command: touch /tmp/slow-went-on
"""
GUARDED = """\
# gridtui: cuts the link
- name: A change under a guard
  hosts: all
  become: true
  gather_facts: false
  tasks:
    - name: Arm
      ansible.builtin.include_role: {name: guard, tasks_from: arm}
      vars: {guard_name: guarded, guard_paths: [/etc/guarded], guard_after: [systemctl start ssh.service]}
    - name: Change
      ansible.builtin.copy: {content: "changed\\n", dest: /etc/guarded, mode: "0644"}
    - name: Lock out
      ansible.builtin.command: systemctl --no-block stop ssh.socket ssh.service
      when: inventory_hostname in locked | default([])
"""
LEFT = "find /tmp /root/.ansible/tmp /home/grid/.ansible/tmp -maxdepth 1 -name 'ansible*' 2>/dev/null; pgrep -af 'sleep 987|ansible' | grep -v pgrep"


@pytest.fixture
def program(lab: Lab, tmp_path: Path) -> Iterator[Program]:
    with Program(tmp_path) as program:
        yield program
    for node in lab.nodes:
        lab.run(
            node.name,
            ["sh", "-c", "rm -rf /srv/note /tmp/slow-* /etc/guarded /var/lib/gridtui; pkill sleep"],
            check=False,
        )


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "play.yml"
    path.write_text(text)
    return path


def until(holds: Callable[[], object], seconds: float, what: Callable[[], object]) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, what()
        time.sleep(0.1)


def begun(lab: Lab, running: Running, *names: str) -> None:
    """Return when the long task runs on the nodes."""
    for name in names:
        until(
            lambda name=name: lab.run(name, ["pgrep", "-f", "^sleep 987"], check=False).returncode == 0,  # type: ignore[misc]
            60,
            running.so_far,
        )


def left(lab: Lab, name: str) -> str:
    return lab.run(name, ["sh", "-c", LEFT], check=False).stdout


def test_look_run_and_again(lab: Lab, program: Program, tmp_path: Path) -> None:
    play = write(tmp_path, CHANGE)
    look = program.run("-i", lab.inventory, "playbook", "run", "--check", "--diff", play, timeout=60)
    assert look.status == 0, look
    assert "==== node[1-3] (3): A file\n" in look.stdout and look.stdout.count("+two\n") == 1
    assert lab.run("node1", ["ls", "/srv"]).stdout == ""
    done = program.run("-i", lab.inventory, "playbook", "run", "--skip-matching", "--json", play, timeout=60)
    assert done.status == 0, done
    assert [(one["status"], one["changed"]) for one in done.json["results"]] == [("changed", 2)] * 3
    assert lab.run("node3", ["cat", "/srv/note/file"]).stdout == "one\ntwo\n"
    again = program.run("-i", lab.inventory, "playbook", "run", "--json", "-w", "node1", play, timeout=60)
    assert [(one["status"], one["changed"]) for one in again.json["results"]] == [("ok", 0)]
    # the manifest is older than the run without it, so it is not believed until it is written anew
    match = program.run("-i", lab.inventory, "playbook", "run", "--skip-matching", "--json", play, timeout=60)
    assert [one["status"] for one in match.json["results"]] == ["ok", "matching", "matching"]
    write(tmp_path, CHANGE.replace("two", "three"))
    words = ("playbook", "run", "--skip-matching", "--json", "-w", "node1", play)
    other = program.run("-i", lab.inventory, *words, timeout=60)
    assert [one["status"] for one in other.json["results"]] == ["changed"]
    same = program.run("-i", lab.inventory, *words, timeout=60)
    assert [one["status"] for one in same.json["results"]] == ["matching"]
    assert not any(left(lab, name) for name in ("node1", "node2", "node3"))


def test_a_node_dies_in_the_middle(lab: Lab, program: Program, tmp_path: Path) -> None:
    play = write(tmp_path, SLOW.replace("sleep 987.6", "sleep {{ 987.6 if inventory_hostname == 'node2' else 1 }}"))
    running = program.start("-i", lab.inventory, "playbook", "run", "--json", play)
    begun(lab, running, "node2")
    lab.stop("node2")
    done = running.wait(90)
    assert done.status == 4, done
    results = {one["node"]: one for one in done.json["results"]}
    assert [results[name]["status"] for name in ("node1", "node2", "node3")] == ["changed", "unreachable", "changed"]
    assert lab.run("node3", ["ls", "/tmp/slow-went-on"]).returncode == 0


def test_passwords(lab: Lab, program: Program, tmp_path: Path) -> None:
    """A right one works and is kept nowhere; a wrong one is tried on one node alone."""
    inventory = program.inventory(lab.inventory.read_text().replace("ansible_user: root", "ansible_user: grid"))
    play = write(tmp_path, CHANGE)
    script = "echo grid:sesame-817 | chpasswd && echo 'grid ALL=(ALL) ALL' >/etc/sudoers.d/asks && chmod 440 /etc/sudoers.d/asks"
    for node in lab.nodes:
        lab.run(node.name, ["sh", "-c", script])
    try:
        without = program.run("-i", inventory, "playbook", "run", play, timeout=60)
        assert without.status == 1, without
        assert "--ask-become-pass asks for sudo's password" in without.stderr
        wrong = with_password(program, "wrong-817", "-i", inventory, "playbook", "run", "-K", play)
        assert "the password was refused on node1, so it was tried nowhere else" in wrong
        right = with_password(program, "sesame-817", "-i", inventory, "playbook", "run", "-K", play)
        assert "3 changed" in right, right
        kept = (
            [path for path in (tmp_path / "state").rglob("*") if path.is_file()]
            if (tmp_path / "state").exists()
            else []
        )
        found = kept or [path for path in program.folder.rglob("*") if path.is_file()]
        assert not any(b"sesame-817" in path.read_bytes() for path in found)
    finally:
        for node in lab.nodes:
            lab.run(node.name, ["sh", "-c", "rm -f /etc/sudoers.d/asks; passwd -l grid"])


def with_password(program: Program, secret: str, *words: str | Path) -> str:
    """A run at a terminal of its own, where the question is answered; what the terminal showed."""
    import pexpect  # type: ignore[import-untyped]

    line = ["-m", "gridtui", *map(str, words)]
    child = pexpect.spawn(sys.executable, line, env=program.env, cwd=str(program.folder), timeout=90, encoding="utf-8")
    try:
        child.expect(r"password for all nodes")
        child.sendline(secret)
        child.expect(pexpect.EOF)
        shown = str(child.before)
    finally:
        child.close(force=True)
    assert secret not in shown
    return shown


def test_a_node_without_python(lab: Lab, program: Program, tmp_path: Path) -> None:
    play = write(tmp_path, CHANGE)
    hide = "for f in /usr/bin/python3*; do mv $f ${f%/*}/hidden-${f##*/}; done"
    back = "for f in /usr/bin/hidden-python3*; do mv $f /usr/bin/${f#/usr/bin/hidden-}; done"
    lab.run("node1", ["sh", "-c", hide])
    try:
        done = program.run("-i", lab.inventory, "playbook", "run", play, timeout=60)
    finally:
        lab.run("node1", ["sh", "-c", back])
    assert done.status == 1, done
    assert "there is no Python on the node: `gridtui provision` installs it" in done.stderr
    assert "2 changed, 1 failed" in done.stderr


@pytest.mark.parametrize("times", [1, 2])
def test_stopping_leaves_nothing(lab: Lab, program: Program, tmp_path: Path, times: int) -> None:
    running = program.start("-i", lab.inventory, "playbook", "run", write(tmp_path, SLOW))
    begun(lab, running, "node1", "node2", "node3")
    for _ in range(times):
        running.process.send_signal(signal.SIGINT)
        time.sleep(0.2)
    done = running.wait(60)
    assert done.status == 130, done
    assert "cancelled: node[1-3]" in done.stderr
    for name in ("node1", "node2", "node3"):
        assert left(lab, name) == ""
        assert lab.run(name, ["ls", "/tmp/slow-went-on"], check=False).returncode != 0
    assert not list(program.folder.rglob("play-gridtui-*"))


def test_a_killed_controller_leaves_no_process(lab: Lab, program: Program, tmp_path: Path) -> None:
    running = program.start("-i", lab.inventory, "playbook", "run", write(tmp_path, SLOW))
    begun(lab, running, "node1")
    children = keeper._below(running.process.pid)
    assert len(children) > 3
    running.process.kill()
    running.process.wait()
    until(lambda: not [pid for pid in children if Path(f"/proc/{pid}").exists()], 10, lambda: children)
    until(lambda: not list(program.folder.rglob("play-gridtui-*")), 5, running.so_far)
    (run,) = program.run("playbook", "runs", "--json").json["runs"]
    assert run["outcomes"] is None


def test_the_guard_confirms_takes_back_and_stops_the_run(lab: Lab, program: Program, tmp_path: Path) -> None:
    play = write(tmp_path, GUARDED)
    (tmp_path / "roles").symlink_to(Path(__file__).parents[2] / "playbooks" / "roles")
    fine = program.run("-i", lab.inventory, "playbook", "run", "--json", "-w", "node[1-2]", play, timeout=120)
    assert fine.status == 0, fine
    assert {one["status"] for one in fine.json["results"]} == {"changed"}
    assert lab.run("node2", ["cat", "/etc/guarded"]).stdout == "changed\n"
    back = program.run("-i", lab.inventory, "playbook", "rollback", "--json", timeout=60)
    assert back.status == 0, back
    assert {one["fate"] for one in back.json["results"]} == {"rolled-back"}
    assert lab.run("node2", ["ls", "/etc/guarded"], check=False).returncode != 0
    later = program.run(
        "-i", lab.inventory, "playbook", "run", "--json", "--no-confirm", "-w", "node3", play, timeout=60
    )
    assert later.status == 0, later
    kept = program.run("-i", lab.inventory, "playbook", "confirm", timeout=60)
    assert kept.stdout == "confirmed: node3\n", kept
    try:
        out = program.run(
            "-i",
            lab.inventory,
            "playbook",
            "run",
            "--json",
            "--batch",
            "1",
            "--confirm-within",
            "25",
            "-e",
            "locked=[node2]",
            play,
            timeout=120,
        )
    finally:
        lab.run("node2", ["systemctl", "start", "ssh.service"], check=False)
    results = {one["node"]: one["status"] for one in out.json["results"]}
    assert results["node1"] == "changed" and results["node3"] == "skipped", out
    assert results["node2"] == "rolled-back", out
    assert out.status == 1
    assert lab.run("node2", ["ls", "/etc/guarded"], check=False).returncode != 0
