"""What it costs the controller to watch 200 and 1,000 simulated nodes, a sample of each every 2 s.

    python -m benchmarks.scale [--nodes 200 1000] [--seconds 30] [--interval 2] [--profile FILE]

Three ways, in the same run, over the same simulator, each in a process of its own, measured once all nodes are up:

- `gridtui`: a headless Fleet with its default settings: samples parsed and judged, an echo a second to each node, events read.
- `streams`: the floor. asyncssh with the same logins, channels, script and ticks; what comes back is counted and thrown away. What gridtui
  takes above it is its own work; what is below is the price of SSH in this language.
- `clush`: the peer that people use for "run this on all nodes every two seconds", where it is installed: one sweep that reads
  /proc/loadavg of up to 200 nodes, a login each as it does it, scaled to the same number of samples.

The simulator runs in another process: its CPU is shown, and not counted.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import json
import pstats
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks import measure
from gridtui import sim

SHARE = 20.0
"""Aim: per cent of a core for 1,000 nodes at a 2 s interval."""
MEMORY = 150.0
"""Aim: MB for the same."""
_LONGEST = 180.0
_SWEEP = 200


@dataclass(frozen=True, slots=True)
class Run:
    """What one way took while all nodes were up."""

    seconds: float
    cpu: float
    """Seconds, of this process alone."""
    peak: int
    """Bytes, logins included."""
    samples: int
    received: int
    """Bytes of answers; 0 where that is not known."""
    up_after: float
    """Seconds from the start until all nodes had answered once."""
    up_cpu: float
    """CPU seconds until then."""

    @property
    def share(self) -> float:
        """Per cent of a core."""
        return 100 * self.cpu / self.seconds


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; 0 when the aims are met."""
    options = _parser().parse_args(arguments)
    if options.way:
        print(json.dumps(_measured(options)))
        return 0
    print(f"scale: {options.seconds:g} s, a sample of each node every {options.interval:g} s; {measure.machine()}")
    met = [asyncio.run(_compare(nodes, options)) for nodes in options.nodes]
    return 0 if all(met) else 1


async def _compare(nodes: int, options: argparse.Namespace) -> bool:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with sim.start_process(nodes, folder, calm=True) as running:
            before, start = measure.process_cpu(running.pid), time.perf_counter()
            floor = await _child("streams", running.inventory, options)
            ours = await _child("gridtui", running.inventory, options)
            used = measure.process_cpu(running.pid) - before
            load = 100 * used / (time.perf_counter() - start)
            sweep = _clush(running, min(nodes, _SWEEP))
    costs = {
        name: measure.Cost(run.seconds, run.cpu, run.peak) for name, run in (("gridtui", ours), ("streams", floor))
    }
    measure.table(
        f"{nodes} nodes: {ours.samples} samples by gridtui, {floor.samples} by streams", costs, against="streams"
    )
    for name, run in (("gridtui", ours), ("streams", floor)):
        each = 1e6 * run.cpu / run.samples if run.samples else float("nan")
        print(
            f"  {name:8} {run.share:5.1f} % of a core, {run.peak / 1e6:.0f} MB, {each:.0f} µs a sample;"
            f" all up after {run.up_after:.1f} s and {run.up_cpu:.1f} s of CPU ({1e3 * run.up_cpu / nodes:.1f} ms a node)"
        )
    if sweep:
        count = min(nodes, _SWEEP)
        share = 100 * sweep.cpu / count * nodes / options.interval
        print(
            f"  clush    {1e6 * sweep.cpu / count:.0f} µs a sample, one sweep of {count} nodes in {sweep.wall:.1f} s:"
            f" {share:.0f} % of a core at this interval, {share / ours.share:.0f} times gridtui"
        )
    print(f"  the simulator took {load:.0f} % of a core meanwhile, logins included")
    expected = nodes * ours.seconds / options.interval
    met = [measure.aim("samples missed, per cent", 100 * max(0.0, 1 - ours.samples / expected), 2)]
    if nodes == 1000:
        met.append(measure.aim("per cent of a core for 1,000 nodes", ours.share, SHARE * 2 / options.interval))
        met.append(measure.aim("MB for 1,000 nodes", ours.peak / 1e6, MEMORY))
    return all(met)


async def _child(way: str, inventory: Path, options: argparse.Namespace) -> Run:
    """One way in a process of its own, so that its peak memory and CPU are its alone."""
    words = [sys.executable, "-m", "benchmarks.scale", "--way", way, "--inventory", str(inventory)]
    words += ["--seconds", str(options.seconds), "--interval", str(options.interval)]
    if options.profile:
        words += ["--profile", f"{options.profile}.{way}"]
    child = await asyncio.create_subprocess_exec(*words, stdout=asyncio.subprocess.PIPE)
    out, _ = await asyncio.wait_for(child.communicate(), options.seconds + _LONGEST)
    if child.returncode:
        raise RuntimeError(f"{way} ended with {child.returncode}")
    return Run(**json.loads(out))


def _clush(running: sim.Running, count: int) -> measure.Cost | None:
    program = shutil.which("clush") or shutil.which("clush", path=str(Path(sys.executable).parent))
    if program is None:
        return None
    from gridtui import inventory

    nodes = list(inventory.load([running.inventory]).nodes.values())[:count]
    ssh = (
        f"-F none -o BatchMode=yes -o IdentitiesOnly=yes -i {nodes[0].identity} -p {nodes[0].port}"
        f" -o UserKnownHostsFile={running.folder}/known_hosts"
    )
    words = [
        program,
        "-S",
        "-q",
        "-f",
        "32",
        "-l",
        str(nodes[0].user),
        "-o",
        ssh,
        "-w",
        ",".join(node.address for node in nodes),
    ]
    return measure.command(*words, "cat /proc/loadavg")


