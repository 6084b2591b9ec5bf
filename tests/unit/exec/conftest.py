"""A real sshd that stands for any number of nodes, and a state and home folder of one's own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from gridtui.model import Node
from gridtui.ssh import Pool

from ...ssh.openssh import Sshd


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)


@pytest.fixture(scope="session")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    with Sshd(tmp_path_factory.mktemp("sshd"), options=["MaxStartups 100", "PerSourceMaxStartups none"]) as sshd:
        yield sshd


@pytest.fixture
async def pool(sshd: Sshd) -> AsyncIterator[Pool]:
    async with Pool(sshd.settings()) as pool:
        yield pool


@pytest.fixture
def nodes(sshd: Sshd) -> list[Node]:
    """Eight names for one machine, and this one through the local transport."""
    return [*(sshd.node(f"n{index}") for index in range(1, 9)), Node("here", "localhost", local=True)]
