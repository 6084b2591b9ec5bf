"""Two transfers to the same place: the second waits, or refuses. And where there is no rsync."""

from __future__ import annotations

import asyncio
import fcntl
import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import asyncssh
import pytest
from asyncssh.packet import PacketDecodeError

from gridtui.model import Node
from gridtui.push import Direction, Ending, Options, Plan, Progress, Run, Sftp, Stage, Stop, command
from gridtui.settings import Ssh
from gridtui.ssh import Pool
from tests.ssh.openssh import Sshd

from .conftest import needs_rsync
from .trees import fill, picture

pytestmark = needs_rsync

LOCKS = Path(f"/tmp/.gridtui-{os.getuid()}")
SLOW = Options(rate=1 << 20)


def locks(destination: str) -> bool:
    return (LOCKS / command.lock_name(destination)).exists()


async def until_sending(run: Run, seen: list[Progress]) -> asyncio.Task[object]:
    task: asyncio.Task[object] = asyncio.create_task(run.finish())
    while not any(one.stage is Stage.SENDING for one in seen):
        assert not task.done(), task.result()
        await asyncio.sleep(0.01)
    return task


@pytest.mark.parametrize(("wait", "ok"), [(0.0, False), (20.0, True)])
async def test_two_pushes_to_one_place(server: Sshd, tmp_path: Path, wait: float, ok: bool) -> None:
    source, there = fill(tmp_path / "file", 2 << 20), f"{tmp_path}/there/"
    seen: list[Progress] = []
    others: list[Progress] = []
    first = await until_sending(
        Run(Plan((str(source),), there, options=SLOW), [server.node("n")], server.settings(), told=seen.append), seen
    )
    began = time.monotonic()
    # another name of the place, and another controller as far as the node can tell
    plan = Plan((str(source),), there + "./", options=Options(wait=wait))
    (second,) = (await Run(plan, [server.node("m")], server.settings(), told=others.append).finish()).values()
    assert second.ok is ok
    if ok:
        assert any(one.stage is Stage.LOCKED for one in others)
        assert first.done() or time.monotonic() - began > 1
    else:
        assert second.status is Ending.FAILED
        assert "another transfer" in second.error
    elsewhere = replace(plan, destination=f"{tmp_path}/elsewhere/", options=Options(wait=0))
    (third,) = (await Run(elsewhere, [server.node("n")], server.settings()).finish()).values()
    assert third.ok
    await first
    assert not locks(there), "the lock file was left"


async def test_a_stop_ends_the_waiting(server: Sshd, tmp_path: Path) -> None:
    source, there = fill(tmp_path / "file", 4 << 20), f"{tmp_path}/there/"
    seen: list[Progress] = []
    first_stop, stop = Stop(), Stop()
    first = await until_sending(
        Run(
            Plan((str(source),), there, options=SLOW),
            [server.node("n")],
            server.settings(),
            told=seen.append,
            stop=first_stop,
        ),
        seen,
    )

    def told(progress: Progress) -> None:
        if progress.stage is Stage.LOCKED:
            stop.ask()

    plan = Plan((str(source),), there, options=Options(wait=50))
    (second,) = (await Run(plan, [server.node("m")], server.settings(), told=told, stop=stop).finish()).values()
    assert second.status is Ending.CANCELLED
    first_stop.ask()
    await first


async def test_two_pulls_into_one_folder(server: Sshd, tmp_path: Path) -> None:
    source, here = fill(tmp_path / "file", 2 << 20), f"{tmp_path}/here"
    seen: list[Progress] = []
    slow = Plan((str(source),), here, Direction.PULL, SLOW)
    first = await until_sending(Run(slow, [server.node("n")], server.settings(), told=seen.append), seen)
    plan = replace(slow, options=Options(wait=0))
    outcomes = await Run(plan, [server.node("n"), server.node("m")], server.settings()).finish()
    assert outcomes["n"].status is Ending.FAILED
    assert "another transfer" in outcomes["n"].error
    assert outcomes["m"].ok
    await first


@pytest.mark.parametrize("kind", ["file", "link", "link to a file", "pipe", "folder", "unreadable"])
def test_what_lies_in_the_locks_place(server: Sshd, tmp_path: Path, kind: str) -> None:
    """A file left by a killed node locks nobody out, a link is not followed, and a pipe that lies there is not waited for."""
    there = f"{tmp_path}/there/"
    lock, source = LOCKS / command.lock_name(there), fill(tmp_path / "file", 1000)
    plan = Plan((str(source),), there, options=Options(wait=0, timeout=5))
    LOCKS.mkdir(mode=0o700, exist_ok=True)
    try:
        with open(tmp_path / "busy", "w") as busy:
            match kind:
                case "file":
                    lock.write_text("left")
                case "link":
                    lock.symlink_to(tmp_path / "trap")
                case "link to a file":
                    fcntl.flock(busy, fcntl.LOCK_EX)
                    lock.symlink_to(tmp_path / "busy")
                case "pipe":
                    os.mkfifo(lock)
                case "folder":
                    lock.mkdir()
                case "unreadable":
                    lock.touch(mode=0)
            assert asyncio.run(Run(plan, [server.node("n")], server.settings()).finish())["n"].ok
        assert not (tmp_path / "trap").exists()
    finally:
        if kind == "folder":
            lock.rmdir()
        else:
            lock.unlink(missing_ok=True)


