"""`gridtui provision` on the command line: usage, dry runs, exit statuses, and passwords from a file descriptor."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from ..e2e import terminal as tmux
from ..e2e.program import Done, Program
from ..e2e.terminal import Terminal
from ..ssh.openssh import Sshd, keygen


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    with Sshd(tmp_path_factory.mktemp("sshd")) as running:
        yield running


@pytest.fixture
def inventory(program: Program, sshd: Sshd) -> Path:
    known = program.home / "known"
    return program.inventory(
        "all:\n  hosts:\n"
        f"    new1: {{ansible_host: 127.0.0.1, ansible_port: {sshd.port}}}\n"
        "    gone: {ansible_host: 127.0.0.1, ansible_port: 1}\n"
        "    here: {ansible_connection: local}\n"
        f"  vars:\n    ansible_user: {sshd.user}\n    ansible_ssh_private_key_file: {sshd.identity}\n"
        f"    ansible_ssh_common_args: -o UserKnownHostsFile={known} -o HashKnownHosts=no\n"
    )


def provision(program: Program, inventory: Path, *words: str, password: str | None = None) -> Done:
    if password is None:
        return program.run("-i", inventory, "provision", *words)
    reader, writer = os.pipe()
    os.write(writer, f"{password}\n".encode())
    os.close(writer)
    try:
        return program.run("-i", inventory, "provision", "--password-fd", str(reader), *words, pass_fds=(reader,))
    finally:
        os.close(reader)


@pytest.mark.parametrize(
    ("words", "status", "why"),
    [
        (("--ask-password",), 2, "there is no terminal to ask"),
        (("--password-fd", "77"), 2, "file descriptor 77 cannot be read"),
        (("-w", ""), 2, "the selection of -w is empty"),
        (("-w", "new1 & gone"), 3, "nothing is selected"),
        (("--profile", "none.yaml"), 2, "none.yaml: cannot be read"),
        (("--fingerprints", "none"), 2, "none: cannot be read"),
        (("--key", "none"), 2, "there is no such key"),
        (("--become-method", "doas"), 2, "doas"),
    ],
)
def test_wrong_usage(program: Program, inventory: Path, words: tuple[str, ...], status: int, why: str) -> None:
    done = provision(program, inventory, *words)
    assert done.status == status, done
    assert why in done.stderr
    assert done.stderr.count("\n") == 1


def test_read_only_refuses_all_but_a_dry_run(program: Program, inventory: Path) -> None:
    refused = program.run("--read-only", "-i", inventory, "provision", "-w", "here")
    assert (refused.status, "read-only" in refused.stderr) == (2, True), refused
    looked = program.run("--read-only", "-i", inventory, "provision", "-w", "here", "--dry-run")
    assert looked.status == 1, looked


def test_a_bad_profile_says_where(program: Program, inventory: Path) -> None:
    (program.folder / "profile.yaml").write_text("profiles:\n  default:\n    playbooks: [base, frewall]\n")
    done = provision(program, inventory, "--profile", "profile.yaml")
    assert done.status == 2, done
    assert "there is no playbook frewall; did you mean firewall?" in done.stderr
    (program.folder / "profile.yaml").write_text("profiles:\n  default:\n    playbook: [base]\n")
    done = provision(program, inventory, "--profile", "profile.yaml")
    assert "profile.yaml:3:5: 'playbook' is unknown here; did you mean playbooks?" in done.stderr


def test_a_dry_run_changes_nothing_and_says_what_it_would_do(program: Program, inventory: Path, sshd: Sshd) -> None:
    words = ("--dry-run", "--host-keys", "accept-new", "-w", "new1,gone,here")
    done = provision(program, inventory, "--json", *words)
    assert done.status == 4, done
    found = {result["node"]: result for result in done.json["results"]}
    assert done.json["schema"] == 1 and done.json["dry_run"] is True
    steps = {step["name"]: step["state"] for step in found["new1"]["steps"]}
    assert steps == {
        "contact": "ok",
        "key": "ok",
        "root": "ok",
        "python": "ok",
        "base": "would",
        "ssh": "would",
        "firewall": "would",
        "sandbox": "would",
    }
    assert found["new1"]["status"] == "planned"
    assert found["new1"]["fingerprint"].startswith("SHA256:")
    assert (found["gone"]["status"], found["gone"]["layer"]) == ("unreachable", "tcp")
    assert found["here"]["status"] == "failed"
    assert sshd.known_hosts_line().strip() in (program.home / "known").read_text()
    table = provision(program, inventory, "--dry-run", "-w", "new1")
    assert table.status == 0, table
    assert [line.split()[:3] for line in table.stdout.splitlines()][1:] == [
        ["new1", name, "ok" if name in ("contact", "key", "root", "python") else "would"] for name in steps
    ]
    assert table.is_clean()


def test_an_unknown_key_is_told_and_nothing_is_sent(program: Program, inventory: Path, sshd: Sshd) -> None:
    before = len(sshd.log())
    done = provision(program, inventory, "-w", "new1", password="s3cret-7Z")
    assert done.status == 4, done
    assert "SHA256:" in done.stderr and "known_hosts" in done.stderr
    assert "s3cret-7Z" not in done.stdout + done.stderr
    log = sshd.log()[before:]
    assert "Accepted" not in log and "Failed" not in log
    assert not (program.home / "known").exists()


def test_a_list_of_fingerprints(program: Program, inventory: Path, sshd: Sshd) -> None:
    (program.folder / "list").write_text(f"new1 {sshd.known_hosts_line().split(maxsplit=1)[1]}")
    right = provision(program, inventory, "--dry-run", "-w", "new1", "--fingerprints", "list")
    assert right.status == 0, right
    (program.home / "known").unlink()
    other = keygen(program.folder / "other").with_name("other.pub").read_text()
    (program.folder / "list").write_text(f"new1 {other}")
    wrong = provision(program, inventory, "--dry-run", "-w", "new1", "--fingerprints", "list")
    assert wrong.status == 4, wrong
    assert "ALARM" in wrong.stderr
    assert not (program.home / "known").exists()


@pytest.mark.skipif(bool(tmux.MISSING), reason=tmux.MISSING)
@pytest.mark.parametrize("answer", ["y", "n"])
def test_a_person_is_asked_once(program: Program, inventory: Path, sshd: Sshd, tmp_path: Path, answer: str) -> None:
    """For the password, unseen, and then about all unknown host keys at once."""
    with Terminal(tmp_path, env=program.env) as terminal:
        before = terminal.modes()
        words = ["provision", "--ask-password", "--dry-run", "-w", "new1"]
        terminal.run(["python", "-m", "gridtui", "-i", inventory, *words])
        terminal.until(lambda: "password of the first login" in terminal.screen(), 20)
        terminal.type("s3cret-7Z")
        terminal.until(lambda: "[y/N]" in terminal.screen(), 20)
        assert "SHA256:" in terminal.screen() and "new1" in terminal.screen()
        terminal.type(answer)
        terminal.until(terminal.at_prompt, 20)
        screen = terminal.screen()
        assert ("exit=0" if answer == "y" else "exit=4") in screen
        assert (program.home / "known").exists() is (answer == "y")
        assert "s3cret" not in screen
        assert terminal.modes() == before
