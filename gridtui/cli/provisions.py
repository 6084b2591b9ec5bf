"""Provisioning on one screen: a line a node while it goes on, host keys to compare, the summary, JSON. Prints through `output`."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from ..model import Node, clean
from ..provision import summary as summed
from ..provision.model import Ending, Outcome, Step, StepState
from . import output

if TYPE_CHECKING:
    from ..provision import Shown

Fold = Callable[[Iterable[str]], str]

_EVERY = 0.2
"""Seconds between two pictures."""
_ROWS = 16
"""Nodes that are shown at once; those that are under way come first."""
_MARKS = {
    StepState.OK: "ok",
    StepState.CHANGED: "changed",
    StepState.WOULD: "would",
    StepState.FAILED: "FAILED",
    StepState.UNREACHABLE: "UNREACHABLE",
    StepState.SKIPPED: "skipped",
}
_STYLES = {StepState.CHANGED: "yellow", StepState.FAILED: "red", StepState.UNREACHABLE: "red"}


class Board:
    """News of the steps: a picture that overwrites itself on a terminal, else a line for each step that ended."""

    def __init__(self, names: Sequence[str], *, quiet: bool = False) -> None:
        self._live = output.live()
        self._quiet = quiet
        self._now: dict[str, Step] = {}
        self._done: set[str] = set()
        self._total = len(names)
        self._width = max((len(clean(name)) for name in names), default=0)
        self._lines = 0
        self._last = 0.0

    def told(self, step: Step) -> None:
        """News of a node."""
        self._now[step.node] = step
        if self._live:
            self._draw()
        elif step.state is not StepState.RUNNING and not self._quiet:
            output.note(self._line(step))

    def ended(self, outcome: Outcome) -> None:
        """A node is through, or out."""
        self._done.add(outcome.node)
        if self._live:
            self._draw(now=outcome.status is Ending.FAILED)

    def clear(self) -> None:
        """Take the picture away."""
        self._lines = output.block([], self._lines)

    def _draw(self, *, now: bool = False) -> None:
        if not now and time.monotonic() - self._last < _EVERY:
            return
        self._last = time.monotonic()
        under_way = [step for name, step in self._now.items() if name not in self._done]
        over = [step for name, step in self._now.items() if name in self._done]
        shown = [*under_way, *over][:_ROWS]
        lines = [self._line(step) for step in shown]
        if len(self._now) > len(shown):
            lines.append(f"and {len(self._now) - len(shown)} more")
        lines.append(f"{len(self._done)} of {self._total} nodes")
        self._lines = output.block(lines, self._lines)

    def _line(self, step: Step) -> str:
        mark = _MARKS.get(step.state, "...")
        text = f"{clean(step.node).ljust(self._width)}  {clean(step.name):10}  {mark:8}"
        if style := _STYLES.get(step.state):
            # without the colour's bytes the picture's cutting would count wrongly: lines alone are coloured
            text = text if self._live else output.styled(text, style, sys.stderr)
        return f"{text}  {clean(step.text, 300)}".rstrip()


def host_keys(shown: Sequence[Shown]) -> None:
    """The fingerprints of nodes that nobody knows, for a person to compare."""
    output.note("nobody has vouched for these host keys yet; compare them with what each node's console shows")
    output.note("(`ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub`):")
    width = max(len(clean(one.node)) for one in shown)
    places = max(len(clean(one.where)) for one in shown)
    for one in sorted(shown, key=lambda one: one.node):
        output.note(
            f"  {clean(one.node).ljust(width)}  {clean(one.where).ljust(places)}  {one.kind:8}  {one.fingerprint}"
        )


def planned(outcomes: Mapping[str, Outcome]) -> None:
    """What a dry run found, on standard output."""
    rows = [
        (one.node, step.name, _MARKS.get(step.state, str(step.state)), step.text)
        for one in outcomes.values()
        for step in one.steps
    ]
    output.table(("NODE", "STEP", "STATE", "WHAT"), rows)


def summary(
    outcomes: Mapping[str, Outcome], nodes: Mapping[str, Node], key: str, seconds: float, fold: Fold, verbosity: int
) -> None:
    """What it came to, on standard error; the worst last but for what to do next."""
    results = list(outcomes.values())
    output.note(summed.headline(results, seconds))
    for status, text in summed.troubles(results, fold):
        mild = status in (Ending.SKIPPED, Ending.CANCELLED)
        output.note(output.styled(clean(text, 2000), "yellow" if mild else "red", sys.stderr))
    if verbosity:
        for one in results:
            if one.evidence:
                output.note(f"  {clean(one.node)}: {clean(one.evidence)}")
    for text in summed.advice(results, nodes, key, fold):
        output.note(clean(text, 1000))


def document(outcomes: Mapping[str, Outcome], began: float, seconds: float, *, dry_run: bool) -> None:
    """`provision --json`: as `exec --json` gives results, with the steps of each."""
    results = [
        {
            "node": one.node,
            "status": one.status,
            "seconds": round(one.seconds, 6),
            "layer": one.layer,
            "error": one.error or None,
            "evidence": one.evidence or None,
            "user": one.user or None,
            "fingerprint": one.fingerprint or None,
            "steps": [
                {"name": step.name, "state": step.state, "text": step.text, "seconds": round(step.seconds, 6)}
                for step in one.steps
            ],
        }
        for one in outcomes.values()
    ]
    output.document(
        {"schema": 1, "dry_run": dry_run, "time": began, "seconds": round(seconds, 6), "results": results},
        ascii_only=True,
    )
