"""The playbook `ssh` where others were before it: their errors, their users, their order of lines; and a change that locks out."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from .lab import Lab
from .plays import ROOT, play

pytestmark = pytest.mark.timeout(180)

PLAN = (ROOT / "playbooks/roles/ssh/files/plan.sh").read_text()
WANTED = """\
must PasswordAuthentication no
must NoSuchKeyword yes
root
may MaxStartups 30:30:100
pick Ciphers chacha20-poly1305@openssh.com,aes256-ctr,no-such-cipher
pick PubkeyAcceptedKeyTypes ssh-ed25519
"""
MAIN, FOLDER = "/etc/ssh/sshd_config", "/etc/ssh/sshd_config.d"


@dataclass(frozen=True)
class Found:
    """What somebody did to sshd's configuration, and what the plan makes of it."""

    done: str
    mode: str = "dropin"
    lines: tuple[str, ...] = ("PasswordAuthentication no", "PermitRootLogin prohibit-password")
    without: tuple[str, ...] = ("NoSuchKeyword", "no-such-cipher", "PubkeyAcceptedKeyTypes")
    note: str = "this sshd knows no NoSuchKeyword"
    refused: str = ""


FOUND = {
    "as Debian ships it": Found("true", lines=("MaxStartups 30:30:100", "AllowGroups ssh-login root sudo")),
    "no Include": Found(f"sed -i '/^Include/d' {MAIN}", mode="include"),
    "Include below a Match": Found(
        f"sed -i '/^Include/d' {MAIN}; printf 'Match User nobody\\n  Include {FOLDER}/*.conf\\n' >> {MAIN}",
        mode="include",
        refused="not allowed within a Match block",
    ),
    "a Match block": Found(f"printf 'Match User nobody\\n  PasswordAuthentication yes\\n' >> {MAIN}"),
    "a syntax error": Found(f"echo 'Colour blue' >> {MAIN}", refused=f"{MAIN}: line"),
    "a drop-in with an error": Found(
        f"echo 'Port many' > {FOLDER}/50-mine.conf", refused=f"{FOLDER}/50-mine.conf line 1"
    ),
    "AllowUsers": Found(
        f"echo 'AllowUsers alice root' >> {MAIN}", without=("AllowGroups",), note="allowusers alice; allowusers root"
    ),
    "DenyGroups in a drop-in": Found(
        f"echo 'DenyGroups games' > {FOLDER}/z.conf", without=("AllowGroups",), note="denygroups games"
    ),
    "no root at all": Found(
        f"echo 'PermitRootLogin no' >> {MAIN}", lines=("PermitRootLogin no", "AllowGroups ssh-login sudo")
    ),
    "root only for commands": Found(
        f"echo 'PermitRootLogin forced-commands-only' >> {MAIN}", lines=("PermitRootLogin forced-commands-only",)
    ),
    "a drop-in that sorts first": Found(
        f"printf 'PasswordAuthentication yes\\nPermitRootLogin yes\\n' > {FOLDER}/00-a.conf",
        mode="include",
        note="lines of others stood before ours",
    ),
    "a line above the Include": Found(f"sed -i '1i PasswordAuthentication yes' {MAIN}", mode="include"),
    "fewer ciphers": Found(f"echo 'Ciphers aes256-ctr' > {FOLDER}/50-mine.conf", lines=("Ciphers aes256-ctr",)),
    "other MaxStartups": Found(f"echo 'MaxStartups 100:30:200' > {FOLDER}/50-mine.conf", without=("MaxStartups",)),
    "no folder of drop-ins": Found(f"sed -i '/^Include/d' {MAIN}; rmdir {FOLDER}", mode="include"),
}


def sh(lab: Lab, node: str, *command: str, check: bool = True) -> str:
    done = lab.run(node, ["sh", "-c", *command], check=False)
    assert not check or done.returncode == 0, f"{command[0]}: {done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture
def ssh_folder(lab: Lab) -> Iterator[None]:
    """node2's /etc/ssh, put back as it was."""
    sh(lab, "node2", "rm -rf /root/ssh && cp -a /etc/ssh /root/ssh")
    yield
    sh(lab, "node2", "rm -rf /etc/ssh && mv /root/ssh /etc/ssh && systemctl reload ssh")


