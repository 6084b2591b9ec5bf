"""The broadcast on real nodes: copies, who feeds whom, a relay that dies, a firewall, and what is left when the controller is killed."""

from __future__ import annotations

import asyncio
import hashlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from gridtui import inventory
from gridtui.model import Node
from gridtui.push import Ending, Options, Plan, Progress, Transfer
from gridtui.push.peers import broadcast
from gridtui.settings import Ssh
from gridtui.ssh import Pool
from gridtui.stopping import Stop

from .lab import Lab

pytestmark = pytest.mark.timeout(120)

TARGET = "/tmp/broadcast target"
SLOW = "tc qdisc replace dev eth0 root tbf rate 8mbit burst 64kb latency 100ms"
DIGEST = f"cd '{TARGET}' && find . -type f -print0 | LC_ALL=C sort -z | xargs -0 cat | sha256sum"
# the brackets keep the shell that looks from finding itself
LEFT = (
    "ls -d /tmp/[g]ridtui-peers-* /tmp/.[g]ridtui-peers-* /tmp/*/.[g]ridtui-peers-* 2>/dev/null; "
    "grep -h '[g]ridtui-peers' /root/.ssh/authorized_keys; pgrep -a -x rsync; pgrep -a -x ssh; pgrep -af '[g]ridtui-peers'"
)


@pytest.fixture
def nodes(lab: Lab) -> list[Node]:
    """The lab's first three."""
    return list(inventory.load([lab.inventory]).nodes.values())[:3]


@pytest.fixture
def slow(lab: Lab, nodes: list[Node]) -> Iterator[Callable[[], None]]:
    """Slow links, ours too, so that there is time to break something in the middle; and nothing left of earlier tests.

    The first of a chain has all after 8 s, the last after 12.
    """
    for node in nodes:
        lab.run(node.name, ["rm", "-rf", TARGET], check=False)

    def make() -> None:
        for node in nodes:
            lab.run(node.name, ["sh", "-c", SLOW])
        lab.slow("12mbit")

    yield make
    lab.slow(None)
    lab.heal()
    for node in nodes:
        lab.run(node.name, ["sh", "-c", "tc qdisc del dev eth0 root; nft delete table inet walls"], check=False)
        lab.run(node.name, ["rm", "-rf", TARGET], check=False)


@pytest.fixture
async def pool() -> AsyncIterator[Pool]:
    async with Pool(Ssh()) as pool:
        yield pool


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """12 MB: one large file, some small ones with odd names."""
    folder = tmp_path / "source"
    (folder / "many").mkdir(parents=True)
    (folder / "large").write_bytes(os.urandom(12_000_000))
    for number in range(50):
        (folder / "many" / f"it's {number}\n").write_bytes(os.urandom(number))
    (folder / "link").symlink_to("many")
    return folder


def digest(folder: Path) -> str:
    files = sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    hashed = hashlib.sha256()
    for path in sorted(files, key=lambda path: b"./" + os.fsencode(path.relative_to(folder))):
        hashed.update(path.read_bytes())
    return hashed.hexdigest()


def copies(lab: Lab, names: list[str]) -> list[str]:
    return [lab.run(name, ["sh", "-c", DIGEST]).stdout.split()[0] for name in names]


def left(lab: Lab, names: list[str], seconds: float = 20) -> list[str]:
    """What is left on the nodes of a broadcast, once nothing is or time is over."""
    until = time.monotonic() + seconds
    while True:
        found = [f"{name}: {lab.run(name, ['sh', '-c', LEFT], check=False).stdout.strip()}" for name in names]
        if all(text.endswith(": ") for text in found) or time.monotonic() > until:
            return [text for text in found if not text.endswith(": ")]
        time.sleep(0.2)


def keys(lab: Lab, names: list[str]) -> list[str]:
    return [lab.run(name, ["cat", "/root/.ssh/authorized_keys"]).stdout for name in names]


def whole_or_nothing(lab: Lab, names: list[str], source: Path) -> bool:
    """Whether each node has all of it or nothing: the first of the chain, which we feed, may have had all before the end."""
    there = [name for name in names if lab.run(name, ["ls", TARGET], check=False).returncode == 0]
    return len(there) < len(names) and copies(lab, there) == [digest(source)] * len(there)


