"""A real terminal for tests: a tmux server of one's own. Owns the server; each test has its own, which ends with it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[2]


class Terminal:
    """One tmux server of its own with one window, in which a shell runs the program."""

    def __init__(self, folder: Path, width: int = 100, height: int = 30) -> None:
        self._socket = folder / "tmux"
        self._pid = folder / "pid"
        self._tmux("-f", "/dev/null", "new-session", "-d", "-x", str(width), "-y", str(height), "sh")

    def _tmux(self, *words: str) -> str:
        # Under pytest these two may be set; programs would believe them rather than the terminal.
        environment = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
        command = ["tmux", "-S", str(self._socket), *words]
        return subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout

    def run(self, *arguments: str, environment: str = "", module: str = "tests.tui.live") -> None:
        """Start a module as a program, the dashboard over a made-up fleet unless another is named."""
        command = f"{environment} {sys.executable} -m {module} {' '.join(arguments)}"
        # `exec` in a child shell, whose process id is then the program's.
        self._tmux("send-keys", f"clear; sh -c 'echo $$ > {self._pid}; exec env {command}'; echo status=$?", "Enter")

    def start(self) -> None:
        self._tmux("send-keys", f"cd {ROOT}; PS1='ready$ '; stty -g > {self._pid}.before", "Enter")
        self.wait_for("ready$")

    @property
    def pid(self) -> int:
        return int(self._pid.read_text())

    def keys(self, *keys: str) -> None:
        self._tmux("send-keys", *keys)

    def resize(self, width: int, height: int) -> None:
        self._tmux("resize-window", "-x", str(width), "-y", str(height))

    def screen(self) -> str:
        return self._tmux("capture-pane", "-p")

    def flag(self, name: str) -> str:
        return self._tmux("display-message", "-p", f"#{{{name}}}").strip()

    def wait_for(self, *words: str, gone: str = "") -> str:
        """Wait until all words are on the screen, and `gone` is not."""
        end = time.monotonic() + 40
        while True:
            shown = self.screen()
            if all(word in shown for word in words) and (not gone or gone not in shown):
                return shown
            if time.monotonic() > end:
                raise AssertionError(f"{words} did not appear (or {gone!r} stayed):\n{shown}")
            time.sleep(0.05)

    def entitle(self, words: str) -> None:
        """Give the terminal a title."""
        self._tmux("select-pane", "-T", words)

    def wait_for_title(self, words: str) -> None:
        """Wait until that is the title."""
        end = time.monotonic() + 40
        while (title := self.flag("pane_title")) != words:
            if time.monotonic() > end:
                raise AssertionError(f"the title is {title!r}, not {words!r}:\n{self.screen()}")
            time.sleep(0.05)

    def wait_until(self, true: Callable[[], object]) -> None:
        """Wait until something is so."""
        end = time.monotonic() + 40
        while not true():
            if time.monotonic() > end:
                raise AssertionError(f"it did not come to pass:\n{self.screen()}")
            time.sleep(0.05)

    def is_restored(self) -> bool:
        """No alternate screen, a cursor, no mouse reports, and the line settings of before."""
        self.keys(f"stty -g | cmp - {self._pid}.before && echo as-be''fore", "Enter")
        self.wait_for("as-before")
        return (self.flag("alternate_on"), self.flag("cursor_flag"), self.flag("mouse_any_flag")) == ("0", "1", "0")

    def close(self) -> None:
        self._tmux("kill-server")
