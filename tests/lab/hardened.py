"""Jobs on a node that the shipped playbooks have hardened: the whole way of `gridtui job`, as the grid user, at each level that the node offers.

Owns what the jobs are, and what they try. Must not know who hardened the node, or how.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ..e2e.program import Program
from .lab import Lab

# An image of the node's own busybox, in the grid user's podman. Nothing is pulled: there is no registry in the lab.
IMAGE = r"""
set -e
cd
[ -d /run/user/$(id -u) ] && export XDG_RUNTIME_DIR=/run/user/$(id -u)
image=$(mktemp -d)
mkdir -p "$image/bin"
cp /bin/busybox "$image/bin/sh"
ln -s sh "$image/bin/busybox"
for library in $(ldd /bin/busybox | grep -o '/[^ ]*'); do mkdir -p "$image${library%/*}"; cp "$library" "$image$library"; done
tar -C "$image" -c . | podman --log-level=error import - lab >/dev/null
rm -rf "$image"
"""
CLEAR = r"""
cd
[ -d /run/user/$(id -u) ] && export XDG_RUNTIME_DIR=/run/user/$(id -u)
pkill -fx 'sleep 1717'
podman rmi -f lab >/dev/null
podman unshare rm -rf "$HOME/.local/share/containers" "$HOME/.config/containers"
rm -rf "$HOME/.local" "$HOME/.config" "$HOME/stain"
"""
# Computes what it is to compute, and tries what it should not be able to do. Says which of it worked.
ATTACK = r"""
read -r a b <in/numbers && { mkdir -p out || busybox mkdir -p out; } 2>/dev/null && echo $((a * b)) >out/product
try() { what=$1; shift; if "$@" >/dev/null 2>&1; then echo "$what"; fi; }
try etc sh -c 'echo x >/etc/stain'
try home sh -c 'echo x >/home/grid/stain'
try keys sh -c 'read -r key </home/grid/.ssh/authorized_keys'
try report sh -c 'echo x >>"${0%/*}/../report"' "$PWD/x"
try login kill -0 "$VICTIM"
try network sh -c 'busybox nc -w 3 "$ADDRESS" 22 </dev/null | busybox grep -q SSH'
exit 0
"""
WORKS = {"plain": ["home", "keys", "report", "login", "network"], "bwrap": [], "container": []}
"""What works at each level: at the weakest all of which a plain user is capable, so that the attacks are real ones."""


def jobs_run(lab: Lab, node: str, folder: Path) -> None:
    """One at each level of the node, with an input and an output, that attacks what is around it; a greedy one; one for a level that is not there."""
    try:
        lab.run(node, ["sh", "-c", IMAGE], user="grid", timeout=120)
        _run(lab, node, folder)
    finally:
        lab.run(node, ["sh", "-c", CLEAR], user="grid", check=False)


def _run(lab: Lab, node: str, folder: Path) -> None:
    start = ["sh", "-c", "sleep 1717 >/dev/null 2>&1 & echo $!"]
    other = next(one.address for one in lab.nodes if one.name != node)
    env = {"VICTIM": lab.run(node, start, user="grid").stdout.strip(), "ADDRESS": other}
    jobs: dict[str, dict[str, Any]] = {
        level: {
            "run": ATTACK,
            "env": env,
            "inputs": ["numbers:in/numbers"],
            "outputs": ["out"],
            "into": f"results/{level}",
            "sandbox": level,
        }
        for level in WORKS
    }
    jobs["container"]["image"] = "lab"
    jobs["strongest"] = {"run": "id -un"}
    jobs["greedy"] = {"run": "python3 -c 'x = bytearray(1 << 29)'", "memory": "64M"}
    jobs["elsewhere"] = {"run": "true", "sandbox": "systemd"}
    jobs = {name: {**job, "where": node} for name, job in jobs.items()}
    (folder / "numbers").write_text("6 7\n")
    (folder / "jobs.yaml").write_text(json.dumps({"jobs": jobs}))
    with Program(folder / "gridtui") as program:
        # The load of a node of the lab is its host's, and says nothing.
        login = program.inventory("lab:\n  vars: {ansible_user: grid, gridtui_slots: 8}\n")
        words = ("-i", lab.inventory, "-i", login, "job")
        submitted = program.run(*words, "submit", "-f", folder / "jobs.yaml")
        assert submitted.status == 0, submitted
        numbers = dict(zip(jobs, submitted.stdout.split(), strict=True))
        waits = numbers.pop("elsewhere")
        waited = program.run(*words, "wait", *numbers.values(), timeout=150)
        assert waited.status == 1, waited
        shown = {name: program.run(*words, "show", number, "--json").json for name, number in numbers.items()}
        logs = {name: program.run(*words, "logs", number) for name, number in numbers.items()}
        why = program.run(*words, "explain", waits)
    ended = {name: (one["job"]["state"], one["attempts"][-1]["sandbox"]) for name, one in shown.items()}
    assert ended == {level: ("succeeded", level) for level in WORKS} | {
        "strongest": ("succeeded", "bwrap"),
        "greedy": ("failed", "bwrap"),
    }, logs
    assert {level: logs[level].stdout.split() for level in WORKS} == WORKS, logs
    assert logs["strongest"].stdout == "grid\n"
    assert "MemoryError" in logs["greedy"].stdout or shown["greedy"]["attempts"][-1]["cause"] == "memory", shown
    assert {level: (folder / "results" / level / "out" / "product").read_text() for level in WORKS} == dict.fromkeys(
        WORKS, "42\n"
    )
    assert why.status == 1 and "systemd" in why.stdout, why
