"""Every shipped playbook on a real node: check mode, a run, a second one that changes nothing, and an undo that gives back all of it.

A new playbook that says `# gridtui: can be undone` is in the table by itself, unless it has a module of its own here (`test_<name>.py`);
what it needs to be seen at work is a `Case` more. At the end all of them together, twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from . import hardened
from .lab import Lab
from .plays import ROOT, play

pytestmark = pytest.mark.timeout(240)

# All that a playbook may leave behind: files with their mode, owner and content, packages, accounts, what runs, what sshd
# and the kernel go by. Left out is what programs write for themselves; accounts are compared sorted, whatever their order.
# Without what comes and goes by itself: systemd-timedated ends half a minute after somebody has asked it.
STATE = r"""
cd /
find etc home root usr/local opt var/lib/systemd/linger -xdev \( -path root/.ansible -o -path home/*/.local -o -name '*-' \
    -o -path etc/ld.so.cache -o -path etc/.pwd.lock -o -path etc/passwd -o -path etc/group -o -path etc/shadow -o -path etc/gshadow \
    -o -path etc/subuid -o -path etc/subgid \) -prune -o \( -type f -printf '%m %u:%g %p ' -exec sh -c 'md5sum <"$1"' sh {} \; \
    -o -type l -printf '%p -> %l\n' -o -printf '%m %u:%g %p\n' \) | sort
sort etc/passwd etc/group etc/subuid etc/subgid
cut -d: -f1,2 etc/shadow | sort
dpkg-query -W -f '${Package} ${db:Status-Status}\n' | grep ' installed'
systemctl list-units --plain --no-legend --type=service,timer,socket --state=active | grep -v -e '^run-' -e '^user@' -e '^systemd-tmpfiles' -e '^systemd-timedated' -e '^apt-' | cut -d' ' -f1
systemctl list-unit-files --plain --no-legend | cut -d' ' -f1,2 | grep -v -e '^run-'
sshd -T | sort
nft -s list ruleset
ls /var/lib/gridtui/record 2>/dev/null
true
"""


@dataclass(frozen=True)
class Case:
    """What a playbook is run with, and a command that succeeds on the node only after it ran."""

    proof: str
    extra: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))


# podman's image is the node's own busybox, and storage without a driver of the kernel's is the one that works in a container.
PODMAN = r"""
set -e
cd
[ -d /run/user/$(id -u) ] && export XDG_RUNTIME_DIR=/run/user/$(id -u)
image=$(mktemp -d)
mkdir -p "$image/bin"
cp /bin/busybox "$image/bin/sh"
for library in $(ldd /bin/busybox | grep -o '/[^ ]*'); do mkdir -p "$image${library%/*}"; cp "$library" "$image$library"; done
tar -C "$image" -c . | podman --log-level=error import - lab >/dev/null
podman run --rm --network none lab /bin/sh -c 'read -r inside _ </proc/self/uid_map; echo "container $inside"'
podman rmi -f lab >/dev/null
podman unshare rm -rf "$HOME/.local/share/containers" "$HOME/.config/containers"
rm -rf "$image" "$HOME/.local" "$HOME/.config"
"""
BWRAP = "bwrap --ro-bind / / --unshare-all --proc /proc --dev /dev --tmpfs /tmp sh -c 'touch /tmp/mine && ! touch /etc/mine 2>/dev/null && echo sandboxed $(id -un)'"
SLICE = (
    "systemd-run --quiet --wait --pipe --slice=grid.slice -p DynamicUser=yes -p ProtectSystem=strict -p PrivateTmp=yes -p NoNewPrivileges=yes "
    "sh -c 'cat /proc/self/cgroup; ! touch /usr/mine 2>/dev/null && echo sandboxed'"
)

CASES = {
    "base": Case(
        "id jobs && visudo -c && sudo -l -U jobs | grep -q 'NOPASSWD: /usr/bin/id -u' && ! runuser -u jobs -- sudo -n /usr/bin/whoami"
        " && [ $(runuser -u jobs -- sudo -n /usr/bin/id -u) = 0 ] && grep -q restrict /home/jobs/.ssh/authorized_keys && dpkg -l chrony | grep -q ^ii",
        {
            "gridtui_grid_user": "jobs",
            "base_sudo_commands": ["/usr/bin/id -u", "/usr/bin/printf a=b:c,d"],
            "base_authorized_keys": [
                "restrict ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEvTuyp1bGdWhGaHUXVCkaPUEZEbgGTZIHi/BjWScJjc nobody"
            ],
        },
    ),
    "ssh": Case(
        "sshd -T | grep -qx 'passwordauthentication no' && sshd -T | grep -qx 'allowgroups ssh-login' && id -Gn grid | grep -qw ssh-login"
    ),
    "sandbox": Case(
        f"runuser -u grid -- {BWRAP} && {SLICE} && systemctl show grid.slice -p CPUQuotaPerSecUSec | grep -qv infinity"
    ),
    "firewall": Case("nft list ruleset | grep -q 'policy drop'"),
    "ids": Case("fail2ban-client ping"),
    "updates": Case("dpkg -l unattended-upgrades | grep -q ^ii"),
}
UNDOABLE = sorted(
    path.stem for path in (ROOT / "playbooks").glob("*.yml") if "# gridtui: can be undone" in path.read_text()
)
ALONE = [name for name in UNDOABLE if not Path(__file__).with_name(f"test_{name}.py").exists()]
TOGETHER = [name for name in ("base", "ssh", "firewall", "sandbox", "ids", "updates") if name in UNDOABLE]


def sh(lab: Lab, node: str, command: str, *, user: str = "root", check: bool = True) -> str:
    done = lab.run(node, ["sh", "-c", command], user=user, check=False, timeout=120)
    assert not check or done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


@pytest.mark.parametrize("name", ALONE)
def test_a_playbook_is_repeatable_and_can_be_undone(lab: Lab, name: str) -> None:
    case = CASES.get(name, Case("true"))
    before = sh(lab, "node1", STATE)

    would = play(lab, name, "--check", "--diff", hosts="node1", **case.extra)
    assert would.changed["node1"] > 0
    assert sh(lab, "node1", STATE) == before, "check mode changes nothing"

    first = play(lab, name, hosts="node1", **case.extra)
    assert first.changed["node1"] > 0
    sh(lab, "node1", case.proof)
    assert sh(lab, "node1", STATE) != before

    assert play(lab, name, hosts="node1", **case.extra).changed["node1"] == 0, "a second run changes nothing"
    assert play(lab, name, "--check", hosts="node1", **case.extra).changed["node1"] == 0

    undone = play(lab, name, hosts="node1", gridtui_undo=True, **case.extra)
    assert undone.changed["node1"] > 0
    left = sh(lab, "node1", STATE)
    assert left.splitlines() == before.splitlines(), "what was there before is back"
    again = play(lab, name, hosts="node1", gridtui_undo=True, **case.extra)
    assert again.changed["node1"] == 0, again.said


@pytest.mark.timeout(600)
def test_all_of_them_together_twice(lab: Lab, tmp_path: Path) -> None:
    """A sandboxed unit, bubblewrap and podman as the grid user run behind the firewall, and so do jobs; the second run changes nothing."""

    def chained(names: Sequence[str]) -> Path:
        path = tmp_path / "all.yml"
        path.write_text("".join(f"- ansible.builtin.import_playbook: {ROOT}/playbooks/{name}.yml\n" for name in names))
        return path

    # Comparing files takes its time, and has a test of its own.
    extra: dict[str, Any] = {"ids_files": False, "ids_audit": False}
    play(lab, chained(TOGETHER), hosts="node2", timeout=400, **extra)
    again = play(lab, chained(TOGETHER), hosts="node2", timeout=400, **extra)
    assert again.changed["node2"] == 0, again.said

    assert sh(lab, "node2", BWRAP, user="grid").split() == ["sandboxed", "grid"]
    unit = sh(lab, "node2", SLICE)
    assert "sandboxed" in unit and "grid.slice" in unit
    assert "container 0" in sh(lab, "node2", PODMAN, user="grid")
    assert "policy drop" in sh(lab, "node2", "nft list ruleset")
    assert lab.ssh("node2", "id -un", user="grid").strip() == "grid"
    assert lab.ssh("node2", "id -un").strip() == "root"
    hardened.jobs_run(lab, "node2", tmp_path)

    play(lab, chained(TOGETHER[::-1]), hosts="node2", timeout=400, gridtui_undo=True, **extra)
    assert sh(lab, "node2", "ls /var/lib/gridtui/record; ls /etc/sudoers.d /etc/ssh/sshd_config.d").split() == [
        "/etc/ssh/sshd_config.d:",
        "/etc/sudoers.d:",
        "README",
    ]
