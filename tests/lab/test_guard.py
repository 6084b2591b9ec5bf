"""Changes that cut the link, on real nodes: each comes back by itself, whatever dies meanwhile; and what was confirmed stays."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from gridtui.errors import SshError
from gridtui.model import Node
from gridtui.playbooks import guard
from gridtui.playbooks.guard import Access, Fate
from gridtui.settings import Ssh
from gridtui.ssh import Pool

from ..e2e.program import Program, Running
from . import guards
from .docker import docker
from .guards import GUARD, RuleSet
from .lab import FIRST, NETWORK, SUBNET, Lab
from .plays import play

pytestmark = pytest.mark.timeout(300)

NAMES = ("node1", "node2", "node3")
NOBODY = ["192.0.2.1"]
"""Controllers that are not us: with these nobody can log in from here any more."""
LATE = 150.0


def sh(lab: Lab, name: str, command: str, check: bool = True) -> str:
    return lab.run(name, ["sh", "-c", command], check=check).stdout


def rules(lab: Lab, name: str) -> str:
    """All rules of a node, without counters and who was counted."""
    return sh(lab, name, "nft -s list ruleset | sed '/elements.*limit rate/d'")


def states(lab: Lab, name: str) -> list[str]:
    """PLAYBOOK STATE of each change."""
    return [" ".join(line.split()[1:3]) for line in sh(lab, name, f"{GUARD} status").splitlines()]


def until(true: Callable[[], bool], what: str, running: Running | None = None) -> None:
    """Wait for what must come true; what `running` said meanwhile explains why it did not."""
    end = time.monotonic() + LATE
    while not true():
        assert time.monotonic() < end, f"not within {LATE:g} s: {what}; {running.so_far() if running else b''!r}"
        time.sleep(0.1)


@pytest.fixture(autouse=True)
def clean(lab: Lab) -> Iterator[None]:
    """Nodes without a guard and without rules of ours, before and after."""
    remove = (
        "systemctl -q disable --now gridtui-firewall.service 2>/dev/null; systemctl stop gridtui-firewall 'gridtui-guard*' 2>/dev/null; "
        "nft delete table inet gridtui 2>/dev/null; nft delete table inet generated 2>/dev/null; "
        "rm -rf /var/lib/gridtui /etc/gridtui /etc/generated.nft /etc/systemd/system/gridtui-*; systemctl daemon-reload"
    )
    for name in NAMES:
        sh(lab, name, remove, check=False)
    yield
    lab.heal()
    for name in NAMES:
        sh(lab, name, remove, check=False)


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Program]:
    with Program(tmp_path) as program:
        yield program


def test_a_lock_out_ends_by_itself_and_stops_the_run(lab: Lab, program: Program) -> None:
    """A good firewall is there and confirmed; then one that locks out: it comes to the canary alone, and is gone again after the window."""
    good = program.run("-i", lab.inventory, "playbook", "run", "firewall", "--batch", "100%", "--json", timeout=150)
    assert good.status == 0, good
    assert [one["status"] for one in good.json["results"]] == ["changed"] * 3
    before = {name: rules(lab, name) for name in NAMES}
    assert all("table inet gridtui" in text for text in before.values())

    words = ("playbook", "run", "firewall", "--confirm-within", "20", "-e", f"firewall_controllers={NOBODY}")
    bad = program.run("-i", lab.inventory, *words, "--json", timeout=150)
    assert bad.status == 1, bad
    found = {one["node"]: one for one in bad.json["results"]}
    assert [found[name]["status"] for name in NAMES] == ["rolled-back", "skipped", "skipped"]
    assert "took the change back" in found["node1"]["error"]
    assert {name: rules(lab, name) for name in NAMES} == before
    assert states(lab, "node1") == ["firewall confirmed", "firewall rolled-back"]
    assert all(states(lab, name) == ["firewall confirmed"] for name in NAMES[1:])
    assert lab.ssh("node1", "echo well").strip() == "well"
    # what the role compares with is as it was, too
    assert play(lab, "firewall").changed == dict.fromkeys(NAMES, 0)

    # and all of the first run can be taken back later
    back = program.run("-i", lab.inventory, "playbook", "rollback", good.json["run"], "--json", timeout=60)
    assert back.status == 0, back
    assert {one["fate"] for one in back.json["results"]} == {"rolled-back"}
    for name in NAMES:
        assert "gridtui" not in rules(lab, name)
        assert "gridtui" not in sh(lab, name, "systemctl list-unit-files --no-legend; nft list tables")


def test_plain_ansible_says_so_too(lab: Lab) -> None:
    before = rules(lab, "node1")
    done = play(lab, "firewall", well=False, firewall_controllers=NOBODY, gridtui_window=20)
    assert done.status != 0
    assert set(done.recap) == {"node1"}  # the canary; nobody else was begun
    assert "firewall was not confirmed: the node could not be reached after the change" in done.said
    assert "firewall rolled-back" in done.said
    assert rules(lab, "node1") == before


def test_a_controller_that_is_killed_leaves_nodes_that_take_it_back(lab: Lab, program: Program) -> None:
    before = rules(lab, "node1")
    running = program.start(
        *("-i", lab.inventory, "playbook", "run", "firewall", "-w", "node1", "--no-confirm", "--confirm-within", "40"),
        start_new_session=True,
    )
    until(lambda: "table inet gridtui" in rules(lab, "node1"), "the firewall", running)
    os.killpg(running.pid, signal.SIGKILL)
    assert states(lab, "node1") == ["firewall armed"], running.so_far()
    until(lambda: states(lab, "node1") == ["firewall rolled-back"], "the rollback")
    assert rules(lab, "node1") == before


def test_a_power_cut_within_the_window_takes_it_back_at_boot(lab: Lab) -> None:
    play(lab, "firewall", hosts="node2", gridtui_confirm=False, gridtui_window=600, firewall_controllers=NOBODY)
    assert states(lab, "node2") == ["firewall armed"]
    lab.stop("node2")
    lab.start("node2")
    until(lambda: states(lab, "node2") == ["firewall rolled-back"], "the rollback at boot")
    assert "gridtui" not in rules(lab, "node2")
    assert lab.ssh("node2", "echo well").strip() == "well"
    assert "gridtui-guard" not in sh(lab, "node2", "find /etc/systemd")
    assert "rebooted before change" in sh(lab, "node2", "journalctl -q -t gridtui-guard")


def test_two_controllers_at_once(lab: Lab) -> None:
    """The second one is told who is at work, and changes nothing."""
    guards.install(lab.node("node3").container)
    sh(lab, "node3", f"printf 'playbook ssh\\nwho ann@desk\\n' | {GUARD} arm first 600")
    before = rules(lab, "node3")
    done = play(lab, "firewall", hosts="node3", well=False)
    assert done.failed == {"node3": 1}
    assert "change first (ssh) of ann@desk is armed" in done.said
    assert rules(lab, "node3") == before
    assert states(lab, "node3") == ["ssh armed"]


def test_a_disk_that_cannot_be_written(lab: Lab) -> None:
    """Read-only, or full: nothing is armed, and so nothing is changed."""
    guards.install(lab.node("node1").container)
    sh(lab, "node1", "echo old > /etc/kept; chmod 640 /etc/kept; head -c 300000 /dev/urandom > /etc/large")
    arm = f"printf 'path /etc/kept\\npath /etc/large\\n' | {GUARD} arm r1 60"
    # A mount namespace of its own: what the node itself has open for writing would keep it writable.
    refused = lab.run("node1", ["unshare", "-m", "sh", "-c", f"mount -o remount,ro,bind / && {arm}"], check=False)
    assert refused.returncode == 1
    assert "is the disk full or read-only?" in refused.stderr
    small = (
        "mkdir -p /run/small && mount -t tmpfs -o size=128k none /run/small && mount --bind /run/small /var/lib/gridtui"
    )
    script = f"cp {GUARD} /run/guard; {small} && cp /run/guard {GUARD}; {arm}; status=$?; {GUARD} status; find /var/lib/gridtui; exit $status"
    refused = lab.run("node1", ["unshare", "-m", "sh", "-c", script], check=False)
    assert refused.returncode == 1
    assert "nothing was changed" in refused.stderr
    assert "changes/" not in refused.stdout and "armed" not in refused.stdout
    assert states(lab, "node1") == []

    sh(lab, "node1", "mount --bind /var/lib /var/lib && mount -o remount,ro,bind /var/lib")
    try:
        done = play(lab, "firewall", hosts="node1", well=False)
    finally:
        sh(lab, "node1", "umount -l /var/lib; rm -f /etc/kept /etc/large")
    assert done.failed == {"node1": 1}
    assert "table inet gridtui" not in rules(lab, "node1")
    assert not sh(lab, "node1", "ls /etc/gridtui", check=False)


@dataclass(frozen=True, slots=True)
class Plain:
    """A machine whose first process is sshd: no systemd, no cron, nothing."""

    container: str
    address: str

    def sh(self, command: str, check: bool = True) -> str:
        return docker("exec", self.container, "sh", "-c", command, check=check).stdout


@pytest.fixture
def plain(lab: Lab, tmp_path: Path) -> Iterator[tuple[Plain, Path]]:
    """It, and an inventory with it alone."""
    machine = Plain(f"{NETWORK}-plain", str(SUBNET[FIRST + 80]))
    docker("rm", "--force", machine.container, check=False)
    start = "mkdir -p /run/sshd /root/.ssh && ssh-keygen -A >/dev/null && exec /usr/sbin/sshd -D"
    docker(
        *("run", "--detach", f"--name={machine.container}", f"--network={NETWORK}", f"--ip={machine.address}"),
        *("--cap-add=NET_ADMIN", lab.recipe.tag, "sh", "-c", start),
    )
    try:
        public = lab.key.with_suffix(".pub").read_text()
        key = ""

        def keys() -> bool:
            nonlocal key
            key = machine.sh("cat /etc/ssh/ssh_host_ed25519_key.pub", check=False)
            return bool(key) and bool(machine.sh("pidof sshd", check=False))

        until(keys, "sshd")
        machine.sh(f"umask 077; echo '{public.strip()}' > /root/.ssh/authorized_keys")
        known, inventory = tmp_path / "known_hosts", tmp_path / "plain.yaml"
        known.write_text(f"{machine.address} {' '.join(key.split()[:2])}\n")
        inventory.write_text(
            f"all:\n  hosts:\n    plain:\n      ansible_host: {machine.address}\n      ansible_user: root\n"
            f"      ansible_ssh_private_key_file: {lab.key}\n      ansible_ssh_common_args: -o UserKnownHostsFile={known}\n"
        )
        yield machine, inventory
    finally:
        docker("rm", "--force", machine.container)


def test_without_systemd_a_detached_shell_takes_it_back(plain: tuple[Plain, Path], program: Program) -> None:
    machine, inventory = plain
    words = ("-i", inventory, "playbook", "run", "firewall", "--confirm-within", "20")
    bad = program.run(*words, "-e", f"firewall_controllers={NOBODY}", "--json", timeout=120)
    assert bad.status == 1, bad
    assert bad.json["results"][0]["status"] == "rolled-back", bad
    assert "gridtui" not in machine.sh("nft list tables")
    good = program.run(*words, timeout=90)
    assert good.status == 0, good
    assert "table inet gridtui" in machine.sh("nft list tables")
    assert [line.split()[2] for line in machine.sh(f"{GUARD} status").splitlines()] == ["rolled-back", "confirmed"]
    assert not machine.sh("pgrep -f 'guard [f]ire'", check=False)  # no timer is left


# -- many rule sets

WINDOW = 6
SEED = 20261121
COUNT = 51
"""Rule sets over three nodes; the issue asks for fifty."""


@dataclass(frozen=True, slots=True)
class Tried:
    """One rule set on one node: what the rules were before and when they were in force, what became of it, and what was there then."""

    rules: RuleSet
    before: str
    applied: str
    fate: Fate
    after: str
    others: bool
    """Whether everybody else's tables are as they were."""
    answers: bool


