"""The broadcast to lab nodes behind slow links, against our star, plain parallel rsync, and the physical limit (size ÷ rate).

Every node's uplink, and this machine's towards the lab, is shaped with `tc tbf`. All nodes share this machine's processors, so its load
during each run is printed: near 100 % the figures tell of processors and not of links.

    python -m benchmarks.broadcast [--nodes 8] [--rate 100] [--large 100] [--small 10000] [--peers-only]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gridtui import inventory
from gridtui.model import Node
from gridtui.push import Plan
from gridtui.push.model import Progress, Stage, Transfer
from gridtui.push.peers import broadcast
from gridtui.push.run import Run
from gridtui.settings import Ssh
from gridtui.ssh import Pool
from tests.lab.docker import docker
from tests.lab.lab import NETWORK, Lab, narrate

AIM = 2.2
"""Times the physical limit."""
TARGET = "/tmp/broadcast"
"""On the nodes' tmpfs: to make one file on their overlay costs 0.75 ms of processor, which no real disk's file system does."""
BURST = "256kb"
"""20 ms at 100 Mbit/s. Under 64 kB the kernel would cut every segment into packets here, which costs processor and not time."""


@dataclass(frozen=True, slots=True)
class Load:
    """What it is about: a folder, its bytes, the digest of its contents."""

    title: str
    folder: Path
    size: int
    digest: str


DIGEST = "find . -type f -print0 | LC_ALL=C sort -z | xargs -0 cat | sha256sum"


def large(parent: Path, megabytes: int) -> Load:
    """One file that nothing can compress."""
    folder = parent / "large"
    folder.mkdir()
    with (folder / "image").open("wb") as file:
        for _ in range(megabytes):
            file.write(os.urandom(1_000_000))
    return Load(f"one file of {megabytes} MB", folder, megabytes * 1_000_000, _digest(folder))


def small(parent: Path, count: int) -> Load:
    """Many files of 4 kB in folders of 100."""
    folder = parent / "small"
    for number in range(count):
        path = folder / f"{number // 100:04}" / f"{number:06}"
        if not number % 100:
            path.parent.mkdir(parents=True)
        path.write_bytes(os.urandom(4000))
    return Load(f"{count:,} files of 4 kB", folder, count * 4000, _digest(folder))


def _digest(folder: Path) -> str:
    return subprocess.run(["sh", "-c", DIGEST], cwd=folder, capture_output=True, text=True, check=True).stdout.split()[
        0
    ]


@contextmanager
def shaped(lab: Lab, rate: int) -> Iterator[None]:
    """All uplinks at `rate` Mbit/s, and put back whatever happens."""
    network = json.loads(docker("network", "inspect", NETWORK).stdout)[0]["Id"][:12]
    bridge = f"br-{network}"
    words = ["root", "tbf", "rate", f"{rate}mbit", "burst", BURST, "latency", "100ms"]
    try:
        for node in lab.nodes:
            lab.run(node.name, ["tc", "qdisc", "replace", "dev", "eth0", *words])
        # what this machine itself sends; frames from node to node are bridged past it
        subprocess.run(["tc", "qdisc", "replace", "dev", bridge, *words], check=True)
        yield
    finally:
        subprocess.run(["tc", "qdisc", "del", "dev", bridge, "root"], check=False)
        for node in lab.nodes:
            lab.run(node.name, ["tc", "qdisc", "del", "dev", "eth0", "root"], check=False)


def everywhere(lab: Lab, script: str) -> list[str]:
    """Run shell text on every node, past its network."""
    with ThreadPoolExecutor(8) as pool:
        return [
            done.stdout.strip() for done in pool.map(lambda node: lab.run(node.name, ["sh", "-c", script]), lab.nodes)
        ]


def processors() -> tuple[float, float]:
    """Busy and all seconds of this machine's processors so far (proc(5), stat)."""
    ticks = [int(word) for word in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    return (sum(ticks) - ticks[3] - ticks[4]) / 100, sum(ticks) / 100


async def peers(load: Load, nodes: list[Node], pool: Pool, verbose: bool) -> list[Transfer]:
    """The broadcast."""
    began, stages = time.monotonic(), dict[str, Stage]()

    def say(text: str) -> None:
        if verbose:
            print(f"    {time.monotonic() - began:6.2f} {text}")

    def told(progress: Progress) -> None:
        if stages.get(progress.node) is not progress.stage:
            say(f"{progress.node} {progress.stage}")
        stages[progress.node] = progress.stage

    return await broadcast(Plan((f"{load.folder}/",), TARGET), nodes, pool, Ssh(), told, say=say)


async def star(load: Load, nodes: list[Node], pool: Pool, verbose: bool) -> list[Transfer]:
    """Everything from here."""
    run = Run(Plan((f"{load.folder}/",), TARGET), nodes, Ssh(), pool=pool)
    return list((await run.finish()).values())


async def plain(load: Load, nodes: list[Node], pool: Pool, verbose: bool) -> list[Transfer]:
    """`rsync -a` for each node, all at once."""
    lab = Lab()
    running = [
        await asyncio.create_subprocess_exec(
            "rsync", "-a", "-e", f"ssh -F {lab.ssh_config}", f"{load.folder}/", f"{node.name}:{TARGET}"
        )
        for node in nodes
    ]
    if any([await process.wait() for process in running]):
        raise SystemExit("rsync failed")
    return []


async def measured(lab: Lab, load: Load, rate: int, ways: list[str], verbose: bool) -> bool:
    """One load in every way. Whether the aim was met."""
    nodes = list(inventory.load([lab.inventory]).nodes.values())
    limit = load.size * 8 / (rate * 1e6)
    print(f"\n{load.title} to {len(nodes)} nodes, uplinks of {rate} Mbit/s: the limit is {limit:.1f} s", flush=True)
    met = True
    for way in ways:
        everywhere(lab, f"rm -rf {TARGET}")
        async with Pool(Ssh()) as pool:
            await asyncio.gather(*(pool.connect(node) for node in nodes))  # a running program has its logins
            busy, all_ = processors()
            began = time.monotonic()
            outcomes = await {"peers": peers, "star": star, "rsync": plain}[way](load, nodes, pool, verbose)
            wall = time.monotonic() - began
            busy, all_ = processors()[0] - busy, processors()[1] - all_
        wrong = [one for one in outcomes if not one.ok or (way == "peers" and one.via != "peers")]
        for one in wrong:
            print(f"    {one.node}: {one.status} via {one.via} {one.error}")
        if set(everywhere(lab, f"cd {TARGET} && {DIGEST}")) != {f"{load.digest}  -"}:
            raise SystemExit(f"{way}: a copy is not what was sent")
        print(
            f"  {way:6} {wall:7.1f} s  {wall / limit:5.2f} times the limit   processors {100 * busy / all_:3.0f} % busy",
            flush=True,
        )
        if way == "peers" and (wall > AIM * limit or wrong):
            met = False
    print(f"  {'met   ' if met else 'MISSED'} the broadcast within {AIM} times the limit")
    return met


def main() -> int:
    """Run it; 1 when the aim was missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, default=8)
    parser.add_argument("--rate", type=int, default=100, help="Mbit/s of every uplink")
    parser.add_argument("--large", type=int, default=100, help="MB of the one file; 0 leaves it out")
    parser.add_argument("--small", type=int, default=10_000, help="how many files of 4 kB; 0 leaves them out")
    parser.add_argument("--peers-only", action="store_true")
    parser.add_argument("--verbose", action="store_true")
    options = parser.parse_args()
    lab = Lab(say=narrate)
    ways = ["peers"] if options.peers_only else ["peers", "star", "rsync"]
    met = []
    with lab.lock(timeout=900), tempfile.TemporaryDirectory(prefix="gridtui-bench-") as parent:
        before = len(lab.nodes)
        try:
            lab.up(max(options.nodes, before))
            loads = [large(Path(parent), options.large)] if options.large else []
            loads += [small(Path(parent), options.small)] if options.small else []
            with shaped(lab, options.rate):
                met = [asyncio.run(measured(lab, load, options.rate, ways, options.verbose)) for load in loads]
            everywhere(lab, f"rm -rf {TARGET}")
        finally:
            if before:
                lab.up(before)
            else:
                lab.down()
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main())
