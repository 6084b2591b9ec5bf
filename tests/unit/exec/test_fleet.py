"""`Fleet.exec`: what users' scripts call."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gridtui.errors import PingError, SelectionError, UsageError
from gridtui.exec import Ending, Task
from gridtui.fleet import Fleet
from gridtui.monitor import Monitor
from gridtui.settings import Guard, Settings

from ...ssh.openssh import Sshd


@pytest.fixture
def fleet(sshd: Sshd, tmp_path: Path) -> Fleet:
    path = tmp_path / "inventory.ini"
    path.write_text(
        "n[1:3]\n[all:vars]\n"
        f"ansible_host={sshd.address}\nansible_port={sshd.port}\nansible_user={sshd.user}\n"
        f"ansible_ssh_private_key_file={sshd.identity}\n"
        f"ansible_ssh_common_args='-F none -o UserKnownHostsFile={sshd.known_hosts}'\n"
    )
    return Fleet.open([path], Settings())


async def test_one_call(fleet: Fleet) -> None:
    found = await fleet.exec("echo hi", "n[1-2]", "n2")
    assert {name: (one.status, one.stdout) for name, one in found.items()} == {"n1": (Ending.OK, b"hi\n")}


async def test_connections_are_shared_by_those_who_hold(fleet: Fleet, sshd: Sshd) -> None:
    before = sshd.logins()
    async with fleet.holding():
        first, second = await asyncio.gather(fleet.exec("sleep 0.3; echo a"), fleet.exec("echo b"))
        await fleet.exec("true")
    assert sshd.logins() - before == 3
    assert {one.stdout for one in first.values()} == {b"a\n"}
    assert {one.stdout for one in second.values()} == {b"b\n"}


async def test_a_call_that_ends_first_takes_no_connection_from_another(fleet: Fleet) -> None:
    slow, fast = await asyncio.gather(fleet.exec("sleep 1; echo a"), fleet.exec("true"))
    assert all(one.ok for one in [*slow.values(), *fast.values()])


async def test_who_watched_takes_no_connection_from_another(fleet: Fleet) -> None:
    async with fleet.holding():
        async with fleet.watching():
            run = asyncio.create_task(fleet.exec("sleep 1; echo a"))
            await asyncio.sleep(0.5)
        assert all(one.ok for one in (await run).values())
    assert fleet._pool is None, "the last one to leave closes them"


async def test_a_watch_that_cannot_begin_is_no_watch(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    async def start(self: Monitor) -> None:
        raise PingError("no way of pinging")

    with monkeypatch.context() as patch:
        patch.setattr(Monitor, "start", start)
        with pytest.raises(PingError):
            async with fleet.watching():
                raise AssertionError("not here")
    async with fleet.watching():
        assert vars(fleet)["_monitor"]
    assert not vars(fleet)["_monitor"] and not vars(fleet)["_pool"]


async def test_read_only(fleet: Fleet) -> None:
    guarded = Fleet(fleet.inventory, Settings(guard=Guard(read_only=True)))
    with pytest.raises(UsageError, match="read-only"):
        await guarded.exec("true")


async def test_errors_of_the_caller_are_raised(fleet: Fleet) -> None:
    with pytest.raises(SelectionError):
        await fleet.exec("true", "nosuch")
    with pytest.raises(UsageError):
        await fleet.exec(Task(" "))
