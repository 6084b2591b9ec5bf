"""What the probes say, against what the node's own tools say right before and right after."""

from __future__ import annotations

import asyncio
import re
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from gridtui.events import Seen
from gridtui.fleet import Fleet
from gridtui.model import Cost
from gridtui.monitor import Examined
from gridtui.probes.units import Unit
from gridtui.settings import Intervals, Settings

from ..e2e.program import Program
from .lab import Lab

pytestmark = pytest.mark.timeout(90)


async def look(lab: Lab, name: str = "node1", *, facts: bool = False) -> Examined:
    """One look at a node, as `check` takes it."""
    found = (await Fleet.open([lab.inventory]).examine(name, facts=facts))[name]
    assert found is not None
    assert found.reach.up, found.reach
    return found


async def metrics(lab: Lab, name: str = "node1") -> dict[str, float]:
    sample = (await look(lab, name)).sample
    assert sample
    return dict(sample.metrics)


@asynccontextmanager
async def around(read: Callable[[], dict[str, float]]) -> AsyncIterator[dict[str, tuple[float, float]]]:
    """What `read` gives before and after the context, as lower and upper bound of each value."""
    bounds: dict[str, tuple[float, float]] = {}
    before = await asyncio.to_thread(read)
    yield bounds
    after = await asyncio.to_thread(read)
    for name, value in before.items():
        bounds[name] = min(value, after[name]), max(value, after[name])


def within(value: float, bounds: tuple[float, float], slack: float) -> bool:
    return bounds[0] - slack <= value <= bounds[1] + slack


def number(lab: Lab, command: str, name: str = "node1") -> float:
    return float(lab.run(name, ["sh", "-c", command]).stdout.split()[0])


async def test_memory_is_what_free_says(lab: Lab) -> None:
    def free() -> dict[str, float]:
        rows = [line.split() for line in lab.run("node1", ["free", "-b"]).stdout.splitlines()]
        head = rows[0]
        memory = dict(zip(head, map(float, rows[1][1:]), strict=True))
        return {
            "total": memory["total"],
            "available": memory["available"],
            "free": memory["free"],
            "swap": float(rows[2][1]),
        }

    async with around(free) as truth:
        seen = await metrics(lab)
    assert within(seen["mem.total"], truth["total"], 0)
    # The nodes share this machine, which other tests use: memory comes and goes by the hundred megabytes.
    slack = 0.02 * truth["total"][0]
    assert within(seen["mem.free"], truth["available"], slack)
    assert within(seen["mem.unused"], truth["free"], slack)
    assert within(seen["swap.total"], truth["swap"], 0)
    assert seen["mem"] == pytest.approx(100 * (1 - seen["mem.free"] / seen["mem.total"]), abs=0.01)


async def test_disks_are_what_df_says(lab: Lab) -> None:
    def df() -> dict[str, float]:
        size, used, free, inodes, iused = lab.run(
            "node1", ["df", "-B1", "--output=size,used,avail,itotal,iused", "/"]
        ).stdout.split()[-5:]
        share = 100 * float(used) / (float(used) + float(free))
        return {"size": float(size), "free": float(free), "share": share, "inodes": 100 * float(iused) / float(inodes)}

    async with around(df) as truth:
        seen = await metrics(lab)
    assert within(seen["disk.free"], truth["free"], 0.02 * truth["size"][0])
    assert within(seen["disk"], truth["share"], 2)
    assert within(seen["disk.inodes"], truth["inodes"], 1)


async def test_a_file_system_that_fills_up_is_seen(lab: Lab) -> None:
    lab.run("node2", ["sh", "-c", "mkdir -p /srv/full && mount -t tmpfs -o size=8m gridtui-test /srv/full"])
    try:
        lab.run("node2", ["sh", "-c", "head -c 7900000 /dev/zero > /srv/full/ballast"])
        found = await look(lab, "node2")
        truth = lab.run("node2", ["df", "--output=pcent", "/srv/full"]).stdout.split()[-1]
        # A tmpfs is no disk: it must not be in the way of the real ones.
        assert found.sample
        assert truth in ("94%", "95%")
        assert found.sample.metrics["disk"] < 90
    finally:
        lab.run("node2", ["umount", "/srv/full"])


