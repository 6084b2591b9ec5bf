"""The program in a real terminal, through tmux: it paints, hears keys, and gives the terminal back however it ends."""

from __future__ import annotations

import contextlib
import os
import pty
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import IO, cast

import pytest
from textual.drivers._writer_thread import MAX_QUEUED_WRITES, WriterThread

from gridtui.tui.driver import Mute

from .terminal import Terminal

pytestmark = [
    pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed"),
    pytest.mark.timeout(120),
]


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    made = Terminal(tmp_path)
    made.start()
    yield made
    made.close()


def test_a_day_in_a_real_terminal(terminal: Terminal) -> None:
    terminal.run()
    shown = terminal.wait_for("12 nodes", "SIMULATED NODES", "● 11 up", "✖ down: tcp")
    assert "connection refused" in shown
    terminal.keys("j")
    terminal.keys("Enter")
    terminal.wait_for("cpu", "memory", "p processes")
    terminal.keys("Escape")
    terminal.wait_for("12 nodes")
    terminal.keys("/", "g", "p", "u", "Enter")  # all at once, as fast as a terminal gives them
    terminal.wait_for("filter gpu", gone="web")
    terminal.keys("Escape")
    terminal.wait_for("web", gone="filter gpu")
    terminal.resize(20, 5)
    terminal.wait_for("down", gone="SIMULATED NODES")
    terminal.resize(80, 24)
    terminal.wait_for("12 nodes", "SIMULATED NODES", "● 11 up")
    terminal.keys("?")
    terminal.wait_for("Fleet", "Leave the filter")
    terminal.keys("Escape")
    terminal.wait_for(
        "12 nodes", gone="Leave the filter"
    )  # an escape and a letter in one piece would be Alt and the letter
    terminal.keys("q")
    terminal.wait_for("status=0")
    assert terminal.is_restored()


def test_a_command_over_real_connections_is_folded(terminal: Terminal, tmp_path: Path) -> None:
    terminal.run("simulated", environment=f"XDG_STATE_HOME={tmp_path}/state")
    terminal.wait_for("6 nodes", "up")
    terminal.keys("x")
    terminal.wait_for("on all 6 nodes")
    terminal.keys("e", "c", "h", "o", "Space", "h", "e", "l", "l", "o", "Enter")
    shown = terminal.wait_for(" ok", "1 different outcome", "all gave the same")
    assert any("hello" in line.split()[-1:] for line in shown.splitlines()[4:])
    terminal.keys("x")
    terminal.keys("C-u")
    terminal.wait_for("a command for the shell there")
    terminal.keys("h", "o", "s", "t", "n", "a", "m", "e", "Enter")
    terminal.wait_for("6 different outcomes", "5 differ or failed")
    terminal.keys("C-c")
    terminal.wait_for("status=0")
    assert terminal.is_restored()


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)])
def test_a_signal_gives_the_terminal_back(terminal: Terminal, number: signal.Signals, status: int) -> None:
    terminal.run()
    terminal.wait_for("12 nodes", "● 11 up")
    os.kill(terminal.pid, number)
    terminal.wait_for(f"status={status}")
    assert terminal.is_restored()


def test_a_terminal_that_goes_away() -> None:
    """What is drawn for nobody is dropped, and leaving waits for nothing."""
    master, slave = pty.openpty()
    file = os.fdopen(slave, "w")
    writer = WriterThread(cast("IO[str]", Mute(file)))
    writer.start()
    os.close(master)
    for number in range(3 * MAX_QUEUED_WRITES):
        writer.write(f"line {number}\n")
    writer.stop()
    assert not writer.is_alive()
    with contextlib.suppress(OSError):
        file.close()


def test_ctrl_c_asks_nothing(terminal: Terminal) -> None:
    terminal.run()
    terminal.wait_for("12 nodes")
    terminal.keys("C-c")
    terminal.wait_for("status=0")
    assert terminal.is_restored()


def test_a_broken_program_gives_the_terminal_back_and_raises_its_error(terminal: Terminal) -> None:
    terminal.run("crash")
    terminal.wait_for("12 nodes", "● 11 up")
    terminal.keys("z")
    shown = terminal.wait_for("status=1", "RuntimeError: broken on purpose")
    assert "locals" not in shown
    assert terminal.is_restored()


@pytest.mark.parametrize("environment", ["NO_COLOR=1", "TERM=vt100", "TERM=xterm", "TERM=linux COLORTERM="])
def test_poor_terminals(terminal: Terminal, environment: str) -> None:
    terminal.run(environment=environment)
    terminal.wait_for("12 nodes", "up", "down: tcp")
    terminal.keys("q")
    terminal.wait_for("status=0")
    assert terminal.is_restored()


@pytest.mark.parametrize("end", ["q", "signal", "crash"])
def test_the_title_counts_alerts_and_is_given_back(terminal: Terminal, end: str) -> None:
    terminal.entitle("mine")
    terminal.run("crash" if end == "crash" else "")
    terminal.wait_for("1 alert")
    terminal.wait_for_title("gridtui: 1 alert")
    if end == "signal":
        os.kill(terminal.pid, signal.SIGTERM)
    else:
        terminal.keys("z" if end == "crash" else "q")
    terminal.wait_for("status=")
    terminal.wait_for_title("mine")
    assert terminal.is_restored()
