"""What the made-up fleet tells of playbooks and posture: real values of `playbooks.model` and `posture.model`, the same in every run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from gridtui.playbooks.model import (
    BatchStarted,
    Ending,
    Guarded,
    GuardState,
    Outcome,
    Plan,
    Playbook,
    Progress,
    Said,
    TaskResult,
    TaskStarted,
    TaskState,
)
from gridtui.posture.model import Change, Drift, Finding, Grade, Look, Port, Posture, Severity, Unknown

SHIPPED = Path("/usr/lib/gridtui/playbooks")
FIREWALL = Playbook(
    "firewall",
    SHIPPED / "firewall.yml",
    "Let in only what is meant to come in",
    "An nftables table of its own, default drop; SSH from the controllers.\nOther tables stay as they are.",
    shipped=True,
    cuts=True,
    undoable=True,
)
BASE = Playbook("base", SHIPPED / "base.yml", "What every node of the grid has", "", shipped=True, undoable=True)
MOTD = Playbook("motd", Path("/home/ada/playbooks/motd.yml"), "Greet [b]who[/] logs in", "Writes /etc/motd.")
PLAYBOOKS = (BASE, FIREWALL, MOTD)

DIFF = """--- before: /etc/motd
+++ after: /etc/motd
@@ -1 +1,2 @@
-hello
+hello [red]you[/]
+all of you"""
TASKS = ("Gathering Facts", "Install what is needed", "Write the rules", "Load them", "Ask who is there")


def story(plan: Plan, names: Sequence[str]) -> Iterator[Progress | Outcome]:
    """Five tasks: one node fails at the third, one is not reached, one goes on until it is let go, the others change something."""
    cuts = any(one.cuts for one in plan.playbooks) and not plan.check
    if cuts:
        yield BatchStarted(1, 2, tuple(names))
    yield Said("provided hosts list is empty, only localhost is available")
    gone: set[str] = set()
    for number, task in enumerate(TASKS, 1):
        yield TaskStarted(number, task, "motd" if number > 1 else "", "all")
        for place, name in enumerate(names):
            if name in gone or (place == len(names) - 1 and number == len(TASKS) and not plan.check):
                continue
            text = diff = ""
            state = TaskState.OK
            if place == 1 and number == 1:
                state, text = TaskState.UNREACHABLE, f"ssh: connect to host {name} port 22: Connection refused"
            elif place == 2 and number == 3:
                state, text = TaskState.FAILED, "no space left on device: [b]/etc·[2J\nthe second line"
            elif number == 3:
                state, diff = TaskState.CHANGED, DIFF if place % 4 else DIFF.replace("hello", "good day")
            elif number == 4:
                state = TaskState.SKIPPED if place % 2 else TaskState.IGNORED
            if state in (TaskState.UNREACHABLE, TaskState.FAILED):
                gone.add(name)
            yield TaskResult(name, number, task, state, "motd" if number > 1 else "", 0.2, text, diff)
    for place, name in enumerate(names):
        if cuts:
            state_ = (GuardState.ARMED, GuardState.CONFIRMED, GuardState.ROLLED_BACK)[place % 3]
            yield Guarded(name, state_, 41.0)
        if place == 1:
            yield Outcome(
                name, Ending.UNREACHABLE, error="tcp: connection refused", evidence="ssh said so", layer="tcp"
            )
        elif place == 2:
            yield Outcome(name, Ending.FAILED, 2, 0, 1, 0, 3.0, "motd: Write the rules: no space left on device")
        elif place < len(names) - 1 or plan.check:
            yield Outcome(name, Ending.CHANGED, 4, 1, 0, 1, 3.2)


def smooth(plan: Plan, names: Sequence[str]) -> Iterator[Progress | Outcome]:
    """Nothing goes wrong, and every node would change in the same way."""
    for number, task in enumerate(TASKS, 1):
        yield TaskStarted(number, task, "motd", "all")
        for name in names:
            state = TaskState.CHANGED if number == 3 else TaskState.OK
            yield TaskResult(name, number, task, state, "motd", 0.2, "", DIFF if number == 3 else "")
    for name in names:
        yield Outcome(name, Ending.CHANGED, 5, 1, 0, 0, 3.2)


def look(name: str, now: float) -> Look:
    """One node's posture: three findings, one of them accepted; worse than before."""
    password = Finding(
        "sshd-passwords", Severity.HIGH, "password logins are allowed", "passwordauthentication yes", 20, "ssh"
    )
    findings = (
        password,
        Finding(
            "no-firewall",
            Severity.MEDIUM,
            "there is no firewall",
            "nft lists no ruleset [b]at all[/]",
            12,
            "firewall",
            {"firewall_allow": [22]},
        ),
        Finding(
            "dmesg",
            Severity.LOW,
            "everybody reads the kernel's log",
            "kernel.dmesg_restrict = 0",
            2,
            advice="set it to 1",
        ),
        Finding("ipv6", Severity.LOW, "IPv6 is routed", "net.ipv6.conf.all.forwarding = 1", 3, accepted=True),
    )
    posture = Posture(
        name,
        now - 90,
        66,
        Grade.C,
        87,
        findings,
        (Unknown("units", "exposure of services", "systemd-analyze security wants root", permission=True),),
        ("root-login",),
        ports=(Port("tcp", "0.0.0.0", 22, True, "sshd", "ssh.service"), Port("tcp", "127.0.0.1", 25, False, "master")),
    )
    drift = Drift(
        now - 86400,
        appeared=(password,),
        opened=(Port("tcp", "0.0.0.0", 8080, True, "nc"),),
        changed=(Change("sshd.passwordauthentication", "no", "yes"),),
    )
    return Look(name, posture, drift, fresh=True, seconds=0.4)