# ---- within the child ----


def _measured(options: argparse.Namespace) -> dict[str, object]:
    work = {"gridtui": _gridtui, "streams": _streams}[options.way](options)
    result = asyncio.run(work)
    return {name: getattr(result, name) for name in Run.__dataclass_fields__}


class Meter:
    """CPU and time of this process, from its start and from `begin`."""

    def __init__(self, profile: Path | None) -> None:
        self._start = time.perf_counter()
        self._profile = profile
        self._profiler = cProfile.Profile() if profile else None

    def begin(self) -> None:
        self._up_cpu, self._up = _cpu(), time.perf_counter()
        if self._profiler:
            self._profiler.enable()

    def end(self, samples: int, received: int = 0) -> Run:
        if self._profiler and self._profile:
            self._profiler.disable()
            with self._profile.open("w") as file:
                for order in ("tottime", "cumtime"):
                    pstats.Stats(self._profiler, stream=file).sort_stats(order).print_stats(60)
        seconds = time.perf_counter() - self._up
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        return Run(seconds, _cpu() - self._up_cpu, peak, samples, received, self._up - self._start, self._up_cpu)


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def _gridtui(options: argparse.Namespace) -> Run:
    from gridtui.events import Seen
    from gridtui.fleet import Fleet
    from gridtui.settings import Settings

    meter = Meter(options.profile)
    settings = Settings()
    settings = replace(settings, intervals=replace(settings.intervals, fast=options.interval))
    async with Fleet.open([options.inventory], settings) as fleet:
        seen: dict[str, float] = {}
        samples = 0
        began: float | None = None
        deadline = time.perf_counter() + _LONGEST
        async for event in fleet.events():
            now = time.perf_counter()
            if isinstance(event, Seen) and (sample := event.status.sample) and seen.get(event.node) != sample.time:
                seen[event.node] = sample.time
                samples += 1
            if began is None and len(seen) == len(fleet.nodes):
                began, samples = now, 0
                meter.begin()
            if began is not None and now - began >= options.seconds:
                return meter.end(samples)
            if began is None and now > deadline:
                raise SystemExit(f"only {len(seen)} of {len(fleet.nodes)} nodes came up within {_LONGEST:g} s")
    raise SystemExit("the fleet ended by itself")


async def _streams(options: argparse.Namespace) -> Run:
    import asyncssh

    from gridtui import inventory, probes
    from gridtui.model import Node

    meter = Meter(options.profile)
    loop = asyncio.get_running_loop()
    nodes = list(inventory.load([options.inventory]).nodes.values())
    counts = {"samples": 0, "bytes": 0}
    nonce = probes.new_nonce()
    mark = f"@{nonce} end ".encode()
    script = probes.script(nonce)

    class Reader(asyncssh.SSHClientSession[bytes]):
        def data_received(self, data: bytes, datatype: asyncssh.DataType) -> None:
            counts["bytes"] += len(data)
            counts["samples"] += mark in data[-64:]

    known_hosts = asyncssh.read_known_hosts(nodes[0].ssh_options["userknownhostsfile"])
    key = asyncssh.read_private_key(str(nodes[0].identity))
    turn = asyncio.Semaphore(16)

    async def login(node: Node) -> tuple[asyncssh.SSHClientConnection, asyncssh.SSHClientChannel[bytes]]:
        async with turn:
            connection = await asyncssh.connect(
                node.address, node.port or 22, username=node.user, client_keys=[key], known_hosts=known_hosts, config=None,
                encryption_algs=["aes128-gcm@openssh.com"], agent_path=None,
            )  # fmt: skip
            channel, _ = await connection.create_session(Reader, probes.COMMAND, encoding=None)
            channel.write(script)
            return connection, channel

    numbers = dict.fromkeys(range(len(nodes)), 0)

    def ask(index: int, channel: asyncssh.SSHClientChannel[bytes], due: float) -> None:
        if channel.is_closing():
            return
        numbers[index] += 1
        channel.write(probes.tick(probes.Tier.FAST, numbers[index]))
        loop.call_at(due + options.interval, ask, index, channel, due + options.interval)

    opened = await asyncio.gather(*map(login, nodes))
    start = loop.time()
    for index, (_, channel) in enumerate(opened):
        loop.call_at(at := start + options.interval * index / len(nodes), ask, index, channel, at)
    await asyncio.sleep(2 * options.interval)
    meter.begin()
    counts.update(samples=0, bytes=0)
    await asyncio.sleep(options.seconds)
    run = meter.end(counts["samples"], counts["bytes"])
    for connection, _ in opened:
        connection.abort()
    await asyncio.gather(*(connection.wait_closed() for connection, _ in opened))
    return run


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Controller CPU and memory for simulated nodes.")
    parser.add_argument("--nodes", type=int, nargs="+", default=[200, 1000])
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--interval", type=float, default=2.0)
    parser.add_argument(
        "--profile",
        type=Path,
        metavar="FILE",
        help="write where the time goes (cProfile) into FILE.gridtui and FILE.streams; slows both down",
    )
    parser.add_argument("--way", choices=("gridtui", "streams"), help=argparse.SUPPRESS)
    parser.add_argument("--inventory", type=Path, help=argparse.SUPPRESS)
    return parser


if __name__ == "__main__":
    sys.exit(main())