async def _try(lab: Lab, node: Node, number: int, made: RuleSet, access: Access) -> Tried:
    """Arm, apply and settle as a playbook does, over ssh; look past it through Docker."""

    async def table() -> str:
        text = f"nft -s list table {guards.TABLE} 2>/dev/null; cat {guards.FILE} 2>/dev/null"
        return await asyncio.to_thread(sh, lab, node.name, text, False)

    async def others() -> str:
        return await asyncio.to_thread(sh, lab, node.name, "nft -s list table ip nat", False)

    before, foreign = await table(), await others()
    run = f"gen-{number}"
    async with Pool(access.ssh) as pool:
        connection = await pool.connect(node)
        armed = await connection.run(f"{GUARD} arm {run} {WINDOW}", input=guards.KEEP.encode(), timeout=60)
        assert armed.exit_status == 0, armed
        try:
            apply = f"cat > {guards.FILE} && nft -f {guards.FILE}"
            await connection.run(apply, input=made.text.encode(), timeout=1.5)
        except SshError:
            pass  # it may have cut this very connection
    applied = await table()
    settled = (await guard.settle([node], run, WINDOW, access))[node.name]
    async with Pool(access.ssh) as pool:
        answer = await (await pool.connect(node)).run("echo here", timeout=30)
    return Tried(
        made, before, applied, settled.fate, await table(), await others() == foreign, answer.stdout == b"here\n"
    )


