"""Whether a node is what provisioning promises: looked at from outside, as jobs will use it. Owns the questions and the reading; pure.

Each check is the effect that counts, not the file that should bring it about, and belongs to a playbook: one that fails makes that
playbook run again the next time.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from ..model import clean
from ..ssh import quote

GUARD = "/var/lib/gridtui/guard"


@dataclass(frozen=True, slots=True)
class Check:
    """One question: shell text that succeeds where all is well; its last line of output says why not."""

    name: str
    playbook: str
    """Whose effect it is: asked where the playbook is in the node's profile."""
    text: str
    wrong: str
    """What it means when it fails."""


AS_GRID = (
    Check("python", "base", "python3 -c 'import json, subprocess'", "python3 does not run for the grid user"),
    Check("rsync", "base", "rsync --version", "there is no rsync"),
    Check(
        "sandbox",
        "sandbox",
        "bwrap --ro-bind / / --dev /dev --proc /proc --unshare-all --die-with-parent true",
        "a sandboxed command does not run for the grid user",
    ),
)
AS_ROOT = (
    Check("sudo", "base", "visudo -cqf /etc/sudoers.d/90-gridtui", "there is no valid sudo rule"),
    Check("sshd", "ssh", 'sshd -T | grep -qix "passwordauthentication no"', "sshd still takes passwords"),
    Check("firewall", "firewall", "nft list tables | grep -qw gridtui", "there is no table of ours in nftables"),
    Check(
        "guard",
        "firewall",
        f"[ -x {GUARD} ] && ! {GUARD} status | grep -qw armed",
        "the guard is missing, or a change is still to be confirmed",
    ),
)

_LINE = re.compile(r"(ok|no)=([a-z]{1,20})(?: (.{0,300}))?")


def asked(checks: Collection[Check], playbooks: Collection[str]) -> list[Check]:
    """Those that the profile's playbooks promise."""
    return [check for check in checks if check.playbook in playbooks]


def command(checks: Collection[Check]) -> str:
    """Shell text that asks all of them, for any login shell."""
    lines = [
        "LC_ALL=C; export LC_ALL",
        'PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"; export PATH',
        *(_ask(check) for check in checks),
        "exit 0",
    ]
    return f"exec /bin/sh -c {quote(chr(10).join(lines))}"


def _ask(check: Check) -> str:
    return (
        f"if said=$( ( {check.text}\n) 2>&1 </dev/null); then echo ok={check.name}; else "
        f'printf \'no={check.name} %s\\n\' "$(printf %s "$said" | tail -n 1 | cut -c1-200)"; fi'
    )


def read(checks: Collection[Check], output: bytes) -> list[tuple[Check, str]]:
    """The checks that failed, and why. One that was not answered failed."""
    answers: dict[str, tuple[str, str]] = {}
    for line in output[:65536].decode("utf-8", "replace").splitlines():
        if found := _LINE.fullmatch(line):
            answers[found[2]] = (found[1], clean((found[3] or "").strip(), 200))
    failed = []
    for check in checks:
        verdict, why = answers.get(check.name, ("no", "it did not answer"))
        if verdict != "ok":
            failed.append((check, f"{check.wrong}: {why}" if why else check.wrong))
    return failed
