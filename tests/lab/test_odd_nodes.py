"""The playbooks on machines that lack something: systemd, or a root file system that can be written."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from .docker import docker
from .lab import LABEL, NETWORK, RUN, SUBNET, Lab
from .plays import ROOT, play

pytestmark = pytest.mark.timeout(240)

# sshd and nothing beside it; under a read-only root its host key lies elsewhere.
START = """
mkdir -p /run/sshd
if ssh-keygen -A >/dev/null 2>&1 && [ -e /etc/ssh/ssh_host_ed25519_key.pub ]; then
    cp /etc/ssh/ssh_host_ed25519_key.pub /run/key.pub && /usr/sbin/sshd
else
    ssh-keygen -q -t ed25519 -N '' -f /run/key && /usr/sbin/sshd -h /run/key
fi
mkdir -p /run/up && exec sleep infinity
"""


@contextmanager
def odd_node(lab: Lab, name: str, number: int, folder: Path, *options: str) -> Iterator[Path]:
    """A node without systemd beside the lab's own; gives the inventory's path."""
    container = f"{NETWORK}-{name}"
    address = str(SUBNET[number])
    keys = folder / "authorized_keys"
    keys.write_bytes(lab.key.with_suffix(".pub").read_bytes())
    keys.chmod(0o600)
    docker("rm", "--force", container, check=False)
    docker(
        *("run", "--detach", f"--name={container}", f"--hostname={name}", f"--label={LABEL}.odd={name}"),
        *(f"--network={NETWORK}", f"--ip={address}", *RUN, f"--volume={keys}:/root/.ssh/authorized_keys:ro"),
        *(*options, lab.recipe.tag, "sh", "-c", START),
    )
    try:
        docker("exec", container, "sh", "-c", "until [ -e /run/up ]; do sleep 0.1; done")
        key = docker("exec", container, "cat", "/run/key.pub").stdout.split()
        known = folder / "known_hosts"
        known.write_text(f"{address} {key[0]} {key[1]}\n")
        inventory = folder / "odd.json"
        host = {
            "ansible_host": address,
            "ansible_user": "root",
            "ansible_ssh_private_key_file": str(lab.key),
            "ansible_ssh_common_args": f"-o UserKnownHostsFile={known}",
        }
        inventory.write_text(json.dumps({"all": {"hosts": {name: host}}}))
        yield inventory
    finally:
        docker("rm", "--force", "--volumes", container, check=False)


def test_without_systemd_what_can_be_done_is_done_and_the_rest_is_said(lab: Lab, tmp_path: Path) -> None:
    names = ["base", "ssh", "sandbox"]

    def chained(names: list[str]) -> Path:
        path = tmp_path / "some.yml"
        path.write_text("".join(f"- ansible.builtin.import_playbook: {ROOT}/playbooks/{name}.yml\n" for name in names))
        return path

    container = f"{NETWORK}-plain"
    with odd_node(lab, "plain", 240, tmp_path) as inventory:
        first = play(lab, chained(names), inventory=inventory)
        assert "no systemd here: no slice and no lingering" in first.said
        again = play(lab, chained(names), inventory=inventory)
        assert again.changed["plain"] == 0, again.said
        # sshd was told: the process that answers now goes by the new lines.
        refused = docker(
            *("exec", container, "ssh", "-o", "StrictHostKeyChecking=no", "-o", "PreferredAuthentications=none", "-v"),
            *("grid@127.0.0.1", "true"),
            check=False,
        )
        assert "Authentications that can continue: publickey\n" in refused.stderr.replace("\r", "")
        bwrap = docker("exec", "--user=grid", container, "bwrap", "--ro-bind", "/", "/", "--unshare-all", "id", "-un")
        assert bwrap.stdout == "grid\n"
        undone = play(lab, chained(names[::-1]), inventory=inventory, gridtui_undo=True)
        assert undone.changed["plain"] > 0
        left = docker(
            "exec", container, "sh", "-c", "ls /etc/sudoers.d /etc/ssh/sshd_config.d; command -v bwrap", check=False
        ).stdout
        assert "gridtui" not in left and "bwrap" not in left


def test_a_read_only_root_is_one_line(lab: Lab, tmp_path: Path) -> None:
    with odd_node(lab, "sealed", 241, tmp_path, "--read-only") as inventory:
        for name in ("base", "ssh", "sandbox"):
            played = play(lab, name, inventory=inventory, well=False)
            assert played.failed["sealed"] == 1 and played.changed["sealed"] == 0
            assert "is the root file system read-only?" in played.said and "Traceback" not in played.said
