"""`true` and a command with 1,000 lines on 1, 50 and 200 OpenSSH nodes, cold and warm, against the parallel shells and Ansible.

    python -m benchmarks.exec [--nodes 1 50 200] [--runs 3] [--no-ansible] [--parallel-ssh PYTHON]

- cold: each run logs in. `gridtui exec -b` as a command, Python's start included, against `clush -b`, `pdsh`, `parallel-ssh` (pssh) and `ansible -m raw`.
- warm: the connections are there. `Fleet.exec` in one process that holds them, against the same peers over ssh's ControlMaster sockets. The masters
  are processes of their own: what they use is not counted, which is in favour of the peers.

All nodes are logins of one sshd on this machine, so with few cores a wall is mostly the price of the servers' forks, the same for all: `floor` shows it,
as what all processes under sshd used during gridtui's run, spread over all cores. The controller's CPU compares well.

`--parallel-ssh` names the Python of an environment that has the package of that name (libssh2); it holds its connections itself.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks import measure
from benchmarks.openssh import Farm, farm
from gridtui.exec import Ending, Outcome
from gridtui.fleet import Fleet

BIN = Path(sys.executable).parent
COMMANDS = {"true": "true", "1,000 lines": "seq 1000"}
FANOUT = "64"
WARM = 10.0
"""Aim: warm, the best peer takes this many times as long."""

_PARALLEL_SSH = """
import json, sys, time
from gevent import monkey; monkey.patch_all()
from pssh.clients import ParallelSSHClient
hosts, port, user, key, command, runs = json.load(sys.stdin)
client = ParallelSSHClient(hosts, port=port, user=user, pkey=key, pool_size=64, identity_auth=False)
for _ in range(runs):
    began, cpu = time.perf_counter(), time.process_time()
    out = client.run_command(command)
    for host in out:
        lines = list(host.stdout)
    client.join(out)
    assert all(host.exit_code == 0 for host in out)
    print(json.dumps([time.perf_counter() - began, time.process_time() - cpu]))
