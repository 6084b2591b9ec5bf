"""Trains one model on several nodes at once: a job for each, all with the address of the first. `python run.py -i inventory.yaml`."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

from gridtui import Fleet
from gridtui.exec.lines import text
from gridtui.jobs import Input, JobId, JobState, Needs, Sandbox, Spec

HERE = Path(__file__).resolve().parent


async def train(fleet: Fleet, names: list[str], port: int, into: Path) -> bool:
    """Whether it went well."""
    first = fleet.nodes[names[0]]
    numbers = []
    for rank, name in enumerate(names):
        spec = Spec(
            "python3 train.py",
            name=f"train-{rank}",
            where=name,
            needs=Needs(cpus=1, wall=900),
            sandbox=Sandbox(network=True),
            env={
                "MASTER_ADDR": first.address,
                "MASTER_PORT": str(port),
                "RANK": str(rank),
                "WORLD_SIZE": str(len(names)),
            },
            inputs=(Input(str(HERE / "train.py"), "train.py"),),
            outputs=("model.pt",) if rank == 0 else (),
            into=str(into) if rank == 0 else "",
        )
        numbers.append(await fleet.submit(spec))
    await fleet.jobs.wait([JobId(number) for number in numbers])
    for number in numbers:
        said = b"".join([piece async for piece in fleet.jobs.logs(JobId(number))])
        sys.stdout.write(text(said))  # what a node sends could command this terminal
    return all(fleet.jobs.show(JobId(number)).job.state is JobState.SUCCEEDED for number in numbers)


async def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-i", "--inventory", action="append", default=[], help="an Ansible inventory")
    parser.add_argument("-w", "--where", default="@*", help="which nodes may be taken")
    parser.add_argument("--nodes", type=int, default=2, help="how many")
    parser.add_argument("--port", type=int, default=29500, help="on the first of them")
    parser.add_argument("--into", type=Path, default=HERE, help="where the model goes")
    wanted = parser.parse_args()
    fleet = Fleet.open(wanted.inventory)
    names = [name for name in fleet.select(wanted.where) if not fleet.nodes[name].local][: wanted.nodes]
    if len(names) < wanted.nodes:
        sys.stderr.write(f"this takes {wanted.nodes} nodes, and there are {len(names)}\n")
        return 2
    return 0 if await train(fleet, names, wanted.port, wanted.into.resolve()) else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
