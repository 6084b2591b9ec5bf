"""The agent: what the system's own ssh programs make of it, and what it refuses."""

from __future__ import annotations

import asyncio
import os
import struct
from pathlib import Path

import asyncssh
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridtui.push.peers.agent import FAILURE, SIGN_RESPONSE, Agent, _Bound


def string(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data


def login(
    agent: Agent, *, service: bytes = b"ssh-connection", method: bytes = b"publickey", session: bytes = b"s" * 32
) -> bytes:
    """The signed part of a login (RFC 4252, section 7)."""
    return (
        string(session)
        + b"\x32"
        + string(b"root")
        + string(service)
        + string(method)
        + b"\1"
        + string(b"ssh-ed25519")
        + string(blob(agent))
    )


def blob(agent: Agent) -> bytes:
    return asyncssh.import_public_key(f"ssh-ed25519 {agent.public}").public_data


def sign(agent: Agent, data: bytes) -> bytes:
    return b"\x0d" + string(blob(agent)) + string(data) + struct.pack(">I", 0)


def bind(host: bytes, session: bytes = b"s" * 32) -> bytes:
    return b"\x1b" + string(b"session-bind@openssh.com") + string(host) + string(session) + string(b"sig") + b"\0"


async def test_ssh_add_sees_one_key_and_cannot_add_another(tmp_path: Path) -> None:
    agent = Agent()
    server = await asyncio.start_unix_server(agent.serve, tmp_path / "agent")
    key = asyncssh.generate_private_key("ssh-ed25519")
    (tmp_path / "key").write_bytes(key.export_private_key())
    (tmp_path / "key").chmod(0o600)

    async def add(*words: str) -> tuple[int | None, str]:
        process = await asyncio.create_subprocess_exec(
            "ssh-add",
            *words,
            env={**os.environ, "SSH_AUTH_SOCK": str(tmp_path / "agent")},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            stdin=asyncio.subprocess.DEVNULL,
        )
        out, _ = await process.communicate()
        return process.returncode, out.decode()

    async with server:
        assert await add("-L") == (0, f"ssh-ed25519 {agent.public} gridtui-peers\n")
        assert (await add(str(tmp_path / "key")))[0] != 0
        assert (await add("-D"))[0] != 0
        agent.open = False
        assert "no identities" in (await add("-L"))[1]


def test_it_signs_a_login_and_the_signature_is_right() -> None:
    agent = Agent()
    data = login(agent)
    answer = agent.answer(sign(agent, data))
    assert answer[0] == SIGN_RESPONSE
    key = asyncssh.import_public_key(f"ssh-ed25519 {agent.public}")
    assert key.verify(data, answer[5:])


@pytest.mark.parametrize(
    "spoil",
    [
        lambda agent: login(agent, service=b"ssh-userauth"),
        lambda agent: login(agent, method=b"hostbased"),
        lambda agent: login(agent) + b"x",
        lambda agent: login(Agent()),
        lambda agent: b"SSHSIG" + string(b"file") + string(b"text"),
        lambda agent: b"",
    ],
)
def test_it_signs_nothing_else(spoil: object) -> None:
    agent = Agent()
    assert callable(spoil)
    assert agent.answer(sign(agent, spoil(agent))) == bytes([FAILURE])


def test_bound_to_a_host_that_nobody_named_it_signs_nothing() -> None:
    agent, bound = Agent(), _Bound()
    agent.hosts.add(b"known")
    assert agent.answer(bind(b"other"), bound) == bytes([FAILURE])
    assert agent.answer(sign(agent, login(agent)), bound) == bytes([FAILURE])


def test_bound_to_a_known_host_it_signs_for_that_session_alone() -> None:
    agent, bound = Agent(), _Bound()
    agent.hosts.add(b"known")
    assert agent.answer(bind(b"known"), bound) != bytes([FAILURE])
    assert agent.answer(sign(agent, login(agent)), bound)[0] == SIGN_RESPONSE
    assert agent.answer(sign(agent, login(agent, session=b"t" * 32)), bound) == bytes([FAILURE])


def test_closed_it_signs_nothing() -> None:
    agent = Agent()
    agent.open = False
    assert agent.answer(sign(agent, login(agent))) == bytes([FAILURE])


@settings(deadline=None)
@given(st.binary(min_size=0, max_size=200))
def test_noise_is_refused(data: bytes) -> None:
    answer = Agent().answer(data)
    assert answer == bytes([FAILURE]) or data[0] == 11


async def test_who_asks_and_does_not_listen_is_not_answered_without_end(tmp_path: Path) -> None:
    """Answers that nobody takes must not pile up here: the agent reads no further."""
    agent = Agent()
    served: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        served.append(writer)
        await agent.serve(reader, writer)

    server = await asyncio.start_unix_server(serve, tmp_path / "agent")
    _, writer = await asyncio.open_unix_connection(tmp_path / "agent", limit=1024)

    async def flood() -> None:
        while True:
            writer.write((struct.pack(">I", 1) + b"\x0b") * 1000)
            await writer.drain()
            assert not served or served[0].transport.get_write_buffer_size() < 1 << 20

    try:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(flood(), 1)
    finally:
        writer.transport.abort()
        server.close()
