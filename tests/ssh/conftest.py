"""Servers for the tests of this folder, and a check that nothing is left running behind any of them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from .openssh import Agent, Sshd

MakeSshd = Callable[..., Sshd]


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    """One plain server for tests that change nothing about it."""
    with Sshd(tmp_path_factory.mktemp("sshd")) as sshd:
        yield sshd


@pytest.fixture
def make_sshd(tmp_path: Path) -> Iterator[MakeSshd]:
    """Starts servers that end with the test. Keyword arguments as `Sshd`; `start=False` leaves it stopped."""
    with contextlib.ExitStack() as stack:
        count = 0

        def make(*, start: bool = True, **values: Any) -> Sshd:
            nonlocal count
            count += 1
            sshd = Sshd(tmp_path / f"sshd{count}", **values)
            if start:
                sshd.start()
            stack.callback(sshd.stop)
            return sshd

        yield make


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Agent]:
    with Agent(tmp_path) as running:
        yield running


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own, without anybody's keys, agent or configuration."""
    folder = tmp_path / "home"
    (folder / ".ssh").mkdir(parents=True, mode=0o700)
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    return folder


@pytest.fixture(autouse=True)
async def nothing_left() -> AsyncIterator[None]:
    """No task outlives a test."""
    yield
    await asyncio.sleep(0)
    left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    assert left == []