def by_name(outcomes: list[Transfer]) -> dict[str, Transfer]:
    return {outcome.node: outcome for outcome in outcomes}


async def test_every_node_has_what_was_sent_and_nothing_is_left(
    lab: Lab, nodes: list[Node], pool: Pool, source: Path, slow: Callable[[], None]
) -> None:
    names = [node.name for node in nodes]
    before = keys(lab, names)
    seen: dict[str, set[str]] = {name: set() for name in names}
    said: list[str] = []

    def told(progress: Progress) -> None:
        seen[progress.node].add(progress.feeder)

    outcomes = await broadcast(Plan((f"{source}/",), TARGET), nodes, pool, Ssh(), told, say=said.append)
    assert [(one.status, one.via) for one in outcomes] == [(Ending.OK, "peers")] * 3, said
    assert copies(lab, names) == [digest(source)] * 3
    assert sum(one.feeder == "" for one in outcomes) == 1, "our uplink carries it once"
    assert {feeder for feeders in seen.values() for feeder in feeders} > {outcomes[0].feeder}
    assert sum("feeds" in line for line in said) >= 3
    assert left(lab, names) == []
    assert keys(lab, names) == before

    again = await broadcast(Plan((f"{source}/",), TARGET), nodes, pool, Ssh())
    assert [(one.status, one.literal) for one in again] == [(Ending.OK, 0)] * 3


async def test_what_the_source_lacks_is_deleted_where_that_is_asked(
    lab: Lab, nodes: list[Node], pool: Pool, source: Path, slow: Callable[[], None]
) -> None:
    for node in nodes:
        lab.run(
            node.name, ["sh", "-c", f"mkdir -p '{TARGET}' && echo old >'{TARGET}/large' && echo x >'{TARGET}/extra'"]
        )
    plan = Plan((f"{source}/",), TARGET, options=Options(delete=True))
    outcomes = await broadcast(plan, nodes, pool, Ssh())
    assert [(one.status, one.via, one.deleted) for one in outcomes] == [(Ending.OK, "peers", 1)] * 3
    assert copies(lab, [node.name for node in nodes]) == [digest(source)] * 3


async def test_a_relay_that_loses_power_is_routed_around(
    lab: Lab, nodes: list[Node], pool: Pool, source: Path, slow: Callable[[], None]
) -> None:
    slow()
    feeders: dict[str, str] = {}
    started = asyncio.Event()

    def told(progress: Progress) -> None:
        feeders[progress.node] = progress.feeder
        if progress.feeder and progress.bytes > 500_000:
            started.set()

    task = asyncio.create_task(broadcast(Plan((f"{source}/",), TARGET), nodes, pool, Ssh(), told))
    await asyncio.wait_for(started.wait(), 60)
    relay = next(name for name, feeder in feeders.items() if not feeder and name in feeders.values())
    await asyncio.to_thread(lab.stop, relay)
    lab.slow(None)  # the rest may be quick
    outcomes = by_name(await task)
    others = [node.name for node in nodes if node.name != relay]
    assert outcomes[relay].status is Ending.UNREACHABLE
    assert [outcomes[name].status for name in others] == [Ending.OK] * 2
    assert copies(lab, others) == [digest(source)] * 2
    assert left(lab, others) == []


async def test_a_firewall_between_nodes_leaves_that_node_to_us(
    lab: Lab, nodes: list[Node], pool: Pool, source: Path, slow: Callable[[], None]
) -> None:
    alone = nodes[1].name
    others = [lab.node(node.name).address for node in nodes if node.name != alone]
    rules = "add table inet walls; add chain inet walls in { type filter hook input priority 0; }; "
    rules += "add chain inet walls out { type filter hook output priority 0; }; "
    rules += f"add rule inet walls in ip saddr {{ {', '.join(others)} }} drop; "
    rules += f"add rule inet walls out ip daddr {{ {', '.join(others)} }} drop"
    lab.run(alone, ["nft", rules])
    outcomes = by_name(await broadcast(Plan((f"{source}/",), TARGET), nodes, pool, Ssh()))
    assert {name: one.status for name, one in outcomes.items()} == {node.name: Ending.OK for node in nodes}
    assert outcomes[alone].feeder == ""
    assert sum(one.feeder != "" for one in outcomes.values()) == 1
    assert copies(lab, [node.name for node in nodes]) == [digest(source)] * 3


