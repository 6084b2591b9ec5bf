"""Why a node is not well after a run, in one line with a way to mend it. Pure; knows Ansible's and ssh's words, which are English in every locale here."""

from __future__ import annotations

import re
from collections import deque
from dataclasses import replace

from ..model import Node, clean
from ..ssh.masters import explain
from .model import Ending, Outcome
from .reading import Count

_PREFIXES = ("Task failed: ", "Module failed: ", "Action failed: ", "Finalization of task args for ")
_HINTS = (
    (
        r"python\S*['\"]? was not found|python\S*: (?:not found|No such file)|interpreter.*(?:not found|No such file)"
        r"|Failed to discover.*interpreter|No python interpreters found",
        "there is no Python on the node: `gridtui provision` installs it",
    ),
    (r"Missing sudo password|a password is required", "--ask-become-pass asks for sudo's password"),
    (r"Incorrect sudo password", "sudo did not take the password"),
    (r"requiretty|must have a tty", "its sudoers file has requiretty: ANSIBLE_PIPELINING=0 gets around it"),
    (r"Read-only file system|\[Errno 30\]", "its file system is read-only"),
    (r"No space left on device|\[Errno 28\]", "its disk is full"),
    (r"is undefined|has no attribute", "set the variable in the inventory, or with -e"),
    (
        r"Could not get lock /var/lib|dpkg frontend lock|Waiting for cache lock",
        "another program installs packages there",
    ),
)


def outcome(node: Node, count: Count, ending: Ending, *, error: str = "") -> Outcome:
    """How a node ended, with what was counted of it."""
    base = Outcome(node.name, ending, count.ok, count.changed, count.failed, count.skipped, count.seconds, error)
    bad = count.first
    if ending is Ending.UNREACHABLE and bad:
        lines = deque((line for line in bad.text.splitlines() if line), maxlen=20)
        last = _cut(lines[-1] if lines else "it did not answer")
        if "via ssh: " in bad.text:
            said = deque((line.partition("via ssh: ")[2] or line for line in lines), maxlen=20)
            why = explain(node, said)
            text = str(why).removeprefix(f"{node.name}: ")
            return _with(base, text, bad.text, why.layer)
        return _with(base, last, bad.text, None)
    if ending is Ending.FAILED and bad and not error:
        first = next((line for line in bad.text.splitlines() if line), "") or "failed, and says no more (no_log)"
        what = f"{bad.role}: {bad.task}" if bad.role else bad.task
        text = f"{what}: {_cut(first)}"
        if hint := _hint(bad.text):
            text = f"{text}; {hint}"
        evidence = f"{count.origin}\n{bad.text}" if count.origin else bad.text
        return _with(base, text, evidence, None)
    return base


def counted(outcome: Outcome, count: Count) -> Outcome:
    """An outcome that somebody else found, with what was counted on its node."""
    return replace(
        outcome, ok=count.ok, changed=count.changed, failed=count.failed, skipped=count.skipped, seconds=count.seconds
    )


def _with(base: Outcome, error: str, evidence: str, layer: str | None) -> Outcome:
    return Outcome(
        base.node, base.status, base.ok, base.changed, base.failed, base.skipped, base.seconds, error, evidence, layer
    )


def _hint(text: str) -> str:
    return next((hint for pattern, hint in _HINTS if re.search(pattern, text)), "")


def _cut(line: str) -> str:
    """Without what Ansible says before each."""
    for prefix in _PREFIXES * 2:
        line = line.removeprefix(prefix)
    return clean(line, 300)
