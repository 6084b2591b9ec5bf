"""Output of many nodes on one screen: lines with names before them, groups of equal output, differences. Prints through `output`."""

from __future__ import annotations

import asyncio
import sys
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence

from .. import exec as execs
from ..exec import Group, Outcome, Stream
from . import output

_COLOURS = ("32", "33", "34", "35", "36", "92", "93", "94", "95", "96")
"""Standard foreground colours (ECMA-48) but black, white and red: red is for errors."""
_WIDEST = 32
"""Columns that a name may take before the names after it stop being aligned."""
_HELD = 10_000
"""Pieces of output that are kept back while a question is on the screen; then it goes on beside it."""
_PAUSE = 0.05
"""Seconds after which a reader of our pipe has what came."""
_RULE = "-" * 15

Fold = Callable[[Iterable[str]], str]


class Lines:
    """Lines as they come, each behind its node's name: `exec.OnLines`."""

    def __init__(self, names: Sequence[str], *, raw: bool = False, deaf: Callable[[], None]) -> None:
        """`deaf` is called once when nobody reads our output any more."""
        width = min(_WIDEST, max(map(len, names), default=0))
        self._raw = raw
        colours = {"stdout": output.coloured(sys.stdout), "stderr": output.coloured(sys.stderr)}
        self._prefix = {
            stream: {name: _prefix(name, width, coloured) for name in names} for stream, coloured in colours.items()
        }
        self._held: list[tuple[str, Stream, Sequence[bytes]]] | None = None
        self._flushing = False
        self._deaf = deaf
        self.broken: BrokenPipeError | None = None

    def __call__(self, node: str, stream: Stream, lines: Sequence[bytes]) -> None:
        if self._held is not None and len(self._held) < _HELD:
            self._held.append((node, stream, lines))
            return
        self.release()
        if not self.broken:
            self._guarded(self._show, node, stream, lines)

    def hold(self) -> None:
        """Keep lines back: somebody is being asked something."""
        if self._held is None:
            self._held = []

    def release(self) -> None:
        """Show what was kept back, and go on."""
        if self._held is None:
            return
        held, self._held = self._held, None
        for node, stream, lines in held:
            self(node, stream, lines)

    def _show(self, node: str, stream: Stream, lines: Sequence[bytes]) -> None:
        prefix = self._prefix[stream][node]
        if self._raw:
            start = prefix.encode()
            content = b"".join(start + line + b"\n" for line in lines)
            output.raw(content, sys.stdout if stream == "stdout" else sys.stderr)
            return
        text = prefix + execs.block(lines).replace("\n", "\n" + prefix)
        if stream == "stdout":
            output.data(text + "\n")
            if not self._flushing:
                self._flushing = True
                asyncio.get_running_loop().call_later(_PAUSE, self._flush)
        else:
            output.note(text)

    def _flush(self) -> None:
        self._flushing = False
        if not self.broken:
            self._guarded(output.flush)

    def _guarded(self, write: Callable[..., None], *arguments: object) -> None:
        try:
            write(*arguments)
        except BrokenPipeError as error:  # `| head` has had enough: an event loop's callback must not raise
            self.broken = error
            self._deaf()


def groups(found: Sequence[Group], fold: Fold, *, raw: bool = False) -> None:
    """Each output once, under the nodes that gave it, as clubak(1) shows it. Groups that said nothing are left out."""
    for group in found:
        sample = group.sample
        if not sample.stdout and not sample.stderr:
            continue
        header = f"{_RULE}\n{_title(group, fold)}\n{_RULE}"
        output.data(output.styled(header, "bold" if sample.ok else "red"))
        for content in (sample.stdout, sample.stderr):
            if not content:
                continue
            if raw:
                output.raw(content)
            else:
                output.data(execs.text(content.removesuffix(b"\n")) + "\n")
        if sample.truncated:
            output.note(f"{fold(group.nodes)}: there was more; only the beginning is kept")


def differences(found: Sequence[Group], fold: Fold) -> bool:
    """Unified diffs between the most common output and each other one. Whether there were any."""
    if len(found) < 2:
        return False
    common, *others = found
    shown = False
    for other in others:
        lines = list(execs.compare(common, other))
        if not lines:
            continue
        shown = True
        output.data(output.styled(f"--- {_title(common, fold)}\n+++ {_title(other, fold)}", "bold"))
        output.data("\n".join(map(_diff_line, lines)))
    return shown


def document(task: execs.Task, outcomes: Mapping[str, Outcome], began: float, seconds: float) -> None:
    """`exec --json`. Escaped to ASCII, so that it says exactly what came and does nothing to a terminal."""
    results = [
        {
            "node": one.node,
            "status": one.status,
            "exit": one.exit,
            "stdout": one.stdout.decode("utf-8", "replace"),
            "stderr": one.stderr.decode("utf-8", "replace"),
            "seconds": round(one.seconds, 6),
            "layer": one.layer,
            "error": one.error or None,
            "truncated": one.truncated,
            "left_running": one.left,
        }
        for one in outcomes.values()
    ]
    output.document(
        {"schema": 1, "command": task.command, "time": began, "seconds": round(seconds, 6), "results": results},
        ascii_only=True,
    )


def summary(outcomes: Sequence[Outcome], seconds: float, fold: Fold) -> None:
    """What it came to, on standard error; the worst last."""
    summed = execs.summary
    output.note(summed.headline(outcomes, seconds))
    for ending, text in summed.troubles(outcomes, fold):
        mild = ending in (execs.Ending.SKIPPED, execs.Ending.CANCELLED)
        output.note(output.styled(text, "yellow" if mild else "red", sys.stderr))
    if names := summed.left(outcomes):
        output.warning(
            f"the command may still be running on {fold(names)}: it could not be ended, or not be seen to end"
        )


def _prefix(name: str, width: int, coloured: bool) -> str:
    label = f"{name}:".ljust(width + 1)
    if not coloured:
        return f"{label} "
    # by the name alone, so that a node has the same colour in each run
    return f"\x1b[{_COLOURS[zlib.crc32(name.encode()) % len(_COLOURS)]}m{label}\x1b[0m "


def _title(group: Group, fold: Fold) -> str:
    sample = group.sample
    title = f"{fold(group.nodes)} ({len(group.nodes)})"
    if sample.ok:
        return title
    return f"{title} {'exit ' + str(sample.exit) if sample.exit is not None else sample.status}"


def _diff_line(line: str) -> str:
    style = {"+": "green", "-": "red", "@": "cyan"}.get(line[:1])
    return output.styled(line, style) if style else line
