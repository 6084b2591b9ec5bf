"""A real terminal, tmux's, with a shell in it. Owns its tmux server, which nobody else uses; knows nothing of what runs there.

with Terminal(tmp_path) as terminal:
    terminal.type("gridtui -i inventory.yaml")
    terminal.until(lambda: "3 up" in terminal.screen())
"""

from __future__ import annotations

import shlex
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

MISSING = "tmux is not installed" if shutil.which("tmux") is None else ""
PROMPT = "ready> "


@dataclass(frozen=True, slots=True)
class Modes:
    """What a program may change of a terminal and has to put back."""

    stty: str
    alternate: bool
    cursor: bool
    mouse: bool
    keypad: bool


class Terminal:
    """A shell in a tmux of its own, `width` by `height`."""

    def __init__(
        self, folder: Path, *, width: int = 140, height: int = 30, env: Mapping[str, str] | None = None
    ) -> None:
        self._socket = folder / "tmux"
        self._config = folder / "tmux.conf"
        self._config.write_text("set -g status off\nset -g escape-time 0\nset -g default-terminal tmux-256color\n")
        self._size = ("-x", str(width), "-y", str(height))
        # dash does no line editing: the terminal's modes at its prompt are always the same.
        words = [f"{name}={value}" for name, value in (env or {}).items() if name != "TERM"]
        self._shell = shlex.join(["env", *words, f"PS1={PROMPT}", "ENV=", "sh", "-i"])

    def __enter__(self) -> Self:
        self._tmux("-f", str(self._config), "new-session", "-d", *self._size, self._shell)
        self.until(lambda: self.screen().rstrip().endswith(PROMPT.strip()), 10)
        return self

    def __exit__(self, *_: object) -> None:
        subprocess.run(["tmux", "-S", str(self._socket), "kill-server"], capture_output=True, timeout=10, check=False)

    def type(self, line: str) -> None:
        """A line and Enter."""
        self._tmux("send-keys", "-l", line)
        self.press("Enter")

    def press(self, *keys: str) -> None:
        """Keys by tmux's names: `q`, `Enter`, `C-c`."""
        self._tmux("send-keys", *keys)

    def run(self, words: Sequence[str | Path]) -> None:
        """Type a command, and what tells its status afterwards."""
        self.type(f"{shlex.join(map(str, words))}; echo exit=$?")

    def screen(self) -> str:
        """What can be read now."""
        return self._tmux("capture-pane", "-p")

    def resize(self, width: int, height: int) -> None:
        """Another size of window."""
        self._tmux("resize-window", "-x", str(width), "-y", str(height))

    def until(self, holds: Callable[[], bool], timeout: float, what: str = "") -> float:
        """Wait until `holds`; seconds that it took. Fails with the screen when it does not come true in time."""
        began = time.monotonic()
        while not holds():
            if time.monotonic() - began > timeout:
                raise AssertionError(f"{what or 'not'} within {timeout:g} s:\n{self.screen()}")
            time.sleep(0.05)
        return time.monotonic() - began

    def at_prompt(self) -> bool:
        """Whether the shell waits for a line."""
        return self.screen().rstrip().endswith(PROMPT.strip())

    def modes(self) -> Modes:
        """The modes of now: the line discipline's, and those that escape sequences set."""
        names = ("pane_tty", "alternate_on", "cursor_flag", "mouse_any_flag", "keypad_flag")
        tty, *flags = self._tmux("display-message", "-p", " ".join(f"#{{{name}}}" for name in names)).split()
        stty = subprocess.run(["stty", "-a", "-F", tty], capture_output=True, text=True, check=True, timeout=10).stdout
        return Modes(stty, *(flag == "1" for flag in flags))

    def pid_of(self, word: str) -> int:
        """The process under the shell whose command line has `word`. Fails when there is none, or several."""
        shell = self._tmux("display-message", "-p", "#{pane_pid}").strip()
        found = [pid for pid in _children(int(shell)) if word in _command_line(pid)]
        assert len(found) == 1, f"{len(found)} processes with {word}"
        return found[0]

    def _tmux(self, *words: str) -> str:
        done = subprocess.run(
            ["tmux", "-u", "-S", str(self._socket), *words], capture_output=True, text=True, timeout=10, check=False
        )
        assert done.returncode == 0, f"tmux {words[0]}: {done.stderr.strip()}"
        return done.stdout


def _children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def _command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
    except OSError:
        return ""
