"""Bare nodes beside the lab's own: machines as an installer leaves them, on the lab's network. Owns their containers.

They are made for a test module and thrown away after it, because what is done to them is what is tested. `lab` has to be up: it
owns the daemon, the network and the lock.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from . import image
from .docker import docker
from .lab import FIRST, LABEL, NETWORK, RUN, SUBNET, Lab, Node

_LABEL = f"{LABEL}.bare"
_OFFSET = 90
"""Addresses are apart from those of the lab's nodes: 198.18.N.101 and up."""


class Bare:
    """A few bare nodes: `bare1`, `bare2`, ..., with passwords for `root` and `admin`, and no key of anybody."""

    def __init__(self, lab: Lab, count: int) -> None:
        self.lab = lab
        self.nodes = tuple(
            Node(f"bare{number}", str(SUBNET[FIRST + _OFFSET + number])) for number in range(1, count + 1)
        )

    def make(self) -> None:
        """Make and boot them. Raises LabError."""
        self.remove()
        with self.lab.daemon.held():
            image.build(image.BARE, self.lab._say)
        for node in self.nodes:
            self._start(node)
        for node in self.nodes:
            self.lab.wait(node.name)

    def remake(self, name: str) -> None:
        """One of them, new from the image: another machine, with other host keys, at the same address."""
        node = next(node for node in self.nodes if node.name == name)
        docker("rm", "--force", "--volumes", node.container, timeout=120)
        self._start(node)
        self.lab.wait(name)

    def _start(self, node: Node) -> None:
        docker(
            "run",
            "--detach",
            f"--name={node.container}",
            f"--hostname={node.name}",
            f"--label={_LABEL}={node.name}",
            f"--network={NETWORK}",
            f"--ip={node.address}",
            *RUN,
            image.BARE.tag,
        )

    def remove(self) -> None:
        """Throw away all bare nodes of this lab, also those of a run that was killed."""
        found = docker("ps", "--all", "--quiet", f"--filter=label={_LABEL}").stdout.split()
        if found:
            docker("rm", "--force", "--volumes", *found, timeout=120)

    def run(
        self, name: str, argv: Sequence[str], *, check: bool = True, timeout: float = 60
    ) -> subprocess.CompletedProcess[str]:
        """A command past sshd and network: the truth to compare with."""
        return self.lab.run(name, argv, check=check, timeout=timeout)

    def fingerprints(self, name: str) -> dict[str, str]:
        """Key type (`ED25519`) to fingerprint, from the node's own files."""
        lines = self.run(name, ["sh", "-c", "for f in /etc/ssh/ssh_host_*_key.pub; do ssh-keygen -lf $f; done"]).stdout
        return {line.split()[-1].strip("()"): line.split()[1] for line in lines.splitlines()}

    def inventory(
        self, folder: Path, *, key: Path, known_hosts: Path, user: str = "root", names: Sequence[str] = ()
    ) -> Path:
        """An inventory of them (or of `names`), with a key and a known_hosts of the caller's."""
        hosts = "".join(
            f"    {node.name}: {{ansible_host: {node.address}}}\n"
            for node in self.nodes
            if not names or node.name in names
        )
        path = folder / "inventory.yaml"
        path.write_text(
            f"new:\n  hosts:\n{hosts}  vars:\n    ansible_user: {user}\n"
            f"    ansible_ssh_private_key_file: {json.dumps(str(key))}\n"
            f"    ansible_ssh_common_args: {json.dumps(f'-o UserKnownHostsFile={known_hosts}')}\n"
        )
        return path


@contextmanager
def bare_nodes(lab: Lab, count: int = 3) -> Iterator[Bare]:
    """Bare nodes for the length of a context."""
    bare = Bare(lab, count)
    try:
        bare.make()
        yield bare
    finally:
        bare.remove()
