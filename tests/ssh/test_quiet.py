"""Ignore packets are left out where the cipher has no use for them, and only there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import asyncssh
import pytest
from asyncssh.connection import SSHConnection
from asyncssh.constants import MSG_CHANNEL_REQUEST, MSG_IGNORE

from gridtui.ssh import Pool

from .conftest import MakeSshd


@pytest.mark.parametrize(
    ("cipher", "ignores"),
    [
        ("aes128-gcm@openssh.com", False),
        ("chacha20-poly1305@openssh.com", False),
        ("aes256-ctr", True),
    ],
)
async def test_ignore_packets(
    cipher: str, ignores: bool, make_sshd: MakeSshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[int] = []
    send = SSHConnection.send_packet

    def spy(self: SSHConnection, kind: int, *parts: bytes, handler: Any = None) -> None:
        if isinstance(self, asyncssh.SSHClientConnection):
            sent.append(kind)
        send(self, kind, *parts, handler=handler)

    monkeypatch.setattr(SSHConnection, "send_packet", spy)
    config = tmp_path / "config"
    config.write_text(f"Ciphers {cipher}\n")
    sshd = make_sshd()
    async with Pool(sshd.settings(config=str(config))) as pool:
        connection = await pool.connect(sshd.node())
        sent.clear()
        assert (await connection.run("echo well")).stdout == b"well\n"
        assert MSG_CHANNEL_REQUEST in sent
        assert (MSG_IGNORE in sent) is ignores
