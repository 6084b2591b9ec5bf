"""The table of findings: every check can find, pass and not know; the score is what the guide says."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gridtui import posture
from gridtui.model import Unsupported
from gridtui.posture import CHECKS, Answer, Port, Severity
from gridtui.posture.answer import (
    NEEDS_ROOT,
    Absent,
    Accounts,
    Automatic,
    Clock,
    Detection,
    Firewall,
    Lynis,
    Mandatory,
    Reboot,
    Service,
    Services,
    Sshd,
    Updates,
)
from gridtui.posture.findings import grade

GUIDE = (Path(__file__).parents[3] / "docs/POSTURE.md").read_text()
PLAYBOOKS = Path(__file__).parents[3] / "playbooks"

SSHD = {
    "port": "22",
    "permitrootlogin": "prohibit-password",
    "passwordauthentication": "no",
    "kbdinteractiveauthentication": "no",
    "usepam": "yes",
    "permitemptypasswords": "no",
    "authenticationmethods": "any",
    "allowusers": "",
    "allowgroups": "ssh-login",
    "x11forwarding": "no",
    "ciphers": "chacha20-poly1305@openssh.com",
    "macs": "hmac-sha2-256-etm@openssh.com",
    "kexalgorithms": "curve25519-sha256,diffie-hellman-group-exchange-sha256",
    "hostkeyalgorithms": "ssh-ed25519,rsa-sha2-256",
}
SYSCTLS = {
    "kernel.randomize_va_space": "2",
    "kernel.dmesg_restrict": "1",
    "kernel.unprivileged_bpf_disabled": "2",
    "fs.protected_hardlinks": "1",
    "fs.protected_symlinks": "1",
    "fs.protected_fifos": "1",
    "fs.protected_regular": "2",
    "net.ipv4.tcp_syncookies": "1",
    "net.ipv4.conf.all.accept_redirects": "0",
}
SSH_PORT = Port("tcp", "0.0.0.0", 22, True, "sshd", "ssh.service")
WEB = Port("tcp", "*", 80, True, "nginx", "nginx.service")
REDIS = Port("tcp", "0.0.0.0", 6379, True, "redis-server", "redis.service")
WALL = Firewall(True, True, "nft inet gridtui")

GOOD = Answer(
    time=1000.0,
    privileged=True,
    user="root",
    os="debian",
    ports=(SSH_PORT,),
    services=Services("1", (Service("ssh.service", 9.6), Service("nginx.service", 9.2))),
    sshd=Sshd(SSHD, True),
    firewall=WALL,
    updates=Updates("apt", (), 3, 3600.0),
    automatic=Automatic(True, "unattended-upgrades"),
    clock=Clock(True, "chronyd"),
    accounts=Accounts(("root",), (), True),
    sudo=(),
    writable=(),
    mandatory=Mandatory("selinux", "enforcing"),
    sysctls=SYSCTLS,
    detection=Detection(True, 0, "ok", "running"),
    reboot=Reboot(False),
    lynis=Lynis(70),
)
"""A node that is kept as well as can be."""


def sshd(**settings: str) -> Sshd:
    return Sshd({**SSHD, **settings}, True)


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "accounts-empty-password": ({"accounts": Accounts(("root",), ("guest",), False)}, "guest"),
    "accounts-uid0": ({"accounts": Accounts(("root", "toor"), (), True)}, "toor"),
    "ssh-empty-password": ({"sshd": sshd(permitemptypasswords="yes")}, "PermitEmptyPasswords yes"),
    "ssh-root-password": (
        {"sshd": sshd(permitrootlogin="yes", passwordauthentication="yes")},
        "PermitRootLogin yes, PasswordAuthentication yes",
    ),
    "files-writable": ({"writable": ("/usr/bin/x",)}, "/usr/bin/x"),
    "ports-dangerous": (
        {"ports": (REDIS,), "firewall": Firewall(False, False)},
        "Redis at tcp 0.0.0.0:6379 (redis-server)",
    ),
    "ports-unfiltered": ({"ports": (SSH_PORT, WEB), "firewall": Firewall(True, False)}, "tcp *:80 (nginx)"),
    "kernel-aslr": ({"sysctls": {**SYSCTLS, "kernel.randomize_va_space": "0"}}, "kernel.randomize_va_space=0"),
    "updates-security": ({"updates": Updates("apt", ("openssl",), 0, 60.0)}, "1: openssl"),
    "updates-source": (
        {"updates": Updates("apt", (), 0, 60.0, source=False)},
        "no package list is from a suite for security updates",
    ),
    "firewall-missing": ({"firewall": Firewall(False, True)}, "no chain on the way in ends in drop or reject"),
    "firewall-ipv6": (
        {"firewall": Firewall(True, False, "iptables"), "ports": (replace(SSH_PORT, address="::"),)},
        "iptables does not stand before IPv6",
    ),
    "ssh-password": (
        {"sshd": sshd(kbdinteractiveauthentication="yes")},
        "KbdInteractiveAuthentication yes with UsePAM yes",
    ),
    "ssh-weak": ({"sshd": sshd(ciphers="aes128-ctr,aes128-cbc")}, "aes128-cbc"),
    "ids-changed": ({"detection": Detection(True, 3, "ok", "running")}, "3 changed"),
    "kernel-links": ({"sysctls": {**SYSCTLS, "fs.protected_fifos": "0"}}, "fs.protected_fifos=0"),
    "selinux-permissive": ({"mandatory": Mandatory("selinux", "permissive")}, "permissive"),
    "sudo-everything": ({"sudo": ("grid ALL=(ALL) NOPASSWD: ALL",)}, "grid ALL=(ALL) NOPASSWD: ALL"),
    "updates-manual": ({"automatic": Automatic(False, "off")}, "off"),
    "updates-lists": ({"updates": Updates("apt", (), 0, 8 * 86400.0)}, "fetched 8 d ago"),
    "reboot-due": ({"reboot": Reboot(True, "asked for")}, "asked for"),
    "clock-free": ({"clock": Clock(False, "no time daemon runs")}, "no time daemon runs"),
    "ids-missing": ({"detection": Detection(False)}, "no intrusion detection has reported"),
    "mac-missing": ({"mandatory": Mandatory("", "")}, "neither is there"),
    "ssh-open": ({"sshd": sshd(allowgroups="")}, "neither AllowGroups nor AllowUsers"),
    "ssh-old": ({"sshd": sshd(macs="hmac-sha1,hmac-sha2-256")}, "hmac-sha1"),
    "ssh-x11": ({"sshd": sshd(x11forwarding="yes")}, "X11Forwarding yes"),
    "services-exposed": ({"ports": (WEB,)}, "nginx.service (9.2 of 10)"),
    "kernel-network": ({"sysctls": {**SYSCTLS, "net.ipv4.tcp_syncookies": "0"}}, "net.ipv4.tcp_syncookies=0"),
    "kernel-leaks": ({"sysctls": {**SYSCTLS, "kernel.dmesg_restrict": "0"}}, "kernel.dmesg_restrict=0"),
}
"""For each check what makes it find something on the good node, and what it then says."""


def found(answer: Answer) -> dict[str, str]:
    return {finding.id: finding.seen for finding in posture.assess("n", answer).findings}


def test_a_node_that_is_well_kept() -> None:
    made = posture.assess("n", GOOD)
    assert (made.score, made.grade, made.confidence, made.findings, made.unknowns) == (100, "A", 100, (), ())
    assert set(made.passed) == {check.id for check in CHECKS}
    assert made.lynis == 70 and made.privileged


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.id)
def test_each_check_finds_what_it_is_for(check: posture.Check) -> None:
    changes, text = BAD[check.id]
    made = posture.assess("n", replace(GOOD, **changes))
    finding = next(finding for finding in made.findings if finding.id == check.id)
    assert (finding.seen, finding.severity, finding.weight) == (text, check.severity, check.weight)
    assert made.score == 100 - sum(finding.weight for finding in made.findings)
    assert finding.playbook or finding.advice
    accepted = posture.assess("n", replace(GOOD, **changes), {check.id})
    assert next(one for one in accepted.findings if one.id == check.id).accepted
    assert accepted.score == made.score + check.weight
    assert check.id not in {one.id for one in accepted.counted}


def test_of_an_answer_without_content_nothing_is_known() -> None:
    made = posture.assess("n", Answer(sysctls=Unsupported("not told")))
    assert (made.score, made.grade, made.confidence, made.findings, made.passed) == (None, None, 0, (), ())
    assert {unknown.id for unknown in made.unknowns} == {check.id for check in CHECKS}


def test_unknown_lowers_the_confidence_and_not_the_score() -> None:
    made = posture.assess("n", replace(GOOD, firewall=Unsupported(NEEDS_ROOT), sshd=Unsupported("broken")))
    assert made.score == 100
    total = sum(check.weight for check in CHECKS)
    lost = sum(check.weight for check in CHECKS if check.id.startswith(("ssh-", "firewall")))
    assert made.confidence == 100 * (total - lost) // total
    assert {unknown.id: unknown.permission for unknown in made.unknowns}["firewall-missing"]
    assert not {unknown.id: unknown.permission for unknown in made.unknowns}["ssh-x11"]


def test_what_does_not_arise_counts_nowhere() -> None:
    container = replace(GOOD, mandatory=Absent(), clock=Absent(), sshd=Absent(), services=Absent(), lynis=Absent())
    made = posture.assess("n", container)
    assert (made.score, made.confidence, made.unknowns, made.lynis) == (100, 100, (), None)


@pytest.mark.parametrize(
    ("changes", "id", "expected"),
    [
        # A password on top of a key is no way in by itself.
        ({"sshd": sshd(passwordauthentication="yes", authenticationmethods="publickey,password")}, "ssh-password", None),
        ({"sshd": sshd(passwordauthentication="yes", authenticationmethods="publickey password")}, "ssh-password", "PasswordAuthentication yes"),
        ({"sshd": sshd(kbdinteractiveauthentication="yes", usepam="no")}, "ssh-password", None),
        ({"sshd": sshd(permitrootlogin="yes")}, "ssh-root-password", None),
        ({"ports": (REDIS,)}, "ports-dangerous", None),
        ({"ports": (REDIS,)}, "ports-unfiltered", None),
        ({"ports": (replace(REDIS, world=False, address="127.0.0.1"),), "firewall": Firewall(False, False)}, "ports-dangerous", None),
        ({"ports": (Port("udp", "0.0.0.0", 41641, True), Port("udp", "0.0.0.0", 68, True)), "firewall": Firewall(False, False)}, "ports-unfiltered", None),
        ({"ports": (replace(SSH_PORT, port=2222),), "firewall": Firewall(False, False)}, "ports-unfiltered", None),
        ({"ports": (Port("tcp", "0.0.0.0", 2222, True),), "sshd": sshd(port="22 2222"), "firewall": Firewall(False, False)}, "ports-unfiltered", None),
        ({"updates": Updates("apt", ("a", "b"), 0, 1.0, source=False)}, "updates-security", "2: a, b"),
        ({"detection": Detection(True, 0, "changed")}, "ids-changed", "the baseline itself is changed"),
        ({"services": Services("1", (Service("nginx.service", 8.9),)), "ports": (WEB,)}, "services-exposed", None),
    ],
)  # fmt: skip
def test_what_makes_the_difference(changes: dict[str, Any], id: str, expected: str | None) -> None:
    assert found(replace(GOOD, **changes)).get(id) == expected


def test_the_order_of_findings() -> None:
    """The worst first: `worst` and a table's last column rest on it."""
    everything = replace(GOOD, **{name: value for changes, _ in BAD.values() for name, value in changes.items()})
    listed = posture.assess("n", everything).findings
    assert len(listed) > 10
    assert list(listed) == sorted(listed, key=lambda finding: (-finding.severity, -finding.weight))
    accepted = posture.assess("n", everything, {listed[0].id})
    assert accepted.worst == listed[1]


@pytest.mark.parametrize(
    ("score", "high", "letter"),
    [(100, False, "A"), (90, False, "A"), (89, False, "B"), (75, False, "B"), (60, False, "C"), (40, False, "D"), (0, False, "F"),
     (100, True, "C"), (75, True, "C"), (40, True, "D"), (0, True, "F")],
)  # fmt: skip
def test_grades(score: int, high: bool, letter: str) -> None:
    assert grade(score, high) == letter


def test_the_guide_has_the_same_table() -> None:
    rows = re.findall(
        r"^\| `([a-z0-9-]+)` \| (high|medium|low) \| ([0-9]+) \| (.*?) \| (?:`([a-z]+)`)? ?\|$", GUIDE, re.M
    )
    assert rows == [(check.id, check.severity.word, str(check.weight), check.title, check.playbook) for check in CHECKS]


def test_the_table_is_sound() -> None:
    assert len({check.id for check in CHECKS}) == len(CHECKS) == len(BAD)
    for check in CHECKS:
        assert check.weight > 0
        assert bool(check.playbook) != bool(check.advice), check.id
        if check.playbook:
            assert (PLAYBOOKS / f"{check.playbook}.yml").exists()
        if check.severity is Severity.HIGH:
            assert check.weight >= 15
