"""Plain `ansible-playbook` with a shipped playbook on the lab's nodes, and what its recap says.

Owns how it is called and how the recap is read. Must not know gridtui: these playbooks have to do without it.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .docker import ENV
from .lab import Lab

ROOT = Path(__file__).parents[2]
_RECAP = re.compile(r"^(\S+) +: +((?:\w+=\d+ *)+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Played:
    """How a run ended: its status, all it said, and the recap's counts by node (`ok`, `changed`, `failed`, `unreachable`, ...)."""

    status: int
    said: str
    recap: Mapping[str, Mapping[str, int]]

    @property
    def changed(self) -> dict[str, int]:
        return {node: counts["changed"] for node, counts in self.recap.items()}

    @property
    def failed(self) -> dict[str, int]:
        return {node: counts["failed"] + counts["unreachable"] for node, counts in self.recap.items()}


def play(
    lab: Lab,
    playbook: str | Path,
    *words: str,
    hosts: str = "all",
    well: bool = True,
    inventory: Path | None = None,
    timeout: float = 300,
    **extra: object,
) -> Played:
    """Run a shipped playbook (its name) or another (its path) with further `words` and variables. With `well`, it has to succeed on all.

    `inventory` stands in for the lab's own.
    """
    path = ROOT / "playbooks" / f"{playbook}.yml" if isinstance(playbook, str) else playbook
    # What is to succeed has time to, however busy the machine is: nobody waits for the end of a window that is confirmed.
    variables = {"gridtui_hosts": hosts, **({"gridtui_window": 240} if well else {}), **extra}
    done = subprocess.run(
        [
            *(
                str(Path(sys.executable).with_name("ansible-playbook")),
                "-i",
                str(inventory or lab.inventory),
                str(path),
            ),
            *("-e", json.dumps(variables), *words),
        ],
        env={
            **ENV,
            "ANSIBLE_HOME": str(lab.folder / "ansible"),
            "ANSIBLE_ROLES_PATH": str(ROOT / "playbooks" / "roles"),
            "ANSIBLE_PIPELINING": "1",
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_FORKS": "4",
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=timeout,
        check=False,
        text=True,
    )
    recap = {
        node: {name: int(value) for name, value in (pair.split("=") for pair in counts.split())}
        for node, counts in _RECAP.findall(done.stdout)
    }
    played = Played(done.returncode, done.stdout, recap)
    if well:
        assert played.status == 0 and recap and not any(played.failed.values()), played.said
    return played
