"""What was interrupted goes on: a cut link, a killed rsync, a full disk. Measured: what is sent again."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from gridtui.model import Node
from gridtui.push import Ending, Options, Plan, Progress, Run, Stage, Stop
from gridtui.push.model import PARTIAL
from gridtui.settings import Ssh
from tests.ssh.openssh import Sshd

from .conftest import needs_rsync
from .trees import fill
from .wire import Wire

pytestmark = [needs_rsync, pytest.mark.timeout(90)]

SIZE = 64 << 20
BLOCK = 1 << 17
"""rsync's largest block (rsync(1), `--block-size`)."""
BUFFER = 1 << 18
"""What the receiver holds unwritten (WRITE_SIZE and its neighbours in rsync)."""


def through(wire: Wire, sshd: Sshd, folder: Path) -> tuple[Node, Ssh]:
    """The server's node behind the wire."""
    known = folder / "known_wire"
    known.write_text(sshd.known_hosts_line().replace(str(sshd.port), str(wire.port)))
    return replace(sshd.node("n"), port=wire.port), sshd.settings(known_hosts=str(known))


async def test_a_link_cut_in_the_middle_and_back(server: Sshd, tmp_path: Path) -> None:
    source, there = fill(tmp_path / "big", SIZE), tmp_path / "there"
    plan = Plan((str(source),), f"{there}/", options=Options(timeout=3, wait=30))
    async with Wire(server.port, SIZE // 2) as wire:
        node, settings = through(wire, server, tmp_path)
        (first,) = (await Run(plan, [node], settings).finish()).values()
        assert first.status in (Ending.TIMEOUT, Ending.UNREACHABLE), first
        assert wire.was_cut.is_set()
        wire.mend()
        # at once, while the old receiver may still wait for more: the lock holds it back until what came is safe
        (second,) = (await Run(plan, [node], settings).finish()).values()
    assert second.ok, second
    assert (there / "big").read_bytes() == source.read_bytes()
    assert not (there / PARTIAL).exists()
    arrived = SIZE // 2
    assert second.literal <= SIZE - arrived + BLOCK + 4 * BUFFER, second
    assert second.bytes - second.literal < SIZE // 100


async def test_what_is_there_is_not_sent_again_but_for_one_block(server: Sshd, tmp_path: Path) -> None:
    source, there = fill(tmp_path / "big", SIZE), tmp_path / "there"
    part = there / PARTIAL / "big"
    part.parent.mkdir(parents=True)
    part.write_bytes(source.read_bytes()[: SIZE // 2 + 12345])
    plan = Plan((str(source),), f"{there}/")
    (outcome,) = (await Run(plan, [server.node("n")], server.settings()).finish()).values()
    assert outcome.ok
    assert outcome.literal <= SIZE - SIZE // 2 - 12345 + BLOCK
    assert (there / "big").read_bytes() == source.read_bytes()


@pytest.mark.parametrize("times", [1, 2])
async def test_a_stop_keeps_what_has_arrived(server: Sshd, tmp_path: Path, times: int) -> None:
    source, there = fill(tmp_path / "big", SIZE), tmp_path / "there"
    plan = Plan((str(source),), f"{there}/", options=Options(rate=16 << 20, wait=30))
    stop = Stop()

    def told(progress: Progress) -> None:
        if progress.bytes > SIZE // 4 and not stop.count:
            for _ in range(times):
                stop.ask()

    (first,) = (await Run(plan, [server.node("n")], server.settings(), told=told, stop=stop).finish()).values()
    assert (first.status, first.error) == (Ending.CANCELLED, "stopped")
    fast = replace(plan, options=Options(wait=30))
    (second,) = (await Run(fast, [server.node("n")], server.settings()).finish()).values()
    assert second.ok
    assert second.literal < SIZE * 4 // 5, "what had arrived was sent again"
    assert (there / "big").read_bytes() == source.read_bytes()
    assert os.listdir(there) == ["big"]


async def test_the_time_of_the_whole_run(server: Sshd, tmp_path: Path) -> None:
    source = fill(tmp_path / "big", 8 << 20)
    plan = Plan((str(source),), f"{tmp_path}/there/", options=Options(rate=1 << 20))
    nodes = [server.node(f"n{number}") for number in range(3)]
    outcomes = await Run(plan, nodes, server.settings(), fanout=1, timeout=1).finish()
    assert [one.status for one in outcomes.values()] == [Ending.TIMEOUT, Ending.SKIPPED, Ending.SKIPPED]
    assert "1 s" in outcomes["n0"].error


async def test_a_server_that_dies_in_the_middle(fresh: Callable[..., Sshd], server: Sshd, tmp_path: Path) -> None:
    source, mortal = fill(tmp_path / "big", 16 << 20), fresh()
    plan = Plan((str(source),), f"{tmp_path}/there/", options=Options(rate=8 << 20))
    dead = False

    def told(progress: Progress) -> None:
        nonlocal dead
        if progress.node == "mortal" and progress.stage is Stage.SENDING and progress.bytes > 4 << 20 and not dead:
            dead = True
            mortal.stop()

    settings = server.settings()
    known = tmp_path / "known"
    known.write_text(mortal.known_hosts_line() + server.known_hosts_line())
    settings = replace(settings, known_hosts=str(known))
    plan_there = replace(plan, destination=f"{tmp_path}/there/")
    outcomes = await Run(plan_there, [mortal.node("mortal")], settings, told=told).finish()
    assert outcomes["mortal"].status is Ending.UNREACHABLE, outcomes
    assert outcomes["mortal"].layer == "tcp"
    assert "connection lost" in outcomes["mortal"].error or "closed" in outcomes["mortal"].error


async def test_a_node_that_is_not_there_does_not_hold_up_the_rest(server: Sshd, tmp_path: Path) -> None:
    source = fill(tmp_path / "small", 1000)
    plan = Plan((str(source),), f"{tmp_path}/there/")
    gone = Node("gone", "127.0.0.1", port=1)
    seen: list[str] = []
    outcomes = await Run(
        plan, [gone, server.node("n")], server.settings(), ended=lambda one: seen.append(one.node)
    ).finish()
    assert list(outcomes) == ["gone", "n"]
    assert (outcomes["gone"].status, outcomes["gone"].layer) == (Ending.UNREACHABLE, "tcp")
    assert outcomes["gone"].error.startswith("connection refused")
    assert outcomes["n"].ok
    assert sorted(seen) == ["gone", "n"]


def test_the_events_loop_is_free(server: Sshd, tmp_path: Path) -> None:
    """A run works in a loop of its own, as the command line has it, and leaves no task behind."""
    source = fill(tmp_path / "small", 1000)
    plan = Plan((str(source),), f"{tmp_path}/there/")

    async def work() -> int:
        await Run(plan, [server.node("n")], server.settings()).finish()
        return len(asyncio.all_tasks())

    assert asyncio.run(work()) == 1
