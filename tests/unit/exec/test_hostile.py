"""Nodes that do what no node should: each gives one outcome in time, and the rest of the run is not touched."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import asyncssh
import pytest

from gridtui.exec import Ending, Outcome, Plan, Run, Stream, Task
from gridtui.model import Node
from gridtui.settings import Ssh
from gridtui.ssh import Pool

HOST = "127.0.0.1"


class Session(asyncssh.SSHServerSession[bytes]):
    """Manners chosen by the command."""

    def connection_made(self, chan: asyncssh.SSHServerChannel[bytes]) -> None:
        self.chan = chan

    def exec_requested(self, command: str) -> bool:
        self.command = command
        return command != "refuse"

    def eof_received(self) -> bool:
        return True

    def session_started(self) -> None:
        match self.command.split():
            case ["silent"]:
                pass
            case ["no-status"]:
                self.chan.write(b"out")
                self.chan.close()
            case ["endless-line"]:
                for _ in range(100):
                    self.chan.write(b"x" * 10_000)
                self.chan.write(b"\n")
                self.chan.exit(0)
            case ["odd-signal"]:
                self.chan.exit_with_signal("\x1b[31mODD")
            case ["drop"]:
                self.chan.write(b"half")
                self.chan.get_connection().abort()
            case ["exec", "sudo", *_]:
                self.chan.write_stderr(b"\x1b]0;evil\x07sudo: " + b"no " * 100_000)
                self.chan.exit(1)


class Server(asyncssh.SSHServer):
    def begin_auth(self, username: str) -> bool:
        return False

    def session_requested(self) -> Session:
        return Session()


@pytest.fixture
async def odd(tmp_path: Path) -> AsyncIterator[tuple[Pool, list[Node]]]:
    key = asyncssh.generate_private_key("ssh-ed25519")
    server = await asyncssh.listen(HOST, 0, server_factory=Server, server_host_keys=[key], encoding=None)
    port = server.get_port()
    (tmp_path / "known").write_text(f"[{HOST}]:{port} {key.export_public_key().decode()}")
    async with Pool(Ssh(config="none", known_hosts=str(tmp_path / "known"))) as pool:
        yield pool, [Node("odd", HOST, port=port, user="u"), Node("here", "localhost", local=True)]
    server.close()
    with contextlib.suppress(TimeoutError):
        await server.wait_closed()


async def one(odd: tuple[Pool, list[Node]], task: Task) -> Outcome:
    pool, nodes = odd
    return (await Run(task, nodes, pool, Plan()).finish())["odd"]


async def test_no_status(odd: tuple[Pool, list[Node]]) -> None:
    found = await one(odd, Task("no-status"))
    assert (found.status, found.exit, found.stdout) == (Ending.FAILED, None, b"out")
    assert found.error == "the node never told how the command ended"


async def test_a_refused_channel(odd: tuple[Pool, list[Node]]) -> None:
    found = await one(odd, Task("refuse"))
    assert (found.status, found.layer, found.left) == (Ending.UNREACHABLE, "shell", False)


async def test_a_silent_command_that_cannot_be_ended(
    odd: tuple[Pool, list[Node]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gridtui.exec.run.GRACE", 0.1)
    monkeypatch.setattr("gridtui.exec.reaping.WAIT", 0.3)
    found = await one(odd, Task("silent", timeout=0.2))
    assert (found.status, found.left) == (Ending.TIMEOUT, True)


async def test_a_signal_nobody_knows(odd: tuple[Pool, list[Node]]) -> None:
    found = await one(odd, Task("odd-signal"))
    assert found.status is Ending.FAILED
    assert "\x1b" not in found.error


async def test_a_dropped_connection(odd: tuple[Pool, list[Node]]) -> None:
    found = await one(odd, Task("drop"))
    assert (found.status, found.left) == (Ending.UNREACHABLE, True)
    assert "connection lost" in found.error


async def test_a_line_of_a_megabyte_is_cut(odd: tuple[Pool, list[Node]]) -> None:
    pool, nodes = odd
    lengths: list[int] = []

    def lines(node: str, stream: Stream, lines: object) -> None:
        assert isinstance(lines, list)
        lengths.extend(map(len, lines))

    await Run(Task("endless-line", limit=0), nodes[:1], pool, Plan(), lines=lines).finish()
    assert lengths == [65536 + 4]


async def test_a_sudo_that_babbles(odd: tuple[Pool, list[Node]]) -> None:
    found = await one(odd, Task("id", sudo=True))
    assert found.status is Ending.FAILED
    assert found.error.startswith("sudo refused: ")
    assert len(found.error) < 400
    assert found.error.isprintable()
