"""Slurm as Debian ships it, on lab nodes: the image's recipe, one controller, a daemon on each node. A peer of benchmarks/jobs.py; knows no other.

Munge's key is made with the image, so all nodes share it. Without accounting and without cgroups, which need more than such nodes have.
"""

from __future__ import annotations

import io
import tarfile
import time
from collections.abc import Sequence
from dataclasses import replace

from benchmarks.measure import Cost
from tests.lab import image
from tests.lab.docker import LabError, docker
from tests.lab.lab import Lab

RECIPE = replace(
    image.NODE,
    name="slurm",
    # Nothing of it runs until it is started, so that it takes no time from the other ways.
    setup=r"""
set -eu
printf '#!/bin/sh\nexit 101\n' > /usr/sbin/policy-rc.d
chmod 755 /usr/sbin/policy-rc.d
apt-get -q update
DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install bubblewrap munge slurm-client slurmctld slurmd
systemctl disable munge.service slurmctld.service slurmd.service
rm /usr/sbin/policy-rc.d
"""
    + image.SETUP,
    cached=(),
)
CONTROLLER = "node1"
_CONFIG = """
ClusterName=lab
SlurmctldHost={controller}({address})
AuthType=auth/munge
SlurmUser=slurm
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
StateSaveLocation=/var/lib/slurm/slurmctld
SlurmdSpoolDir=/var/lib/slurm/slurmd
MaxArraySize=100001
MaxJobCount=100000
ReturnToService=2
{nodes}
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""
_READY = 60.0
_ARRAY = """
job=$(sbatch --parsable --array=1-{count} --output=/dev/null --wrap=true) || exit
while said=$(squeue --noheader --array --jobs="$job" --format=%t 2>/dev/null) && [ -n "$said" ]; do sleep 0.2; done
"""
_STARTS = """
for each in $(seq {count}); do
    before=$(date +%s.%N)
    echo "$before $(srun --ntasks=1 date +%s.%N)" || exit
done
"""


class Slurm:
    """A cluster of the lab's nodes, for as long as they live."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab

    def start(self, cpus: int) -> None:
        """Configure and start it, with so many processors a node. Raises LabError when a node is not idle within a minute."""
        nodes = self._lab.nodes
        lines = [f"NodeName={node.name} NodeAddr={node.address} CPUs={cpus} State=UNKNOWN" for node in nodes]
        address = self._lab.node(CONTROLLER).address
        config = _CONFIG.format(controller=CONTROLLER, address=address, nodes="\n".join(lines))
        for node in nodes:
            docker("cp", "-", f"{node.container}:/etc/slurm", stdin=_archive("slurm.conf", config.encode()))
            self._lab.run(node.name, ["systemctl", "start", "munge"])
        self._lab.run(CONTROLLER, ["systemctl", "start", "slurmctld"])
        for node in nodes:
            self._lab.run(node.name, ["systemctl", "start", "slurmd"])
        deadline = time.monotonic() + _READY
        while (states := self._states()) != ["idle"] * len(nodes):
            if time.monotonic() > deadline:
                raise LabError(f"Slurm's nodes are not idle after {_READY:.0f} s: {' '.join(states) or 'no answer'}")
            time.sleep(0.5)

    def array(self, count: int) -> Cost:
        """An array of `true`, from its submission until the queue is empty. Asked for every 0.2 s: `sbatch --wait` looks every few seconds."""
        start = time.perf_counter()
        self._script(_ARRAY.format(count=count), timeout=1800)
        return Cost(time.perf_counter() - start, 0.0, 0)

    def starts(self, count: int) -> Sequence[float]:
        """Seconds from `srun` until its job runs, one after the other."""
        found = [line.split() for line in self._script(_STARTS.format(count=count), timeout=600).splitlines()]
        return [float(after) - float(before) for before, after in found]

    def _states(self) -> list[str]:
        said = self._lab.run(CONTROLLER, ["sinfo", "--noheader", "--Node", "--format=%T"], check=False).stdout
        return said.split()

    def _script(self, text: str, timeout: float) -> str:
        return self._lab.run(CONTROLLER, ["sh", "-c", text], timeout=timeout).stdout


def _archive(name: str, data: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        entry = tarfile.TarInfo(name)
        entry.size, entry.mode = len(data), 0o644
        tar.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()
