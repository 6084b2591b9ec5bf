"""One bare node to ready: `gridtui provision` from a password, against `ansible-playbook` as it comes, with the same playbooks.

    python -m benchmarks.provision [--runs 1]

The peer has an easier start: the key is on the node and in known_hosts before its clock runs. A play with `raw` installs Python, then come the very
playbooks that gridtui runs; it has Ansible's defaults and checks nothing at the end. `again` is the same command once more, with nothing left to do.
Needs the lab (docs/LAB.md): a real systemd node in Docker, on the same processors as both controllers.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks import measure
from benchmarks.measure import Cost
from gridtui.provision import bare as texts
from gridtui.provision.profile import PLAYBOOKS
from tests.lab.bare import Bare, bare_nodes
from tests.lab.image import ROOT_PASSWORD
from tests.lab.lab import Lab, narrate
from tests.ssh.openssh import keygen, public

BIN = Path(sys.executable).parent
SHIPPED = Path(__file__).parents[1] / "playbooks"
AIM = 1.25
"""Of the peer's wall: beyond it gridtui makes first contact, confirms each guarded change by a fresh login of its own, and checks the result."""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=1)
    runs = parser.parse_args().runs
    print(measure.machine())
    lab = Lab(say=narrate)
    with lab.lock(timeout=60):
        ours = not lab.nodes
        if ours:
            lab.up(1)
        try:
            with bare_nodes(lab, 1) as nodes, tempfile.TemporaryDirectory() as name:
                met = compare(nodes, Path(name), runs)
        finally:
            if ours:
                lab.down()
    sys.exit(0 if met else 1)


def compare(nodes: Bare, folder: Path, runs: int) -> bool:
    """Both tables. Each run begins with a node that is new from the image."""
    first: dict[str, list[Cost]] = {"gridtui": [], "ansible-playbook": []}
    again: dict[str, list[Cost]] = {"gridtui": [], "ansible-playbook": []}
    for number in range(runs):
        for way, work in (("gridtui", provision), ("ansible-playbook", stock)):
            place = folder / f"{way}-{number}"
            place.mkdir()
            nodes.remake("bare1")
            key = keygen(place / "key")
            nodes.inventory(place, key=key, known_hosts=place / "known_hosts")
            first[way].append(work(nodes, place, key))
            again[way].append(work(nodes, place, key, again=True))
    middle = [{way: _median(costs) for way, costs in table.items()} for table in (first, again)]
    measure.table(f"one bare node, {', '.join(PLAYBOOKS)}", middle[0], against="ansible-playbook")
    measure.table("again", middle[1], against="ansible-playbook")
    share = middle[0]["gridtui"].wall / middle[0]["ansible-playbook"].wall
    return measure.aim("wall against ansible-playbook, from a bare node", share, AIM)


def provision(nodes: Bare, place: Path, key: Path, *, again: bool = False) -> Cost:
    """`gridtui provision`, from a password in a pipe."""
    words: list[str | Path] = [
        BIN / "gridtui",
        "-i",
        place / "inventory.yaml",
        "provision",
        "--host-keys",
        "accept-new",
    ]
    if not again:
        words += ["--password-fd", "0"]
    env = {"XDG_STATE_HOME": str(place / "state"), "XDG_CONFIG_HOME": str(place / "config")}
    return measure.command(*words, env=env, stdin=f"{ROOT_PASSWORD}\n".encode(), timeout=900)


def stock(nodes: Bare, place: Path, key: Path, *, again: bool = False) -> Cost:
    """`ansible-playbook` with its defaults; Python through `raw`, as its documentation says."""
    address = nodes.nodes[0].address
    if not again:
        nodes.run(
            "bare1", ["sh", "-c", f"umask 077; mkdir -p /root/.ssh; echo '{public(key)}' >/root/.ssh/authorized_keys"]
        )
        scanned = subprocess.run(["ssh-keyscan", "-t", "ed25519", address], capture_output=True, check=True)
        (place / "known_hosts").write_bytes(scanned.stdout)
        indented = texts.PYTHON.strip().replace("\n", "\n        ")
        (place / "python.yml").write_text(
            "- hosts: all\n  gather_facts: false\n  tasks:\n    - ansible.builtin.raw: |\n"
            f"        command -v python3 && exit 0\n        {indented}\n      changed_when: true\n"
        )
    books = [place / "python.yml", *(SHIPPED / f"{name}.yml" for name in PLAYBOOKS)]
    words: list[str | Path] = [BIN / "ansible-playbook", "-i", place / "inventory.yaml"]
    extra = f'{{"base_authorized_keys": ["{public(key)}"]}}'
    env = {"ANSIBLE_HOST_KEY_CHECKING": "True", "LC_ALL": "C.UTF-8", "PATH": f"{BIN}:{os.environ['PATH']}"}
    return measure.command(*words, "-e", extra, *books, env=env, timeout=900)


def _median(costs: list[Cost]) -> Cost:
    return sorted(costs, key=lambda cost: cost.wall)[len(costs) // 2]


if __name__ == "__main__":
    main()
