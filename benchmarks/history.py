"""What the flight recorder costs: bytes a node and day, opening a week of 1,000 nodes, and its CPU beside the watching alone.

    python -m benchmarks.history [--nodes 1000] [--days 7] [--watched 200] [--seconds 60]

- The values are made up and behave as measured ones do: idle and busy machines, a slow memory, bursts on network and disks, lost echoes now and
  then. Fifty machines are made and shifted in time to be a thousand: what does not deflate by itself does not deflate here either.
- The peer of the bytes is what most people have: the same values as 8-byte floats in SQLite, a row a sample and node, deflated by nothing;
  and as float columns, deflated.
- The CPU is that of a headless fleet over simulated nodes that speak real SSH (the simulator is another process and is not counted), with
  the recorder: its own part of it is counted by itself (the difference of two runs is smaller than their noise), and so is packing, once an hour.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import os
import random
import resource
import sqlite3
import sys
import tempfile
import time
import zlib
from array import array
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks import measure
from gridtui import sim
from gridtui.events import Changed, Event
from gridtui.model import Layer, Node, Reach, Reason, State, Verdict
from gridtui.recorder import RECORDED, Recording, codes, packing
from gridtui.recorder.tape import WINDOW, Batch, Tape
from gridtui.recorder.tiers import COARSE, DAY, FINE, MIDDLE, STEP
from gridtui.settings import History, Settings

END = 1_790_000_000 // DAY * DAY
MACHINES = 50
CHANGES = 4
"""Changes of state of a node a day."""


def machine(seed: int, slots: int) -> list[list[float]]:
    """One machine's values, a column for each recorded metric."""
    chance = random.Random(seed)
    idle = chance.random() < 0.6
    base = chance.uniform(1, 6) if idle else chance.uniform(20, 70)
    cpu, mem, disk, load, temp = base, chance.uniform(10, 80), chance.uniform(10, 80), base / 10, 40.0
    trip = 10 ** chance.uniform(-3.7, -1.5)
    columns: list[list[float]] = [[] for _ in RECORDED]
    for slot in range(slots):
        day = 0.5 + 0.5 * math.sin(slot * STEP / DAY * 2 * math.pi)
        cpu += (base * (0.5 + day) - cpu) * 0.1 + chance.gauss(0, 1 if idle else 4)
        cpu = min(100.0, max(0.0, cpu + (chance.uniform(5, 60) if chance.random() < 0.003 else 0)))
        load = max(0.0, load + (cpu / 12 - load) * 0.15 + chance.gauss(0, 0.02))
        mem += chance.gauss(0, 0.05)
        disk += chance.gauss(0, 0.002)
        temp += (38 + cpu * 0.3 - temp) * 0.2 + chance.gauss(0, 0.2)
        flow = math.exp(chance.gauss(8 if idle else 12, 0.5))
        values = {
            "cpu": cpu,
            "mem": mem,
            "load": load,
            "disk": disk,
            "temp": temp,
            "net.rx": flow,
            "net.tx": flow * chance.uniform(0.3, 0.9),
            "disk.read": 0.0 if chance.random() < 0.8 else math.exp(chance.gauss(9, 2)),
            "disk.write": math.exp(chance.gauss(10, 1)) if chance.random() < 0.7 else 0.0,
            "rtt": trip * (1 + chance.gauss(0, 0.03) + (chance.random() < 0.02) * 3 * chance.random()),
            "loss": 10.0 if chance.random() < 0.002 else 0.0,
        }
        for column, metric in zip(columns, RECORDED, strict=True):
            column.append(values.get(metric, math.nan))
    return columns


def nodes(count: int) -> list[Node]:
    return [Node(f"node{n:04}", f"198.18.{n // 250}.{n % 250 + 1}", groups=("all-of-it",)) for n in range(1, count + 1)]


