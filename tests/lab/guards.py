"""The guard alone on the lab's nodes, and rule sets made up for it. Owns how it gets there and what a rule set lets in; knows no gridtui."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .docker import docker

SCRIPT = Path(__file__).parents[2] / "playbooks" / "roles" / "guard" / "files" / "guard"
GUARD = "/var/lib/gridtui/guard"
TABLE = "inet generated"
FILE = "/etc/generated.nft"


def install(container: str) -> None:
    """Put the guard where the role puts it."""
    docker("exec", container, "mkdir", "-p", "-m", "700", "/var/lib/gridtui")
    docker("cp", str(SCRIPT), f"{container}:{GUARD}")
    docker("exec", container, "sh", "-c", f"chown root: {GUARD}; chmod 700 {GUARD}")


KEEP = (
    "playbook generated\n"
    f"path {FILE}\n"
    f"save table nft list table {TABLE} 2>/dev/null || true\n"
    f"after if [ -s $SAVED/table ]; then {{ echo 'add table {TABLE}'; echo 'delete table {TABLE}'; cat $SAVED/table; }} | nft -f -; "
    f"else nft delete table {TABLE} 2>/dev/null || ! nft list table {TABLE} 2>/dev/null; fi\n"
)
"""What `guard arm` reads."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: its text, and whether it holds for a packet of a login from the controller."""

    text: str
    new: bool
    established: bool
    accepts: bool


@dataclass(frozen=True, slots=True)
class RuleSet:
    """A table with an input and perhaps an output chain."""

    input: tuple[Rule, ...]
    drop: bool
    output: tuple[Rule, ...]
    output_drop: bool

    @property
    def text(self) -> str:
        chains = ""
        for hook, rules, drop in (("input", self.input, self.drop), ("output", self.output, self.output_drop)):
            lines = "".join(f"    {rule.text};\n" for rule in rules)
            policy = "drop" if drop else "accept"
            chains += f"  chain {hook} {{\n    type filter hook {hook} priority 0; policy {policy};\n{lines}  }}\n"
        return f"add table {TABLE}\ndelete table {TABLE}\ntable {TABLE} {{\n{chains}}}\n"

    @property
    def lets_in(self) -> bool:
        """Whether a new login from the controller works: its first packet, those after it, and all answers."""
        return (
            _passes(self.input, self.drop, established=False)
            and _passes(self.input, self.drop, established=True)
            and _passes(self.output, self.output_drop, established=True)
        )


def _passes(rules: Sequence[Rule], drop: bool, *, established: bool) -> bool:
    for rule in rules:
        if rule.established if established else rule.new:
            return rule.accepts
    return not drop


def make(chance: random.Random, controller: str) -> RuleSet:
    """Any rule set, of which many lock out. `chance` decides, so that a seed gives the same again."""

    def verdict() -> tuple[str, bool]:
        accepts = chance.random() < 0.6
        return ("accept" if accepts else chance.choice(["drop", "reject"])), accepts

    def rule() -> Rule:
        word, accepts = verdict()
        match, new, established = chance.choice(
            [
                ("ct state established,related", False, True),
                ("ct state new", True, False),
                ("tcp dport 22", True, True),
                ("tcp dport 22 ct state new", True, False),
                (f"ip saddr {controller}", True, True),
                (f"ip saddr {controller} tcp dport 22", True, True),
                (f"ip saddr != {controller} tcp dport 22", False, False),
                (f"ip saddr {controller} tcp dport != 22", False, False),
                ("ip saddr 192.0.2.0/24", False, False),
                ("meta nfproto ipv6", False, False),
                ("udp dport 1-65535", False, False),
                ("tcp dport 1-1023", True, True),
                ("iifname lo", False, False),
            ]
        )
        return Rule(f"{match} {word}", new, established, accepts)

    def answer() -> Rule:
        word, accepts = verdict()
        match, established = chance.choice(
            [
                ("ct state established", True),
                ("tcp sport 22", True),
                (f"ip daddr {controller}", True),
                ("udp sport 1-65535", False),
            ]
        )
        return Rule(f"{match} {word}", False, established, accepts)

    output = chance.random() < 0.25
    return RuleSet(
        tuple(rule() for _ in range(chance.randint(1, 6))),
        chance.random() < 0.6,
        tuple(answer() for _ in range(chance.randint(0, 2))) if output else (),
        output and chance.random() < 0.5,
    )
