"""What counts as badly kept, how much it weighs, and which playbook mends it: one table. Pure: an `Answer` in, a `Posture` out.

The score is 100 less the weights of the findings that nobody accepted, at least 0. What is unknown takes nothing from it: it lowers the
confidence, the share of the weights of all checks that apply here which could be made. docs/POSTURE.md has the table, held to this one by a test.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from ..model import NOTHING, Unsupported
from . import judging
from .answer import NEEDS_ROOT, Absent, Answer, Lynis
from .judging import Judged
from .model import Finding, Grade, Posture, Severity, Unknown

HIGH, MEDIUM, LOW = Severity.HIGH, Severity.MEDIUM, Severity.LOW

GRADES = ((90, Grade.A), (75, Grade.B), (60, Grade.C), (40, Grade.D), (0, Grade.F))
"""From which score on."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that is looked for."""

    id: str
    severity: Severity
    weight: int
    title: str
    look: Callable[[Answer], Judged]
    """What is wrong, as seen on this node; '' when nothing is; `Unsupported` when it cannot be told; `Absent` where it does not arise."""
    playbook: str = ""
    variables: Mapping[str, object] = field(default_factory=lambda: NOTHING)
    advice: str = ""
    fleeting: bool = False


CHECKS: tuple[Check, ...] = (
    Check("accounts-empty-password", HIGH, 30, "an account has an empty password", judging.empty_passwords,
          advice="passwd -l NAME"),
    Check("accounts-uid0", HIGH, 30, "an account besides root has uid 0", judging.other_roots,
          advice="userdel NAME, or give it another uid"),
    Check("ssh-empty-password", HIGH, 30, "sshd lets empty passwords in", judging.ssh_empty_password, "ssh"),
    Check("ssh-root-password", HIGH, 25, "root may log in with a password", judging.ssh_root_password, "ssh"),
    Check("files-writable", HIGH, 25, "every user may change programs or system files", judging.writable,
          advice="chmod o-w PATH"),
    Check("ports-dangerous", HIGH, 25, "a service without a login is open to the network", judging.dangerous_ports, "firewall"),
    Check("ports-unfiltered", HIGH, 15, "services besides SSH are open to the network, and no firewall is there", judging.unfiltered_ports,
          "firewall"),
    Check("kernel-aslr", HIGH, 15, "address space randomisation is off", judging.aslr,
          advice="sysctl -w kernel.randomize_va_space=2, and in /etc/sysctl.d"),
    Check("updates-security", MEDIUM, 15, "security updates wait", judging.pending_updates, "updates", fleeting=True),
    Check("updates-source", MEDIUM, 10, "no source of security updates is set up", judging.no_source,
          advice="add the suite for security updates to /etc/apt/sources.list.d, then apt-get update"),
    Check("firewall-missing", MEDIUM, 15, "no firewall drops what is not let in", judging.no_firewall, "firewall"),
    Check("firewall-ipv6", MEDIUM, 10, "the firewall is for IPv4 alone", judging.no_firewall6, "firewall"),
    Check("ssh-password", MEDIUM, 10, "password logins are allowed", judging.ssh_password, "ssh"),
    Check("ssh-weak", MEDIUM, 8, "sshd accepts broken algorithms", judging.ssh_weak, "ssh"),
    Check("ids-changed", MEDIUM, 10, "files are not as in the baseline", judging.changed_files,
          advice="look at them; when they are right, renew the baseline: gridtui playbook run ids -e ids_baseline=renew"),
    Check("kernel-links", MEDIUM, 6, "links and pipes of others are followed in shared folders", judging.links,
          advice="fs.protected_hardlinks=1, fs.protected_symlinks=1, fs.protected_fifos=1 and fs.protected_regular=1 in /etc/sysctl.d"),
    Check("selinux-permissive", MEDIUM, 6, "SELinux only watches", judging.permissive, advice="setenforce 1, and in /etc/selinux/config"),
    Check("sudo-everything", MEDIUM, 6, "sudo runs everything without a password", judging.sudo_everything,
          advice="name commands in /etc/sudoers.d; the playbook base writes such a rule for the grid user"),
    Check("updates-manual", MEDIUM, 6, "security updates wait for a person", judging.manual_updates, "updates"),
    Check("updates-lists", LOW, 4, "the package lists are old", judging.old_lists, "updates", fleeting=True),
    Check("reboot-due", LOW, 4, "a reboot is due", judging.reboot_due, "reboot", fleeting=True),
    Check("clock-free", LOW, 4, "nothing keeps the clock right", judging.clock, "base"),
    Check("ids-missing", LOW, 4, "nobody would notice a break-in", judging.no_detection, "ids"),
    Check("mac-missing", LOW, 4, "neither AppArmor nor SELinux is in force", judging.no_mandatory,
          advice="install and enable what the distribution has"),
    Check("ssh-open", LOW, 3, "every account may log in over SSH", judging.ssh_open, "ssh"),
    Check("ssh-old", LOW, 3, "sshd accepts outdated algorithms", judging.ssh_old, "ssh"),
    Check("ssh-x11", LOW, 2, "sshd forwards X11", judging.ssh_x11, "ssh", {"ssh_settings": {"X11Forwarding": "no"}}),
    Check("services-exposed", LOW, 3, "a service that the network reaches may do everything", judging.exposed_services,
          advice="systemctl edit UNIT: NoNewPrivileges=, ProtectSystem=, ... (systemd.exec(5))"),
    Check("kernel-network", LOW, 2, "the kernel believes the network's word on routes", judging.network_settings,
          advice="accept_redirects, accept_source_route and tcp_syncookies in /etc/sysctl.d"),
    Check("kernel-leaks", LOW, 2, "every user may read the kernel's log, or load BPF programs", judging.leaks,
          advice="kernel.dmesg_restrict=1 and kernel.unprivileged_bpf_disabled=1 in /etc/sysctl.d"),
)  # fmt: skip
"""All of them; the order is that of findings of one severity and weight."""


