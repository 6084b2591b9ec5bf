"""The embedded engine over a real sshd."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gridtui.jobs.engines.ssh import SshEngine
from gridtui.model import Node
from gridtui.settings import Settings, Ssh
from gridtui.ssh import Pool
from tests import leftovers
from tests.ssh.openssh import MISSING, PROGRAM, Sshd

from .engines import QUEUE, Bench, EngineContract

pytestmark = pytest.mark.skipif(PROGRAM is None, reason=MISSING)


class Nodes:
    """As much of a Fleet as an engine asks for."""

    def __init__(self, nodes: Mapping[str, Node], ssh: Ssh) -> None:
        self.nodes = nodes
        self.settings = Settings(ssh=ssh)
        self._pool: Pool | None = None

    @asynccontextmanager
    async def holding(self) -> AsyncIterator[Pool]:
        async with Pool(self.settings.ssh) as pool:
            yield pool


class TestSsh(EngineContract):
    @pytest.fixture
    async def bench(self, tmp_path: Path) -> AsyncIterator[Bench]:
        state = tmp_path / "node"
        with Sshd(tmp_path / "sshd", options=[f"SetEnv XDG_STATE_HOME={state}"]) as sshd:
            nodes = Nodes({"n1": sshd.node("n1")}, sshd.settings(backoff=0.1, connect_timeout=2.0))

            def away(gone: bool) -> None:
                if gone:
                    sshd.stop()
                else:
                    sshd.start()

            yield Bench(lambda: SshEngine(nodes, QUEUE), "n1", away)
        left = await asyncio.to_thread(leftovers.end, tmp_path)
        assert not left, left
