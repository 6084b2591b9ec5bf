"""What every connection keeps to, whatever carries it: a real sshd, and this machine without one."""

from __future__ import annotations

import asyncio
import os
import resource
from collections.abc import AsyncIterator
from pathlib import Path

import asyncssh
import pytest

from gridtui.errors import ConnectionLost, ShellError, SshError
from gridtui.model import Node
from gridtui.ssh import Connection, Pool, quote
from gridtui.ssh.connection import FLOOD

from .openssh import Sshd


class Ear:
    """A receiver that remembers."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.ends: list[SshError | None] = []
        self.heard = asyncio.Event()
        self.ended = asyncio.Event()

    def received(self, data: bytes) -> None:
        self.data += data
        self.heard.set()

    def closed(self, error: SshError | None) -> None:
        self.ends.append(error)
        self.ended.set()

    async def until(self, text: bytes) -> None:
        while text not in self.data:
            self.heard.clear()
            await asyncio.wait_for(self.heard.wait(), 10)


def members(group: int) -> list[str]:
    """Living processes of a process group (proc(5), field 5; a zombie has ended)."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, pgrp = stat.read_text().rpartition(")")[2].split()[:3]
        except OSError:
            continue
        if int(pgrp) == group and state != "Z":
            found.append(stat.parent.name)
    return found


@pytest.fixture(params=["remote", "local"])
async def pool_and_node(request: pytest.FixtureRequest, shared: Sshd) -> AsyncIterator[tuple[Pool, Node]]:
    node = shared.node() if request.param == "remote" else Node("here", "localhost", local=True)
    async with Pool(shared.settings()) as pool:
        yield pool, node


@pytest.fixture
async def connection(pool_and_node: tuple[Pool, Node]) -> Connection:
    pool, node = pool_and_node
    return await pool.connect(node)


async def test_output_and_status_come_apart(connection: Connection) -> None:
    done = await connection.run("echo out; echo err >&2; exit 3")
    assert (done.exit_status, done.stdout, done.stderr, done.truncated, done.signal) == (
        3,
        b"out\n",
        b"err\n",
        False,
        "",
    )


async def test_input_is_given_and_ends(connection: Connection) -> None:
    data = os.urandom(3_000_000)
    done = await connection.run("cat", input=data, limit=1 << 22)
    assert done.stdout == data


async def test_no_input_is_the_end_of_it(connection: Connection) -> None:
    assert (await connection.run("cat", timeout=10)).stdout == b""


@pytest.mark.parametrize(
    ("command", "status", "signal"), [("kill -TERM $$", 143, "TERM"), ("kill -KILL $$", 137, "KILL")]
)
async def test_a_signal_is_told_as_a_shell_tells_it(
    connection: Connection, command: str, status: int, signal: str
) -> None:
    done = await connection.run(command)
    assert (done.exit_status, done.signal) == (status, signal)


async def test_a_missing_program_is_a_status_not_an_error(connection: Connection) -> None:
    done = await connection.run("no-such-program-here")
    assert done.exit_status == 127
    assert b"not found" in done.stderr


async def test_output_over_the_limit_is_cut_and_said(connection: Connection) -> None:
    done = await connection.run("seq 100000; echo end >&2; exit 5", limit=1000)
    assert (len(done.stdout), done.truncated, done.exit_status, done.stderr) == (1000, True, 5, b"end\n")


async def test_output_at_the_limit_is_whole(connection: Connection) -> None:
    done = await connection.run("printf 12345", limit=5)
    assert (done.stdout, done.truncated) == (b"12345", False)


async def test_a_line_of_100_mb_costs_no_memory(connection: Connection) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    done = await connection.run("head -c 100000000 /dev/zero", limit=1 << 20)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert (len(done.stdout), done.truncated) == (1 << 20, True)
    assert grown < 20_000, f"{grown} kB"


async def test_endless_output_is_ended(connection: Connection) -> None:
    done = await connection.run("yes", limit=1000, timeout=30)
    assert (len(done.stdout), done.truncated) == (1000, True)
    assert FLOOD * 1000 < 1 << 30
    assert (await connection.run("echo on")).stdout == b"on\n"


async def test_a_command_that_does_not_end_is_an_error_with_its_last_words(connection: Connection) -> None:
    with pytest.raises(ShellError, match="did not end within") as caught:
        await connection.run("echo 'half\033[2J' >&2; sleep 60", timeout=0.5)
    assert "half·[2J" in caught.value.evidence.stderr
    assert (await connection.run("echo on")).stdout == b"on\n"


async def test_a_cancelled_command_leaves_the_connection_well(connection: Connection) -> None:
    ears = [Ear() for _ in range(4)]
    for ear in ears:  # some are running for sure, some are being started, the rest wait for a session
        await connection.open("echo ready; cat", ear)
        await ear.until(b"ready\n")
    tasks = [asyncio.create_task(connection.run("sleep 1")) for _ in range(20)]
    await asyncio.sleep(0)
    for task in tasks:
        task.cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(result, asyncio.CancelledError) for result in results)
    for _ in range(10):
        assert (await connection.run("echo on", timeout=20)).stdout == b"on\n"


