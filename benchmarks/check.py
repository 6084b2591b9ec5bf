"""`gridtui check` of 1 and of 200 OpenSSH logins against clush, pdsh and `ansible -m ping`, and the start of `--version`.

The peers only log in and run `true` (Ansible: its ping module); a check logs in, runs all probes twice and judges what they say.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from benchmarks import measure
from benchmarks.openssh import Farm, farm

BIN = Path(sys.executable).parent


def check(work: Farm) -> measure.Cost:
    """One check, by the command."""
    return measure.command(
        BIN / "gridtui", "-i", work.inventory, "check", "--json", env=work.environment, expect=(0, 1, 2)
    )


def one(work: Farm) -> bool:
    """A check of one node against `ssh node true`."""
    check(work)  # byte code, the state of a run before
    ours = measure.median(lambda: check(work), 5)
    peer = measure.median(lambda: measure.command("ssh", "-F", work.ssh_config, "n1", "true"), 5)
    measure.table("check of one node", {"gridtui check": ours, "ssh n1 true": peer}, against="ssh n1 true")
    return measure.aim("wall against `ssh n1 true`", ours.wall / peer.wall, 2.5)


def many(work: Farm, ansible: bool) -> bool:
    """A check of all nodes against the parallel shells."""
    check(work)
    costs = {"gridtui check": measure.median(lambda: check(work))}
    clush: list[str | Path] = [
        BIN / "clush",
        "-S",
        "-f",
        "64",
        "--options",
        f"-F {work.ssh_config}",
        "-w",
        work.node_set,
        "true",
    ]
    costs["clush -f 64"] = measure.median(lambda: measure.command(*clush, env=work.environment))
    pdsh: list[str | Path] = ["pdsh", "-R", "ssh", "-f", "64", "-w", work.node_set, "true"]
    costs["pdsh -f 64"] = measure.median(lambda: measure.command(*pdsh, env=work.environment))
    if ansible:
        words: list[str | Path] = [BIN / "ansible", "-i", work.inventory, "all", "-m", "ping", "-f", "16", "-o"]
        costs["ansible -m ping -f 16"] = measure.command(*words, env=work.environment)
    best = min((name for name in costs if not name.startswith("gridtui")), key=lambda name: costs[name].wall)
    measure.table(f"check of {work.count} nodes", costs, against=best)
    ours, peer = costs["gridtui check"], costs[best]
    met = measure.aim(f"wall against the best peer ({best})", ours.wall / peer.wall, 1.0)
    return measure.aim("CPU against the same", ours.cpu / peer.cpu, 0.5) and met


def start() -> bool:
    """`gridtui --version` against an empty Python program."""
    ours = measure.median(lambda: measure.command(BIN / "gridtui", "--version"), 11)
    peer = measure.median(lambda: measure.command(sys.executable, "-c", "pass"), 11)
    measure.table("start", {"gridtui --version": ours, "python -c pass": peer}, against="python -c pass")
    return measure.aim("ms for --version", ours.wall * 1000, 100)


def main() -> int:
    """All of it; 1 when an aim was missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, default=200)
    parser.add_argument("--no-ansible", action="store_true", help="leave out the slowest peer")
    options = parser.parse_args()
    print(measure.machine())
    met = start()
    with tempfile.TemporaryDirectory(prefix="gridtui-bench-") as folder:
        with farm(Path(folder) / "one", 1) as work:
            met &= one(work)
        if options.nodes < 2:
            return 0 if met else 1
        with farm(Path(folder) / "many", options.nodes) as work:
            met &= many(work, not options.no_ansible)
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
