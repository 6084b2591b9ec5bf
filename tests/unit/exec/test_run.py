"""Runs over a real sshd and the local transport: what comes back, in which order, and how it is stopped."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from gridtui.exec import Ending, Outcome, Plan, Run, Stop, Stream, Task, amount, batches
from gridtui.model import Node
from gridtui.ssh import Pool

from ...ssh.openssh import Sshd

Heard = list[tuple[str, Stream, bytes]]


async def outcomes(task: Task, nodes: Sequence[Node], pool: Pool, plan: Plan | None = None) -> dict[str, Outcome]:
    return await Run(task, nodes, pool, plan or Plan()).finish()


def dead(node: Node, name: str) -> Node:
    return replace(node, name=name, port=1)


def alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


async def gone(pid: int, seconds: float = 5) -> bool:
    """Whether the process ends in time."""
    for _ in range(round(seconds * 100)):
        if not alive(pid):
            return True
        await asyncio.sleep(0.01)
    return False


async def test_every_node_answers_in_its_own_right(nodes: list[Node], pool: Pool) -> None:
    found = await outcomes(Task("echo out; echo err >&2; exit 3"), nodes, pool)
    assert list(found) == [node.name for node in nodes]
    for one in found.values():
        assert (one.status, one.exit, one.stdout, one.stderr) == (Ending.FAILED, 3, b"out\n", b"err\n")
        assert not one.left
        assert not one.truncated
        assert 0 < one.seconds < 30


async def test_a_dead_node_is_a_value_among_others(nodes: list[Node], pool: Pool) -> None:
    found = await outcomes(Task("true"), [dead(nodes[0], "dead"), *nodes[:2]], pool)
    assert [one.status for one in found.values()] == [Ending.UNREACHABLE, Ending.OK, Ending.OK]
    assert found["dead"].layer == "tcp"
    assert "connection refused" in found["dead"].error


async def test_lines_come_while_the_command_runs_and_nothing_is_kept(nodes: list[Node], pool: Pool) -> None:
    heard: Heard = []
    stop = Stop()

    def lines(node: str, stream: Stream, lines: Sequence[bytes]) -> None:
        heard.extend((node, stream, line) for line in lines)
        if len(heard) == len(nodes):
            stop.ask()  # all have spoken, though none has ended

    task = Task("echo ready; sleep 60; echo never", limit=0)
    found = await Run(task, nodes, pool, Plan(), lines=lines, stop=stop).finish()
    assert sorted(heard) == sorted((node.name, "stdout", b"ready") for node in nodes)
    assert {one.stdout for one in found.values()} == {b""}
    assert not any(one.truncated for one in found.values())


async def test_a_line_without_an_end_is_a_line(nodes: list[Node], pool: Pool) -> None:
    heard: Heard = []
    run = Run(
        Task("printf 'a\\nb'; printf c >&2"),
        nodes[-2:],
        pool,
        Plan(),
        lines=lambda node, stream, lines: heard.extend((node, stream, line) for line in lines),
    )
    await run.finish()
    assert sorted(heard) == sorted(
        (node.name, stream, line)
        for node in nodes[-2:]
        for stream, line in (("stdout", b"a"), ("stdout", b"b"), ("stderr", b"c"))
    )


@pytest.mark.parametrize("size", [0, 5, 1 << 16, (1 << 20) + 7])
async def test_standard_input_is_the_same_for_all(nodes: list[Node], pool: Pool, size: int) -> None:
    content = os.urandom(size)
    found = await outcomes(Task("cat", content, limit=2 << 20), nodes[-3:], pool)
    assert all(one.stdout == content for one in found.values())


async def test_input_that_nobody_reads_holds_nothing_up(nodes: list[Node], pool: Pool) -> None:
    found = await outcomes(Task("exec <&-; exit 5", bytes(8 << 20), timeout=20), nodes[-2:], pool)
    assert [one.exit for one in found.values()] == [5, 5]


async def test_what_goes_over_the_limit_is_cut_and_said(nodes: list[Node], pool: Pool) -> None:
    found = await outcomes(Task("head -c 3000 /dev/zero; echo e >&2", limit=1000), nodes[-2:], pool)
    assert [(len(one.stdout), one.stderr, one.truncated) for one in found.values()] == [(1000, b"e\n", True)] * 2


async def test_all_nodes_together_keep_no_more_than_the_total(nodes: list[Node], pool: Pool) -> None:
    found = await Run(Task("head -c 1000 /dev/zero"), nodes, pool, Plan(), total=2500).finish()
    assert sum(len(one.stdout) for one in found.values()) == 2500
    assert sum(one.truncated for one in found.values()) == len(nodes) - 2


async def test_endless_output_that_is_gathered_is_ended(nodes: list[Node], pool: Pool) -> None:
    found = await outcomes(Task("echo $$ >&2; exec yes", limit=1000), nodes[-2:], pool)
    for one in found.values():
        assert one.status is Ending.FAILED
        assert one.error == "wrote more than 4.0 MB: ended"
        assert one.truncated
        assert not one.left
        assert await gone(int(one.stderr))


@pytest.mark.parametrize("signal", ["KILL", "SEGV"])
async def test_the_end_by_a_signal_is_told(nodes: list[Node], pool: Pool, signal: str) -> None:
    found = await outcomes(Task(f"kill -{signal} $$"), nodes[-2:], pool)
    assert [(one.status, one.error) for one in found.values()] == [(Ending.FAILED, f"ended by SIG{signal}")] * 2
    assert {one.exit for one in found.values()} == {137 if signal == "KILL" else 139}


@pytest.mark.parametrize("command", ["sleep 1000", "trap '' TERM; while :; do sleep 1000; done", "sleep 1000 | cat"])
async def test_a_time_out_ends_the_command_on_the_node(nodes: list[Node], pool: Pool, command: str) -> None:
    found = await outcomes(Task(f"echo $$; {command}", timeout=0.5), nodes[-3:], pool)
    for one in found.values():
        assert (one.status, one.error) == (Ending.TIMEOUT, "did not end within 0.5 s")
        assert not one.left
        assert await gone(int(one.stdout)), one.node


async def test_other_commands_on_the_same_connection_live_on(nodes: list[Node], pool: Pool) -> None:
    connection = await pool.connect(nodes[0])
    other = asyncio.create_task(connection.run("sleep 2; echo alive"))
    while not (found := await outcomes(Task("sleep 1000", timeout=0.3), nodes[:1], pool)):
        pass
    assert found["n1"].status is Ending.TIMEOUT
    assert (await other).stdout == b"alive\n"


async def test_the_time_for_the_whole_run(nodes: list[Node], pool: Pool) -> None:
    found = await outcomes(Task("sleep 1000"), nodes, pool, Plan(fanout=2, timeout=1))
    statuses = [one.status for one in found.values()]
    assert statuses == [Ending.TIMEOUT] * 2 + [Ending.SKIPPED] * 7
    assert {one.error for one in found.values()} == {"the time for the whole run, 1 s, was over"}


async def test_no_more_at_once_than_the_fanout(nodes: list[Node], pool: Pool, tmp_path: Path) -> None:
    command = f"mkdir {tmp_path}/$$ && ls {tmp_path} | wc -l; sleep 0.2; rmdir {tmp_path}/$$"
    (tmp_path / "state").mkdir(exist_ok=True)
    (tmp_path / "state").rmdir()
    found = await outcomes(Task(command), nodes, pool, Plan(fanout=3))
    assert 1 <= max(int(one.stdout) for one in found.values()) <= 3


async def test_batches_follow_each_other(nodes: list[Node], pool: Pool) -> None:
    order: list[tuple[str, float]] = []
    plan = Plan(batches=batches("1,3,100%"))
    run = Run(Task("sleep 0.1"), nodes, pool, plan, ended=lambda one: order.append((one.node, time.monotonic())))
    await run.finish()
    names = [name for name, _ in order]
    assert names[0] == "n1"
    assert sorted(names[1:4]) == ["n2", "n3", "n4"]
    assert sorted(names[4:]) == ["here", "n5", "n6", "n7", "n8"]
    assert order[1][1] - order[0][1] >= 0.1
    assert order[4][1] - order[3][1] >= 0.1


async def test_a_failed_batch_is_the_last_one(nodes: list[Node], pool: Pool) -> None:
    found = await outcomes(Task("false"), nodes, pool, Plan(batches=batches("2,100%")))
    assert [one.status for one in found.values()] == [Ending.FAILED] * 2 + [Ending.SKIPPED] * 7
    assert found["n3"].error.endswith("failed, more than the 0 that may")


@pytest.mark.parametrize(("tolerated", "ran"), [("0", 1), ("2", 3), ("50%", 5), ("100%", 9)])
async def test_it_stops_when_too_many_fail(nodes: list[Node], pool: Pool, tolerated: str, ran: int) -> None:
    found = await outcomes(Task("false"), nodes, pool, Plan(fanout=1, max_failures=amount(tolerated)))
    assert sum(one.status is Ending.FAILED for one in found.values()) == ran


async def test_a_polite_stop_lets_a_command_clean_up(nodes: list[Node], pool: Pool) -> None:
    heard: list[bytes] = []
    stop = Stop()

    def lines(node: str, stream: Stream, lines: Sequence[bytes]) -> None:
        if stream == "stdout":  # a shell may tell on the other one that a child of it was terminated
            heard.extend(lines)
            if b"up" in lines:
                stop.ask()

    command = "trap 'echo bye; exit 0' TERM; echo up; while :; do sleep 0.05; done"
    run = Run(Task(command), [nodes[-1], *nodes[:-1]], pool, Plan(fanout=1), lines=lines, stop=stop)
    found = await run.finish()
    assert heard == [b"up", b"bye"]
    assert (found["here"].status, found["here"].exit) == (Ending.OK, 0)
    assert {one.status for name, one in found.items() if name != "here"} == {Ending.SKIPPED}


async def test_a_polite_stop_kills_nothing_and_says_what_is_left(nodes: list[Node], pool: Pool) -> None:
    pids: list[int] = []
    stop = Stop()

    def lines(node: str, stream: Stream, lines: Sequence[bytes]) -> None:
        pids.extend(map(int, lines))
        stop.ask()

    command = "trap '' TERM HUP PIPE; echo $$; while :; do sleep 0.1; done"
    found = await Run(Task(command), nodes[:1], pool, Plan(), lines=lines, stop=stop).finish()
    assert (found["n1"].status, found["n1"].left) == (Ending.CANCELLED, True)
    assert alive(pids[0])
    os.killpg(pids[0], 9)


async def test_a_hard_stop_waits_for_nobody(nodes: list[Node], pool: Pool) -> None:
    stop = Stop()
    pids: list[int] = []

    def lines(node: str, stream: Stream, lines: Sequence[bytes]) -> None:
        pids.extend(map(int, lines))
        if len(pids) == 3:
            stop.ask()
            asyncio.get_running_loop().call_later(0.05, stop.ask)

    command = "trap '' TERM HUP PIPE; echo $$; while :; do sleep 0.1; done"
    began = time.monotonic()
    found = await Run(Task(command), nodes[:3], pool, Plan(), lines=lines, stop=stop).finish()
    assert time.monotonic() - began < 10
    assert {one.status for one in found.values()} == {Ending.CANCELLED}
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, 9)


async def test_a_stop_while_logging_in_skips(nodes: list[Node], pool: Pool, sshd: Sshd) -> None:
    stop = Stop()
    sshd.freeze()
    try:
        asyncio.get_running_loop().call_later(0.2, stop.ask)
        found = await Run(Task("true"), nodes[:3], pool, Plan(), stop=stop).finish()
    finally:
        sshd.thaw()
    assert {one.status for one in found.values()} == {Ending.SKIPPED}


async def test_a_connection_lost_in_the_middle(nodes: list[Node], tmp_path: Path) -> None:
    with Sshd(tmp_path / "own") as own:

        def lines(node: str, stream: Stream, lines: Sequence[bytes]) -> None:
            if node == "lost":
                own.stop()

        task = Task('echo half; [ -n "$SSH_CONNECTION" ] && sleep 60; echo whole')
        async with Pool(own.settings()) as pool:
            found = await Run(task, [own.node("lost"), nodes[-1]], pool, Plan(), lines=lines).finish()
    lost = found["lost"]
    assert (lost.status, lost.layer, lost.exit, lost.left) == (Ending.UNREACHABLE, "tcp", None, True)
    assert "connection lost" in lost.error
    assert lost.stdout == b"half\n"
    assert (found["here"].status, found["here"].stdout) == (Ending.OK, b"half\nwhole\n")


async def test_two_runs_at_once_share_the_connections(nodes: list[Node], pool: Pool, sshd: Sshd) -> None:
    before = sshd.logins()
    first, second = await asyncio.gather(*(outcomes(Task(f"echo {word}"), nodes[:4], pool) for word in "ab"))
    assert {one.stdout for one in first.values()} == {b"a\n"}
    assert {one.stdout for one in second.values()} == {b"b\n"}
    await outcomes(Task("true"), nodes[:4], pool)
    assert sshd.logins() - before == 4


async def test_a_command_may_hold_bytes_that_are_no_utf8(nodes: list[Node], pool: Pool) -> None:
    found = await outcomes(Task("printf %s '\udcff'"), nodes[-2:], pool)
    assert [one.stdout for one in found.values()] == [b"\xff"] * 2
