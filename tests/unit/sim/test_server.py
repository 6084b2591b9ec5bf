"""The servers, with the real `ssh` client and strict host keys."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from pathlib import Path

import asyncssh
import pytest

from gridtui import sim

from .conftest import hosts, ssh_words


async def ssh(folder: Path, name: str, command: str, *options: str) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        *ssh_words(folder, name, *options),
        command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


@pytest.mark.parametrize(
    ("command", "status", "output"),
    [
        ("true", 0, ""),
        ("false", 1, ""),
        ("hostname", 0, "web01\n"),
        ("echo two  words", 0, "two words\n"),
        ("nproc", 0, "4\n"),
        ("uname -m", 0, "x86_64\n"),
        ("touch /tmp/never; true", 127, ""),
        ("echo $(id)", 127, ""),
        ("echo 'open", 2, ""),
        ("", 0, ""),
    ],
)
async def test_commands_known_by_heart_and_others(tmp_path: Path, command: str, status: int, output: str) -> None:
    async with sim.serve(1, tmp_path, calm=True) as running:
        key = asyncssh.read_private_key(tmp_path / "id_ed25519")
        seat = running.hosts[0].seat
        async with asyncssh.connect(
            seat.host,
            seat.port,
            username="sim",
            client_keys=[key],
            known_hosts=str(tmp_path / "known_hosts"),
            config=None,
        ) as connection:
            result = await connection.run(command or " ")
    assert (result.exit_status, result.stdout) == (status, output)
    assert bool(result.stderr) is (status in (2, 127))


async def test_the_real_client_logs_in_with_strict_host_keys(tmp_path: Path) -> None:
    async with sim.serve(30, tmp_path) as running:
        names = [person.name for person in running.people]
        assert len({seat["ansible_host"] for seat in hosts(tmp_path).values()}) == 30
        status, output, _ = await ssh(tmp_path, names[1], "uptime")
        assert status == 0
        assert "load average" in output
        stranger = next(person.name for person in running.people if "stranger" in person.ails)
        impostor = next(person.name for person in running.people if "impostor" in person.ails)
        status, _, complaint = await ssh(tmp_path, stranger, "true")
        assert status == 255
        assert "No ED25519 host key is known" in complaint
        status, _, complaint = await ssh(tmp_path, impostor, "true")
        assert status == 255
        assert "IDENTIFICATION HAS CHANGED" in complaint


async def test_only_the_key_and_only_commands(tmp_path: Path) -> None:
    async with sim.serve(1, tmp_path, calm=True):
        other = tmp_path / "other"
        other.write_bytes(asyncssh.generate_private_key("ssh-ed25519").export_private_key("openssh"))
        other.chmod(0o600)
        name = next(iter(hosts(tmp_path)))
        words = [str(other) if word.endswith("id_ed25519") else word for word in ssh_words(tmp_path, name)]
        process = await asyncio.create_subprocess_exec(*words, "true", stderr=asyncio.subprocess.PIPE)
        _, complaint = await process.communicate()
        assert process.returncode == 255
        assert b"Permission denied" in complaint
        # neither a shell, nor a subsystem, nor a tunnel into this machine
        values = hosts(tmp_path)[name]
        async with asyncssh.connect(
            values["ansible_host"], values["ansible_port"], username="sim", config=None,
            client_keys=[str(tmp_path / "id_ed25519")], known_hosts=str(tmp_path / "known_hosts"),
        ) as connection:  # fmt: skip
            with pytest.raises(asyncssh.ChannelOpenError):
                await connection.create_session(asyncssh.SSHClientSession)
            with pytest.raises(asyncssh.ChannelOpenError):
                await connection.start_sftp_client()
            with pytest.raises(asyncssh.ChannelOpenError):
                await connection.open_connection(values["ansible_host"], values["ansible_port"])
            with pytest.raises(asyncssh.ChannelListenError):
                await connection.forward_remote_port("127.0.0.1", 0, values["ansible_host"], values["ansible_port"])


async def test_the_dying_node_dies_and_comes_back_anew(tmp_path: Path) -> None:
    async with sim.serve(5, tmp_path, cycle=(1.0, 1.0)) as running:
        host = next(host for host in running.hosts if "dies" in host.seat.person.ails)
        steady = running.hosts[0]
        first_boot = host.machine.boot_id
        connect = {
            "username": "sim", "client_keys": [str(tmp_path / "id_ed25519")], "known_hosts": str(tmp_path / "known_hosts"), "config": None,
        }  # fmt: skip
        async with asyncssh.connect(steady.seat.host, steady.seat.port, **connect) as other:
            connection = await asyncssh.connect(host.seat.host, host.seat.port, **connect)
            await connection.wait_closed()  # its connection is dropped when it dies
            with contextlib.closing(socket.socket()) as knock:
                knock.settimeout(2)
                with pytest.raises(ConnectionRefusedError):
                    await asyncio.get_running_loop().run_in_executor(
                        None, knock.connect, (host.seat.host, host.seat.port)
                    )
            deadline = time.monotonic() + 10
            while True:
                try:
                    connection = await asyncssh.connect(host.seat.host, host.seat.port, **connect)
                    break
                except OSError:
                    assert time.monotonic() < deadline, "it never came back"
                    await asyncio.sleep(0.05)
            async with connection:
                result = await connection.run("uptime")
            assert result.exit_status == 0
            assert host.machine.boot_id != first_boot
            assert host.machine.uptime < 10
            assert (await other.run("true")).exit_status == 0, "nobody else noticed"


async def test_the_slow_node_answers_late_and_in_order(tmp_path: Path) -> None:
    async with sim.serve(7, tmp_path) as running:
        host = next(host for host in running.hosts if "slow" in host.seat.person.ails)
        async with asyncssh.connect(
            host.seat.host, host.seat.port, username="sim", config=None,
            client_keys=[str(tmp_path / "id_ed25519")], known_hosts=str(tmp_path / "known_hosts"),
        ) as connection:  # fmt: skip
            start = time.monotonic()
            for _ in range(5):
                assert (await connection.run("echo here")).stdout == "here\n"
            assert time.monotonic() - start > 0.2
        # the client's end of input does not cut the answer off
        name = host.seat.person.name
        assert await ssh(tmp_path, name, "hostname") == (0, f"{name}\n", "")


async def test_ports_and_sockets_are_given_back(tmp_path: Path) -> None:
    before = set(asyncio.all_tasks())
    async with sim.serve(30, tmp_path) as running:
        seats = [host.seat for host in running.hosts]
    for seat in seats:
        with contextlib.closing(socket.socket()) as again:
            again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            again.bind((seat.host, seat.port))
    assert set(asyncio.all_tasks()) == before


async def test_without_other_loopback_addresses_ports_tell_nodes_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gridtui.sim import server

    real = server._bind

    def only_one(address: str, port: int) -> socket.socket:
        if address != "127.0.0.1":
            raise OSError(99, "Cannot assign requested address")
        return real(address, port)

    monkeypatch.setattr(server, "_bind", only_one)
    async with sim.serve(4, tmp_path, calm=True):
        values = hosts(tmp_path)
        assert {value["ansible_host"] for value in values.values()} == {"127.0.0.1"}
        assert len({value["ansible_port"] for value in values.values()}) == 4
        status, output, _ = await ssh(tmp_path, "db01", "hostname")
        assert (status, output) == (0, "db01\n")