@pytest.mark.parametrize("name", FOUND)
@pytest.mark.usefixtures("ssh_folder")
def test_what_is_there_decides_where_our_lines_stand(lab: Lab, name: str) -> None:
    found = FOUND[name]
    sh(lab, "node2", found.done)
    before = sh(lab, "node2", f"cat {MAIN}; ls -lR /etc/ssh")
    plan: dict[str, Any] = json.loads(
        sh(lab, "node2", 'printf %s "$1" | sh -c "$2" plan present ssh-login grid,root', "sh", WANTED, PLAN)
    )
    assert sh(lab, "node2", f"cat {MAIN}; ls -lR /etc/ssh") == before, "a plan changes nothing"
    if found.refused:
        assert found.refused in plan["refused"] and "\n" not in plan["refused"]
        return
    assert "refused" not in plan, plan
    assert plan["mode"] == found.mode and plan["differs"] is True
    config = plan["config"].splitlines()
    for line in found.lines:
        assert line in config
    for word in found.without:
        assert word not in plan["config"]
    assert any(found.note in note for note in plan["notes"]), plan["notes"]
    assert plan["joins"] == ([] if "AllowGroups" in found.without else ["grid", ""])


@pytest.mark.usefixtures("ssh_folder")
def test_host_certificates_and_a_lockout(lab: Lab, tmp_path: Path) -> None:
    """With an sshd_config that includes nothing, and a Match block; then a change that lets nobody in."""
    sh(lab, "node2", f"sed -i '/^Include/d' {MAIN}; printf 'Match User nobody\\n  X11Forwarding no\\n' >> {MAIN}")
    before = sh(lab, "node2", f"cat {MAIN}; ls /etc/ssh")
    ca = tmp_path / "ca"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", ca], check=True)

    first = play(lab, "ssh", hosts="node2", ssh_ca_key=str(ca))
    assert f"@cert-authority node2,{lab.node('node2').address} ssh-ed25519" in first.said
    assert play(lab, "ssh", hosts="node2", ssh_ca_key=str(ca)).changed["node2"] == 0
    known = tmp_path / "known_hosts"
    known.write_text(f"@cert-authority node2,198.18.* {ca.with_suffix('.pub').read_text()}")
    for user in ("root", "grid"):
        said = subprocess.run(
            ["ssh", "-F", lab.ssh_config, "-o", f"UserKnownHostsFile={known}", "-l", user, "node2", "id -un"],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        assert said.stdout == f"{user}\n", said.stderr
    sh(
        lab,
        "node2",
        "useradd -m stranger && cp -r /home/grid/.ssh /home/stranger/ && chown -R stranger: /home/stranger",
    )
    with pytest.raises(Exception, match="Permission denied"):
        lab.ssh("node2", "true", user="stranger")
    sh(lab, "node2", "userdel -r stranger 2>/dev/null")
    confirmed = sh(lab, "node2", "sshd -T")

    # Nobody is called that: the node takes it back, and what was confirmed before stays.
    locked = play(
        lab,
        "ssh",
        hosts="node2",
        well=False,
        ssh_ca_key=str(ca),
        gridtui_window=20,
        ssh_settings={"AllowUsers": "nobody-at-all"},
    )
    assert locked.failed["node2"] == 1 and "ssh was not confirmed" in locked.said and "rolled-back" in locked.said
    assert lab.ssh("node2", "id -un").strip() == "root"
    assert sh(lab, "node2", "sshd -T") == confirmed

    play(lab, "ssh", hosts="node2", gridtui_undo=True)
    assert sh(lab, "node2", f"cat {MAIN}; ls /etc/ssh") == before
    assert sh(lab, "node2", "getent group ssh-login", check=False) == ""


def test_root_may_be_shut_out_by_who_comes_as_another(lab: Lab) -> None:
    """A login that becomes root by sudo is put in the group; root is refused then, and undoing lets it in again."""
    sh(
        lab,
        "node1",
        "echo 'grid ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/here; chmod 440 /etc/sudoers.d/here; sshd -T > /root/before",
    )
    try:
        as_root = play(lab, "ssh", hosts="node1", well=False, ssh_permit_root_login="no", ssh_users=[])
        assert as_root.failed["node1"] == 1 and "log in as another user" in as_root.said
        grid: dict[str, Any] = {"ansible_user": "grid", "ssh_permit_root_login": False, "ssh_users": []}  # YAML's `no`
        play(lab, "ssh", hosts="node1", **grid)
        assert play(lab, "ssh", hosts="node1", **grid).changed["node1"] == 0
        assert lab.ssh("node1", "id -Gn", user="grid").split() == ["grid", "ssh-login"]
        with pytest.raises(Exception, match="Permission denied"):
            lab.ssh("node1", "true")
        play(lab, "ssh", hosts="node1", gridtui_undo=True, **grid)
        assert lab.ssh("node1", "sshd -T | cmp - /root/before && echo same").strip() == "same"
        assert lab.ssh("node1", "id -Gn", user="grid").split() == ["grid"]
    finally:
        sh(lab, "node1", "rm -f /etc/sudoers.d/here /root/before")
