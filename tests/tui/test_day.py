"""A day's work with the real program, in tmux, over simulated nodes that speak real SSH and this machine for real."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from .terminal import Terminal

pytestmark = [
    pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed"),
    pytest.mark.timeout(300),
]


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    made = Terminal(tmp_path, 120, 40)
    made.start()
    yield made
    made.close()


def rows(screen: str) -> list[tuple[str, str]]:
    """State and name of each row of the table, the first first."""
    return re.findall(r"^[ ▌][ *]([●◆▲✖‖?○↳]) \S.*?  +(\S+)  ", screen, re.MULTILINE)


def column(screen: str, title: str) -> list[int]:
    """The percentages below a title, from the first row on."""
    lines = screen.splitlines()
    top = next(at for at, line in enumerate(lines) if title in line)
    end = lines[top].index(title) + len(title)
    found = (re.search(r"(\d+)%$", line[:end]) for line in lines[top + 1 :])
    return [int(match[1]) for match in found if match]


def is_sorted(loads: list[int]) -> bool:
    """The first is the busiest of many, nearly: numbers move on while the rows stand."""
    return len(loads) > 10 and loads[0] >= max(loads) - 5


def test_a_day(terminal: Terminal, tmp_path: Path) -> None:
    folders = " ".join(f"XDG_{kind}_HOME={tmp_path}/{kind}" for kind in ("STATE", "CONFIG", "CACHE"))
    terminal.run("demo", "--nodes", "12", "--seed", "1", environment=f"{folders} SHELL=/bin/sh", module="gridtui")
    terminal.wait_for("DEMO: 12 simulated nodes", "13 nodes", "critical", gone="pending")

    # Which are the busiest?
    terminal.keys(":", *"sort", "Space", *"cpu", "Enter")
    terminal.wait_for("sort cpu ▼", "▼CPU")
    terminal.wait_until(lambda: is_sorted(column(terminal.screen(), "▼CPU")))

    # Which are ill, and why is the worst of them?
    terminal.keys("0")
    shown = terminal.wait_for("sort problems")
    terminal.keys("g")
    worst = next(name for state, name in rows(shown) if state == "◆")
    terminal.keys("/", *worst, "Enter")
    terminal.wait_for(f"filter {worst}", "1 of 13")
    terminal.keys("Enter")
    page = terminal.wait_for(f"› {worst}", "Why", "rule ", "cpu", "memory")
    assert re.search(r"rule \S+, critical, fine up to .* for \d+", page)
    terminal.keys("Escape")
    terminal.wait_for(f"filter {worst}", gone="Why")
    terminal.keys("Escape")
    terminal.wait_for("13 nodes", "sort problems", gone=f"filter {worst}")

    # Three of them are to be worked on.
    terminal.keys("g", "Space", "Space", "Space")
    terminal.wait_for("* 3 marked")
    terminal.keys("x")
    terminal.wait_for("on the 3 marked nodes", "a command for the shell there")
    terminal.keys("Escape")
    terminal.wait_for("* 3 marked", "13 nodes")

    # A shell on this machine: a window of its own, as this is tmux.
    terminal.keys("/", *"this-machine", "Enter")
    terminal.wait_for("filter this-machine", "1 of 13")
    terminal.keys("Enter")
    terminal.wait_for("› this-machine", "cpu", "memory", gone="42of")
    terminal.keys("s")
    terminal.wait_until(lambda: terminal.flag("window_name") == "this-machine")
    terminal.keys("echo $((6*7))of $(id -un)", "Enter")
    terminal.wait_for("42of ")
    terminal.keys("exit", "Enter")

    # Back, and all is as it was left.
    terminal.wait_for("› this-machine", "cpu", "memory", gone="42of")
    terminal.keys("Escape")
    terminal.wait_for("filter this-machine", "* 3 marked")
    terminal.keys("Escape")
    terminal.wait_for("* 3 marked", "13 nodes", gone="filter this-machine")
    terminal.keys("q")
    terminal.wait_for("status=0")
    assert terminal.is_restored()
