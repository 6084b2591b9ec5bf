"""What one look at how a node is kept costs: the node's CPU, bytes on the wire, and what reading and judging cost here.

    python -m benchmarks.posture [-i INVENTORY] [--nodes N]

Without an inventory this machine is asked, through the local transport. Then N answers are read, judged, compared and written as one file, as
`check` does it for a fleet, and a check's question whether anybody is due is timed with that file unread.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from gridtui import posture
from gridtui.fleet import Fleet
from gridtui.model import Node
from gridtui.monitor import due
from gridtui.monitor.posture import Asked, Record, ask
from gridtui.posture import Answer

EVERY = 21600.0


async def look(fleet: Fleet, name: str, known: Answer | None) -> Asked:
    async with fleet.holding() as pool:
        return await ask(fleet.nodes[name], await pool.connect(fleet.nodes[name]), known, sudo=False)


def timed(work: Callable[[], object], times: int) -> float:
    """Milliseconds of CPU for one."""
    began = time.process_time()
    for _ in range(times):
        work()
    return 1000 * (time.process_time() - began) / times


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("-i", "--inventory", action="append", default=[])
    parser.add_argument("--nodes", type=int, default=1000)
    options = parser.parse_args()
    os.environ["XDG_STATE_HOME"] = tempfile.mkdtemp(prefix="gridtui-posture-")
    fleet = Fleet.open(options.inventory)
    name = next(iter(fleet.nodes))
    first = asyncio.run(look(fleet, name, None))
    if first.answer is None:
        raise SystemExit(first.error)
    again = asyncio.run(look(fleet, name, first.answer))
    assert again.answer is not None
    for label, asked in (("the first look", first), ("the next one, services unchanged", again)):
        cpu = asked.answer.cpu if asked.answer else None
        print(f"{label:34} {asked.seconds:5.2f} s  node {cpu or 0:5.2f} s of CPU  {asked.bytes:6} bytes")
    answer = first.answer
    kept = json.dumps(posture.to_json(answer))
    print(f"{'judged':34} {timed(lambda: posture.assess(name, answer), 200):5.2f} ms here")
    print(f"{'compared':34} {timed(lambda: posture.drift(name, answer, answer), 200):5.2f} ms here")
    print(f"{'read back from what is kept':34} {timed(lambda: posture.from_json(json.loads(kept)), 200):5.2f} ms here")

    nodes = {f"n{number}": Node(f"n{number}", "::1") for number in range(options.nodes)}
    file = due.path([Path("bench")])
    record = Record(nodes, file)
    for node in nodes:
        record.take(node, answer)
        record.take(node, answer)
    began = time.process_time()
    asyncio.run(record.save(EVERY))
    size = file.stat().st_size
    print(f"{f'{options.nodes} nodes written':34} {time.process_time() - began:5.2f} s   {size / 1e6:.1f} MB")
    # A check of a fleet asks a few a minute: six hours have 360.
    turn = tuple(nodes)[: max(1, options.nodes // 360)]
    began = time.process_time()
    record = Record(nodes, file)
    for node in turn:
        record.take(node, answer)
        record.brief(node, EVERY)
    asyncio.run(record.save(EVERY))
    print(f"{f'{len(turn)} of them asked by a check':34} {time.process_time() - began:5.2f} s")
    briefs = due.Briefs()
    briefs.refresh(file, EVERY)
    now = time.time()
    names = tuple(nodes)

    def nobody_is_due() -> None:
        briefs.refresh(file, EVERY)
        briefs.due(names, now, EVERY)

    print(f"{'a check where nobody is due':34} {timed(nobody_is_due, 20):5.2f} ms here, and no command")


if __name__ == "__main__":
    main()
