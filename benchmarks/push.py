"""The star against plain parallel rsync (`xargs -P`) and `clush --copy`: one file of 200 MB and 5,000 small ones, to 4 OpenSSH nodes.

    python -m benchmarks.push [--times 3] [--size 200] [--files 5000]

All nodes are one sshd on loopback, each login in a mount namespace of its own (root is needed), so that one destination is four places. The
work of both ends is on the same processors: what is compared is what each way adds to it. The broadcast is measured in `benchmarks.broadcast`.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks import measure
from benchmarks.openssh import Farm, farm
from tests.unit.push.trees import fill

NODES = 4
PLACE = "/mnt/gridtui-bench"
AIM = 1.05
# Each node sees its own folder at PLACE, and a /tmp of its own.
ENTER = f"""#!/bin/sh
set -- $SSH_CONNECTION
exec unshare --mount sh -c 'mount --bind FOLDER/'$3' {PLACE} && mount -t tmpfs none /tmp && exec sh -c "$SSH_ORIGINAL_COMMAND"'
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--size", type=int, default=200, help="MB of the large file")
    parser.add_argument("--files", type=int, default=5000)
    arguments = parser.parse_args()
    if os.geteuid() or not shutil.which("unshare"):
        sys.exit("benchmarks.push needs root and unshare(1): each node gets a mount namespace")
    print(measure.machine())
    Path(PLACE).mkdir(exist_ok=True)
    # not in /tmp, which the nodes do not see
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        folder = Path(name)
        places = folder / "places"
        for number in range(1, NODES + 1):
            (places / f"127.9.0.{number + 1}").mkdir(parents=True)
        enter = folder / "enter"
        enter.write_text(ENTER.replace("FOLDER", str(places)))
        enter.chmod(0o755)
        os.chmod(folder, 0o755)
        one = fill(folder / "large" / "file", arguments.size << 20).parent
        many = folder / "small"
        for number in range(arguments.files):
            fill(many / str(number % 50) / str(number), 1 + number * 7919 % 8000, number)
        options = (f"ForceCommand {enter}", "Subsystem sftp /usr/lib/openssh/sftp-server")
        with farm(folder / "farm", NODES, *options) as nodes:
            met = [
                compare(nodes, places, one, f"one file of {arguments.size} MB", arguments.times),
                compare(nodes, places, many, f"{arguments.files} small files", arguments.times),
            ]
    sys.exit(0 if all(met) else 1)


def compare(nodes: Farm, places: Path, source: Path, title: str, times: int) -> bool:
    """One table. The runs of all ways take turns, so that the machine's mood is shared."""
    hosts = " ".join(f"n{number}" for number in range(1, NODES + 1))
    xargs = (
        f"printf '%s\\n' {hosts} | xargs -P {NODES} -I @ rsync -a -e 'ssh -F {nodes.ssh_config}' {source}/ @:{PLACE}/to"
    )
    ways: dict[str, Sequence[str | Path]] = {
        "xargs -P rsync": ["sh", "-c", xargs],
        "gridtui push": [
            *(Path(sys.executable).parent / "gridtui", "-i", nodes.inventory, "push", f"{source}/", f"{PLACE}/to"),
        ],
    }
    if clush := shutil.which("clush", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}"):
        options = ["-q", "-f", str(NODES), "-w", nodes.node_set, "-o", f"-F {nodes.ssh_config}"]
        ways["clush --copy"] = [clush, *options, "--copy", source, "--dest", f"{PLACE}/to"]
    costs: dict[str, list[measure.Cost]] = {way: [] for way in ways}
    for _ in range(times):
        for way, words in ways.items():
            costs[way].append(run(words, nodes, places, source, way))
    middle: dict[str, measure.Cost] = {way: sorted(each, key=wall)[len(each) // 2] for way, each in costs.items()}
    measure.table(f"push, {title}, {NODES} nodes", middle, against="xargs -P rsync")
    return measure.aim(
        "wall of gridtui push over plain rsync", middle["gridtui push"].wall / middle["xargs -P rsync"].wall, AIM
    )


wall: Callable[[measure.Cost], float] = lambda cost: cost.wall  # noqa: E731


def run(words: Sequence[str | Path], nodes: Farm, places: Path, source: Path, way: str) -> measure.Cost:
    """One run to empty nodes; that all is there is checked afterwards."""
    for place in places.iterdir():
        shutil.rmtree(place / "to", ignore_errors=True)
        if way.startswith("clush"):
            (place / "to").mkdir()
    os.sync()
    cost = measure.command(*words, env=nodes.environment)
    wanted = sum(1 for path in source.rglob("*") if path.is_file())
    for place in places.iterdir():
        found = sum(1 for path in (place / "to").rglob("*") if path.is_file())
        if found != wanted:
            raise RuntimeError(f"{way}: {found} of {wanted} files arrived at {place.name}\n{cost.output[-2000:]}")
    return cost


if __name__ == "__main__":
    main()
