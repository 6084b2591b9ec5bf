"""A recording of a fleet that never was: two hours, one node that was lost for five minutes, and ten minutes of which nothing is known."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from gridtui.events import Changed, Event
from gridtui.model import Layer, Node, Reach, Reason, State, Verdict
from gridtui.recorder import codes
from gridtui.recorder.tape import Batch, Tape
from gridtui.settings import History

from .fake import START

BEGIN = START - 2 * 3600
FELL = START - 3000.0
"""When web01 was lost, for five minutes."""


def recording(path: Path, nodes: Mapping[str, Node]) -> Path:
    """Two hours until the fake fleet's now, with a gap of ten minutes."""
    tape = Tape(path, History())
    tape.begin(nodes.values(), BEGIN)
    names = list(nodes)
    ok = {name: Verdict(name, State.OK, BEGIN) for name in names}
    lost = Reason("reach", State.CRITICAL, "tcp: connection refused", FELL)
    bad = Verdict(names[0], State.CRITICAL, FELL, Layer.TCP, (lost,))
    events: list[tuple[Event, Reach | None]] = [
        (Changed(FELL, names[0], ok[names[0]], bad), Reach(FELL, Layer.TCP, "connection refused")),
        (Changed(FELL + 300, names[0], bad, ok[names[0]]), Reach(FELL + 300)),
    ]
    tape.add(
        Batch(states=[(BEGIN, name, (ok[name], Reach(BEGIN))) for name in names], events=events, until=START - 1200)
    )
    first, last = int(BEGIN) // 10, int(START) // 10
    for slot in range(first, last):
        if START - 1200 <= slot * 10 < START - 600:
            continue
        if slot * 10 == START - 600:
            tape.begin(nodes.values(), START - 600)
            tape.add(Batch(states=[(START - 600, name, (ok[name], Reach(START - 600))) for name in names]))
        share = 100 * (slot - first) / (last - first)
        one = codes.encode([share if metric == "cpu" else 1.0 for metric in codes.RECORDED])
        tape.add(Batch(start=slot, slots=[one * len(names)], until=slot * 10 + 10.0))
    while tape.settle(START):
        pass
    tape.close()
    return path
