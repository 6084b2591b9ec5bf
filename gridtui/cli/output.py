"""The only module that prints. Standard output is data, standard error is narration.

Whatever is printed here is text of ours or has gone through `model.clean`; nothing is read as markup.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import traceback
from collections.abc import Iterable, Sequence
from typing import Any

from ..errors import GridtuiError, SelectionError
from ..model import clean
from .width import columns

_STYLES = {"red": "31", "green": "32", "yellow": "33", "cyan": "36", "bold": "1", "dim": "2"}


def data(text: str) -> None:
    """A line, or several, on standard output."""
    sys.stdout.write(text if text.endswith("\n") else text + "\n")


def document(value: Any, *, ascii_only: bool = False) -> None:
    """One JSON document on standard output; `ascii_only` where it holds text of nodes as it came, which would command a terminal."""
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=ascii_only, allow_nan=False) + "\n")


def note(text: str) -> None:
    """A line of narration on standard error."""
    sys.stderr.write(text + "\n")


def warning(text: str) -> None:
    """A line of narration that should be read."""
    sys.stderr.write(f"{styled('warning', 'yellow', sys.stderr)}: {clean(text)}\n")


def sentence(problem: GridtuiError) -> str:
    """An error in one line; a selection's says where in it."""
    if isinstance(problem, SelectionError) and problem.text.strip():
        at = f"`{problem.text}`, character {problem.position + 1}: "
        return clean(at + str(problem))
    return clean(str(problem))


def error(problem: GridtuiError, verbosity: int = 0) -> None:
    """One line for an error; its evidence from `-v` on, the traceback from `-vv` on."""
    sys.stderr.write(f"{styled('error', 'red', sys.stderr)}: {sentence(problem)}\n")
    if verbosity >= 1:
        seen = problem.evidence
        for name, value in (
            ("node", seen.node),
            ("command", seen.command),
            ("exit status", seen.exit_status),
            ("stderr", seen.stderr or None),
            ("cause", problem.__cause__ or problem.__context__),
        ):
            if value is not None:
                sys.stderr.write(f"  {name}: {clean(str(value))}\n")
    if verbosity >= 2:
        traceback.print_exception(problem, file=sys.stderr)


def defect(problem: BaseException, verbosity: int = 0) -> None:
    """One line for a defect of ours, with the traceback from `-v` on."""
    hint = "" if verbosity else "; run again with -v for the traceback, and please report it"
    text = clean(f"{type(problem).__name__}: {problem}")
    sys.stderr.write(f"{styled('internal error', 'red', sys.stderr)}: {text}{hint}\n")
    if verbosity:
        traceback.print_exception(problem, file=sys.stderr)


def coloured(stream: Any = None) -> bool:
    """Whether `stream` (standard output) is a terminal that wants colour: https://no-color.org."""
    stream = stream or sys.stdout
    return not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb" and bool(stream.isatty())


def styled(text: str, style: str, stream: Any = None) -> str:
    """`text` in a colour or weight, where colour is wanted."""
    return f"\x1b[{_STYLES[style]}m{text}\x1b[0m" if coloured(stream) else text


def raw(content: bytes, stream: Any = None) -> None:
    """Bytes as they are, on standard output or on `stream`: only where somebody asked for exactly that."""
    stream = stream or sys.stdout
    stream.flush()
    stream.buffer.write(content)
    stream.flush()


def flush() -> None:
    """Let a reader at the other end of a pipe see what was written so far."""
    sys.stdout.flush()


def progress(text: str) -> None:
    """One line that overwrites itself, on a terminal alone; an empty text takes it away."""
    if live():
        width = shutil.get_terminal_size().columns
        sys.stderr.write("\r\x1b[K" + text[: width - 1])
        sys.stderr.flush()


def live() -> bool:
    """Whether what overwrites itself is shown: on a terminal alone."""
    return sys.stderr.isatty() and os.environ.get("TERM") != "dumb"


def block(lines: Sequence[str], above: int = 0) -> int:
    """Several lines that overwrite the `above` ones of the last call, on a terminal alone; the number to give the next time.

    No lines take the old ones away. Each is cut to the terminal's width, and no more are shown than it has.
    """
    if not live():
        return 0
    columns, rows = shutil.get_terminal_size()
    shown = [_cut(line, columns - 1) for line in lines[-max(1, rows - 1) :]]
    up = f"\x1b[{above}A" if above else ""
    sys.stderr.write(f"\r{up}\x1b[J" + "".join(f"{line}\n" for line in shown))
    sys.stderr.flush()
    return len(shown)


def _cut(line: str, width: int) -> str:
    while columns(line) > width:
        line = line[: len(line) - max(1, (columns(line) - width) // 2)]
    return line


def table(head: Sequence[str], rows: Iterable[Sequence[str]], right: Iterable[int] = ()) -> None:
    """Aligned columns on standard output, `right` naming the columns that are numbers.

    Cells are neutralised. Plain padding rather than a rich table: it is what `awk` reads, and it costs no import.
    """
    cells = [[clean(cell) for cell in row] for row in rows]
    numbers = frozenset(right)
    widths = [max(map(columns, column)) for column in zip(head, *cells, strict=True)]

    def line(row: Sequence[str]) -> str:
        parts = []
        for index, (cell, width) in enumerate(zip(row, widths, strict=True)):
            pad = " " * (width - columns(cell))
            parts.append(pad + cell if index in numbers else cell + pad)
        return "  ".join(parts).rstrip()

    lines = [styled(line(head), "bold"), *map(line, cells)]
    sys.stdout.write("\n".join(lines) + "\n")