async def test_load_uptime_and_processors(lab: Lab) -> None:
    def proc() -> dict[str, float]:
        text = lab.run("node1", ["sh", "-c", "cat /proc/loadavg /proc/uptime; nproc --all"]).stdout.split()
        running, total = text[3].split("/")
        return {
            "load": float(text[0]),
            "load5": float(text[1]),
            "load15": float(text[2]),
            "procs": float(total),
            "running": float(running),
            "uptime": float(text[5]),
            "cpus": float(text[7]),
        }

    async with around(proc) as truth:
        found = await look(lab, facts=True)
        assert found.sample
        seen = found.sample.metrics
    # The kernel computes the averages every 5 s: between two readings they may have been elsewhere.
    for name in ("load", "load5", "load15"):
        assert within(seen[name], truth[name], 0.1 * truth[name][1] + 0.3), name
    assert within(seen["uptime"], truth["uptime"], 0.02)
    assert within(seen["procs"], truth["procs"], 60)
    assert found.facts
    assert found.facts.cpus == truth["cpus"][0]
    assert seen["load.cpu"] == pytest.approx(seen["load"] / found.facts.cpus, abs=0.01)


async def test_the_processor_is_what_proc_stat_says(lab: Lab) -> None:
    def stat() -> list[float]:
        return [float(value) for value in lab.run("node1", ["head", "-n1", "/proc/stat"]).stdout.split()[1:9]]

    fleet = Fleet.open([lab.inventory])
    first = (await fleet.examine("node1"))["node1"]
    assert first and first.counters
    before = await asyncio.to_thread(stat)
    began = time.monotonic()
    # A share of a period is as exact as the period is long.
    await asyncio.sleep(3)
    after = await asyncio.to_thread(stat)
    second = (await fleet.examine("node1", counters={"node1": first.counters}))["node1"]
    assert second and second.sample
    spent = [late - early for early, late in zip(before, after, strict=True)]
    idle = (spent[3] + spent[4]) / sum(spent)
    assert time.monotonic() - began < 30
    assert second.sample.metrics["cpu"] == pytest.approx(100 * (1 - idle), abs=15)


async def test_the_network_is_what_proc_net_dev_says(lab: Lab) -> None:
    """A download of a known size over a known time."""
    fleet = Fleet.open([lab.inventory])
    first = (await fleet.examine("node1"))["node1"]
    assert first and first.counters and first.sample
    size = 20_000_000
    took = await asyncio.to_thread(lab.ssh, "node1", f"head -c {size} /dev/zero; true")
    assert len(took) == size
    second = (await fleet.examine("node1", counters={"node1": first.counters}))["node1"]
    assert second and second.sample
    sent = second.sample.metrics["net.tx"] * (second.sample.time - first.sample.time)
    assert size <= sent <= 1.15 * size + 500_000


@contextmanager
def logged_in(lab: Lab, name: str, user: str) -> Iterator[None]:
    """Somebody on a terminal of the node, through ssh."""
    words = ["ssh", "-tt", "-F", str(lab.ssh_config), "-l", user, name, "exec cat"]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as person:
        try:
            deadline = time.monotonic() + 10
            while "pts/" not in lab.run(name, ["who"]).stdout:
                assert time.monotonic() < deadline
                time.sleep(0.1)
            yield
        finally:
            person.terminate()


async def test_a_person_who_is_logged_in_is_counted(lab: Lab) -> None:
    assert (await metrics(lab, "node3"))["users"] == 0, "our own login has no terminal and is no person's"
    with logged_in(lab, "node3", "grid"):
        seen = await metrics(lab, "node3")
        assert seen["users"] == 1
        assert 0 <= seen["users.idle"] < 60
        # `who -u` shows whole minutes and a dot for less than one.
        assert " . " in lab.run("node3", ["who", "-u"]).stdout


@pytest.fixture
def failed_unit(lab: Lab) -> Iterator[str]:
    unit = "gridtui-test-fails.service"
    lab.run(
        "node2",
        ["systemd-run", f"--unit={unit}", "--description=red [red]herring[/red] \x1b[31m", "false"],
        check=False,
    )
    deadline = time.monotonic() + 10
    while "failed" not in lab.run("node2", ["systemctl", "is-failed", unit], check=False).stdout:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    yield unit
    lab.run("node2", ["systemctl", "reset-failed", unit])