def happenings(name: str, begin: float, days: int, chance: random.Random) -> list[tuple[Event, Reach | None]]:
    """A node that is lost and comes back, some times a day."""
    ok = Verdict(name, State.OK, begin)
    found: list[tuple[Event, Reach | None]] = []
    for _ in range(CHANGES // 2 * days):
        when = begin + chance.random() * days * DAY
        why = (Reason("reach", State.CRITICAL, "tcp: connection refused", when),)
        bad = Verdict(name, State.CRITICAL, when, Layer.TCP, why)
        found.append((Changed(when, name, ok, bad), Reach(when, Layer.TCP, "connection refused")))
        found.append((Changed(when + 90, name, bad, ok), Reach(when + 90)))
    return found


def week(path: Path, count: int, days: int) -> None:
    """A recording as it is after `days` days: what is fine for two of them, what is coarser for all."""
    tape = Tape(path, History())
    every = nodes(count)
    begin = float(END - days * DAY)
    tape.begin(every, begin)
    made = [machine(seed, DAY // STEP) for seed in range(MACHINES)]
    columns = [[bytes(map(codes.SCALES[i].encode, column)) for i, column in enumerate(one)] for one in made]
    hours = [[packing.pack([c[h * WINDOW : (h + 1) * WINDOW] for c in one]) for h in range(24)] for one in columns]
    middle = [[codes.coarser(i, column, 6) for i, column in enumerate(one)] for one in columns]
    coarse = [packing.pack([codes.coarser(i, column, 15) for i, column in enumerate(one)]) for one in middle]
    packed = [packing.pack(one) for one in middle]
    chance = random.Random(7)
    numbers = {name: number for number, name in tape._database.rows("SELECT id, name FROM nodes")}
    first_day = (END - days * DAY) // DAY
    rows: list[tuple[object, ...]] = []
    for index, node in enumerate(every):
        number, kind = numbers[node.name], index % MACHINES
        for day in range(first_day, first_day + days):
            shift = (kind + day) % MACHINES
            rows.append((MIDDLE.number, number, day * 1440, 0, 1440, packed[shift]))
            rows.append((COARSE.number, number, day * 96, 0, 96, coarse[shift]))
            if day >= first_day + days - 2:
                rows += [
                    (FINE.number, number, (day * 24 + hour) * WINDOW, 1, WINDOW, hours[shift][hour])
                    for hour in range(24)
                ]
    with tape._database.write() as cursor:
        cursor.executemany("INSERT INTO pieces (tier, node, start, span, slots, body) VALUES (?, ?, ?, ?, ?, ?)", rows)
    states = [
        (begin + day * DAY, node.name, (Verdict(node.name, State.OK, begin), Reach(begin)))
        for node in every
        for day in range(days)
    ]
    events = sorted(
        (one for node in every for one in happenings(node.name, begin, days, chance)),
        key=lambda one: one[0].time if isinstance(one[0], Changed) else 0.0,
    )
    tape.add(Batch(states=states, events=events, until=float(END)))
    tape._database.value("PRAGMA wal_checkpoint(TRUNCATE)")
    tape.close()


def sizes(path: Path, count: int, days: int) -> None:
    """Bytes a node and day, by what they are for, and beside other ways."""
    with sqlite3.connect(path) as database:
        by_tier = dict(database.execute("SELECT tier, sum(length(body)) / count(*) * 1.0 FROM pieces GROUP BY tier"))
        happened = database.execute("SELECT sum(length(body)) FROM happened").fetchone()[0]
    database.close()
    total = path.stat().st_size
    fine, middle, coarse = by_tier[0] * 24, by_tier[1], by_tier[2]
    events = happened / count / days
    written = fine + middle + coarse + events
    rest = 2 * fine + 14 * middle + 90 * (coarse + events)
    print(f"\nbytes a node and day ({count} nodes, {days} days)")
    for name, value in (
        ("10 s, kept 2 days", fine),
        ("1 min, kept 14 days", middle),
        ("15 min, kept 90 days", coarse),
        (f"{CHANGES} changes and a picture a day", events),
        ("together", written),
    ):
        print(f"  {name:32} {value:10.0f}")
    print(
        f"  a node after 90 days             {rest:10.0f}   ({1000 * rest / 1e6:.0f} MB for 1,000 nodes; the limit is {History().limit} MB)"
    )
    print(
        f"  this file                        {total:10d}   ({total / count / days:.0f} a node and day, indexes included)"
    )
    one = machine(1, DAY // STEP)
    floats = b"".join(array("f", column).tobytes() for column in one)
    with tempfile.TemporaryDirectory() as folder:
        plain = sqlite3.connect(Path(folder, "plain.db"))
        plain.execute(
            "CREATE TABLE s (node INTEGER, time INTEGER, " + ", ".join(f"v{i} REAL" for i in range(len(one))) + ")"
        )
        known = (tuple(None if v != v else v for v in row) for row in zip(*one, strict=True))
        plain.executemany(
            f"INSERT INTO s VALUES (1, ?{', ?' * len(one)})", ((END + STEP * n, *row) for n, row in enumerate(known))
        )
        plain.commit()
        plain.close()
        row = Path(folder, "plain.db").stat().st_size
    print(
        f"  beside 10 s values: rows of floats in SQLite {row} ({row / fine:.1f} x), 4-byte floats deflated {len(zlib.compress(floats, 6))} ({len(zlib.compress(floats, 6)) / fine:.1f} x)"
    )


def opening(path: Path, count: int, days: int) -> None:
    """What reading takes, in a fresh process for the page cache of SQLite, not of the system."""
    begin = float(END - days * DAY)

    def opened() -> Recording:
        return Recording.open(path)

    recording, cost = measure.call(opened)
    print(f"\nreading {days} days of {count} nodes ({path.stat().st_size / 1e6:.0f} MB)")

    def told(name: str, cost: measure.Cost) -> None:
        print(f"  {name:56} {1000 * cost.wall:9.1f} ms wall {1000 * cost.cpu:9.1f} ms CPU")

    told("open it: nodes, stretches", cost)
    name = next(iter(recording.nodes))
    told(
        "all of one metric of one node, a value a minute",
        measure.call(lambda: recording.series(name, "cpu", begin, END, 60))[1],
    )
    told("how all nodes were at a moment", measure.call(lambda: recording.at(END - 2.5 * DAY))[1])
    told(
        "what a replay begins with: 110 minutes of all nodes, 10 s",
        measure.call(lambda: recording.stretch(END - 9000, END - 2400))[1],
    )
    told("all that happened", measure.call(lambda: list(recording.events(begin, END)))[1])
    told(
        "all metrics of all nodes, the week, a value in 15 min",
        measure.call(lambda: recording.columns(COARSE, int(begin) // 900, days * 96, recording.nodes))[1],
    )
    told(
        "all metrics of all nodes, the week, a value a minute",
        measure.call(lambda: recording.columns(MIDDLE, int(begin) // 60, days * 1440, recording.nodes))[1],
    )
    recording.close()


def packing_cost(count: int) -> float:
    """CPU seconds that an hour of `count` nodes takes to be packed."""
    made = [machine(seed, WINDOW) for seed in range(MACHINES)]
    rows = [[codes.encode([column[slot] for column in one]) for slot in range(WINDOW)] for one in made]
    with tempfile.TemporaryDirectory(prefix="gridtui-bench-") as folder:
        tape = Tape(Path(folder, "a.db"), History())
        tape.begin(nodes(count), END)
        for slot in range(0, WINDOW, 6):
            batch = [b"".join(rows[n % MACHINES][slot + s] for n in range(count)) for s in range(6)]
            tape.add(Batch(start=END // STEP + slot, slots=batch, until=END + slot * 10.0))

        steps: list[float] = []

        def settle() -> None:
            more = True
            while more:
                began = time.perf_counter()
                more = tape.settle(END + 3700.0)
                steps.append(time.perf_counter() - began)

        _, cost = measure.call(settle)
        tape.close()
    steps.sort()
    print(
        f"\npacking an hour of {count} nodes: {cost.cpu:.2f} s of CPU ({cost.cpu / 36:.3f} % of a core), in {len(steps)} pieces, median {1000 * steps[len(steps) // 2]:.1f} ms, longest {1000 * steps[-1]:.1f} ms"
    )
    return cost.cpu


async def watching(inventory: str, seconds: float, on: bool) -> None:
    """Watch for a while, in a process of its own; print samples and CPU."""
    from gridtui.fleet import Fleet

    settings = replace(Settings(), history=History(on=on))
    fleet = Fleet.open([inventory], settings)
    async with fleet:
        lag = 0.0
        # Some simulated nodes are ill, and never answer.
        until = time.monotonic() + 60
        while time.monotonic() < until and sum(bool(fleet.status(n).sample) for n in fleet.nodes) < 0.9 * len(
            fleet.nodes
        ):
            await asyncio.sleep(0.5)
        await asyncio.sleep(5)
        recorder, loop = fleet._recorder, asyncio.get_running_loop()
        thread = await loop.run_in_executor(recorder._thread, time.thread_time) if recorder else 0.0
        began, cpu = time.monotonic(), _cpu()
        while (left := seconds - (time.monotonic() - began)) > 0:
            at = time.monotonic()
            await asyncio.sleep(min(0.02, left))
            lag = max(lag, time.monotonic() - at - 0.02)
        used = _cpu() - cpu
        if recorder:
            thread = await loop.run_in_executor(recorder._thread, time.thread_time) - thread
    print(json.dumps({"cpu": used, "thread": thread, "seconds": seconds, "lag": lag, "nodes": len(fleet.nodes)}))


def _cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


async def beside(count: int, seconds: float, packed: float, taken: float) -> None:
    """What the recorder takes of a fleet that is watched for real. Its own CPU is counted, not the difference of two runs: that is noise."""
    with tempfile.TemporaryDirectory(prefix="gridtui-bench-") as folder:
        async with sim.start_process(count, Path(folder), seed=3) as running:
            words = [sys.executable, "-m", "benchmarks.history", "--watch", str(running.inventory), "--record"]
            child = await asyncio.create_subprocess_exec(
                *words,
                "--seconds",
                str(seconds),
                stdout=asyncio.subprocess.PIPE,
                env={**os.environ, "XDG_STATE_HOME": str(Path(folder, "state"))},
            )
            out, _ = await child.communicate()
            found = json.loads(out)
    samples = count * seconds / 2
    loop = taken * count * seconds / STEP
    packing_ = packed * seconds / 3600
    own = found["thread"] + loop
    alone = found["cpu"] - own
    print(f"\nwatching {count} nodes for {seconds:g} s: {samples:.0f} samples")
    print(f"  the watching  {1e6 * alone / samples:8.1f} µs of CPU a sample, {100 * alone / seconds:6.3f} % of a core")
    for name, cost in (("its loop", loop), ("its thread", found["thread"]), ("packing", packing_)):
        print(f"  {name:12}  {1e6 * cost / samples:8.1f} µs of CPU a sample, {100 * cost / seconds:6.3f} % of a core")
    print(
        f"  together {(alone + own + packing_) / alone:.4f} x the watching alone; the loop was {1000 * found['lag']:.0f} ms late at most"
    )


def taking_cost() -> float:
    """CPU seconds that the loop takes for a node each ten seconds."""
    from gridtui.monitor.history import History as Ring
    from gridtui.monitor.taking import Taking
    from gridtui.ping import Ring as Echoes

    class Watch:
        def __init__(self) -> None:
            self.node = Node("a", "198.18.0.1")
            self.history, self.ring = Ring(), Echoes(300)
            self.reach = Reach(time.time())
            self.sample = None

    watch = Watch()
    taking = Taking(RECORDED, 2.0)
    spent = 0.0
    for _ in range(2000):
        for _ in range(5):
            watch.history.add({"cpu": 5.0, "mem": 20.0, "load": 0.5, "net.rx": 1e5, "net.tx": 1e4, "temp": 40.0})
        for _ in range(10):
            watch.ring.add(0.001)
        began = time.process_time()
        codes.encode(taking.take(watch))  # type: ignore[arg-type]
        spent += time.process_time() - began
    print(
        f"\nin the loop: {1e6 * spent / 2000:.1f} µs a node each {STEP} s, {1e6 * spent / 10000:.1f} µs a sample of 2 s"
    )
    return spent / 2000


def main(words: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nodes", type=int, default=1000)
    parser.add_argument("--days", type=int, default=7)
    parser.add_argument("--watched", type=int, default=200, help="simulated nodes; 0 leaves that out")
    parser.add_argument("--only-watching", action="store_true", help="leave out bytes and reading")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--watch", help=argparse.SUPPRESS)
    parser.add_argument("--record", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(words)
    if options.watch:
        asyncio.run(watching(options.watch, options.seconds, options.record))
        return 0
    print(measure.machine())
    if not options.only_watching:
        with tempfile.TemporaryDirectory(prefix="gridtui-bench-") as folder:
            path = Path(folder, "week.db")
            week(path, options.nodes, options.days)
            sizes(path, options.nodes, options.days)
            opening(path, options.nodes, options.days)
    taken = taking_cost()
    packed = packing_cost(options.watched or 200)
    if options.watched:
        asyncio.run(beside(options.watched, options.seconds, packed, taken))
    return 0


if __name__ == "__main__":
    sys.exit(main())
