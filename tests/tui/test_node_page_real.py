"""A node's page over real connections: loopback sshd, and this machine as the local node."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from gridtui.events import Noted
from gridtui.exec.signals import Fate
from gridtui.fleet import Fleet
from gridtui.probes import Process
from gridtui.settings import Guard, Settings
from gridtui.tui.app import Dashboard
from gridtui.tui.screens.node import NodeScreen
from gridtui.tui.screens.question import ConfirmScreen
from gridtui.tui.screens.signals import SignalScreen
from gridtui.tui.widgets.whole import WholeLines
from tests.ssh.openssh import MISSING, PROGRAM, Sshd

from .screens import begin, screen_text, table, until

pytestmark = [pytest.mark.skipif(PROGRAM is None, reason=MISSING), pytest.mark.timeout(120)]


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    with Sshd(tmp_path_factory.mktemp("sshd")) as running:
        yield running


@pytest.fixture
def fleet(sshd: Sshd, tmp_path: Path) -> Fleet:
    path = tmp_path / "inventory.ini"
    path.write_text(
        f"far ansible_host={sshd.address} ansible_port={sshd.port} ansible_user={sshd.user}"
        f" ansible_ssh_private_key_file={sshd.identity}"
        f" ansible_ssh_common_args='-F none -o UserKnownHostsFile={sshd.known_hosts}'\n"
        "here ansible_connection=local\n"
    )
    return Fleet.open([path], Settings(guard=Guard()))


@pytest.fixture
async def watched(fleet: Fleet) -> AsyncIterator[Fleet]:
    """The fleet, once both nodes have answered."""
    async with fleet:
        while not all(fleet.status(name).sample for name in fleet.nodes):  # noqa: ASYNC110 - no event says it of all
            await asyncio.sleep(0.02)
        yield fleet


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-c", "import time; print(flush=True); time.sleep(600)"], stdout=-1)
    assert process.stdout
    process.stdout.readline()
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def notes(fleet: Fleet) -> list[str]:
    return [event.text for event in fleet.log() if isinstance(event, Noted)]


@pytest.mark.parametrize("node", ["far", "here"])
async def test_a_signal_reaches_the_process_that_was_looked_at(
    watched: Fleet, sleeper: subprocess.Popen[bytes], node: str
) -> None:
    found = next(one for one in await watched.top(node, 100_000) if one.pid == sleeper.pid)
    assert found.ours
    assert found.boot
    other = Process(**{name: getattr(found, name) for name in found.__slots__} | {"started": found.started + 1})
    assert (await watched.signal(node, other, "KILL")).fate is Fate.GONE
    assert sleeper.poll() is None
    assert (await watched.signal(node, found, "TERM")).fate is Fate.SENT
    assert await asyncio.to_thread(sleeper.wait, 20) == -15
    assert (await watched.signal(node, found, "TERM")).fate is Fate.GONE
    said = [text for text in notes(watched) if f"to {sleeper.pid} " in text]
    assert [text.split(":", 1)[0].split()[0] for text in said] == ["SIGKILL", "SIGTERM", "SIGTERM"]
    assert said[1].endswith(": sent")


@pytest.mark.parametrize("node", ["far", "here"])
async def test_journal_and_containers_are_answered_whatever_there_is(watched: Fleet, node: str) -> None:
    journal = await watched.journal(node, "no-such-unit.service")
    assert journal.error
    containers = await watched.containers(node)
    assert "the answer did not come whole" not in containers.errors
    told = {*containers.engines, *(error.split(":")[0] for error in containers.errors)}
    assert told == {name for name in ("docker", "podman") if shutil.which(name)}


async def test_the_page_of_a_real_node(fleet: Fleet, sleeper: subprocess.Popen[bytes]) -> None:
    app = Dashboard(fleet)
    async with app.run_test(size=(120, 40)) as pilot:
        await begin(app, pilot)
        await until(pilot, lambda: fleet.status("far").sample and fleet.status("far").facts)
        table(app).seek("far")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, NodeScreen) and "Memory and swap ──" in screen_text(app))
        await pilot.press("p")
        await until(pilot, lambda: app.screen.query_one(WholeLines).count > 3)
        await pilot.press("slash", *str(sleeper.pid), "enter")
        lines = app.screen.query_one(WholeLines)
        await until(pilot, lambda: any(row.key.startswith(f"{sleeper.pid}.") for row in lines.rows))
        lines.go(next(at for at, row in enumerate(lines.rows) if row.key.startswith(f"{sleeper.pid}.")))
        await pilot.press("K")
        await until(pilot, lambda: isinstance(app.screen, SignalScreen) and app.screen.is_active)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen) and app.screen.is_active)
        assert f"{sleeper.pid} " in screen_text(app)
        await pilot.press("y")
        await until(pilot, lambda: sleeper.poll() == -15)
        await until(pilot, lambda: any(text.endswith(": sent") for text in notes(fleet)))
