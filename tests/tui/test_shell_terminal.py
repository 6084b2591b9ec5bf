"""A shell on a node, in a real terminal and over a real sshd: whatever ssh does, the terminal and the dashboard are as before."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ssh.openssh import MISSING, PROGRAM, Sshd, descendants

from .terminal import Terminal

pytestmark = [
    pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed"),
    pytest.mark.skipif(PROGRAM is None, reason=MISSING),
    pytest.mark.timeout(180),
]


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    with Sshd(tmp_path_factory.mktemp("sshd")) as running:
        (running.home / ".profile").write_text("PS1='there$ '; export PS1\n")
        yield running


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    made = Terminal(tmp_path)
    made.start()
    yield made
    made.close()


def start(terminal: Terminal, sshd: Sshd, folder: Path, *, shell: str = "suspend", settings: str = "") -> None:
    """The real program over nodes that are all this sshd."""
    inventory = folder / "inventory.yaml"
    values = f"ansible_host: {sshd.address}, ansible_port: {sshd.port}, ansible_user: {sshd.user}"
    nodes = "".join(
        f"    {name}: {{{values}, ansible_ssh_private_key_file: {sshd.identity}}}\n" for name in ("one", "two", "three")
    )
    inventory.write_text(f"all:\n  hosts:\n{nodes}    gone: {{ansible_host: 127.0.0.1, ansible_port: 9}}\n")
    config = folder / "config.toml"
    config.write_text(
        f'[ssh]\nconfig = "none"\nknown_hosts = "{sshd.known_hosts}"\n[dashboard]\nshell = "{shell}"\n{settings}'
    )
    terminal.run("-i", str(inventory), "-c", str(config), environment=f"XDG_STATE_HOME={folder}/state", module="gridtui")
    terminal.wait_for("4 nodes", "● 3 up", "✖ 1 down")


def go_to(terminal: Terminal, name: str) -> None:
    """Put the cursor on a node: the only one that is shown."""
    terminal.keys("/", *name, "Enter")
    terminal.wait_for(f"filter {name}")


def test_a_shell_and_back(terminal: Terminal, sshd: Sshd, tmp_path: Path) -> None:
    start(terminal, sshd, tmp_path)
    go_to(terminal, "two")
    terminal.keys("s")
    terminal.wait_for("gridtui: shell on two", "$", gone="filter two")
    assert terminal.flag("alternate_on") == "0" and terminal.flag("mouse_any_flag") == "0"
    terminal.keys("echo $((6*7))of $SSH_CONNECTION", "Enter")
    terminal.wait_for("42of 127.0.0.1")
    terminal.resize(70, 20)
    terminal.keys("exit", "Enter")
    terminal.wait_for("filter two", "● 3 up", gone="gridtui: shell")
    assert terminal.flag("alternate_on") == "1"
    terminal.keys("Escape")
    terminal.wait_for("three", gone="filter two")
    terminal.keys("q")
    terminal.wait_for("status=0")
    assert terminal.is_restored()
