"""First contact against servers that take passwords, ask questions, change their keys, or are no honest servers at all."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import stat
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import asyncssh
import paramiko
import pytest

from gridtui.errors import (
    BannerError,
    ConnectError,
    ConnectionLost,
    HostKeyChanged,
    HostKeyUnknown,
    LoginError,
    LoginTimeout,
    SshError,
)
from gridtui.model import Node
from gridtui.provision import Password, bare, connect, known, pin, show
from gridtui.provision import key as keys
from gridtui.settings import Ssh
from gridtui.ssh import quote
from gridtui.ssh.route import Routes

from .conftest import MakeSshd
from .openssh import Agent, Sshd, keygen, public
from .test_faults import closes, floods, says, serving, silent

SECRET = "s3cret-of-the-node"
WAYS = ("password", "keyboard-interactive")


class Doors(asyncssh.SSHServer):
    """A server with passwords. `ways` are the methods it takes, `questions` what keyboard-interactive asks."""

    def __init__(self, ways: tuple[str, ...], questions: list[list[tuple[str, bool]]]) -> None:
        self.ways, self.questions = ways, questions
        self.tries: list[str] = []

    def begin_auth(self, username: str) -> bool:
        return True

    def password_auth_supported(self) -> bool:
        return "password" in self.ways

    def kbdint_auth_supported(self) -> bool:
        return "keyboard-interactive" in self.ways

    def public_key_auth_supported(self) -> bool:
        return "publickey" in self.ways

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        self.tries.append("key")
        return False

    def validate_password(self, username: str, password: str) -> bool:
        self.tries.append(f"password {password}")
        return password == SECRET

    def get_kbdint_challenge(self, username: str, lang: str, submethods: str) -> Any:
        self._left = [list(round_) for round_ in self.questions]
        return "", "", "", self._left.pop(0)

    def validate_kbdint_response(self, username: str, responses: Any) -> Any:
        self.tries.append(f"interactive {' '.join(responses)}")
        if self._left:
            return "", "", "", self._left.pop(0)
        return list(responses) == [SECRET]


@contextlib.asynccontextmanager
async def doors(
    tmp_path: Path, ways: tuple[str, ...] = ("password",), questions: list[list[tuple[str, bool]]] | None = None
) -> AsyncIterator[tuple[Node, Ssh, Doors]]:
    """Such a server; the settings trust its key."""
    server = Doors(ways, questions or [[("Password: ", False)]])
    key = asyncssh.generate_private_key("ssh-ed25519")

    async def run(process: asyncssh.SSHServerProcess[str]) -> None:
        process.stdout.write(f"ran {process.command}\n")
        process.exit(3)

    acceptor = await asyncssh.create_server(
        lambda: server, "127.0.0.1", 0, server_host_keys=[key], process_factory=run, login_timeout=20
    )
    port = acceptor.sockets[0].getsockname()[1]
    known_hosts = tmp_path / "known_hosts"
    known_hosts.write_text(f"[127.0.0.1]:{port} {key.export_public_key('openssh').decode()}")
    try:
        yield (
            Node("new1", "127.0.0.1", port=port, user="root"),
            Ssh(config="none", known_hosts=str(known_hosts), login_timeout=10),
            server,
        )
    finally:
        acceptor.close()
        await acceptor.wait_closed()
        await asyncio.sleep(0.05)


async def trying(node: Node, settings: Ssh, password: str | Password | None, **values: Any) -> Any:
    """What `connect` gives or raises, in a thread as a script has it."""

    def work() -> Any:
        with connect(node, password=password, settings=settings, **values) as contact:
            done = contact.run("hello")
            return contact.way, done.stdout, done.exit_status

    return await asyncio.to_thread(work)


@pytest.mark.parametrize("ways", [("password",), ("keyboard-interactive",), WAYS, ("publickey", *WAYS)])
async def test_a_password_opens(tmp_path: Path, ways: tuple[str, ...]) -> None:
    async with doors(tmp_path, ways) as (node, settings, server):
        way, said, status = await trying(node, settings, SECRET)
    assert (said, status) == (b"ran hello\n", 3)
    assert way == next(name for name in WAYS if name in ways)
    assert len([one for one in server.tries if one != "key"]) == 1


@pytest.mark.parametrize("ways", [("password",), ("keyboard-interactive",), WAYS])
async def test_a_wrong_password_is_tried_once(tmp_path: Path, ways: tuple[str, ...]) -> None:
    secret = Password("not this one")
    async with doors(tmp_path, ways) as (node, settings, server):
        with pytest.raises(LoginError, match="permission denied") as refused:
            await trying(node, settings, secret)
        assert len(server.tries) == 1
        with pytest.raises(LoginError, match="tried there before"):
            await trying(node, settings, secret)
        assert len(server.tries) == 1
    assert not refused.value.retry
    assert "not this one" not in f"{refused.value!r} {refused.value} {refused.value.evidence} {secret!r}"


@pytest.mark.parametrize(
    ("questions", "why"),
    [
        ([[("Password: ", False)], [("New password: ", False)]], "expired"),
        ([[("Password: ", False)], [("Current password: ", False)]], "expired"),
        ([[("Your name: ", True)]], "not answered here"),
        ([[("Password: ", False), ("Code: ", False)]], "not answered here"),
        ([[("Password: ", False)], [("Password: ", False)]], "not answered here"),
        ([[("\x1b]0;evil\x07", True)]], "not answered here"),
    ],
)
async def test_a_server_that_asks_for_more_gets_nothing(
    tmp_path: Path, questions: list[list[tuple[str, bool]]], why: str
) -> None:
    async with doors(tmp_path, ("keyboard-interactive",), questions) as (node, settings, server):
        with pytest.raises(LoginError, match=why) as refused:
            await trying(node, settings, SECRET)
    assert sum(SECRET in one for one in server.tries) <= 1
    assert "\x1b" not in str(refused.value)


async def test_nothing_to_try_says_what_would_help(tmp_path: Path) -> None:
    async with doors(tmp_path) as (node, settings, server):
        with pytest.raises(LoginError, match="--ask-password"):
            await trying(node, settings, None)
    assert server.tries == []


async def test_the_password_is_not_sent_to_a_server_that_nobody_vouched_for(tmp_path: Path) -> None:
    async with doors(tmp_path) as (node, settings, server):
        unknown = replace(settings, known_hosts=str(tmp_path / "none"))
        with pytest.raises(HostKeyUnknown, match="SHA256:"):
            await trying(node, unknown, SECRET)
        (tmp_path / "known_hosts").write_text(f"[127.0.0.1]:{node.port} {public(keygen(tmp_path / 'other'))}\n")
        for choice in ("strict", "accept-new"):
            with pytest.raises(HostKeyChanged, match="CHANGED"):
                await trying(node, replace(settings, host_keys=choice), SECRET)
    assert server.tries == []


async def test_looking_pinning_and_accepting(tmp_path: Path) -> None:
    async with doors(tmp_path) as (node, settings, _):
        true = (
            await asyncio.to_thread(subprocess.run, ["ssh-keygen", "-lf", settings.known_hosts], capture_output=True)
        ).stdout
        mine = tmp_path / "mine"
        fresh = replace(settings, known_hosts=str(mine))
        assert not known(node, settings=fresh)
        shown = await asyncio.to_thread(show, node, settings=fresh)
        assert shown.fingerprint in true.decode() and shown.kind == "ED25519"
        assert not mine.exists()
        pin(shown, node, settings=fresh)
        assert mine.read_text() == f"[127.0.0.1]:{node.port} {shown.key}\n"
        assert stat.S_IMODE(mine.stat().st_mode) == 0o600
        assert known(node, settings=fresh)
        assert (await trying(node, fresh, SECRET))[0] == "password"
        other = replace(settings, known_hosts=str(tmp_path / "accepted"))
        assert (await trying(node, other, SECRET, accept_new=True))[0] == "password"
        assert shown.key in (tmp_path / "accepted").read_text()


async def test_many_threads_pin_one_line_each(tmp_path: Path) -> None:
    async with doors(tmp_path) as (node, settings, _):
        shown = await asyncio.to_thread(show, node, settings=settings)
        fresh = replace(settings, known_hosts=str(tmp_path / "many"))
        names = [replace(shown, name=f"new{number}") for number in range(20)]
        threads = [
            threading.Thread(target=pin, args=(one, node), kwargs={"settings": fresh})
            for one in names
            for _ in range(2)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            await asyncio.to_thread(thread.join)
    assert sorted((tmp_path / "many").read_text().splitlines()) == sorted(f"{one.name} {one.key}" for one in names)


async def endless_lines(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while not reader.at_eof():
        writer.write(b"hello\r\n" * 1000)
        await writer.drain()


async def endless_packets(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    # SSH_MSG_IGNORE (RFC 4253, 11.2) of 32 kB, for ever
    packet = (32764 + 4).to_bytes(4, "big") + b"\x04" + b"\x02" + (32758).to_bytes(4, "big") + b"x" * 32758 + b"pad!"
    while not reader.at_eof():
        writer.write(packet)
        await writer.drain()


Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@pytest.mark.parametrize(
    ("talk", "kind"),
    [
        (closes, BannerError),
        (silent, BannerError),
        (says(b"220 mail \x1b[31m ESMTP\r\n", then=closes), BannerError),
        (floods, BannerError),
        (endless_lines, BannerError),
        (says(b"SSH-2.0-x\r\n", then=floods), SshError),
        (says(b"SSH-2.0-x\r\n", then=endless_packets), SshError),
        (says(b"SSH-2.0-x\r\n"), LoginTimeout),
        (says(b"SSH-1.5-old\r\n"), SshError),
    ],
)
async def test_what_is_no_honest_server_ends_in_time(
    talk: Talk, kind: type[SshError], caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    settings = Ssh(config="none", known_hosts=str(tmp_path / "none"), connect_timeout=0.7, login_timeout=1.5)
    with caplog.at_level(logging.DEBUG):
        async with serving(talk) as node:
            began = time.monotonic()
            for work in (connect, show):
                with pytest.raises(kind) as error:
                    await asyncio.to_thread(work, node, settings=settings)
                assert "\x1b" not in str(error.value)
            assert time.monotonic() - began < 10
    assert not [record for record in caplog.records if "paramiko" in record.name]
    left = [thread for thread in threading.enumerate() if isinstance(thread, paramiko.Transport)]
    for thread in left:
        await asyncio.to_thread(thread.join, 5)
    assert not any(thread.is_alive() for thread in left)


async def test_nobody_there() -> None:
    with pytest.raises(ConnectError, match="refused"):
        await asyncio.to_thread(connect, "root@127.0.0.1:1", settings=Ssh(config="none"))


# ---- a real sshd: keys, and what is put into authorized_keys ----


def own_key(sshd: Sshd, file: Path | None = None) -> keys.Key:
    settings = sshd.settings()
    return keys.find(Routes(settings).route(sshd.node()), file)


def test_a_real_sshd_floods_and_hangs(shared: Sshd) -> None:
    with connect(shared.node(), settings=shared.settings()) as contact:
        assert contact.way == "key"
        for command in ("yes", "yes >&2", "cat /dev/zero"):
            before = contact.wire.received
            flood = contact.run(command, limit=1000, timeout=20)
            assert flood.truncated and len(flood.stdout + flood.stderr) == 1000
            assert contact.run("echo on").stdout == b"on\n"
            assert contact.wire.received - before < 3 << 20, "paramiko's window of 2 MB, and little more"
        began = time.monotonic()
        with pytest.raises(SshError, match=r"within 0.5 s"):
            contact.run("sleep 20", timeout=0.5)
        assert time.monotonic() - began < 3
        assert contact.run("cat", input=b"x" * 100_000, timeout=10).stdout == b"x" * 100_000
        assert contact.run("printf hi; exit 7").exit_status == 7
        for _ in range(2):
            with pytest.raises(ConnectionLost):
                contact.run("kill -9 $PPID")


@pytest.mark.parametrize("command", ["yes", "yes >&2"])
def test_what_comes_while_a_channel_closes_does_not_end_the_connection(
    shared: Sshd, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    def close(number: int, close: Callable[[int], None] = os.close) -> None:
        close(number)
        time.sleep(0.1)  # the other thread gets its turn here

    monkeypatch.setattr("paramiko.pipe.os", SimpleNamespace(pipe=os.pipe, read=os.read, write=os.write, close=close))
    with connect(shared.node(), settings=shared.settings()) as contact:
        for _ in range(5):
            assert contact.run(command, limit=1000, timeout=20).truncated
            assert contact.run("echo on").stdout == b"on\n"


def test_an_agent_signs_for_an_encrypted_key(
    make_sshd: MakeSshd, tmp_path: Path, agent: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    sshd = make_sshd()
    locked = keygen(tmp_path / "locked", passphrase="open sesame")
    sshd.authorize(locked)
    node = replace(sshd.node(), identity=str(locked))
    with pytest.raises(LoginError):
        connect(node, settings=sshd.settings())
    plain = keygen(tmp_path / "same")
    sshd.authorize(plain)
    agent.add(plain)
    monkeypatch.setenv("SSH_AUTH_SOCK", str(agent.socket))
    with connect(replace(node, identity=str(plain) + ".pub"), settings=sshd.settings()) as contact:
        assert contact.way == "key"


def test_through_a_jump_host(make_sshd: MakeSshd, tmp_path: Path) -> None:
    jump, inner = make_sshd(), make_sshd()
    both = tmp_path / "both"
    both.write_text(jump.known_hosts.read_text() + inner.known_hosts.read_text())
    inner.authorize(jump.identity)
    config = tmp_path / "config"
    config.write_text(
        f"Host new1\n  HostName {inner.address}\n  Port {inner.port}\n  ProxyJump way\n  IdentityFile {jump.identity}\n"
        f"Host way\n  HostName {jump.address}\n  Port {jump.port}\n  IdentityFile {jump.identity}\n"
    )
    settings = Ssh(config=str(config), known_hosts=str(both))
    with connect("new1", settings=settings) as contact:
        assert contact.run("echo inside").stdout == b"inside\n"
    assert "direct-tcpip" in jump.log() or jump.logins() == 1
    assert inner.logins() == 1
    jump.stop()
    with pytest.raises(ConnectError, match="jump host"):
        connect("new1", settings=settings)


def test_through_a_proxy_command(shared: Sshd, tmp_path: Path) -> None:
    config = tmp_path / "config"
    program = f'{sys.executable} -c \'import socket,sys,threading,os; s=socket.create_connection(("127.0.0.1",{shared.port})); threading.Thread(target=lambda: [s.sendall(d) for d in iter(lambda: os.read(0,9999), b"")], daemon=True).start(); [os.write(1,d) for d in iter(lambda: s.recv(9999), b"")]\''
    config.write_text(
        f"Host new1\n  HostName 127.0.0.1\n  Port {shared.port}\n  ProxyCommand {program}\n  IdentityFile {shared.identity}\n"
    )
    with connect("new1", settings=Ssh(config=str(config), known_hosts=str(shared.known_hosts))) as contact:
        assert contact.run("echo inside").stdout == b"inside\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, "{key}\n"),
        ("", "{key}\n"),
        ("# mine\nssh-rsa AAAA other", "# mine\nssh-rsa AAAA other\n{key}\n"),
        ("ssh-rsa AAAA other\n", "ssh-rsa AAAA other\n{key}\n"),
        ("#{key}\n", "#{key}\n{key}\n"),
        ('from="10.0.0.0/8" {words} another comment\n', 'from="10.0.0.0/8" {words} another comment\n'),
    ],
)
def test_the_key_is_added_once_and_the_rest_stays(shared: Sshd, tmp_path: Path, before: str | None, after: str) -> None:
    home = tmp_path / "their home"
    home.mkdir()
    key = own_key(shared)
    file = home / ".ssh" / "authorized_keys"
    fill = {"key": key.public, "words": key.words}
    if before is not None:
        file.parent.mkdir(mode=0o777)
        file.parent.chmod(0o777)
        file.write_text(before.format(**fill))
        file.chmod(0o666)
    command = f"HOME={quote(str(home))} /bin/sh -c {quote(bare.AUTHORIZE)}"
    with connect(shared.node(), settings=shared.settings()) as contact:
        for expected in (b"there" if before and "from=" in before else b"added", b"there"):
            done = contact.run(command, input=key.public.encode() + b"\n")
            assert (done.exit_status, done.stdout.strip()) == (0, expected), done
            assert file.read_text() == after.format(**fill)
            assert not stat.S_IMODE(file.stat().st_mode) & 0o022
            assert not stat.S_IMODE(file.parent.stat().st_mode) & 0o022
    if before is None:
        assert stat.S_IMODE(file.stat().st_mode) == 0o600 and stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_what_a_node_is(shared: Sshd) -> None:
    with connect(shared.node(), settings=shared.settings()) as contact:
        found = bare.read(contact.run(bare.LOOK_COMMAND).stdout)
    assert found.uid == os.getuid()
    assert found.usable_python and "su" in found.has


def test_the_example_runs_as_a_plain_script(shared: Sshd, home: Path, tmp_path: Path) -> None:
    (home / ".ssh" / "known_hosts").write_text(shared.known_hosts.read_text())
    (home / ".ssh" / "config").write_text(f"Host 127.0.0.1\n  Port {shared.port}\n  IdentityFile {shared.identity}\n")
    script = Path(__file__).parents[2] / "docs" / "examples" / "first_contact.py"
    done = subprocess.run(
        [sys.executable, "-W", "error", str(script), f"{shared.user}@127.0.0.1"],
        input="\n",
        env={**os.environ, "HOME": str(home), "PYTHONPATH": str(script.parents[2])},
        capture_output=True,
        text=True,
        timeout=40,
        check=False,
    )
    assert done.returncode == 0, done
    assert shared.user in done.stdout
