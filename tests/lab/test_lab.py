"""The lab itself: what the other tests of this folder stand on."""

from __future__ import annotations

import socket
import stat

import pytest

from .docker import LabError
from .lab import Lab

NAMES = ["node1", "node2", "node3"]


def answers(lab: Lab, name: str, *, timeout: float = 1) -> bool:
    """Whether sshd on the node sends its banner."""
    try:
        with socket.create_connection((lab.node(name).address, 22), timeout=timeout) as connection:
            return connection.recv(4) == b"SSH-"
    except OSError:
        return False


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("user", ["root", "grid"])
def test_the_systems_ssh_logs_in_with_strict_host_keys(lab: Lab, name: str, user: str) -> None:
    said = lab.ssh(name, "hostname; id -un; systemctl is-system-running", user=user).split()
    assert said == [name, user, "running"]


def test_a_node_is_a_machine_of_its_own(lab: Lab) -> None:
    ids = {lab.run(name, ["cat", "/etc/machine-id"]).stdout.strip() for name in NAMES}
    keys = {line.split()[2] for line in lab.known_hosts.read_text().splitlines()}
    assert len(ids) == 3
    assert len(keys) == 3 * 3, "each node has an rsa, an ecdsa and an ed25519 key of its own"
    assert {lab.ssh(name, "cat /etc/machine-id").strip() for name in NAMES} == ids


def test_a_host_key_that_is_not_known_is_refused(lab: Lab) -> None:
    known = lab.known_hosts.read_text()
    address = lab.node("node2").address
    try:
        lab.known_hosts.write_text("".join(line for line in known.splitlines(True) if address not in line))
        with pytest.raises(LabError, match="Host key verification failed"):
            lab.ssh("node2", "true")
    finally:
        lab.known_hosts.write_text(known)


def test_a_stopped_node_is_gone_and_comes_back(lab: Lab) -> None:
    before = lab.known_hosts.read_text()
    lab.stop("node3")
    assert lab.states() == {"node1": "running", "node2": "running", "node3": "exited"}
    assert not answers(lab, "node3")
    assert answers(lab, "node1", timeout=10)
    lab.start("node3")
    assert lab.ssh("node3", "systemctl is-system-running").strip() == "running"
    assert lab.known_hosts.read_text() == before, "a node keeps its host keys over a power cut"


def test_a_power_cut_closes_no_connection(lab: Lab) -> None:
    with socket.create_connection((lab.node("node1").address, 22), timeout=5) as connection:
        assert connection.recv(255).startswith(b"SSH-2.0-OpenSSH")
        lab.stop("node1")
        connection.settimeout(1)
        with pytest.raises(OSError):  # noqa: PT012 - silence, or the kernel's own verdict; never an orderly end
            if connection.recv(4096) == b"":
                pytest.fail("the node said goodbye")


def test_a_frozen_node_accepts_and_never_answers(lab: Lab) -> None:
    lab.pause("node2")
    assert lab.states()["node2"] == "paused"
    with socket.create_connection((lab.node("node2").address, 22), timeout=5) as connection:
        connection.settimeout(0.5)
        with pytest.raises(TimeoutError):
            connection.recv(1)
    lab.unpause("node2")
    assert answers(lab, "node2", timeout=10)


def test_a_restart_boots_anew(lab: Lab) -> None:
    argv = ["stat", "--format=%Z", "/run/systemd"]
    before = float(lab.run("node1", argv).stdout)
    lab.restart("node1")
    assert float(lab.run("node1", argv).stdout) > before


def test_every_node_is_put_back_after_a_test(lab: Lab) -> None:
    lab.stop("node1")
    lab.pause("node2")
    lab.heal()
    assert set(lab.states().values()) == {"running"}
    assert all(lab.ssh(name, "hostname").strip() == name for name in NAMES)


def test_one_run_at_a_time(lab: Lab) -> None:
    with pytest.raises(LabError, match="another run is using the lab"), Lab(lab.folder).lock():
        pass


def test_the_key_is_for_its_owner_only(lab: Lab) -> None:
    assert stat.S_IMODE(lab.key.stat().st_mode) == 0o600
    assert stat.S_IMODE(lab.folder.stat().st_mode) == 0o700


def test_a_node_that_is_not_there_is_named(lab: Lab) -> None:
    with pytest.raises(LabError, match="no node node99"):
        lab.node("node99")
