"""Parents: one alert for a dead gateway, not thirty. Pure; knows a fleet's verdicts and who stands behind whom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ..model import Verdict
from .rules import REACH


def is_down(verdict: Verdict) -> bool:
    """Whether the node counts as down: its reach rule holds against it, and no longer only softly."""
    return any(reason.rule == REACH and not reason.soft for reason in verdict.reasons)


def blame(verdicts: Mapping[str, Verdict], parents: Mapping[str, str | None]) -> dict[str, Verdict]:
    """The verdicts, with every node that is down behind a dead parent blamed on the topmost dead one of an unbroken line.

    A node that answers is never blamed, whatever its parent does; neither is one that is up and has other reasons. A parent that
    was not judged (not selected, not known) explains nothing and ends the line. So does a parent that answers: what
    is behind it has died of itself. Of a circle of parents, nobody is blamed on themselves.
    """
    dead = {name for name, verdict in verdicts.items() if is_down(verdict)}
    blamed: dict[str, Verdict] = {}
    for name, verdict in verdicts.items():
        culprit = _topmost(name, dead, parents) if name in dead else None
        blamed[name] = verdict if verdict.blamed == culprit else replace(verdict, blamed=culprit)
    return blamed


def _topmost(name: str, dead: set[str], parents: Mapping[str, str | None]) -> str | None:
    line = [name]
    above = parents.get(name)
    while above is not None and above in dead:
        if above in line:
            # A circle: the inventory is wrong. The first name by the alphabet stands for it, the same for all of them.
            circle = line[line.index(above) :]
            first = min(circle)
            return None if first == name else first
        line.append(above)
        above = parents.get(above)
    return line[-1] if len(line) > 1 else None
