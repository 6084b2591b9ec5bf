"""The playbook `ids` on real nodes: who guesses is banned and controllers are not, a changed file is noticed, and undoing leaves nothing."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ..e2e.program import Program
from .lab import Lab
from .plays import Played, play

pytestmark = pytest.mark.timeout(240)

WATCHED = "/usr/local/etc/watched"
BEFORE = "find /etc /usr/local /var/lib/gridtui -xdev 2>/dev/null | grep -v -e '^/etc/gshadow' -e '/record' | sort; nft list tables; dpkg-query -W"


class Node1:
    """node1 with intrusion detection, and node2 to attack it from."""

    def __init__(self, lab: Lab, folder: Path) -> None:
        self.lab = lab
        self.baselines = folder / "baselines"
        self.undone = False
        self.before = self.sh(BEFORE)

    def play(self, *words: str, well: bool = True, **extra: object) -> Played:
        more: dict[str, Any] = {
            "ids_paths": ["/usr/local", "/etc/ssh"],
            "ids_retries": 3,
            "ids_baseline_folder": str(self.baselines),
            **extra,
        }
        return play(self.lab, "ids", *words, hosts="node1", well=well, **more)

    def undo(self) -> Played:
        self.undone = True
        return self.play(gridtui_undo=True)

    def sh(self, command: str, name: str = "node1", check: bool = True) -> str:
        return self.lab.run(name, ["sh", "-c", command], check=check, timeout=120).stdout

    def report(self) -> dict[str, str]:
        self.sh("systemctl start gridtui-ids.service")
        return dict(line.split("=", 1) for line in self.sh("cat /var/lib/gridtui/ids/status").splitlines())

    def until(self, holds: Callable[[], bool], seconds: float, what: str) -> None:
        deadline = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < deadline, f"{what} within {seconds:g} s"
            time.sleep(0.3)


@pytest.fixture(scope="module")
def node(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node1]:
    """Set up once, in check mode first; a second run changes nothing."""
    node = Node1(lab, tmp_path_factory.mktemp("ids"))
    node.sh(f"mkdir -p /usr/local/etc && echo as it was > {WATCHED}")
    would = node.play("--check", "--diff")
    assert would.changed["node1"] >= 1 and "gridtui-aide.timer" in would.said
    assert "nft" not in node.sh("ls /etc/gridtui /var/lib/gridtui/ids 2>&1", check=False)
    assert node.play().changed["node1"] > 3
    again = node.play()
    assert again.changed == {"node1": 0}, again.said
    yield node
    if not node.undone:
        node.undo()


@pytest.fixture
def check(lab: Lab, tmp_path: Path) -> Iterator[Callable[[], dict[str, Any]]]:
    """`gridtui check --json` of node1 as the plain user: its state, reasons and metrics."""
    inventory = tmp_path / "grid.yaml"
    inventory.write_text(lab.inventory.read_text().replace("ansible_user: root", "ansible_user: grid"))
    with Program(tmp_path) as program:
        program.settings(
            "[thresholds]\n"
            + "".join(f'"{rule}" = "off"\n' for rule in ("load.cpu", "cpu.steal", "psi.mem.full", "mem", "disk"))
        )

        def run() -> dict[str, Any]:
            done = program.run("-i", inventory, "check", "-w", "node1", "--json")
            found: dict[str, Any] = json.loads(done.stdout)["nodes"][0]
            return found

        yield run


def attack(node: Node1, times: int) -> None:
    """Wrong logins from node2 to node1, as somebody would guess."""
    node.sh(
        f"for i in $(seq {times}); do timeout 3 ssh -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null "
        "-o ConnectTimeout=3 nobody-here@198.18.{0}.11 true; done; true".format(
            node.lab.node("node1").address.split(".")[2]
        ),
        "node2",
    )


def test_all_is_quiet_at_first(node: Node1, check: Callable[[], dict[str, Any]]) -> None:
    found = node.report()
    assert (found["bans"], found["changed"], found["baseline"], found["audit"]) == ("0", "0", "ok", "container")
    assert node.sh("stat -c %a /var/lib/gridtui/ids/status").strip() == "644"
    assert node.sh("systemctl is-active fail2ban gridtui-ids.timer gridtui-aide.timer").split() == ["active"] * 3
    seen = check()
    assert seen["metrics"]["ids.bans"] == seen["metrics"]["ids.changed"] == 0
    assert 0 <= seen["metrics"]["ids.age"] < 120
    assert not [reason for reason in seen["reasons"] if reason["rule"].startswith("ids.")]


def test_who_guesses_is_banned_and_check_says_so(node: Node1, check: Callable[[], dict[str, Any]]) -> None:
    attacker, controller = node.lab.node("node2").address, node.lab.node("node1").address.rsplit(".", 1)[0] + ".1"
    for _ in range(4):  # from here, and often enough: never banned
        node.lab.ssh("node1", "true")
        with pytest.raises(Exception, match="255"):
            node.lab.ssh("node1", "true", user="nobody-here")
    attack(node, 5)
    node.until(lambda: attacker in node.sh("fail2ban-client banned"), 30, "no ban")
    assert f"'{controller}'" not in node.sh("fail2ban-client banned")
    assert attacker in node.sh("nft list table inet gridtui-bans")
    # Banned means that nothing of it arrives any more; the others go on.
    refused = node.lab.run(
        "node2", ["timeout", "3", "bash", "-c", f"echo > /dev/tcp/{node.lab.node('node1').address}/22"], check=False
    )
    assert refused.returncode != 0
    assert node.lab.ssh("node1", "echo still here").strip() == "still here"
    found = node.report()
    # The four from here, and those of the attacker until it was banned.
    assert found["bans"] == "1" and 4 < int(found["failed_logins"]) <= 9
    seen = check()
    assert seen["state"] == "WARNING" and seen["metrics"]["ids.bans"] == 1
    assert "1 address banned for failed logins" in [reason["text"] for reason in seen["reasons"]]
    node.sh("fail2ban-client unban --all")
    assert node.report()["bans"] == "0"


def test_a_changed_file_is_noticed(node: Node1, check: Callable[[], dict[str, Any]]) -> None:
    node.sh(f"echo changed >> {WATCHED}; touch /usr/local/sbin/new")
    node.sh("systemctl start gridtui-aide.service")
    changes = node.sh("cat /var/lib/gridtui/ids/changes")
    assert WATCHED in changes and "/usr/local/sbin/new" in changes
    # The folder of the new file counts where its own record has changed, too.
    assert int(node.report()["changed"]) >= 2
    seen = check()
    assert any(
        reason["rule"] == "ids.changed" and "not as in the baseline" in reason["text"] for reason in seen["reasons"]
    )
    failed = node.play(well=False, ids_baseline="compare")
    assert failed.failed == {"node1": 1}, failed.said


def test_a_baseline_that_was_made_anew_on_the_node_is_refused(node: Node1) -> None:
    (fetched,) = node.baselines.rglob("aide.db.gz")
    kept = fetched.read_bytes()
    assert (fetched.parent.stat().st_mode & 0o777) == 0o700
    # Whoever knows AIDE alone is caught on the node itself.
    node.sh("cd /var/lib/gridtui/ids && printf '\\0' >> aide.db.gz; sh ids compare")
    assert node.report()["baseline"] == "changed"
    # Whoever knows how it is done here, by the copy that the controller has.
    node.sh("sh /var/lib/gridtui/ids/ids init anew")
    assert node.report()["changed"] == "0"
    refused = node.play(well=False)
    assert refused.failed == {"node1": 1} and "not the one that was fetched" in refused.said
    assert fetched.read_bytes() == kept, "the good one is not overwritten"
    assert node.play(ids_baseline="renew").changed["node1"] >= 1
    found = node.report()
    assert (found["baseline"], found["changed"]) == ("ok", "0")


def test_undo_leaves_nothing(node: Node1) -> None:
    would = node.play("--check", gridtui_undo=True)
    assert would.changed["node1"] >= 1 and node.sh("systemctl is-active fail2ban").strip() == "active"
    node.undo()
    node.sh(f"rm -f {WATCHED} /usr/local/sbin/new")
    left = set(node.sh(BEFORE).splitlines()) ^ set(node.before.splitlines())
    assert left <= {WATCHED, str(Path(WATCHED).parent), "/var/lib/gridtui"}, left
    assert not list(node.baselines.rglob("aide.db.gz"))
    assert node.sh("systemctl list-units --failed --plain --no-legend").strip() == ""
    again = node.undo()
    assert again.changed == {"node1": 0}, again.said
