"""The embedded engine, where no node is needed: what a node may make of this machine's disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from gridtui.jobs.engines import ssh
from gridtui.jobs.model import JobId, Key

KEY = Key("0abcdef0", JobId(1), 1)


class Endless(ssh.SshEngine):
    """Its node has always more to say."""

    async def read(self, node: str, key: Key, offset: int, limit: int) -> bytes:
        return b"x" * limit


async def test_a_log_without_end_is_cut(tmp_path: Path) -> None:
    log = tmp_path / "log"
    await Endless(cast(Any, None)).fetch("n1", KEY, (), tmp_path, log, 1_000_000)
    assert log.stat().st_size == 1_000_000 + ssh.SLACK
