"""`exec` on real systemd nodes: a node that dies or freezes in the middle, and the real sudo."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Sequence

import pytest

from gridtui.exec import Ending, Outcome, Plan, Run, Stop, Stream, Task
from gridtui.model import Node
from gridtui.settings import Ssh
from gridtui.ssh import Pool

from .lab import Lab

PASSWORD = "pass word'$1"
NAMES = ("node1", "node2", "node3")


@pytest.fixture
async def pool(lab: Lab) -> AsyncIterator[Pool]:
    async with Pool(Ssh(config="none", known_hosts=str(lab.known_hosts), keepalive=0.5)) as pool:
        yield pool


def nodes(lab: Lab, user: str = "root") -> list[Node]:
    return [Node(name, lab.node(name).address, user=user, identity=str(lab.key)) for name in NAMES]


@pytest.fixture
def sudoers(lab: Lab) -> Iterator[None]:
    """node1 asks nobody, node2 and node3 want a password; faillock-like counting is left to each test."""
    for name in NAMES:
        free = "NOPASSWD: " if name == "node1" else ""
        lab.run(
            name,
            ["sh", "-c", f"echo 'grid ALL=(ALL) {free}ALL' > /etc/sudoers.d/exec && chmod 440 /etc/sudoers.d/exec"],
        )
        lab.run(name, ["sh", "-c", 'printf "grid:%s\\n" "$1" | chpasswd', "sh", PASSWORD])
        lab.run(name, ["rm", "-rf", "/run/sudo/ts/grid", "/var/lib/sudo/lectured/grid"])
    yield
    for name in NAMES:
        lab.run(name, ["rm", "-f", "/etc/sudoers.d/exec"])
        lab.run(name, ["usermod", "-p", "*", "grid"])


class Person:
    """Somebody who types."""

    def __init__(self, answer: str) -> None:
        self.answer, self.asked = answer, 0

    async def __call__(self, question: str) -> str:
        self.asked += 1
        return self.answer


def gone(lab: Lab, name: str, pattern: str) -> None:
    """No such process is there, or none any more in a moment."""
    until = time.monotonic() + 10
    while said := lab.run(name, ["pgrep", "-af", pattern], check=False).stdout:
        assert time.monotonic() < until, said
        time.sleep(0.1)


async def test_all_nodes_answer(lab: Lab, pool: Pool) -> None:
    found = await Run(Task("hostname; id -un"), nodes(lab, "grid"), pool, Plan()).finish()
    assert {name: one.stdout for name, one in found.items()} == {name: f"{name}\ngrid\n".encode() for name in NAMES}


@pytest.mark.parametrize("end", ["stop", "pause"])
async def test_a_node_that_dies_in_the_middle(lab: Lab, pool: Pool, end: str) -> None:
    ready = asyncio.Event()

    def lines(node: str, stream: Stream, lines: Sequence[bytes]) -> None:
        if node == "node2":
            ready.set()

    command = '[ "$(hostname)" = node2 ] && { echo up; exec sleep 100; }; sleep 1; echo fine'
    run = asyncio.create_task(Run(Task(command), nodes(lab), pool, Plan(), lines=lines).finish())
    await ready.wait()
    began = time.monotonic()
    await asyncio.to_thread(getattr(lab, end), "node2")
    found = await run
    assert time.monotonic() - began < 30
    lost = found["node2"]
    assert (lost.status, lost.layer, lost.left) == (Ending.UNREACHABLE, "tcp", True)
    assert "does not answer any more" in lost.error or "connection lost" in lost.error
    assert [found[name].stdout for name in ("node1", "node3")] == [b"fine\n"] * 2


async def test_a_frozen_node_and_a_time_out(lab: Lab, pool: Pool) -> None:
    await Run(Task("true"), nodes(lab), pool, Plan()).finish()  # all are connected
    await asyncio.to_thread(lab.pause, "node3")
    found = await Run(Task("echo hi", timeout=1), nodes(lab), pool, Plan()).finish()
    assert [one.status for one in found.values()] == [Ending.OK, Ending.OK, Ending.TIMEOUT]
    assert found["node3"].left


@pytest.mark.parametrize("user", ["root", "grid"])
@pytest.mark.parametrize("command", ["exec sleep 777", "trap '' TERM; while :; do sleep 777; done", "sleep 777 | cat"])
async def test_a_time_out_leaves_nothing_on_the_nodes(lab: Lab, pool: Pool, user: str, command: str) -> None:
    await Run(Task("true"), nodes(lab, user), pool, Plan()).finish()  # all are connected: the time is the command's
    found = await Run(Task(command, timeout=1), nodes(lab, user), pool, Plan()).finish()
    assert {(one.status, one.left) for one in found.values()} == {(Ending.TIMEOUT, False)}
    for name in NAMES:
        gone(lab, name, "[s]leep 777")


async def test_a_daemon_that_the_command_started_stays(lab: Lab, pool: Pool) -> None:
    command = "setsid sleep 778 >/dev/null 2>&1 </dev/null & sleep 779"
    stop = Stop()
    asyncio.get_running_loop().call_later(1, stop.ask)
    await Run(Task(command), nodes(lab)[:1], pool, Plan(), stop=stop).finish()
    assert lab.run("node1", ["pgrep", "-f", "[s]leep 778"]).stdout
    gone(lab, "node1", "[s]leep 779")
    lab.run("node1", ["pkill", "-f", "[s]leep 778"])


@pytest.mark.usefixtures("sudoers")
async def test_sudo_with_and_without_a_password(lab: Lab, pool: Pool) -> None:
    person = Person(PASSWORD)
    task = Task("id -un; cat; echo err >&2; exit 3", b"input\n", sudo=True, timeout=20)
    found = await Run(task, nodes(lab, "grid"), pool, Plan(), ask=person).finish()
    for one in found.values():
        assert (one.stdout, one.stderr, one.exit) == (b"root\ninput\n", b"err\n", 3), one
    assert person.asked == 1


@pytest.mark.usefixtures("sudoers")
async def test_a_wrong_password_is_tried_once_on_one_node(lab: Lab, pool: Pool) -> None:
    since = {name: lab.run(name, ["date", "+%Y-%m-%d %H:%M:%S"]).stdout.strip() for name in NAMES}
    found = await Run(Task("id", sudo=True, timeout=20), nodes(lab, "grid"), pool, Plan(), ask=Person("tpyo")).finish()
    assert found["node1"].ok
    errors = [found[name].error for name in NAMES[1:]]
    assert sum(error == "sudo: the password was refused" for error in errors) == 1
    assert sum("so it was not tried here" in error for error in errors) == 1
    tries = [_failures(lab, name, since[name]) for name in NAMES]
    assert sum(tries) == 1, "one wrong password is one failed authentication"


@pytest.mark.usefixtures("sudoers")
async def test_nobody_to_ask(lab: Lab, pool: Pool) -> None:
    found = await Run(Task("id", sudo=True, timeout=20), nodes(lab, "grid"), pool, Plan()).finish()
    assert [one.status for one in found.values()] == [Ending.OK, Ending.FAILED, Ending.FAILED]
    assert "no terminal to ask" in found["node2"].error


async def test_sudo_that_is_not_permitted_or_not_there(lab: Lab, pool: Pool) -> None:
    lab.run("node1", ["sh", "-c", 'printf "grid:%s\\n" "$1" | chpasswd', "sh", PASSWORD])
    lab.run("node2", ["mv", "/usr/bin/sudo", "/usr/bin/sudo.away"])
    try:
        task = Task("id", sudo=True, timeout=20)
        found = await Run(task, nodes(lab, "grid")[:2], pool, Plan(), ask=Person(PASSWORD)).finish()
    finally:
        lab.run("node2", ["mv", "/usr/bin/sudo.away", "/usr/bin/sudo"])
        lab.run("node1", ["usermod", "-p", "*", "grid"])
    assert found["node1"].error.startswith("sudo refused: ")
    assert "sudoers" in found["node1"].error
    assert found["node2"].error == "sudo is not installed there"


def test_no_password_in_any_command_line(lab: Lab) -> None:
    assert PASSWORD not in repr(Task("id", PASSWORD.encode(), sudo=True))
    assert PASSWORD not in repr(Outcome("n", Ending.OK, 0, PASSWORD.encode()))


def _failures(lab: Lab, name: str, since: str) -> int:
    """Failed authentications that PAM told the journal."""
    said = lab.run(name, ["journalctl", "--since", since, "-o", "cat", "-t", "sudo"], check=False).stdout
    return said.count("authentication failure;")
