"""The demo in a real terminal, in impatient hands."""

from __future__ import annotations

import os
import random
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from .program import Program
from .terminal import MISSING, Modes, Terminal

pytestmark = [pytest.mark.skipif(bool(MISSING), reason=MISSING), pytest.mark.timeout(240)]

START = 45.0
LATE = 60.0
"""What 500 keys and a dozen sizes take on a loaded machine."""
KEYS = (
    *"jkGsSr0g<>eRaptp?][/x&12",
    *("Down", "Up", "PPage", "NPage", "Home", "End", "Enter", "Escape", "Escape", "BSpace", "C-p", "Tab", "BTab", "F1"),
)  # fmt: skip


class Demo:
    """A demo that runs."""

    def __init__(self, terminal: Terminal, before: Modes, temporary: Path) -> None:
        self.terminal = terminal
        self.before = before
        self.temporary = temporary

    def shown(self) -> bool:
        return "DEMO" in self.terminal.screen()

    def ended(self, status: int) -> None:
        self.terminal.until(self.terminal.at_prompt, LATE, "the shell is not back")
        assert f"exit={status}" in self.terminal.screen()
        assert self.terminal.modes() == self.before
        left = [path.name for path in self.temporary.iterdir() if path.name.startswith("gridtui-demo-")]
        assert left == [], "simulated nodes left their folder"


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    temporary = Path(tempfile.mkdtemp(dir=tmp_path))
    with (
        Program(tmp_path) as program,
        Terminal(tmp_path, width=100, env={**program.env, "TMPDIR": str(temporary)}) as terminal,
    ):
        before = terminal.modes()
        # Read-only: what is hammered must not become a command, least of all on this machine.
        terminal.run([sys.executable, "-m", "gridtui", "-v", "--read-only", "demo", "--nodes", "12"])
        running = Demo(terminal, before, temporary)
        terminal.until(lambda: running.shown() and " up" in terminal.screen(), START)
        yield running


def test_a_leave_that_leaves_nothing(demo: Demo) -> None:
    demo.terminal.press("q")
    demo.ended(0)


def test_terminated_it_leaves_nothing(demo: Demo) -> None:
    os.kill(demo.terminal.pid_of("-m gridtui -v --read-only demo"), signal.SIGTERM)
    demo.ended(143)


@pytest.mark.parametrize("seed", range(3))
def test_hammered_keys_and_sizes(demo: Demo, seed: int) -> None:
    """Faster than any screen is drawn, and into whatever the keys before have opened."""
    chance = random.Random(seed)
    terminal = demo.terminal
    for _ in range(12):
        terminal.press(*chance.choices(KEYS, k=40))
        terminal.resize(chance.choice((1, 20, 79, 80, 200)), chance.choice((1, 2, 5, 24, 50)))
    terminal.resize(100, 30)

    # Whatever is open now, and however many of them: these lead back to the fleet, unless the palette's way out was hit.
    def back() -> bool:
        if terminal.at_prompt():
            return True
        terminal.press("Escape")
        return demo.shown() and "STATE" in terminal.screen()

    terminal.until(back, LATE, "no way back to the fleet")
    if not terminal.at_prompt():
        terminal.press("C-q")
    demo.ended(0)


def test_escape_twice_at_once(demo: Demo) -> None:
    terminal = demo.terminal
    for opening in ("Enter", "e", "?"):
        terminal.press(opening, "Escape", "Escape", "Escape")
    # Right behind an Escape a key is Alt and that key: one that does nothing comes between.
    terminal.press("F9", "q")
    demo.ended(0)
