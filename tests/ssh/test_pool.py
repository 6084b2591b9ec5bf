"""The pool against real servers: sharing, turns, back-off, refusals, jump hosts, silence and restarts."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gridtui.errors import ConnectError, ConnectionLost, LoginError, ResolveError, ShellError, SshError
from gridtui.model import Node
from gridtui.settings import Ssh
from gridtui.ssh import Pool

from .conftest import MakeSshd
from .openssh import Sshd, keygen
from .test_contract import Ear


async def test_one_login_serves_all_who_ask(make_sshd: MakeSshd) -> None:
    sshd = make_sshd()
    async with Pool(sshd.settings()) as pool:
        found = await asyncio.gather(*(pool.connect(sshd.node()) for _ in range(10)))
        assert len(set(map(id, found))) == 1
        assert await pool.connect(sshd.node()) is found[0]
        assert 0 < found[0].login_seconds < 30
    assert sshd.logins() == 1


async def test_a_caller_that_gives_up_does_not_take_the_login_along(make_sshd: MakeSshd) -> None:
    sshd = make_sshd()
    async with Pool(sshd.settings()) as pool:
        first, second = (asyncio.create_task(pool.connect(sshd.node())) for _ in range(2))
        await asyncio.sleep(0)
        first.cancel()
        assert (await second).is_open
        with pytest.raises(asyncio.CancelledError):
            await first


async def test_the_last_caller_that_gives_up_ends_the_login(make_sshd: MakeSshd) -> None:
    sshd = make_sshd()
    sshd.freeze()
    async with Pool(sshd.settings()) as pool:
        asking = asyncio.create_task(pool.connect(sshd.node()))
        await asyncio.sleep(0.2)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        sshd.thaw()
        assert (await pool.connect(sshd.node())).is_open


async def test_closing_the_pool_ends_logins_in_flight(make_sshd: MakeSshd) -> None:
    sshd = make_sshd()
    sshd.freeze()
    pool = Pool(sshd.settings())
    asking = [asyncio.create_task(pool.connect(sshd.node(name))) for name in "abcdefgh"]
    await asyncio.sleep(0.1)
    begun = time.monotonic()
    await pool.close()
    results = await asyncio.gather(*asking, return_exceptions=True)
    assert all(isinstance(result, SshError) for result in results), results
    assert time.monotonic() - begun < 10
    sshd.thaw()


async def test_a_refused_login_is_not_repeated(make_sshd: MakeSshd, tmp_path: Path) -> None:
    sshd = make_sshd(identity=keygen(tmp_path / "right"))
    wrong = Node("n", sshd.address, port=sshd.port, user=sshd.user, identity=str(keygen(tmp_path / "wrong")))
    async with Pool(sshd.settings()) as pool:
        for _ in range(5):
            with pytest.raises(LoginError, match="permission denied"):
                await pool.connect(wrong)
            pool.wake(wrong)
        assert sshd.log().count("Connection from") == 2, "one to see that it runs, one that was refused"
        sshd.authorize(tmp_path / "wrong")
        pool.forget(wrong)
        assert (await pool.connect(wrong)).is_open


async def test_no_more_sessions_than_the_server_has(make_sshd: MakeSshd) -> None:
    sshd = make_sshd(options=["MaxSessions 2"])
    async with Pool(sshd.settings()) as pool:
        connection = await pool.connect(sshd.node())
        results = await asyncio.gather(*(connection.run(f"sleep 0.1; echo {number}") for number in range(8)))
        assert [int(done.stdout) for done in results] == list(range(8))
        ear = Ear()
        channel = await connection.open("echo ready; cat", ear)
        await ear.until(b"ready")
        results = await asyncio.gather(*(connection.run(f"echo {number}") for number in range(4)))
        assert [int(done.stdout) for done in results] == list(range(4))
        channel.close()
    assert sshd.logins() == 1


async def test_a_server_without_sessions_is_a_shell_error(make_sshd: MakeSshd) -> None:
    sshd = make_sshd(options=["MaxSessions 0"])
    async with Pool(sshd.settings()) as pool:
        connection = await pool.connect(sshd.node())
        with pytest.raises(ShellError, match="no command can be run") as caught:
            await connection.run("true")
    assert caught.value.layer == "shell"


async def test_sessions_that_never_end_are_not_waited_for(make_sshd: MakeSshd) -> None:
    sshd = make_sshd(options=["MaxSessions 1"])
    async with Pool(sshd.settings(sessions=1)) as pool:
        connection = await pool.connect(sshd.node())
        with pytest.raises(ShellError, match="did not end"):
            await connection.run("trap '' TERM; sleep 30", timeout=0.5)
        with pytest.raises(ShellError, match="still run there and hold every session"):
            await connection.run("true", timeout=20)


async def test_a_crowd_at_one_address_gets_in(make_sshd: MakeSshd) -> None:
    sshd = make_sshd(options=["MaxStartups 2:100:2"])
    async with Pool(sshd.settings(logins_per_host=8)) as pool:
        found = await asyncio.gather(*(pool.connect(sshd.node(f"n{number}")) for number in range(24)))
        assert all(connection.is_open for connection in found)


async def test_a_dead_port_is_refused_and_backs_off(make_sshd: MakeSshd) -> None:
    sshd = make_sshd()
    sshd.stop()
    async with Pool(sshd.settings(backoff=30.0)) as pool:
        with pytest.raises(ConnectError, match=r"connection refused; nothing listens there") as caught:
            await pool.connect(sshd.node())
        assert caught.value.layer == "tcp"
        sshd.start()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(pool.connect(sshd.node()), 0.3)
        waiting = asyncio.create_task(pool.connect(sshd.node()))
        await asyncio.sleep(0)
        pool.wake(sshd.node())
        assert (await asyncio.wait_for(waiting, 10)).is_open


async def test_a_restarted_server_is_reached_again(make_sshd: MakeSshd) -> None:
    sshd = make_sshd()
    async with Pool(sshd.settings(backoff=0.1)) as pool:
        first = await pool.connect(sshd.node())
        ear = Ear()
        await first.open("echo ready; cat", ear)
        await ear.until(b"ready")
        sshd.restart()
        assert isinstance(await asyncio.wait_for(first.closed(), 10), ConnectionLost)
        await asyncio.wait_for(ear.ended.wait(), 10)
        assert isinstance(ear.ends[0], ConnectionLost)
        with pytest.raises(ConnectionLost):
            await first.run("true")
        second = await pool.connect(sshd.node())
        assert second is not first
        assert (await second.run("echo back")).stdout == b"back\n"
        assert isinstance(await first.closed(), ConnectionLost), "what ended by itself keeps its cause"


async def test_a_frozen_server_is_noticed(make_sshd: MakeSshd) -> None:
    sshd = make_sshd()
    async with Pool(sshd.settings(keepalive=0.3)) as pool:
        connection = await pool.connect(sshd.node())
        ear = Ear()
        await connection.open("echo ready; cat", ear)
        await ear.until(b"ready")
        running = asyncio.create_task(connection.run("sleep 60"))
        begun = time.monotonic()
        sshd.freeze()
        error = await asyncio.wait_for(connection.closed(), 20)
        assert 0.6 < time.monotonic() - begun < 10
        assert "does not answer any more (keepalive)" in str(error)
        with pytest.raises(ConnectionLost):
            await running
        await asyncio.wait_for(ear.ended.wait(), 10)
        assert isinstance(ear.ends[0], ConnectionLost)
        assert not connection.is_open
        sshd.thaw()


async def test_a_slow_login_shell_is_waited_for(make_sshd: MakeSshd, tmp_path: Path) -> None:
    slow = tmp_path / "slow.sh"
    slow.write_text('#!/bin/sh\nsleep 0.5\neval "$SSH_ORIGINAL_COMMAND"\n')
    slow.chmod(0o755)
    sshd = make_sshd(options=[f"ForceCommand {slow}"])
    async with Pool(sshd.settings()) as pool:
        connection = await pool.connect(sshd.node())
        assert (await connection.run("echo there")).stdout == b"there\n"


async def test_a_hostile_banner_harms_nothing(make_sshd: MakeSshd, tmp_path: Path) -> None:
    (tmp_path / "banner").write_bytes(b"\xff\xfe\x1b]0;owned\x07[red]\x00" * 1000)
    sshd = make_sshd(options=[f"Banner {tmp_path}/banner"])
    stranger = Node("s", sshd.address, port=sshd.port, user=sshd.user, identity=str(keygen(tmp_path / "stranger")))
    async with Pool(sshd.settings()) as pool:
        assert (await pool.connect(sshd.node())).is_open
        with pytest.raises(LoginError) as caught:
            await pool.connect(stranger)
    shown = str(caught.value) + caught.value.evidence.stderr
    assert "owned" in caught.value.evidence.stderr
    assert shown.isprintable()


async def test_nodes_behind_a_jump_host_share_its_connection(make_sshd: MakeSshd) -> None:
    bastion, inner = make_sshd(), make_sshd()
    both = bastion.known_hosts.read_text() + inner.known_hosts.read_text()
    inner.known_hosts.write_text(both)
    spec = f"{bastion.user}@127.0.0.1:{bastion.port}"
    home = Path(os.environ["HOME"])
    keygen_to_default(bastion, home)
    nodes = [inner.node(f"n{number}", ssh_options={"proxyjump": spec}) for number in range(6)]
    async with Pool(inner.settings()) as pool:
        found = await asyncio.gather(*(pool.connect(node) for node in nodes))
        assert pool.endpoint(nodes[0]).jump
        assert [(await connection.run("echo in")).stdout for connection in found] == [b"in\n"] * 6
        assert (bastion.logins(), inner.logins()) == (1, 6)
        bastion.stop()
        for connection in found:
            assert isinstance(await asyncio.wait_for(connection.closed(), 20), ConnectionLost)
        with pytest.raises(ConnectError, match="jump host"):
            await pool.connect(nodes[0])
        bastion.start()
        for node in nodes:
            pool.forget(node)
        assert (await pool.connect(nodes[0])).is_open


async def test_nodes_that_trust_otherwise_share_no_jump_host(make_sshd: MakeSshd, home: Path, tmp_path: Path) -> None:
    keygen_once(home)
    bastion, inner = (make_sshd(identity=home / ".ssh" / "id_ed25519") for _ in range(2))
    both, one = tmp_path / "both", tmp_path / "one"
    both.write_text(bastion.known_hosts.read_text() + inner.known_hosts.read_text())
    one.write_text(inner.known_hosts.read_text())
    jump = {"proxyjump": f"127.0.0.1:{bastion.port}"}
    trusting = inner.node("a", ssh_options={**jump, "userknownhostsfile": str(both)})
    refusals = []
    async with Pool(Ssh()) as pool:
        for number in range(3):
            assert (await pool.connect(trusting)).is_open
            strict = inner.node(f"b{number}", ssh_options={**jump, "userknownhostsfile": str(one)})
            with pytest.raises(LoginError, match="not in known_hosts") as caught:
                await pool.connect(strict)
            refusals.append(caught.value.__cause__)
    assert refusals == [refusals[0]] * 3  # the bastion was asked once, whoever else jumps there


def keygen_to_default(sshd: Sshd, home: Path) -> None:
    """The jump host's login takes the user's default key."""
    sshd.authorize(keygen(home / ".ssh" / "id_ed25519"))


async def test_two_hops(make_sshd: MakeSshd, home: Path) -> None:
    servers = [make_sshd(identity=home / ".ssh" / "id_ed25519") for _ in range(3) if keygen_once(home)]
    servers[2].known_hosts.write_text("".join(sshd.known_hosts.read_text() for sshd in servers))
    spec = ",".join(f"127.0.0.1:{sshd.port}" for sshd in servers[:2])
    async with Pool(servers[2].settings()) as pool:
        connection = await pool.connect(servers[2].node(ssh_options={"proxyjump": spec}))
        assert (await connection.run("echo far")).stdout == b"far\n"
    assert [sshd.logins() for sshd in servers] == [1, 1, 1]


def keygen_once(home: Path) -> bool:
    key = home / ".ssh" / "id_ed25519"
    return key.exists() or bool(keygen(key))


async def test_a_jump_host_that_cannot_reach_the_node_says_so(make_sshd: MakeSshd, home: Path) -> None:
    keygen_once(home)
    bastion = make_sshd(identity=home / ".ssh" / "id_ed25519")
    closed = make_sshd()
    closed.stop()
    async with Pool(bastion.settings()) as pool:
        node = closed.node("far", ssh_options={"proxyjump": f"127.0.0.1:{bastion.port}"})
        with pytest.raises(ConnectError, match="the jump host cannot reach it"):
            await pool.connect(node)


async def test_a_jump_host_that_forbids_forwarding_says_so(make_sshd: MakeSshd, home: Path) -> None:
    keygen_once(home)
    bastion = make_sshd(identity=home / ".ssh" / "id_ed25519", options=["AllowTcpForwarding no"])
    async with Pool(bastion.settings()) as pool:
        node = bastion.node("far", ssh_options={"proxyjump": f"127.0.0.1:{bastion.port}"})
        with pytest.raises(ConnectError, match=r"the jump host does not forward.*AllowTcpForwarding"):
            await pool.connect(node)


async def test_a_circle_of_jump_hosts_is_told(home: Path) -> None:
    (home / ".ssh" / "config").write_text("Host a\n ProxyJump b\nHost b\n ProxyJump a\n")
    async with Pool(Ssh()) as pool:
        with pytest.raises(ResolveError, match="in a circle"):
            await asyncio.wait_for(pool.connect(Node("a", "a")), 5)


async def test_a_proxy_command_carries_the_login(make_sshd: MakeSshd, tmp_path: Path) -> None:
    sshd = make_sshd()
    relay = tmp_path / "relay.py"
    relay.write_text(RELAY)
    node = sshd.node(ssh_options={"proxycommand": f"{sys.executable} {relay} %h %p 2>/dev/null"})
    async with Pool(sshd.settings()) as pool:
        connection = await pool.connect(node)
        assert (await connection.run("echo through")).stdout == b"through\n"
        assert pool.endpoint(node).jump


RELAY = """
import os, socket, sys, threading
s = socket.create_connection((sys.argv[1], int(sys.argv[2])))
def up():
    while data := os.read(0, 65536):
        s.sendall(data)
    s.shutdown(socket.SHUT_WR)
