"""A program in a pseudo-terminal, and as much of a terminal as is needed to know when what it painted is on the screen.

Knows cursor addressing, colours of the background and frames (synchronised output, mode 2026): enough for programs that address what
they paint. Answers the one question that Textual asks of a terminal. Shared by the benchmarks of screens; knows none of them.
"""

from __future__ import annotations

import codecs
import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time
import unicodedata
from collections.abc import Callable, Mapping, Sequence

from benchmarks import measure

WIDTH, HEIGHT = 160, 50

_TOKEN = re.compile(
    r"\x1b\[(?P<mark>[?<=>]?)(?P<numbers>[\d;:]*)[ -/]*(?P<end>[@-~])"
    r"|\x1b[P\]X^_].*?(?:\x07|\x1b\\)"
    r"|\x1b[ -/]*[0-Z\\`-~]"
    r"|(?P<control>[\x00-\x1a\x1c-\x1f])"
    r"|(?P<text>[^\x00-\x1f]+)",
    re.DOTALL,
)


class Screen:
    """What a terminal would show: characters, and the background of each cell as the words that set it."""

    def __init__(self, width: int = WIDTH, height: int = HEIGHT) -> None:
        self.width, self.height = width, height
        self.cells = [[" "] * width for _ in range(height)]
        self.grounds = [[""] * width for _ in range(height)]
        self.frames = 0
        """Frames that were painted to their end."""
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""
        self._x = self._y = 0
        self._ground = ""

    def feed(self, data: bytes) -> None:
        """Take output."""
        words = self._rest + self._decoder.decode(data)
        at = 0
        while at < len(words):
            token = _TOKEN.match(words, at)
            if token is None:
                break  # the rest of a sequence is still to come
            at = token.end()
            if (text := token["text"]) is not None:
                self._print(text)
            elif token["end"]:
                self._sequence(token["mark"], token["numbers"], token["end"])
            elif token["control"] == "\r":
                self._x = 0
            elif token["control"] == "\n":
                self._y = min(self.height - 1, self._y + 1)
            elif token["control"] == "\b":
                self._x = max(0, self._x - 1)
        self._rest = words[at:]

    def _print(self, text: str) -> None:
        cells, grounds = self.cells[self._y], self.grounds[self._y]
        for char in text:
            takes = 1 if char.isascii() else _cells(char)
            if not takes or self._x + takes > self.width:
                continue
            cells[self._x] = char
            grounds[self._x] = self._ground
            if takes == 2:
                cells[self._x + 1], grounds[self._x + 1] = "", self._ground
            self._x += takes

    def _sequence(self, mark: str, numbers: str, end: str) -> None:
        values = [int(value or 0) for value in re.split("[;:]", numbers)]
        first = values[0]
        if mark == "?":
            self.frames += end == "l" and first == 2026
        elif mark:
            return
        elif end in "Hf":
            self._y = max(0, min(self.height, first or 1) - 1)
            self._x = max(0, min(self.width, (values[1] if len(values) > 1 else 1) or 1) - 1)
        elif end == "m":
            self._paint(values)
        elif end == "G":
            self._x = max(0, min(self.width, first or 1) - 1)
        elif end == "d":
            self._y = max(0, min(self.height, first or 1) - 1)
        elif end == "C":
            self._x = min(self.width - 1, self._x + (first or 1))
        elif end == "J":
            for row in self.cells:
                row[:] = [" "] * self.width

    def _paint(self, values: Sequence[int]) -> None:
        at = 0
        while at < len(values):
            value = values[at]
            takes = {5: 3, 2: 5}.get(values[at + 1] if at + 1 < len(values) else 0, 2) if value in (38, 48) else 1
            if value in (0, 49):
                self._ground = ""
            elif value == 48 or 40 <= value < 48 or 100 <= value < 108:
                self._ground = ";".join(map(str, values[at : at + takes]))
            at += takes

    def line(self, y: int) -> str:
        """One line as text."""
        return "".join(self.cells[y])

    def text(self) -> str:
        """All lines."""
        return "\n".join(map(self.line, range(self.height)))


