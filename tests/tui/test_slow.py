"""A terminal that takes less than is drawn: the program goes on, hears its keys, and shows the newest state and not all that was before it."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOWN = 60


class Stuck:
    """The program on a pseudo-terminal that is read only when that is asked for, and the pipe on which it tells where its cursor is."""

    def __init__(self) -> None:
        self.source, told = os.pipe()
        self.pid, self.terminal = pty.fork()
        if not self.pid:
            os.set_inheritable(told, True)
            os.environ["TERM"] = "xterm-256color"
            os.chdir(ROOT)
            os.execv(sys.executable, [sys.executable, "-m", "tests.tui.slow", str(told)])
        os.close(told)
        fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))

    def read(self, count: int = 1 << 16) -> bytes:
        """Some of what is drawn; nothing when there is none for a moment."""
        return os.read(self.terminal, count) if select.select([self.terminal], [], [], 0.5)[0] else b""

    def cursor(self) -> int:
        """The line of the table that the cursor is in now."""
        lines = os.read(self.source, 1 << 16).decode().split()
        return int(lines[-1])

    def close(self) -> None:
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.source)
        os.close(self.terminal)


@pytest.fixture
def stuck() -> Iterator[Stuck]:
    made = Stuck()
    yield made
    made.close()


def test_nobody_reads_and_then_somebody_does(stuck: Stuck) -> None:
    seen = b""
    while b"200 up" not in seen:
        seen += stuck.read()
    while stuck.cursor() != 0:
        pass
    for step in range(1, DOWN + 1):  # each is a frame, and none is read: soon more than a terminal and a queue hold
        os.write(stuck.terminal, b"j")
        while stuck.cursor() < step:
            pass
    memory = Path(f"/proc/{stuck.pid}/statm").read_text().split()[1]
    os.write(stuck.terminal, b"G")
    while stuck.cursor() != 199:
        pass
    late = stuck.read()
    while b"gpu197" not in late[-20_000:] and b"199" not in late[-20_000:]:
        late += stuck.read(200)
    assert len(late) < 150_000  # some frames, not sixty and more
    assert int(Path(f"/proc/{stuck.pid}/statm").read_text().split()[1]) - int(memory) < 5000  # pages
    os.write(stuck.terminal, b"q")
    while True:
        try:
            if not os.read(stuck.terminal, 1 << 16):
                break
        except OSError:  # the program has gone, with its end of the terminal
            break