async def test_a_failed_unit_is_seen_and_named(lab: Lab, failed_unit: str, tmp_path: Path) -> None:
    assert (await metrics(lab, "node1"))["units.failed"] == 0
    found = (await look(lab, "node2")).sample
    assert found and found.metrics["units.failed"] == 1
    (unit,) = found.parts["units"]
    assert isinstance(unit, Unit)
    assert unit.name == failed_unit
    assert "[red]herring[/red]" in unit.text
    assert "\x1b" not in unit.text
    with Program(tmp_path) as program:
        words: list[Any] = ["-i", lab.inventory, "check", "-w", "node2"]
        runs = [await asyncio.to_thread(program.run, *words) for _ in range(2)]
    assert runs[-1].status in (1, 2)
    assert failed_unit.removesuffix(".service") in runs[-1].stdout
    assert runs[-1].is_clean()


async def test_what_a_sample_costs_is_told(lab: Lab) -> None:
    """Of a running fleet: the kernel counts hundredths of a second, so it takes some answers until there is a mean."""
    known: dict[str, Cost] = {}
    settings = Settings(intervals=Intervals(fast=0.2))
    async with asyncio.timeout(45), Fleet.open([lab.inventory], settings) as fleet:
        async for event in fleet.events():
            if isinstance(event, Seen) and event.status.sample and event.status.sample.cost.node_cpu:
                known[event.node] = event.status.sample.cost
            if len(known) == 3:
                break
    for cost in known.values():
        assert cost.node_cpu is not None
        assert 0 < cost.node_cpu < 0.5
        assert 500 < cost.bytes < 100_000
        assert 0 < cost.seconds < 10


async def test_the_clock_is_this_machines(lab: Lab) -> None:
    """The nodes share our kernel: what is measured is the error of the measurement."""
    assert abs((await metrics(lab))["clock"]) < 1


async def test_facts(lab: Lab) -> None:
    found = await Fleet.open([lab.inventory]).facts()
    for name, seen in found.items():
        assert seen and seen.facts
        facts = seen.facts
        release = dict(
            line.split("=", 1) for line in lab.run(name, ["cat", "/etc/os-release"]).stdout.splitlines() if "=" in line
        )
        assert facts.hostname == name
        assert (facts.os, facts.os_version) == (release["ID"], release["VERSION_ID"].strip('"'))
        assert facts.os_name == release["PRETTY_NAME"].strip('"')
        assert facts.kernel == lab.run(name, ["uname", "-r"]).stdout.strip()
        assert facts.arch == lab.run(name, ["uname", "-m"]).stdout.strip()
        total = re.search(r"MemTotal:\s+(\d+) kB", lab.run(name, ["cat", "/proc/meminfo"]).stdout)
        assert total and facts.memory == int(total[1]) * 1024
        assert facts.boot_id == lab.run(name, ["cat", "/proc/sys/kernel/random/boot_id"]).stdout.strip()
        assert facts.virt == lab.run(name, ["systemd-detect-virt"], check=False).stdout.strip()
        for tool, capability in (("systemctl", "systemd"), ("rsync", "rsync"), ("nft", "nft"), ("python3", "python3")):
            here = lab.run(name, ["sh", "-c", f"command -v {tool}"], check=False).returncode == 0
            assert (capability in facts.capabilities) == here, capability
        assert {"systemd", "rsync", "nft", "python3"} <= facts.capabilities
        assert "podman" not in facts.capabilities


async def test_a_plain_user_sees_the_same(lab: Lab, tmp_path: Path) -> None:
    inventory = tmp_path / "grid.yaml"
    inventory.write_text(lab.inventory.read_text().replace("ansible_user: root", "ansible_user: grid"))
    found = (await Fleet.open([inventory]).examine("node1", facts=True))["node1"]
    assert found and found.sample and found.facts
    as_root = await metrics(lab)
    missing = as_root.keys() - found.sample.metrics.keys()
    assert not missing
    assert found.facts.os == "debian"