def _cells(char: str) -> int:
    """Cells that a character takes in most terminals."""
    if unicodedata.category(char) in ("Mn", "Me", "Cf", "Cc"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


class Program:
    """A child on its own pseudo-terminal. `descriptors` are handed down to it as they are."""

    def __init__(
        self,
        argv: Sequence[str],
        environment: Mapping[str, str] | None = None,
        width: int = WIDTH,
        height: int = HEIGHT,
        descriptors: Sequence[int] = (),
        cwd: str | None = None,
    ) -> None:
        self.started = time.monotonic()
        self.screen = Screen(width, height)
        for descriptor in descriptors:
            os.set_inheritable(descriptor, True)
        self.pid, self.terminal = pty.fork()
        if not self.pid:
            os.environ |= {"TERM": "xterm-256color", "COLORTERM": "truecolor", **(environment or {})}
            os.environ.pop("NO_COLOR", None)
            try:
                if cwd:
                    os.chdir(cwd)
                os.execvp(argv[0], list(argv))
            finally:
                os._exit(127)
        fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))

    def read(self, seconds: float) -> bool:
        """Take what comes within some time; gives whether anything did."""
        if not select.select([self.terminal], [], [], max(0.0, seconds))[0]:
            return False
        try:
            data = os.read(self.terminal, 1 << 16)
        except OSError:
            raise RuntimeError(f"the program ended:\n{self.screen.text()}") from None
        if b"\x1b[?2026$p" in data:
            os.write(self.terminal, b"\x1b[?2026;2$y")
        self.screen.feed(data)
        return True

    def rest(self, seconds: float) -> None:
        """Read for so long."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.read(left)

    def until(self, true: Callable[[Screen], object], limit: float = 30) -> float:
        """The time at which the screen came to show it. Raises RuntimeError when it does not."""
        end = time.monotonic() + limit
        while not true(self.screen):
            if time.monotonic() > end:
                raise RuntimeError(f"not seen within {limit:g} s:\n{self.screen.text()}")
            self.read(0.05)
        return time.monotonic()

    def settle(self) -> None:
        """Read until nothing comes for a moment."""
        while self.read(0.03):
            pass

    def press(self, key: bytes, true: Callable[[Screen], object], limit: float = 10) -> float:
        """Seconds from a key to the end of the frame in which the screen came to show it."""
        frames = self.screen.frames
        began = time.monotonic()
        os.write(self.terminal, key)
        return self.until(lambda screen: screen.frames > frames and true(screen), limit) - began

    @property
    def cpu(self) -> float:
        """Seconds of CPU so far, without its children."""
        with open(f"/proc/{self.pid}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    @property
    def memory(self) -> int:
        """Resident bytes."""
        with open(f"/proc/{self.pid}/statm", "rb") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def _tree(self) -> list[int]:
        """The process and what it has started."""
        parents: dict[int, int] = {}
        for entry in os.listdir("/proc"):
            if entry.isdigit():
                with contextlib.suppress(OSError), open(f"/proc/{entry}/stat", "rb") as file:
                    parents[int(entry)] = int(file.read().rpartition(b")")[2].split()[1])
        tree = [self.pid]
        for pid in tree:
            tree += [child for child, parent in parents.items() if parent == pid]
        return tree

    @property
    def tree_cpu(self) -> float:
        """Seconds of CPU of the process and all that it has started, so far."""
        total = 0.0
        for pid in self._tree():
            with contextlib.suppress(OSError):
                total += measure.process_cpu(pid)
        return total

    @property
    def tree_memory(self) -> int:
        """Bytes of the process and all that it has started; what several of them share counts once for each share (PSS)."""
        total = 0
        for pid in self._tree():
            with contextlib.suppress(OSError), open(f"/proc/{pid}/smaps_rollup", "rb") as file:
                total += next(int(line.split()[1]) << 10 for line in file if line.startswith(b"Pss:"))
        return total

    def load(self, seconds: float, *, tree: bool = False) -> float:
        """Per cent of a core, over so many seconds; of a `tree` with what it has started."""

        def used() -> float:
            return self.tree_cpu if tree else self.cpu

        cpu, began = used(), time.monotonic()
        self.rest(seconds)
        return 100 * (used() - cpu) / (time.monotonic() - began)

    def close(self) -> None:
        """End it at once."""
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.terminal)

    def __enter__(self) -> Program:
        return self

    def __exit__(self, *words: object) -> None:
        self.close()


def python(module: str, *words: str) -> list[str]:
    """A module run as a program by this Python."""
    return [sys.executable, "-m", module, *words]


class Cursor:
    """In which line a table's cursor stands, told by its background; it is learned from one step down."""

    COLUMN = 4

    def __init__(self, program: Program) -> None:
        before = self._column(program.screen)
        os.write(program.terminal, b"\x1b[B")
        program.rest(1.0)
        after = self._column(program.screen)
        moved = [y for y in range(len(after)) if after[y] != before[y]]
        if len(moved) != 2:
            raise RuntimeError(f"no cursor was seen to move:\n{program.screen.text()}")
        self._ground = after[moved[1]]

    def _column(self, screen: Screen) -> list[str]:
        return [row[self.COLUMN] for row in screen.grounds]

    def line(self, screen: Screen) -> int:
        """The line of the screen, or -1."""
        column = self._column(screen)
        return column.index(self._ground) if self._ground in column else -1
