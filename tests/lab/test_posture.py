"""`gridtui posture` on real nodes: what a fresh one is told, what changes by hand do to score and drift, and what the shipped playbooks mend."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ..e2e.program import Done, Program
from .lab import Lab

pytestmark = pytest.mark.timeout(300)

DROPIN = "/etc/ssh/sshd_config.d/10-posture.conf"
TABLE = """
table inet gridtui {
	chain input {
		type filter hook input priority 0; policy drop;
		ct state established,related accept
		iifname "lo" accept
		tcp dport 22 accept
		counter drop
	}
}
"""


class Looks:
    """Looks at one lab, each kept for the next."""

    def __init__(self, lab: Lab, program: Program) -> None:
        self.lab, self.program = lab, program

    def run(self, *words: str | Path, inventory: Path | None = None) -> Done:
        done = self.program.run("-i", inventory or self.lab.inventory, "posture", *words, timeout=90)
        assert done.is_clean() and done.status in (0, 1), done
        return done

    def at(self, name: str, *words: str | Path, inventory: Path | None = None) -> dict[str, Any]:
        (node,) = self.run("-w", name, "--json", *words, inventory=inventory).json["nodes"]
        assert node["error"] is None, node
        found: dict[str, Any] = node
        return found

    def sh(self, name: str, command: str, **options: Any) -> str:
        return self.lab.run(name, ["sh", "-c", command], **options).stdout


@pytest.fixture
def looks(lab: Lab, tmp_path: Path) -> Iterator[Looks]:
    with Program(tmp_path) as program:
        program.settings(
            '[thresholds]\n"load.cpu" = "off"\n"psi.mem.full" = "off"\n"cpu.steal" = "off"\n"clock" = "off"\n"loss" = "off"\n'
        )
        yield Looks(lab, program)
    for name in ("node1", "node2"):
        lab.run(name, ["sh", "-c", f"rm -f {DROPIN} /etc/sudoers.d/posture; nft delete table inet gridtui 2>/dev/null; systemctl stop posture-port 2>/dev/null; chmod 755 /usr/local/bin; userdel -f toor 2>/dev/null; true"])  # fmt: skip


def ids(node: dict[str, Any]) -> set[str]:
    return {finding["id"] for finding in node["findings"]}


def seen(node: dict[str, Any], id: str) -> str:
    text: str = next(finding["seen"] for finding in node["findings"] if finding["id"] == id)
    return text


def test_what_is_there_is_what_is_told(lab: Lab, looks: Looks) -> None:
    fresh = looks.at("node1")
    assert {"firewall-missing", "ssh-password", "ssh-open", "ssh-x11", "ssh-old", "ids-missing"} <= ids(fresh)
    assert fresh["root"] and fresh["confidence"] >= 90 and fresh["drift"] is None
    assert {(port["port"], port["process"], port["unit"]) for port in fresh["ports"] if port["world"]} == {
        (22, "sshd", "ssh.service")
    }
    mends = {finding["id"]: finding["mend"] for finding in fresh["findings"]}
    assert mends["ssh-password"] == "gridtui playbook run ssh -w node1"
    assert mends["ssh-x11"] == """gridtui playbook run ssh -w node1 -e 'ssh_settings={"X11Forwarding": "no"}'"""

    # The services are not asked again while they are the same, and say the same.
    same = looks.at("node1")
    assert same["drift"]["worse"] == [] and same["score"] == fresh["score"]
    assert ids(same) == ids(fresh) and same["passed"] == fresh["passed"]

    # A service, a file, an account: each is found, and is drift.
    looks.sh(
        "node1",
        "systemd-run -q --unit posture-port python3 -m http.server 8080; useradd -o -u 0 -M toor; chmod 777 /usr/local/bin",
    )
    looks.lab.run(
        "node1",
        ["sh", "-c", "for i in 1 2 3 4 5 6 7 8 9 10; do ss -ltn | grep -q :8080 && exit; sleep 0.5; done; exit 1"],
    )
    worse = looks.at("node1")
    assert {"ports-unfiltered", "accounts-uid0", "files-writable", "services-exposed"} <= ids(worse)
    assert seen(worse, "ports-unfiltered") == "tcp 0.0.0.0:8080 (python3)"
    assert seen(worse, "accounts-uid0") == "toor" and seen(worse, "files-writable") == "/usr/local/bin"
    assert "posture-port.service" in seen(worse, "services-exposed")
    assert worse["score"] <= max(0, fresh["score"] - 15 - 30 - 25) and worse["grade"] == "F"
    assert {"ports-unfiltered", "accounts-uid0", "files-writable"} <= set(worse["drift"]["appeared"])
    assert [port["port"] for port in worse["drift"]["opened"] if port["world"]] == [8080]
    changed = {change["name"]: change["after"] for change in worse["drift"]["changed"]}
    assert changed["accounts.uid0"] == "root toor" and changed["writable"] == "/usr/local/bin"
    high = looks.run("-w", "node1", "--known")
    assert high.status == 1 and "tcp 0.0.0.0:8080 (python3) opened" in high.stdout

    # A firewall of the playbook's kind stands before the port, and a drop-in of sshd holds at once.
    looks.sh(
        "node1", f"printf '%s' '{TABLE}' | nft -f -; printf 'PasswordAuthentication no\\nX11Forwarding no\\n' >{DROPIN}"
    )
    looks.sh("node1", "userdel -f toor; chmod 755 /usr/local/bin")
    better = looks.at("node1")
    assert {
        "firewall-missing",
        "ports-unfiltered",
        "accounts-uid0",
        "files-writable",
        "ssh-password",
        "ssh-x11",
    } <= set(better["drift"]["mended"])
    assert better["score"] > fresh["score"] and better["drift"]["worse"] == []
    changed = {change["name"]: change["after"] for change in better["drift"]["changed"]}
    assert changed["firewall"] == "nft inet gridtui" and changed["sshd.passwordauthentication"] == "no"
    told = looks.run("-w", "node1", "--known", "--diff").stdout
    assert "sshd.passwordauthentication: yes → no" in told and "no firewall drops what is not let in" in told


def test_without_root_and_with_sudo(lab: Lab, looks: Looks, tmp_path: Path) -> None:
    inventory = tmp_path / "grid.yaml"
    inventory.write_text(lab.inventory.read_text().replace("ansible_user: root", "ansible_user: grid"))
    plain = looks.at("node2", inventory=inventory)
    assert not plain["root"]
    unknown = {one["id"] for one in plain["unknown"] if one["needs_root"]}
    assert {"firewall-missing", "accounts-empty-password", "sudo-everything", "ssh-old", "ssh-weak"} <= unknown
    assert "ssh-password" in ids(plain), "sshd's files tell that without root"
    assert not unknown & (ids(plain) | set(plain["passed"]))

    # A check does not try sudo where a person's look was refused: a refusal is logged there.
    asked = "journalctl -q --no-pager -t sudo | wc -l"
    before = int(looks.sh("node2", asked))
    looks.program.settings("[posture]\nevery = 0.05\n")
    for _ in range(2):
        looks.program.run("-i", inventory, "check", "-w", "node2", timeout=90)
    assert int(looks.sh("node2", asked)) == before

    looks.sh("node2", "echo 'grid ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/posture; chmod 440 /etc/sudoers.d/posture")
    assert not looks.at("node2", "--no-sudo", inventory=inventory)["root"]
    root = looks.at("node2", inventory=inventory)
    assert root["root"] and seen(root, "sudo-everything") == "grid ALL=(ALL) NOPASSWD: ALL"
    assert "firewall-missing" in ids(root) and root["confidence"] > plain["confidence"]
    assert root["drift"]["worse"] == [], "what root sees now was unknown before: no drift"


def test_a_check_tells_of_drift_and_a_person_ends_it(lab: Lab, looks: Looks) -> None:
    def check() -> dict[str, Any]:
        document = looks.program.run("-i", lab.inventory, "check", "-w", "node1", "--json", timeout=90).json
        (node,) = document["nodes"]
        found: dict[str, Any] = node
        return found

    looks.at("node1")
    assert check()["metrics"]["posture.drift"] == 0
    looks.sh("node1", "systemd-run -q --unit posture-port python3 -m http.server 8081")
    looks.lab.run(
        "node1",
        ["sh", "-c", "for i in 1 2 3 4 5 6 7 8 9 10; do ss -ltn | grep -q :8081 && exit; sleep 0.5; done; exit 1"],
    )
    assert check()["metrics"]["posture.drift"] == 0, "not asked again before its turn"
    looks.at("node1")
    for _ in range(2):
        node = check()
    assert node["state"] == "WARNING" and node["metrics"]["posture.drift"] >= 2 and node["metrics"]["posture.high"] >= 1
    assert "tcp 0.0.0.0:8081 (python3) opened" in next(
        one["text"] for one in node["reasons"] if one["rule"] == "posture.drift"
    )
    looks.at("node1")
    for _ in range(2):
        node = check()
    assert node["metrics"]["posture.drift"] == 0
    assert not [one for one in node["reasons"] if one["rule"] == "posture.drift"]


def test_the_shipped_playbooks_mend_what_names_them(lab: Lab, looks: Looks) -> None:
    playbooks = ("ssh", "firewall")
    x11 = "ssh_settings={X11Forwarding: 'no'}"

    def play(*words: str) -> None:
        done = looks.program.run(
            "-i", lab.inventory, "playbook", "run", *playbooks, "-w", "node1", "--yes", *words, timeout=280
        )
        assert done.status == 0, done

    before = looks.at("node1")
    named = {finding["id"] for finding in before["findings"] if finding["playbook"] in playbooks}
    assert {"ssh-password", "ssh-open", "ssh-x11", "firewall-missing"} <= named
    play("-e", x11)
    try:
        after = looks.at("node1")
        assert not [finding for finding in after["findings"] if finding["playbook"] in playbooks]
        assert named <= set(after["drift"]["mended"])
        assert after["score"] >= before["score"] + 25 and after["drift"]["worse"] == []
    finally:
        play("--undo")
    undone = looks.at("node1")
    assert named <= ids(undone)
