"""Whatever the clock does, every value that was taken is in the file, and nothing is there twice."""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from gridtui.events import Noted
from gridtui.recorder import Recording, codes, packing
from gridtui.recorder.tape import node_ids

from .recording import Field

STEPS = st.lists(
    st.one_of(
        st.integers(1, 5),  # slots that pass
        st.sampled_from(
            [-4000.0, -86400.0, -95.0, -7.0, 3.0, 55.0, 3600.0, 90000.0, 40_000_000.0]
        ),  # seconds it is set by
    ),
    min_size=1,
    max_size=12,
)


async def _live(path: Path, steps: list[int | float]) -> tuple[int, int]:
    """How often nodes were asked, and how many events there were."""
    field = Field()
    asked = events = 0

    def count(name: str, now: float) -> float:
        nonlocal asked
        asked += name == "web01"
        return 50.0

    field.cpu = count
    recorder = field.recorder(path)
    await recorder.start()
    for step in steps:
        if isinstance(step, int):
            await field.slot(step)
        else:
            field.now += step
        recorder.happened(Noted(field.now, None, f"event {events}"))
        events += 1
    await field.slot()
    await recorder.close()
    return asked, events


def _kept(path: Path) -> tuple[int, int]:
    """Values of the first node's CPU, and events."""
    database = sqlite3.connect(path)
    cpu = codes.INDEX["cpu"]
    found = 0
    for span, count, body in database.execute("SELECT span, slots, body FROM journal"):
        blob = database.execute("SELECT nodes FROM spans WHERE id = ?", (span,)).fetchone()[0]
        width = codes.COUNT * len(node_ids(blob))
        found += sum(one[cpu] > 0 for one in packing.unpack(body, width)[:count])
    for count, body in database.execute("SELECT slots, body FROM pieces WHERE tier = 0 AND node = 1"):
        found += sum(code > 0 for code in packing.unpack(body, count)[cpu])
    events = database.execute("SELECT count(*) FROM happened WHERE kind = 3").fetchone()[0]
    database.close()
    return found, events


@settings(max_examples=40)
@given(STEPS)
def test_nothing_is_lost_and_nothing_is_doubled(steps: list[int | float]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.db")
        assert asyncio.run(_live(path, steps)) == _kept(path)
        with Recording.open(path) as recording:
            recording.at(recording.until)
            assert len(list(recording.events(-1e12, 1e12))) == _kept(path)[1]