threading.Thread(target=up, daemon=True).start()
while data := s.recv(65536):
    os.write(1, data)
"""


async def test_a_proxy_commands_last_words_are_evidence(make_sshd: MakeSshd) -> None:
    sshd = make_sshd()
    node = sshd.node(ssh_options={"proxycommand": "echo 'no way\033[2J in' >&2; exit 1"})
    async with Pool(sshd.settings()) as pool:
        with pytest.raises(SshError, match="no way·"):
            await pool.connect(node)


async def test_what_is_not_followed_is_told_once(shared: Sshd, home: Path) -> None:
    (home / ".ssh" / "config").write_text("StrictHostKeyChecking no\n")
    notes: list[tuple[str, str]] = []
    settings = Ssh(known_hosts=str(shared.known_hosts))
    async with Pool(settings, note=lambda *said: notes.append(said)) as pool:
        for name in "abc":
            await pool.connect(shared.node(name))
    assert len(notes) == 1
    assert "is not followed" in notes[0][1]


async def test_local_needs_no_server() -> None:
    async with Pool(Ssh(config="none")) as pool:
        connection = await pool.connect(Node("me", "me", local=True))
        assert (await connection.run("id -u")).stdout.strip() == str(os.getuid()).encode()


CONTROLLER = """
import asyncio, sys
from pathlib import Path
from gridtui.model import Node
from gridtui.settings import Ssh
from gridtui.ssh import Pool

