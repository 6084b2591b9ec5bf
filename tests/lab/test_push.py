"""`gridtui push` and `gridtui pull` on the lab's nodes: a power cut and a cut link in the middle, plain users, the tools of Debian's rsync."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ..e2e.program import Program, Running
from ..unit.push.trees import fill
from .lab import SUBNET, Lab

NAMES = ["node1", "node2", "node3"]
SIZE = 32 << 20
BLOCK = 1 << 17

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
def program(lab: Lab, tmp_path: Path) -> Iterator[Program]:
    with Program(tmp_path) as program:
        yield program
    for node in lab.nodes:
        if lab.states().get(node.name) == "running":
            lab.run(node.name, ["sh", "-c", "rm -rf /srv/push /home/grid/push"], check=False)


@pytest.fixture
def big(tmp_path: Path) -> Path:
    return fill(tmp_path / "big", SIZE)


def until(holds: Callable[[], bool], seconds: float, what: Callable[[], object]) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, what()
        time.sleep(0.1)


def received(lab: Lab, name: str) -> int:
    """Bytes of `big` that are on the node, finished or not."""
    found = lab.run(
        name, ["sh", "-c", "cat /srv/push/big /srv/push/.big* /srv/push/.gridtui-partial/big 2>/dev/null | wc -c"]
    )
    return int(found.stdout)


def digest(lab: Lab, name: str) -> str:
    return lab.run(name, ["sha256sum", "/srv/push/big"]).stdout.split()[0]


def half_way(lab: Lab, running: Running, name: str) -> None:
    until(lambda: received(lab, name) > SIZE // 3, 60, running.so_far)


def test_out_and_back(lab: Lab, program: Program, tmp_path: Path) -> None:
    for part in ("with blank", "new\nline", "'\"", "-n", os.fsdecode(b"\xff")):
        fill(tmp_path / "site" / part, 1000)
    pushed = program.run("-i", lab.inventory, "push", "--json", f"{tmp_path}/site/", "/srv/push")
    assert pushed.status == 0, pushed
    assert [result["files"] for result in pushed.json["results"]] == [5, 5, 5]
    pulled = program.run("-i", lab.inventory, "pull", "/srv/push/", "back")
    assert pulled.status == 0, pulled
    for name in NAMES:
        assert sorted(os.listdir(tmp_path / "back" / name)) == sorted(os.listdir(tmp_path / "site"))
    assert not lab.run("node1", ["sh", "-c", "ls -A /tmp | grep gridtui"], check=False).stdout


def test_one_dies_in_the_middle(lab: Lab, program: Program, big: Path) -> None:
    running = program.start("-i", lab.inventory, "push", "--json", "--bwlimit", "3m", big, "/srv/push/")
    half_way(lab, running, "node2")
    lab.stop("node2")
    done = running.wait(90)
    assert done.status == 4, done
    results = {result["node"]: result for result in done.json["results"]}
    assert [results[name]["status"] for name in ("node1", "node3")] == ["ok", "ok"]
    assert results["node2"]["status"] == "unreachable"
    expected = hashlib.sha256(big.read_bytes()).hexdigest()
    assert {digest(lab, name) for name in ("node1", "node3")} == {expected}
    lab.start("node2")
    again = program.run("-i", lab.inventory, "push", big, "/srv/push/", timeout=60)
    assert again.status == 0, again
    assert digest(lab, "node2") == expected


def test_a_link_is_cut_and_back(lab: Lab, program: Program, big: Path) -> None:
    running = program.start(
        "-i", lab.inventory, "push", "-w", "node1", "-t", "5", "--json", "--bwlimit", "4m", big, "/srv/push/"
    )
    half_way(lab, running, "node1")
    lab.run("node1", ["ip", "link", "set", "eth0", "down"])
    try:
        arrived = received(lab, "node1")
        done = running.wait(60)
        assert done.status in (1, 4), done
        assert done.json["results"][0]["status"] in ("timeout", "unreachable")
    finally:
        lab.run("node1", ["sh", "-c", f"ip link set eth0 up; ip route replace default via {SUBNET[1]}"])
    again = program.run(
        "-i", lab.inventory, "push", "-w", "node1", "-t", "5", "--wait", "90", "--json", big, "/srv/push/", timeout=120
    )
    assert again.status == 0, again
    (result,) = again.json["results"]
    assert result["literal"] <= SIZE - arrived + BLOCK, (result, arrived)
    assert digest(lab, "node1") == hashlib.sha256(big.read_bytes()).hexdigest()
    assert lab.run("node1", ["ls", "-A", "/srv/push"]).stdout.split() == ["big"]


def as_grid(lab: Lab, program: Program) -> Path:
    """The inventory of a plain user."""
    return program.inventory(lab.inventory.read_text().replace("ansible_user: root", "ansible_user: grid"))


def test_a_plain_user(lab: Lab, program: Program, tmp_path: Path) -> None:
    source = fill(tmp_path / "file", 1000)
    inventory = as_grid(lab, program)
    refused = program.run("-i", inventory, "push", source, "/srv/push-no/")
    assert refused.status == 1, refused
    assert "failed: node[1-3]: permission denied: /srv/push-no" in refused.stderr
    home = program.run("-i", inventory, "push", source, "~/push/")
    assert home.status == 0, home
    assert lab.run("node1", ["stat", "-c", "%U %s", "/home/grid/push/file"]).stdout == "grid 1000\n"
    unreadable = program.run("-i", inventory, "pull", "-w", "node1", "/etc/shadow", "in")
    assert unreadable.status == 1, unreadable
    assert "permission denied: /etc/shadow" in unreadable.stderr


def test_sudo(lab: Lab, program: Program, tmp_path: Path) -> None:
    inventory = as_grid(lab, program)
    rule = "/etc/sudoers.d/push"
    source = fill(tmp_path / "file", 1000)
    words = ("push", "-w", "node1", "--sudo", "--chown", "root:root", source, "/srv/push/")
    refused = program.run("-i", inventory, *words)
    assert refused.status == 1, refused
    assert "NOPASSWD" in refused.stderr
    lab.run("node1", ["sh", "-c", f"echo 'grid ALL=(root) NOPASSWD: /usr/bin/rsync' >{rule}; chmod 440 {rule}"])
    try:
        done = program.run("-i", inventory, *words)
    finally:
        lab.run("node1", ["rm", rule])
    assert done.status == 0, done
    assert lab.run("node1", ["stat", "-c", "%U", "/srv/push/file"]).stdout == "root\n"


def test_without_rsync(lab: Lab, program: Program, tmp_path: Path) -> None:
    source = fill(tmp_path / "file", 100_000)
    lab.run("node3", ["mv", "/usr/bin/rsync", "/usr/bin/rsync.away"])
    try:
        refused = program.run("-i", lab.inventory, "push", "--sftp", "never", source, "/srv/push/")
        done = program.run("-i", lab.inventory, "push", source, "/srv/push/")
    finally:
        lab.run("node3", ["mv", "/usr/bin/rsync.away", "/usr/bin/rsync"])
    assert refused.status == 1, refused
    assert "failed: node3: there is no rsync: `apt-get install rsync` installs it" in refused.stderr
    assert done.status == 0, done
    assert "over SFTP, without rsync: node3" in done.stderr
    assert lab.run("node3", ["stat", "-c", "%s", "/srv/push/file"]).stdout == "100000\n"