async def test_of_many_rule_sets_what_locks_out_is_gone_and_what_was_confirmed_stays(lab: Lab) -> None:
    chance = random.Random(SEED)
    controller = str(SUBNET[1])
    made = [guards.make(chance, controller) for _ in range(COUNT)]
    access = Access(Ssh(config="none", known_hosts=str(lab.known_hosts), connect_timeout=1.5, login_timeout=5))
    nodes = [Node(name, lab.node(name).address, user="root", identity=str(lab.key)) for name in NAMES]
    for name in NAMES:
        guards.install(lab.node(name).container)

    async def one(index: int) -> list[Tried]:
        return [await _try(lab, nodes[index], at, made[at], access) for at in range(index, COUNT, len(nodes))]

    tried = [item for items in await asyncio.gather(*map(one, range(len(nodes)))) for item in items]
    assert len(tried) == COUNT
    for item in tried:
        assert item.answers and item.others, item
        assert item.fate in (Fate.CONFIRMED, Fate.ROLLED_BACK), item
        assert item.applied.endswith(item.rules.text), item  # the new file, and so the new rules, were in force
        assert item.after == (item.applied if item.fate is Fate.CONFIRMED else item.before), item
        assert item.rules.lets_in or item.fate is Fate.ROLLED_BACK, item
    locked = sum(not item.rules.lets_in for item in tried)
    confirmed = sum(item.fate is Fate.CONFIRMED for item in tried)
    assert locked >= 20
    # A login that took longer than the window on a busy machine is rolled back, too; most do not.
    assert confirmed >= (COUNT - locked) / 2