async def test_a_node_without_rsync_hurts_nobody(
    lab: Lab, nodes: list[Node], pool: Pool, source: Path, slow: Callable[[], None]
) -> None:
    name = nodes[0].name
    lab.run(name, ["mv", "/usr/bin/rsync", "/usr/bin/rsync.away"])
    try:
        outcomes = by_name(await broadcast(Plan((f"{source}/",), TARGET), nodes, pool, Ssh()))
    finally:
        lab.run(name, ["mv", "/usr/bin/rsync.away", "/usr/bin/rsync"])
    assert outcomes[name].via == "sftp"
    assert [outcomes[node.name].via for node in nodes[1:]] == ["peers", "peers"]
    assert all(one.ok for one in outcomes.values())


async def test_a_full_disk_is_that_nodes_alone(
    lab: Lab, nodes: list[Node], pool: Pool, source: Path, slow: Callable[[], None]
) -> None:
    name = nodes[2].name
    lab.run(name, ["sh", "-c", f"mkdir -p '{TARGET}' && mount -t tmpfs -o size=4m none '{TARGET}'"])
    try:
        outcomes = by_name(await broadcast(Plan((f"{source}/",), TARGET), nodes, pool, Ssh()))
    finally:
        lab.run(name, ["umount", TARGET])
    assert outcomes[name].status is Ending.FAILED
    assert [outcomes[node.name].status for node in nodes[:2]] == [Ending.OK] * 2


async def test_asked_to_stop_it_leaves_nothing(
    lab: Lab, nodes: list[Node], pool: Pool, source: Path, slow: Callable[[], None]
) -> None:
    slow()
    stop, started = Stop(), asyncio.Event()
    names = [node.name for node in nodes]
    before = keys(lab, names)

    def told(progress: Progress) -> None:
        if progress.feeder and progress.bytes:
            started.set()

    task = asyncio.create_task(broadcast(Plan((f"{source}/",), TARGET), nodes, pool, Ssh(), told, stop=stop))
    await asyncio.wait_for(started.wait(), 60)
    stop.ask()
    endings = [one.status for one in await task]
    assert set(endings) <= {Ending.CANCELLED, Ending.OK}, "the first may have had all by then"
    assert endings.count(Ending.CANCELLED) >= 2
    assert left(lab, names) == []
    assert keys(lab, names) == before
    assert whole_or_nothing(lab, names, source)


CHILD = """
import asyncio, sys
from pathlib import Path
from gridtui import inventory
from gridtui.push import Plan
from gridtui.push.peers import broadcast
from gridtui.settings import Ssh
from gridtui.ssh import Pool

async def main():
    nodes = list(inventory.load([Path(sys.argv[1])]).nodes.values())[:3]
    def told(progress):
        if progress.feeder and progress.bytes:
            print("moving", flush=True)
    async with Pool(Ssh()) as pool:
        await broadcast(Plan((sys.argv[2],), sys.argv[3]), nodes, pool, Ssh(), told)

asyncio.run(main())
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
async def test_a_killed_controller_leaves_nothing(
    lab: Lab, nodes: list[Node], source: Path, slow: Callable[[], None], how: signal.Signals
) -> None:
    slow()
    names = [node.name for node in nodes]
    before = keys(lab, names)
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", CHILD, lab.inventory, f"{source}/", TARGET, stdout=subprocess.PIPE
    )
    assert child.stdout
    assert await asyncio.wait_for(child.stdout.readline(), 60) == b"moving\n"
    child.send_signal(how)
    await child.wait()
    assert await asyncio.to_thread(left, lab, names) == []
    assert keys(lab, names) == before
    assert whole_or_nothing(lab, names, source)
