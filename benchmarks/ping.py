"""Ping against fping on the same loopback addresses, in the same run: wall, CPU, and the quality of the round trips.

    python -m benchmarks.ping [--hosts 1000,5000] [--runs 3]

Needs root or CAP_NET_RAW (or unprivileged ICMP sockets) and fping. Aim: no slower than `fping -i1`, and no more CPU, for the
`gridtui ping` command with its interpreter; and for 1,000 watched nodes at one echo a second a few per cent of a core.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import measure
from gridtui import ping

SWEEP = """
import asyncio, sys
from gridtui import ping
result = asyncio.run(ping.sweep({host: host for host in sys.stdin.read().split()}, timeout=1))
alive = sum(swept.trips.received for swept in result.values())
print(alive, "alive")
"""
"""A bare program around the library: what the command costs at the least."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hosts", default="1000,5000", help="how many, several with commas")
    parser.add_argument("--runs", type=int, default=3, help="the median of so many counts")
    parser.add_argument("--seconds", type=float, default=10, help="how long to watch 1,000 nodes")
    parser.add_argument("--library", action="store_true", help="leave the `gridtui ping` command out")
    options = parser.parse_args()
    if shutil.which("fping") is None:
        print("fping is not installed: apt-get install fping", file=sys.stderr)
        return 2
    print(measure.machine())
    met = True
    for count in map(int, options.hosts.split(",")):
        met &= against_fping(count, options.runs, not options.library)
    met &= asyncio.run(watching(1000, options.seconds))
    return 0 if met else 1


def addresses(count: int) -> list[str]:
    return [f"127.1.{number >> 8}.{number & 255}" for number in range(1, count + 1)]


def against_fping(count: int, runs: int, command: bool) -> bool:
    hosts = addresses(count)
    lines = "\n".join(hosts).encode()

    def fping() -> measure.Cost:
        cost = measure.command("fping", "-q", "-i1", "-c1", "-t1000", stdin=lines)
        if cost.output.count("1/1/0%") != count:
            raise RuntimeError("fping did not reach every address")
        return cost

    def library() -> measure.Cost:
        swept, cost = measure.call(lambda: asyncio.run(ping.sweep({host: host for host in hosts}, timeout=1)))
        if any(one.trips.received != 1 for one in swept.values()):
            raise RuntimeError("the sweep did not reach every address")
        trips.extend(one.trips.avg or 0.0 for one in swept.values())
        return cost

    def program() -> measure.Cost:
        cost = measure.command(sys.executable, "-c", SWEEP, stdin=lines)
        if cost.output != f"{count} alive\n":
            raise RuntimeError(f"the program did not reach every address: {cost.output[-500:]}")
        return cost

    trips: list[float] = []
    costs = {
        "fping -i1": measure.median(fping, runs),
        "gridtui.ping, in process": measure.median(library, runs),
        "gridtui.ping, own interpreter": measure.median(program, runs),
    }
    if command:
        with tempfile.TemporaryDirectory() as folder:
            inventory = Path(folder, "inventory.ini")
            inventory.write_text("\n".join(hosts) + "\n")
            words = (sys.executable, "-m", "gridtui", "-i", inventory, "ping", "-c", "1")
            costs["gridtui ping"] = measure.median(lambda: measure.command(*words), runs)
    measure.table(f"{count} loopback addresses, one echo each", costs, against="fping -i1")
    theirs = [float(number) / 1000 for number in re.findall(r"max = [\d.]+/([\d.]+)/", costs["fping -i1"].output)]
    print(
        f"  median round trip: fping {statistics.median(theirs) * 1e6:.0f} µs, ours {statistics.median(trips) * 1e6:.0f} µs;"
        f" 99th percentile: {statistics.quantiles(theirs, n=100)[98] * 1e6:.0f} µs, {statistics.quantiles(trips, n=100)[98] * 1e6:.0f} µs"
    )
    name, ours = list(costs.items())[-1]
    peer = costs["fping -i1"]
    wall = measure.aim(f"{name}: wall of fping's", ours.wall / peer.wall, 1.0)
    cpu = measure.aim(f"{name}: CPU of fping's", ours.cpu / peer.cpu, 1.0)
    return wall and cpu


async def watching(count: int, seconds: float) -> bool:
    """What it costs to watch `count` nodes once a second, in one process; replies included, which loopback makes its own too."""
    rings = {host: ping.Ring(300) for host in addresses(count)}
    heard = [0]

    def on_echo(key: str, rtt: float | None) -> None:
        rings[key].add(rtt)
        heard[0] += 1

    with ping.Pinger.open() as pinger:
        for host in rings:
            pinger.watch(host, host, 1.0, 1.0, on_echo)
        await asyncio.sleep(2)  # past the first round, with its socket and imports
        before = heard[0]
        _, cost = await measure.acall(asyncio.sleep(seconds))
        echoes = heard[0] - before
        figures = [ring.trips(pinger.method) for ring in rings.values()]
    print(f"\n{count} nodes watched at 1 s, {pinger.method.value}, for {seconds:g} s")
    lost = sum(one.sent - one.received for one in figures)
    median = statistics.median(one.avg or 0.0 for one in figures)
    print(
        f"  {echoes} echoes, {lost} lost, {cost.cpu / echoes * 1e6:.0f} µs of CPU each, median round trip {median * 1e6:.0f} µs"
    )
    start = time.perf_counter()
    for ring in rings.values():
        ring.trips(pinger.method)
    print(f"  figures of a ring: {(time.perf_counter() - start) / count * 1e6:.1f} µs")
    return measure.aim("per cent of a core", cost.cpu / cost.wall * 100, 10.0)


if __name__ == "__main__":
    sys.exit(main())