@pytest.fixture
def bare(fresh: Callable[..., Sshd], tmp_path: Path) -> Sshd:
    """A server where `rsync` is not found."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for tool in ("flock", "rm", "cat"):
        (tools / tool).symlink_to(f"/usr/bin/{tool}")
    return fresh(f"SetEnv PATH={tools}")


async def test_without_rsync(bare: Sshd, tmp_path: Path) -> None:
    source = tmp_path / "site"
    fill(source / "sub" / "file", 300_000)
    (source / "link").symlink_to("sub/file")
    (source / "sub").chmod(0o750)
    plan = Plan((f"{source}/",), f"{tmp_path}/there")
    nodes = [bare.node("n")]
    refused = (await Run(plan, nodes, bare.settings(), sftp=Sftp.NEVER).finish())["n"]
    assert (refused.status, refused.exit) == (Ending.FAILED, 127)
    assert refused.error.startswith("there is no rsync: ")
    async with Pool(bare.settings()) as pool:
        outcome = (await Run(plan, nodes, bare.settings(), pool=pool).finish())["n"]
        assert (outcome.status, outcome.via, outcome.files) == (Ending.OK, "sftp", 1), outcome
        assert picture(tmp_path / "there") == picture(source)
        again = (await Run(plan, nodes, bare.settings(), pool=pool).finish())["n"]
        assert (again.files, again.bytes) == (0, 0)
        more = replace(plan, options=Options(delete=True))
        beyond = (await Run(more, nodes, bare.settings(), pool=pool).finish())["n"]
        assert beyond.status is Ending.FAILED
        assert "SFTP has no --delete" in beyond.error
        assert "there is no rsync (" in beyond.error


async def test_sftp_writes_through_no_link_that_is_here(server: Sshd, tmp_path: Path) -> None:
    """A node that shows a folder where it showed a link before must not lead us out of its own folder."""
    there, outside = tmp_path / "there", tmp_path / "outside"
    outside.mkdir()
    fill(there / "sub" / "file", 10)
    (tmp_path / "here" / "n").mkdir(parents=True)
    (tmp_path / "here" / "n" / "sub").symlink_to(outside)
    plan = Plan((f"{there}/",), f"{tmp_path}/here", Direction.PULL)
    async with Pool(server.settings()) as pool:
        outcome = (await Run(plan, [server.node("n")], server.settings(), pool=pool, sftp=Sftp.ONLY).finish())["n"]
    assert outcome.status is Ending.FAILED
    assert "no folder" in outcome.error
    assert list(outside.iterdir()) == []


class _Odd(asyncssh.SFTPServer):
    """A node whose links lead nowhere that a name can say."""

    def readlink(self, path: bytes) -> bytes:
        return b"a\0b"


@pytest.mark.parametrize(("garbled", "why"), [(False, "cannot hold"), (True, "answers oddly")])
async def test_a_node_with_odd_answers_fails_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, garbled: bool, why: str
) -> None:
    if garbled:
        # what asyncssh makes of an answer that ends too early
        async def too_short(client: asyncssh.SFTPClient, path: bytes) -> bytes:
            raise PacketDecodeError("Incomplete packet")

        monkeypatch.setattr(asyncssh.SFTPClient, "readlink", too_short)

    class Server(asyncssh.SSHServer):
        def begin_auth(self, username: str) -> bool:
            return False

    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "link").symlink_to("x")
    key = asyncssh.generate_private_key("ssh-ed25519")
    known = tmp_path / "known"
    listener = await asyncssh.create_server(
        Server, "127.0.0.1", 0, server_host_keys=[key], sftp_factory=lambda chan: _Odd(chan)
    )
    async with listener:
        port = listener.get_port()
        known.write_text(f"[127.0.0.1]:{port} {key.export_public_key().decode()}")
        settings = Ssh(config="none", known_hosts=str(known))
        node = Node("n", "127.0.0.1", port=port, user="u")
        plan = Plan((f"{tmp_path}/there/",), f"{tmp_path}/here", Direction.PULL)
        async with Pool(settings) as pool:
            outcome = (await Run(plan, [node], settings, pool=pool, sftp=Sftp.ONLY).finish())["n"]
    assert outcome.status is Ending.FAILED, outcome
    assert why in outcome.error


async def test_what_sftp_moves_is_nobody_elses_meanwhile(server: Sshd, tmp_path: Path) -> None:
    """Until it has its mode and name, a file is its owner's alone: what is secret is so on the way, too."""
    secret = fill(tmp_path / "site" / "secret", 8 << 20)
    secret.chmod(0o600)
    for direction, source, place in (
        (Direction.PUSH, secret, tmp_path / "there"),
        (Direction.PULL, secret, tmp_path / "here"),
    ):
        modes: set[int] = set()

        def told(progress: Progress, place: Path = place, modes: set[int] = modes) -> None:
            modes |= {found.stat().st_mode & 0o777 for found in place.rglob(".secret.*")}

        plan = Plan((str(source),), f"{place}/", direction)
        async with Pool(server.settings()) as pool:
            run = Run(plan, [server.node("n")], server.settings(), pool=pool, sftp=Sftp.ONLY, told=told)
            assert (await run.finish())["n"].ok
        assert modes == {0o600}, direction
