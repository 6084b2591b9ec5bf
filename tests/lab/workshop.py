"""Nodes with a renderer, ffmpeg and PyTorch beside the lab's own, for what people would really compute. Owns their image and containers.

The image is made once of the lab's: some 370 MB from Debian's mirror, with Debian's PyTorch, which computes on CPUs alone (the wheel on
the package index wants CUDA's libraries, gigabytes of them). The nodes live as long as a test module. `lab` has to be up.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from . import image
from .docker import docker
from .lab import FIRST, LABEL, NETWORK, RUN, SUBNET, Lab, Node

PACKAGES = ("ffmpeg", "povray", "python3-torch")
TAG = f"{image.REPOSITORY}-workshop:{hashlib.sha256(' '.join((image.NODE.tag, *PACKAGES)).encode()).hexdigest()[:12]}"

_LABEL = f"{LABEL}.workshop"
_OFFSET = 60
"""Addresses are apart from those of other nodes: 198.18.N.71 and up."""
_INSTALL = """
set -eu
apt-get -q update
apt-get -q -y --no-install-recommends install "$@"
apt-get clean
rm -rf /var/lib/apt/lists/*
"""


def build(lab: Lab) -> None:
    """Make the image unless Docker holds it. Raises LabError."""
    if docker("image", "inspect", TAG, check=False).returncode == 0:
        return
    lab._say(f"making the image {TAG} (once, a few minutes)")
    maker = f"{NETWORK}-workshop-maker"
    docker("rm", "--force", maker, check=False)
    try:
        docker("run", "--detach", f"--name={maker}", f"--network={NETWORK}", image.NODE.tag, "sleep", "infinity")
        env = "--env=DEBIAN_FRONTEND=noninteractive"
        docker("exec", env, maker, "sh", "-c", _INSTALL, "install", *PACKAGES, timeout=1500)
        docker("commit", '--change=CMD ["/sbin/init"]', maker, TAG, timeout=300)
    finally:
        docker("rm", "--force", maker, check=False, timeout=120)


class Workshop:
    """A few such nodes: `work1`, `work2`, ..., with the lab's key, and an inventory of them."""

    def __init__(self, lab: Lab, count: int, folder: Path) -> None:
        self.lab = lab
        self.nodes = tuple(
            Node(f"work{number}", str(SUBNET[FIRST + _OFFSET + number])) for number in range(1, count + 1)
        )
        self.inventory = folder / "workshop.yaml"
        self._known_hosts = folder / "workshop_known_hosts"

    def make(self) -> None:
        """Make and boot them. Raises LabError."""
        self.remove()
        build(self.lab)
        for node in self.nodes:
            docker(
                "create",
                f"--name={node.container}",
                f"--hostname={node.name}",
                f"--label={_LABEL}={node.name}",
                f"--network={NETWORK}",
                f"--ip={node.address}",
                *RUN,
                TAG,
            )
            docker("cp", "--archive", "-", f"{node.container}:/", stdin=self.lab._authorized_keys())
            docker("start", node.container)
        for node in self.nodes:
            self.lab.wait(node.name)
        self._write()

    def _write(self) -> None:
        keys = [
            f"{node.address} {' '.join(line.split()[:2])}\n"
            for node in self.nodes
            for line in self.lab.run(node.name, ["sh", "-c", "cat /etc/ssh/ssh_host_*_key.pub"]).stdout.splitlines()
        ]
        self._known_hosts.write_text("".join(keys))
        hosts = "".join(f"    {node.name}: {{ansible_host: {node.address}}}\n" for node in self.nodes)
        self.inventory.write_text(
            # their load is the host's, and says nothing here
            f"workshop:\n  hosts:\n{hosts}  vars:\n    ansible_user: root\n    gridtui_slots: 2\n"
            f"    ansible_ssh_private_key_file: {json.dumps(str(self.lab.key))}\n"
            f"    ansible_ssh_common_args: {json.dumps(f'-o UserKnownHostsFile={self._known_hosts}')}\n"
        )

    def remove(self) -> None:
        """Throw them away, also those of a run that was killed."""
        found = docker("ps", "--all", "--quiet", f"--filter=label={_LABEL}").stdout.split()
        if found:
            docker("rm", "--force", "--volumes", *found, timeout=120)


@contextmanager
def workshop(lab: Lab, folder: Path, count: int = 2) -> Iterator[Workshop]:
    """Such nodes for the length of a context."""
    made = Workshop(lab, count, folder)
    try:
        made.make()
        yield made
    finally:
        made.remove()
