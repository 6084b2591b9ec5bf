"""Transfers to many nodes on one screen: live bars while they run, what would change, the summary, JSON. Prints through `output`."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence

from .. import push as pushes
from ..model import clean, size
from . import output

Fold = Callable[[Iterable[str]], str]

_EVERY = 0.2
"""Seconds between two pictures."""
_ROWS = 12
"""Nodes that are shown at once; the sum stands for the rest."""
_BAR = 20


class Board:
    """What goes on, on a terminal; nothing of it elsewhere."""

    def __init__(self, nodes: int) -> None:
        self._nodes = nodes
        self.shown = output.live()
        """Whether anybody looks: what is not asked for costs nothing."""
        self._seen: dict[str, pushes.Progress] = {}
        self._done: dict[str, pushes.Transfer] = {}
        self._lines = 0
        self._last = 0.0
        self._width = 0

    def told(self, progress: pushes.Progress) -> None:
        """News of a node."""
        self._seen[progress.node] = progress
        self._draw()

    def ended(self, outcome: pushes.Transfer) -> None:
        """A node is done."""
        self._done[outcome.node] = outcome
        before = self._seen.pop(outcome.node, None)
        whole = max(outcome.size, before.bytes if before else 0)
        self._seen[outcome.node] = pushes.Progress(
            outcome.node, pushes.Stage.DONE, whole, whole, files=outcome.files, feeder=outcome.feeder
        )
        self._draw()

    def say(self, text: str) -> None:
        """A line of narration: who feeds whom. On a terminal alone, above the picture."""
        if self.shown:
            self.clear()
            output.note(clean(text))

    def clear(self) -> None:
        """Take the picture away."""
        self._lines = output.block([], self._lines)

    def _draw(self) -> None:
        now = time.monotonic()
        if now - self._last < _EVERY:
            return
        self._last = now
        running = [one for one in self._seen.values() if one.stage is not pushes.Stage.DONE]
        self._width = max([self._width, *(len(clean(one.node)) for one in running)])
        lines = [row(one, self._width) for one in running[:_ROWS]]
        if len(running) > _ROWS:
            lines.append(f"and {len(running) - _ROWS} more")
        if self._nodes > 1:
            whole = pushes.summary.total(self._seen, self._nodes)
            lines.append(f"{f'{len(self._done)}/{self._nodes}':{self._width}}  {_figures(whole)}")
        self._lines = output.block(lines, self._lines)


def row(one: pushes.Progress, width: int) -> str:
    """One node's line."""
    name = clean(one.node).ljust(width)
    if one.stage is pushes.Stage.LOCKED:
        return f"{name}  waits: another transfer to the same place goes on"
    if one.stage in (pushes.Stage.WAITING, pushes.Stage.CONNECTING):
        return f"{name}  {one.stage}"
    text = f"{name}  {_figures(one)}"
    return f"{text}  from {clean(one.feeder)}" if one.feeder else text


def _figures(one: pushes.Progress) -> str:
    share = min(1.0, one.bytes / one.total) if one.total else None
    filled = round(_BAR * (share or 0))
    parts = [
        "━" * filled + "╌" * (_BAR - filled),
        "  ? %" if share is None else f"{share:4.0%}",
        f"{size(one.bytes):>8}",
        f"{size(one.rate):>8}/s",
        _clock(one.remaining),
        f"{one.files} file{'' if one.files == 1 else 's'}",
    ]
    return "  ".join(parts)


def _clock(seconds: float | None) -> str:
    if seconds is None or seconds > 360_000:
        return " -:--"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes:2}:{rest:02}"


def changes(outcomes: Iterable[pushes.Transfer], fold: Fold) -> None:
    """What would change, each list once under the nodes that it is for, on standard output."""
    for nodes, lines in pushes.summary.changes(outcomes):
        output.data(output.styled(f"--- {fold(nodes)} ({len(nodes)})", "bold"))
        output.data("\n".join(lines) if lines else "nothing would change")
    output.flush()


def summary(outcomes: Sequence[pushes.Transfer], seconds: float, fold: Fold) -> None:
    """What it came to, on standard error; the worst last."""
    output.note(pushes.summary.headline(outcomes, seconds))
    for ending, text in pushes.summary.troubles(outcomes, fold):
        mild = ending in (pushes.Ending.SKIPPED, pushes.Ending.CANCELLED)
        output.note(output.styled(text, "yellow" if mild else "red", sys.stderr))
    if over := [one.node for one in outcomes if one.ok and one.via == "sftp"]:
        output.note(f"over SFTP, without rsync: {fold(over)}")


def document(plan: pushes.Plan, outcomes: Mapping[str, pushes.Transfer], began: float, seconds: float) -> None:
    """`push --json` and `pull --json`: the shape of `exec --json`, and what was moved."""
    results = [
        {
            "node": one.node,
            "status": one.status,
            "exit": one.exit,
            "stdout": "",
            "stderr": "".join(f"{line}\n" for line in one.stderr),
            "seconds": round(one.seconds, 6),
            "layer": one.layer,
            "error": one.error or None,
            "bytes": one.bytes,
            "size": one.size,
            "literal": one.literal,
            "files": one.files,
            "deleted": one.deleted,
            "via": one.via,
            "feeder": one.feeder or None,
            "changes": list(one.changes),
        }
        for one in outcomes.values()
    ]
    output.document(
        {
            "schema": 1,
            "direction": plan.direction,
            "sources": list(plan.sources),
            "destination": plan.destination,
            "dry_run": plan.options.dry_run,
            "time": began,
            "seconds": round(seconds, 6),
            "results": results,
        },
        ascii_only=True,
    )
