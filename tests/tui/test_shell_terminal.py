"""A shell on a node, in a real terminal and over a real sshd: whatever ssh does, the terminal and the dashboard are as before."""

from __future__ import annotations

import os
import shutil
import signal
import time
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
    terminal.run(
        "-i", str(inventory), "-c", str(config), environment=f"XDG_STATE_HOME={folder}/state", module="gridtui"
    )
    terminal.wait_for("4 nodes", "✖ 1 down", gone="pending")


def go_to(terminal: Terminal, name: str) -> None:
    """Put the cursor on a node: the only one that is shown."""
    terminal.keys("/", *name, "Enter")
    terminal.wait_for(f"filter {name}")


def test_a_shell_and_back(terminal: Terminal, sshd: Sshd, tmp_path: Path) -> None:
    start(terminal, sshd, tmp_path)
    go_to(terminal, "two")
    terminal.keys("s")
    terminal.wait_for("gridtui: shell on two", "there$", gone="filter two")
    assert terminal.flag("alternate_on") == "0" and terminal.flag("mouse_any_flag") == "0"
    terminal.keys("echo $((6*7))of $SSH_CONNECTION", "Enter")
    terminal.wait_for("42of 127.0.0.1")
    terminal.resize(110, 34)
    terminal.keys("exit", "Enter")
    terminal.wait_for("filter two", gone="gridtui: shell")
    assert terminal.flag("alternate_on") == "1"
    terminal.keys("Escape")
    terminal.wait_for("three", gone="filter two")
    terminal.keys("q")
    terminal.wait_for("status=0")
    assert terminal.is_restored()


def ssh_of(terminal: Terminal) -> int:
    """The ssh that the dashboard runs."""
    for pid in descendants(terminal.pid):
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        if words[0] == b"ssh":
            return pid
    raise AssertionError("there is no ssh")


def test_one_that_is_killed_leaves_nothing_on(terminal: Terminal, sshd: Sshd, tmp_path: Path) -> None:
    """In the middle of a program that has the mouse, the alternate screen and keys of its own."""
    start(terminal, sshd, tmp_path)
    go_to(terminal, "one")
    terminal.keys("s")
    terminal.wait_for("gridtui: shell on one", "there$", gone="filter one")
    terminal.keys(r"printf '\033[?1049h\033[?1003h\033[?1h\033=\033[?25l\033[?2004h\033[3;5rfull'; cat", "Enter")
    terminal.wait_for("full", gone="gridtui: shell")
    terminal.keys("q")  # for the program there, and never for the dashboard
    os.kill(ssh_of(terminal), signal.SIGKILL)
    terminal.wait_for("filter one", "the shell was ended by SIGKILL")
    terminal.keys("q")
    terminal.wait_for("status=0")
    assert terminal.is_restored()
    assert [terminal.flag(f"{name}_flag") for name in ("keypad", "keypad_cursor", "wrap")] == ["0", "0", "1"]


def test_one_that_does_not_come_through_is_told_in_a_line(terminal: Terminal, sshd: Sshd, tmp_path: Path) -> None:
    start(terminal, sshd, tmp_path)
    go_to(terminal, "gone")
    terminal.keys("s")
    terminal.wait_for("gone: ssh ended with status 255")
    terminal.keys("q")
    terminal.wait_for("status=0", "gridtui: shell on gone", "Connection refused")
    assert terminal.is_restored()


def test_ctrl_c_while_it_connects_comes_back(terminal: Terminal, sshd: Sshd, tmp_path: Path) -> None:
    start(terminal, sshd, tmp_path)
    go_to(terminal, "one")
    sshd.freeze()
    try:
        terminal.keys("s")
        terminal.wait_for("gridtui: shell on one", gone="filter one")
        terminal.keys("C-c")
        terminal.wait_for("filter one", "SIGINT")
    finally:
        sshd.thaw()
    terminal.keys("q")
    terminal.wait_for("status=0")
    assert terminal.is_restored()


def test_one_that_is_stopped_goes_on_later(terminal: Terminal, sshd: Sshd, tmp_path: Path) -> None:
    start(terminal, sshd, tmp_path)
    go_to(terminal, "one")
    terminal.keys("s")
    terminal.wait_for("gridtui: shell on one", "there$", gone="filter one")
    terminal.keys("KEPT=still-there", "Enter")
    terminal.wait_for("KEPT=still-there\nthere$")
    terminal.keys("~", "C-z")
    terminal.wait_for("filter one", "is stopped")
    terminal.keys("s")
    terminal.wait_for("suspend ssh", gone="filter one")
    terminal.keys("Enter", "echo $KEPT", "Enter")
    terminal.wait_for("\nstill-there\nthere$")
    terminal.keys("~", "C-z")
    terminal.wait_for("filter one", "is stopped")
    left = ssh_of(terminal)
    terminal.keys("q")
    terminal.wait_for("status=0")
    assert terminal.is_restored()
    assert not Path(f"/proc/{left}").exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_the_dashboards_end_is_the_shells(
    terminal: Terminal, sshd: Sshd, tmp_path: Path, number: signal.Signals
) -> None:
    start(terminal, sshd, tmp_path)
    go_to(terminal, "one")
    terminal.keys("s")
    terminal.wait_for("gridtui: shell on one", "there$", gone="filter one")
    left = ssh_of(terminal)
    os.kill(terminal.pid, number)
    terminal.wait_for(f"status={128 + number}")
    assert terminal.is_restored()
    assert not Path(f"/proc/{left}").exists()


def test_a_terminal_that_goes_away_takes_both(sshd: Sshd, tmp_path: Path) -> None:
    """Of a hang-up the kernel tells only who is in front, and that is the shell."""
    terminal = Terminal(tmp_path)
    terminal.start()
    start(terminal, sshd, tmp_path)
    go_to(terminal, "one")
    terminal.keys("s")
    terminal.wait_for("gridtui: shell on one", "there$", gone="filter one")
    dashboard, shell = terminal.pid, ssh_of(terminal)
    terminal.close()
    end = time.monotonic() + 40
    while any(Path(f"/proc/{pid}/cmdline").exists() for pid in (dashboard, shell)):
        assert time.monotonic() < end, "it runs on without a terminal"
        time.sleep(0.05)


def test_a_window_of_tmux(terminal: Terminal, sshd: Sshd, tmp_path: Path) -> None:
    start(terminal, sshd, tmp_path, shell="auto")
    go_to(terminal, "two")
    terminal.keys("s")
    terminal.wait_for("there$", gone="filter two")
    assert terminal.flag("window_name") == "two"
    terminal.keys("echo $((6*7))of $SSH_CONNECTION", "Enter")
    terminal.wait_for("42of 127.0.0.1")
    terminal.keys("exit", "Enter")
    terminal.wait_for("filter two", "1 shell in tmux")
    terminal.keys("q")
    terminal.wait_for("status=0")
    assert terminal.is_restored()


def test_a_window_that_does_not_come_through_says_so_and_stays(terminal: Terminal, sshd: Sshd, tmp_path: Path) -> None:
    start(terminal, sshd, tmp_path, shell="tmux")
    go_to(terminal, "gone")
    terminal.keys("s")
    terminal.wait_for("Connection refused", "ssh to gone ended with status 255; Enter closes this window")
    terminal.keys("Enter")
    terminal.wait_for("filter gone")
    terminal.keys("q")
    terminal.wait_for("status=0")
    assert terminal.is_restored()
