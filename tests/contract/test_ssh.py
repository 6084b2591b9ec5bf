"""The embedded engine over a real sshd."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import ClassVar

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


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    """One node for all: that it was there before is what nodes are like, and what it greets with takes a second only once."""
    folder = tmp_path_factory.mktemp("node")
    with Sshd(folder / "sshd", options=[f"SetEnv XDG_STATE_HOME={folder / 'state'}"]) as sshd:
        yield sshd
    left = leftovers.end(folder)
    assert not left, left


class TestSsh(EngineContract):
    numbers: ClassVar[Iterator[int]] = itertools.count(1)

    @pytest.fixture
    async def bench(self, home: Sshd, tmp_path: Path) -> AsyncIterator[Bench]:
        nodes = Nodes({"n1": home.node("n1")}, home.settings(backoff=0.02, connect_timeout=2.0))

        def away(gone: bool) -> None:
            if gone:
                home.stop()
            else:
                home.start()

        yield Bench(lambda: SshEngine(nodes, QUEUE), "n1", away, self.numbers)
        if not home.pids():
            home.start()  # the test failed while it was away
        left = await asyncio.to_thread(leftovers.end, tmp_path)
        assert not left, left