"""


def peers(work: Farm, config: Path, command: str, *, ansible: bool) -> dict[str, list[str | Path]]:
    """The command lines that are installed here."""
    ways: dict[str, list[str | Path]] = {
        "clush -b": [
            BIN / "clush",
            "-b",
            "-S",
            "-f",
            FANOUT,
            "--options",
            f"-F {config}",
            "-w",
            work.node_set,
            command,
        ],
        "pdsh": ["pdsh", "-R", "ssh", "-f", FANOUT, "-w", work.node_set, command],
    }
    hosts = config.with_suffix(".hosts")
    hosts.write_text("".join(f"n{index}\n" for index in range(1, work.count + 1)))
    ways["pssh"] = ["parallel-ssh", "-i", "-p", FANOUT, "-t", "0", "-h", hosts, "-x", f"-F {config}", command]
    if ansible:
        ways["ansible -m raw"] = [
            BIN / "ansible",
            "-i",
            work.inventory,
            "all",
            "-m",
            "raw",
            "-f",
            FANOUT,
            "-a",
            command,
        ]
    return {name: way for name, way in ways.items() if shutil.which(str(way[0]))}


def timed(way: Sequence[str | Path], work: Farm, config: Path, runs: int) -> measure.Cost:
    """One peer. The config goes to pdsh by the environment, since it has no option for it."""
    environment = {**work.environment, "PDSH_SSH_ARGS_APPEND": f"-F {config}"}
    if config == work.ssh_config:
        environment["ANSIBLE_SSH_ARGS"] = "-o ControlMaster=no"  # else it keeps its connections by default
    once = "ansible" in str(way[0])  # it takes so long that one run is telling
    return measure.median(lambda: measure.command(*way, env=environment), 1 if once else runs)


def cold(work: Farm, title: str, command: str, options: argparse.Namespace) -> bool:
    """A login each."""
    ours: list[str | Path] = [BIN / "gridtui", "-i", work.inventory, "exec", "-b", "--yes", "--", command]
    measure.command(*ours, env=work.environment)  # byte code
    costs = {"gridtui exec -b": measure.median(lambda: measure.command(*ours, env=work.environment), options.runs)}
    for name, way in peers(work, work.ssh_config, command, ansible=not options.no_ansible).items():
        costs[name] = timed(way, work, work.ssh_config, options.runs)
    measure.table(f"cold, {title}, {_nodes(work)}", costs, against="clush -b")
    us, clush = costs["gridtui exec -b"], costs["clush -b"]
    met = measure.aim("wall against clush", us.wall / clush.wall, 1.0)
    return measure.aim("CPU against clush", us.cpu / clush.cpu, 0.5) and met


async def warm(work: Farm, sockets: Path, title: str, command: str, options: argparse.Namespace) -> bool:
    """Over connections that are open already."""
    fleet = Fleet.open([work.inventory])
    costs: dict[str, measure.Cost] = {}
    async with fleet.holding():
        _checked(await fleet.exec("true"))
        before, found = _server_cpu(), []
        for _ in range(max(3, options.runs)):
            outcomes, cost = await measure.acall(fleet.exec(command))
            _checked(outcomes)
            found.append(cost)
        served = (_server_cpu() - before) / len(found)
    costs["gridtui"] = _median(found)
    config = sockets / "ssh_config"
    persist = f"\nHost *\n  ControlMaster auto\n  ControlPersist 300\n  ControlPath {sockets}/%C\n"
    config.write_text(work.ssh_config.read_text() + persist)
    ways = peers(work, config, command, ansible=not options.no_ansible)
    for name, way in ways.items():
        measure.command(*way, env={**work.environment, "PDSH_SSH_ARGS_APPEND": f"-F {config}"})  # makes the masters
        costs[name] = timed(way, work, config, options.runs)
    if options.parallel_ssh:
        costs["parallel-ssh"] = _parallel_ssh(work, command, options)
    cores = os.cpu_count() or 1
    costs["floor"] = measure.Cost(served / cores, served, 0)
    measure.table(f"warm, {title}, {_nodes(work)} (floor: the servers' CPU)", costs, against="gridtui")
    best: Callable[[str], float] = lambda what: min(  # noqa: E731
        getattr(cost, what) for name, cost in costs.items() if name not in ("gridtui", "floor")
    )
    us = costs["gridtui"]
    met = measure.aim("wall against the best peer", us.wall / best("wall"), 1 / WARM)
    return measure.aim("CPU against the best peer", us.cpu / best("cpu"), 1 / WARM) and met


def _parallel_ssh(work: Farm, command: str, options: argparse.Namespace) -> measure.Cost:
    lines = work.ssh_config.read_text().split("\n")
    values = {words[0]: words[1] for line in lines if len(words := line.split()) == 2}
    hosts = [line.split()[1] for line in lines if line.strip().startswith("HostName")]
    question = [hosts, int(values["Port"]), values["User"], values["IdentityFile"], command, options.runs + 1]
    done = subprocess.run(
        [options.parallel_ssh, "-c", _PARALLEL_SSH],
        input=json.dumps(question),
        capture_output=True,
        text=True,
        check=True,
    )
    found = [json.loads(line) for line in done.stdout.splitlines()][1:]  # the first one logs in
    return _median([measure.Cost(wall, cpu, 0) for wall, cpu in found])


def _server_cpu() -> float:
    """Seconds that processes under any sshd of this user have used, the ended ones included."""
    used = 0.0
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if (entry / "comm").read_text().startswith("sshd"):
                    used += measure.process_cpu(int(entry.name))
            except OSError:
                continue
    return used


def _median(costs: Sequence[measure.Cost]) -> measure.Cost:
    waiting = iter(costs)
    return measure.median(lambda: next(waiting), len(costs))


def _checked(outcomes: dict[str, Outcome]) -> None:
    bad = [one for one in outcomes.values() if one.status is not Ending.OK]
    if bad:
        raise RuntimeError(f"{len(bad)} nodes failed, the first: {bad[0]}")


def _nodes(work: Farm) -> str:
    return f"{work.count} node{'' if work.count == 1 else 's'}"


def main() -> int:
    """All of it; 1 when an aim was missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nodes", type=int, nargs="+", default=[1, 50, 200])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--no-ansible", action="store_true", help="leave out the slowest peer")
    parser.add_argument("--parallel-ssh", metavar="PYTHON", help="of an environment that has the package parallel-ssh")
    options = parser.parse_args()
    print(f"exec; {measure.machine()}")
    met = True
    for count in options.nodes:
        with tempfile.TemporaryDirectory(prefix="gt-") as name, farm(Path(name) / "farm", count) as work:
            for title, command in COMMANDS.items():
                met &= cold(work, title, command, options)
            for index, (title, command) in enumerate(COMMANDS.items()):
                sockets = Path(name) / str(index)  # short: a socket's path has 108 bytes
                sockets.mkdir()
                met &= asyncio.run(warm(work, sockets, title, command, options))
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
