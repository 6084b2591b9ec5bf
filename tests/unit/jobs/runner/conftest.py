"""This machine as a node, with a home of its own for each test, in each shell that nodes have."""

from __future__ import annotations

import asyncio
import itertools
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from gridtui.jobs.model import Key, Order, Report
from gridtui.jobs.runner import VERSION, Runner, script
from gridtui.ssh.local import LocalConnection
from tests import leftovers

from .orders import LAUNCHER, QUEUE

SHELLS = {"dash": "dash", "bash": "bash --posix", "busybox": "busybox sh"}


@pytest.fixture(params=list(SHELLS))
def shell(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> str:
    """A shell's command. With busybox's all programs are busybox's."""
    if not shutil.which(SHELLS[request.param].split()[0]):
        pytest.skip(f"{request.param} is not installed")
    if request.param == "busybox":
        folder = tmp_path_factory.mktemp("busybox")
        subprocess.run(["busybox", "--install", "-s", str(folder)], check=True)
        monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return SHELLS[request.param]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The runner's folder on this node. The script is there, and the sandboxes were tried: neither is what most tests are about."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    home = tmp_path / "gridtui" / "jobs"
    furnish(home)
    return home


def furnish(home: Path) -> None:
    """Put the script there, and what the probe of the sandboxes would have found."""
    here(home).mkdir(parents=True)
    (home / f"runner-{VERSION}").write_bytes(script())
    (here(home) / f"levels-{VERSION}").write_text("plain\nlimits ulimit\n")


def here(home: Path) -> Path:
    """What is of this start of this node."""
    host = Path("/proc/sys/kernel/hostname").read_text().strip()
    return home / "run" / f"{host}@{Path('/proc/sys/kernel/random/boot_id').read_text().strip()}"


@pytest.fixture
async def connection() -> AsyncIterator[LocalConnection]:
    connection = LocalConnection("here", 10)
    yield connection
    await connection.close()


@pytest.fixture
async def runner(home: Path, connection: LocalConnection, shell: str) -> AsyncIterator[Runner]:
    """An open runner; its node is swept afterwards."""
    runner = await Runner.open(connection, "here", queue=QUEUE, shell=shell)
    yield runner
    await runner.close()


@pytest.fixture(autouse=True)
def _swept(tmp_path: Path) -> Iterator[None]:
    yield
    leftovers.kill(tmp_path)


def lives(pid: str) -> bool:
    """Whether a process is there and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1][0] not in "ZX"
    except OSError:
        return False


async def ended(runner: Runner, key: Key, seconds: float = 30) -> Report:
    """The last report of an attempt, as it comes by itself."""
    async with asyncio.timeout(seconds):
        async for report in runner.reports():
            if report.key == key and report.phase.value in ("ended", "lost"):
                return report
    raise AssertionError("closed")


async def run(runner: Runner, order: Order, launcher: str = LAUNCHER, inputs: str = "") -> Report:
    """Start it and wait for its end."""
    report = await runner.start(order, launcher, inputs)
    return await ended(runner, order.key) if report.phase.value == "running" else report


async def until(condition: Callable[[], bool], seconds: float = 30) -> None:
    """Wait for what a process on the node brings about."""
    async with asyncio.timeout(seconds):
        for _ in itertools.count():
            if condition():
                return
            await asyncio.sleep(0.02)