def assess(node: str, answer: Answer, accepted: Collection[str] = ()) -> Posture:
    """The posture that an answer shows. `accepted` are ids of findings that are meant on this node (`gridtui_posture_accept`)."""
    findings: list[Finding] = []
    unknowns: list[Unknown] = []
    passed: list[str] = []
    known = applies = 0
    for check in CHECKS:
        judged = check.look(answer)
        if isinstance(judged, Absent):
            continue
        applies += check.weight
        if isinstance(judged, Unsupported):
            unknowns.append(Unknown(check.id, check.title, judged.why, judged.why == NEEDS_ROOT))
            continue
        known += check.weight
        if judged:
            findings.append(
                Finding(
                    check.id,
                    check.severity,
                    check.title,
                    judged,
                    check.weight,
                    check.playbook,
                    check.variables,
                    check.advice,
                    check.id in accepted,
                    check.fleeting,
                )
            )
        else:
            passed.append(check.id)
    findings.sort(key=lambda finding: (-finding.severity, -finding.weight))
    score = max(0, 100 - sum(finding.weight for finding in findings if not finding.accepted)) if known else None
    high = any(finding.severity is HIGH and not finding.accepted for finding in findings)
    return Posture(
        node,
        answer.time,
        score,
        None if score is None else grade(score, high),
        100 * known // applies if applies else 0,
        tuple(findings),
        tuple(unknowns),
        tuple(passed),
        answer.privileged,
        answer.ports,
        answer.lynis.index if isinstance(answer.lynis, Lynis) else None,
    )


def grade(score: int, high: bool) -> Grade:
    """The letter. With a finding of high severity, C at best: an open door is not made up for by ten locked ones."""
    letter = next(letter for least, letter in GRADES if score >= least)
    return max(letter, Grade.C) if high else letter
