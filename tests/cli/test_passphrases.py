"""A key with a passphrase: asked for once, on a terminal alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ..e2e import terminal as tmux
from ..e2e.program import Program
from ..e2e.terminal import Terminal
from ..ssh.openssh import MISSING, PROGRAM, Sshd, keygen
from .conftest import calm

pytestmark = pytest.mark.skipif(PROGRAM is None, reason=MISSING)

SECRET = "correct horse"
ASKED = "Passphrase for"


@pytest.fixture
def locked(tmp_path: Path) -> Iterator[tuple[Program, Path]]:
    """A program, and an inventory of three nodes behind one locked key."""
    with Sshd(tmp_path / "sshd") as sshd, Program(tmp_path) as program:
        calm(program)
        key = keygen(tmp_path / "locked", passphrase=SECRET)
        sshd.authorize(key)
        inventory = program.inventory(
            "all:\n  hosts:\n    n[1:3]:\n  vars:\n"
            f"    ansible_host: {sshd.address}\n    ansible_port: {sshd.port}\n    ansible_user: {sshd.user}\n"
            f"    ansible_ssh_private_key_file: {key}\n"
            f"    ansible_ssh_common_args: -o UserKnownHostsFile={sshd.known_hosts}\n"
        )
        yield program, inventory


@pytest.mark.skipif(bool(tmux.MISSING), reason=tmux.MISSING)
def test_asked_for_once_for_all_nodes(locked: tuple[Program, Path], tmp_path: Path) -> None:
    program, inventory = locked
    with Terminal(tmp_path, env=program.env) as terminal:
        before = terminal.modes()
        terminal.run(["python", "-m", "gridtui", "-i", inventory, "check"])
        terminal.until(lambda: ASKED in terminal.screen(), 20)
        terminal.type(SECRET)
        terminal.until(terminal.at_prompt, 20)
        screen = terminal.screen()
        assert screen.count(ASKED) == 1
        assert "OK: 3 nodes up" in screen
        assert "exit=0" in screen
        assert SECRET not in screen
        assert terminal.modes() == before


@pytest.mark.skipif(bool(tmux.MISSING), reason=tmux.MISSING)
@pytest.mark.parametrize("key", ["C-c", "C-d"])
def test_a_person_who_does_not_answer(locked: tuple[Program, Path], tmp_path: Path, key: str) -> None:
    program, inventory = locked
    with Terminal(tmp_path, env=program.env) as terminal:
        before = terminal.modes()
        terminal.run(["python", "-m", "gridtui", "-i", inventory, "facts"])
        terminal.until(lambda: ASKED in terminal.screen(), 20)
        terminal.press(key)
        terminal.until(terminal.at_prompt, 20)
        assert "Traceback" not in terminal.screen()
        assert "exit=130" in terminal.screen() if key == "C-c" else "exit=4" in terminal.screen()
        assert terminal.modes() == before, "the echo is not back"


def test_without_a_terminal_it_is_left_out_with_a_hint(locked: tuple[Program, Path]) -> None:
    program, inventory = locked
    done = program.run("-i", inventory, "facts")
    assert done.status == 4
    lines = done.stderr.splitlines()
    assert len(lines) == 3
    for line in lines:
        assert "encrypted: put it into an agent with ssh-add" in line
