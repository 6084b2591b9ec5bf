"""What a node's page asks on demand, on real systemd nodes: a failed unit's journal with and without permission, signals, no containers."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from gridtui.events import Noted
from gridtui.exec.signals import Fate
from gridtui.fleet import Fleet
from gridtui.probes import Process
from gridtui.settings import Posture, Settings

from .lab import Lab

pytestmark = pytest.mark.timeout(120)

UNIT = "doomed.service"
NAME = "node1"


def write(lab: Lab, path: str, text: str) -> None:
    """A file on the node."""
    code = base64.b64encode(text.encode()).decode()
    lab.run(NAME, ["sh", "-c", f"echo {code} | base64 -d >{path}"])


@pytest.fixture(scope="module")
def doomed(lab: Lab) -> Iterator[Lab]:
    """node1 with a unit that has failed; `grid` may become root without a password, and may not read the journal by itself."""
    write(lab, "/run/doomed.sh", "echo '[b]boom[/]'\nprintf 'cut\\033[2J\\n'\nexit 3\n")
    write(lab, f"/run/systemd/system/{UNIT}", "[Service]\nType=oneshot\nExecStart=/bin/sh /run/doomed.sh\n")
    lab.run(NAME, ["systemctl", "daemon-reload"])
    lab.run(NAME, ["systemctl", "start", UNIT], check=False)
    lab.run(
        NAME, ["sh", "-c", "echo 'grid ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/page && chmod 440 /etc/sudoers.d/page"]
    )
    yield lab
    lab.run(
        NAME, ["sh", "-c", f"rm -f /etc/sudoers.d/page /run/systemd/system/{UNIT}; systemctl reset-failed"], check=False
    )


def over(lab: Lab, folder: Path, settings: Settings) -> Fleet:
    """node1 twice: as root, and as a user."""
    common = (
        f"ansible_host={lab.node(NAME).address} ansible_ssh_private_key_file={lab.key}"
        f" ansible_ssh_common_args='-F none -o UserKnownHostsFile={lab.known_hosts}'"
    )
    path = folder / "inventory.ini"
    path.write_text(f"root {common} ansible_user=root\nuser {common} ansible_user=grid\n")
    return Fleet.open([path], settings)


async def watched(fleet: Fleet) -> Fleet:
    while not all(fleet.status(name).sample for name in fleet.nodes):  # noqa: ASYNC110 - no event says it of all
        await asyncio.sleep(0.05)
    return fleet


@pytest.fixture
async def fleet(doomed: Lab, tmp_path: Path) -> AsyncIterator[Fleet]:
    async with over(doomed, tmp_path, Settings()) as fleet:
        yield await watched(fleet)


async def test_a_failed_unit_is_found_and_its_journal_is_read(fleet: Fleet) -> None:
    deadline = time.monotonic() + 60
    while UNIT not in [unit.name for unit in fleet.status("root").sample.parts["units"]]:  # type: ignore[union-attr]
        assert time.monotonic() < deadline
        await asyncio.sleep(0.2)
    # What a unit said may come into its journal a moment after the unit has ended.
    while not any("[b]boom[/]" in line for line in (await fleet.journal("root", UNIT)).lines):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.2)
    for name in ("root", "user"):  # the user through `sudo -n`
        journal = await fleet.journal(name, UNIT)
        assert journal.error == ""
        assert journal.state["ActiveState"] == "failed"
        assert journal.state["Result"] == "exit-code"
        assert journal.state["ExecMainStatus"] == "3"
        assert any("[b]boom[/]" in line for line in journal.lines), journal.lines
        assert any("cut·[2J" in line for line in journal.lines), journal.lines
        assert not any("\x1b" in line for line in journal.lines)
    assert len((await fleet.journal("root", UNIT, 2)).lines) <= 3
    assert (await fleet.journal("root", "no-such.service")).error == "the journal has no lines of it"


async def test_who_may_not_read_a_journal_is_told_so(doomed: Lab, tmp_path: Path) -> None:
    async with over(doomed, tmp_path, Settings(posture=Posture(sudo=False))) as opened:
        journal = await (await watched(opened)).journal("user", UNIT)
    assert journal.barred
    assert "may not read it" in journal.error
    assert journal.state["ActiveState"] == "failed"


async def sleeping(fleet: Fleet, lab: Lab, seconds: int) -> Process:
    """A process of root on the node, as the user sees it."""
    lab.run(NAME, ["sh", "-c", f"setsid sleep {seconds} </dev/null >/dev/null 2>&1 & echo $! >/run/sleeper"])
    pid = int(lab.run(NAME, ["cat", "/run/sleeper"]).stdout)
    return next(one for one in await fleet.top("user", 100_000) if one.pid == pid)


async def test_another_users_process_is_signalled_through_sudo_alone(fleet: Fleet, doomed: Lab) -> None:
    process = await sleeping(fleet, doomed, 987_001)
    assert (process.user, process.ours) == ("root", False)
    assert (await fleet.signal("user", process, "TERM")).fate is Fate.DENIED
    assert (await fleet.signal("user", process, "STOP", sudo=True)).fate is Fate.SENT
    stopped = next(one for one in await fleet.top("root", 100_000) if one.pid == process.pid)
    assert (stopped.state, stopped.started, stopped.ours) == ("T", process.started, True)
    assert (await fleet.signal("user", process, "CONT", sudo=True)).fate is Fate.SENT
    assert (await fleet.signal("user", process, "KILL", sudo=True)).fate is Fate.SENT
    deadline = time.monotonic() + 20
    while (await fleet.signal("user", process, "TERM", sudo=True)).fate is not Fate.GONE:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.1)
    said = [event.text for event in fleet.log() if isinstance(event, Noted)]
    assert f"SIGKILL to {process.pid} sleep of root through sudo: sent" in said
    assert f"SIGTERM to {process.pid} sleep of root: not sent: this login may not" in said


async def test_a_number_that_another_process_has_now_is_left_alone(fleet: Fleet, doomed: Lab) -> None:
    process = await sleeping(fleet, doomed, 987_002)
    # The kernel gives the next process the number after this one: of a process that has ended, that is the same number again.
    reused = (
        f"kill -KILL {process.pid}; while kill -0 {process.pid} 2>/dev/null; do sleep 0.05; done; i=0; "
        f"while [ $i -lt 200 ]; do echo {process.pid - 1} >/proc/sys/kernel/ns_last_pid; setsid sleep 987003 </dev/null >/dev/null 2>&1 & "
        f"if [ $! = {process.pid} ]; then exit 0; fi; kill -KILL $!; i=$((i+1)); done; exit 1"
    )
    if doomed.run(NAME, ["sh", "-c", reused], check=False).returncode:
        pytest.skip("numbers of processes cannot be chosen there")
    assert (await fleet.signal("root", process, "KILL")).fate is Fate.GONE
    again = next(one for one in await fleet.top("root", 100_000) if one.pid == process.pid)
    assert again.started != process.started
    assert (await fleet.signal("root", again, "KILL")).fate is Fate.SENT


async def test_a_node_without_containers_says_so(fleet: Fleet) -> None:
    for name in ("root", "user"):
        found = await fleet.containers(name)
        assert (found.found, found.engines, found.errors) == ((), (), ())