class Ear:
    def received(self, data): sys.stdout.buffer.write(data); sys.stdout.flush()
    def closed(self, error): pass

async def main(local, port, user, identity, known_hosts):
    pool = Pool(Ssh(config="none", known_hosts=known_hosts))
    node = Node("n", "127.0.0.1", port=int(port), user=user, identity=identity, local=local == "local")
    connection = await pool.connect(node)
    await connection.open("echo $$; while read -r tick; do echo $tick; done", Ear())
    await asyncio.sleep(60)

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.mark.parametrize("transport", ["remote", "local"])
def test_a_killed_controller_leaves_nothing_on_the_node(transport: str, shared: Sshd) -> None:
    node = shared.node()
    controller = subprocess.Popen(
        [
            sys.executable,
            "-c",
            CONTROLLER,
            transport,
            str(shared.port),
            shared.user,
            str(node.identity),
            str(shared.known_hosts),
        ],
        stdout=subprocess.PIPE,
    )
    assert controller.stdout is not None
    loop = int(controller.stdout.readline())
    assert Path(f"/proc/{loop}").exists()
    controller.send_signal(signal.SIGKILL)
    controller.wait()
    controller.stdout.close()
    until = time.monotonic() + 10
    while Path(f"/proc/{loop}").exists() and time.monotonic() < until:
        time.sleep(0.01)
    assert not Path(f"/proc/{loop}").exists()