async def test_what_is_closed_does_not_run_on(connection: Connection, tmp_path: Path) -> None:
    if connection.login_seconds and os.geteuid() == 0:
        pytest.skip("sshd passes no signals to root's sessions")
    ear = Ear()
    channel = await connection.open("echo $$; sleep 60 & sleep 60", ear)
    await ear.until(b"\n")
    group = int(ear.data)
    channel.close()
    await asyncio.wait_for(ear.ended.wait(), 10)
    while members(group):  # noqa: ASYNC110 - nobody tells us about a process of another parent
        await asyncio.sleep(0.01)


async def test_more_commands_than_sessions_wait_for_their_turn(connection: Connection) -> None:
    results = await asyncio.gather(*(connection.run(f"echo {number}") for number in range(30)))
    assert [int(done.stdout) for done in results] == list(range(30))


async def test_a_stream_answers_ticks(connection: Connection) -> None:
    ear = Ear()
    channel = await connection.open('while read -r line; do echo "<$line>"; done; echo over', ear)
    for tick in (b"one", b"two"):
        channel.write(tick + b"\n")
        await ear.until(b"<" + tick + b">\n")
    seen = [channel.exit_status]
    channel.write_eof()
    await asyncio.wait_for(ear.ended.wait(), 10)
    assert ear.ends == [None]
    assert [*seen, channel.exit_status] == [None, 0]
    assert ear.data.endswith(b"over\n")
    channel.write(b"into the void\n")
    channel.close()


async def test_closing_a_stream_ends_its_command(connection: Connection, tmp_path: Path) -> None:
    ear = Ear()
    mark = quote(str(tmp_path / "ended"))
    channel = await connection.open(
        f"trap 'echo yes > {mark}' TERM; echo ready; while read -r line; do :; done; echo yes > {mark}", ear
    )
    await ear.until(b"ready\n")
    channel.close()
    await asyncio.wait_for(ear.ended.wait(), 10)
    assert ear.ends == [None]
    assert (tmp_path / "ended").exists()


async def test_a_paused_stream_holds_the_command_back(connection: Connection) -> None:
    ear = Ear()
    channel = await connection.open("head -c 50000000 /dev/zero; echo end", ear)
    await asyncio.wait_for(ear.heard.wait(), 10)
    channel.pause()
    seen = len(ear.data)
    assert (await connection.run("sleep 0.3; echo other")).stdout == b"other\n"
    assert len(ear.data) - seen <= 1 << 18  # at most what had been read already
    assert not ear.ends
    channel.resume()
    await asyncio.wait_for(ear.ended.wait(), 30)
    assert len(ear.data) == 50_000_004
    assert ear.data.endswith(b"end\n")


async def test_the_end_of_standard_error_is_kept_as_evidence(connection: Connection) -> None:
    ear = Ear()
    channel = await connection.open("seq 10000 >&2; printf 'last\\033[31m\\n' >&2; exit 4", ear)
    await asyncio.wait_for(ear.ended.wait(), 10)
    assert channel.stderr.endswith("last·[31m·")
    assert len(channel.stderr) <= 4096
    assert (channel.exit_status, bytes(ear.data)) == (4, b"")


async def test_closing_the_pool_ends_streams_and_says_who_did_it(pool_and_node: tuple[Pool, Node]) -> None:
    pool, node = pool_and_node
    connection = await pool.connect(node)
    ear = Ear()
    await connection.open("echo ready; cat", ear)
    await ear.until(b"ready\n")
    waiting = asyncio.create_task(connection.closed())
    running = asyncio.create_task(connection.run("sleep 60"))
    await asyncio.sleep(0)
    await pool.close()
    assert await waiting is None
    assert ear.ends == [None]
    assert not connection.is_open
    with pytest.raises(ConnectionLost):
        await running
    with pytest.raises(ConnectionLost):
        await connection.run("true")
    with pytest.raises(SshError, match="the pool is closed"):
        await pool.connect(node)


async def test_a_connection_that_ends_behind_the_answer_to_a_command(
    shared: Sshd, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = asyncssh.SSHClientChannel._make_request

    async def late(channel: asyncssh.SSHClientChannel[bytes], kind: bytes, *words: bytes) -> bool | None:
        answer = await request(channel, kind, *words)
        await pool.close()
        return answer

    async with Pool(shared.settings()) as pool:
        connection = await pool.connect(shared.node())
        monkeypatch.setattr(asyncssh.SSHClientChannel, "_make_request", late)
        with pytest.raises(ConnectionLost):
            await connection.run("sleep 60")


async def test_an_empty_command_is_refused(connection: Connection) -> None:
    with pytest.raises(ShellError, match="no command"):
        await connection.run("")


@pytest.mark.parametrize(
    "word", ["a b", "$HOME", "`id`", "'", '"', "a'b\"c", "\\", "\n", "*", "-n", "#x", "~", "é\u202e"]
)
async def test_quoted_words_arrive_as_they_are(connection: Connection, word: str) -> None:
    done = await connection.run(f"printf %s {quote(word)}")
    assert done.stdout == word.encode()
