"""A small keeper for trying sandboxes on the lab's nodes: it sources the text that starts a job, drives it, and tells what became of it.

Owns how files come to a node, the image that containers of a node are made from, and what is asked of a node before and after. The keeper that
runs jobs in earnest is the runner's; this one knows nothing but the functions that docs/JOB_SANDBOX.md promises.
"""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gridtui.jobs import sandbox
from gridtui.jobs.model import JobId, Key, Level, Needs, Order, Sandbox, Spec

from .docker import docker
from .lab import Lab

IMAGE = "gridtui-lab-jobs"
NEEDS, BOX = Needs(), Sandbox(image=IMAGE)
"""What most jobs ask for."""
ATTACKS = (Path(__file__).with_name("attacks.py")).read_bytes()
SPOOL = ".local/state/gridtui/jobs/spool"

KEEPER = (Path(__file__).parents[1] / "unit" / "jobs" / "sandbox" / "keeper.sh").read_text()

# The node's own Python and shell, with what they are linked with; and a volume, which podman keeps unless it is told not to.
MAKE_IMAGE = r"""
set -e
cd
umask 022
! podman image exists IMAGE || exit 0
folder=$(mktemp -d)
chmod 755 "$folder"
mkdir -p "$folder/usr/bin" "$folder/usr/lib" "$folder/etc" "$folder/run"
ln -s usr/bin "$folder/bin"
cp -L /bin/sh "$folder/usr/bin/sh"
cp -L /usr/bin/python3 "$folder/usr/bin/python3"
cp -r /usr/lib/python3.11 "$folder/usr/lib/"
rm -rf "$folder"/usr/lib/python3.11/test "$folder"/usr/lib/python3.11/lib2to3
cp -p /usr/local/bin/lab-id "$folder/usr/bin/lab-id"
for program in /bin/sh /usr/bin/python3 /usr/bin/id /usr/lib/python3.11/lib-dynload/_ctypes*.so; do
    for library in $(ldd "$program" | grep -o '/[^ ]*'); do
        mkdir -p "$folder${library%/*}"
        cp -L "$library" "$folder$library"
    done
done
tar -C "$folder" -c . | podman import --change 'VOLUME /lab-volume' - IMAGE >/dev/null 2>&1
rm -rf "$folder"
""".replace("IMAGE", IMAGE)


@dataclass(frozen=True, slots=True)
class Ran:
    """What the keeper said of a job."""

    exit: int
    began: bool
    oom: bool
    refused: str
    cpu: float | None
    memory: int | None
    out: str

    @property
    def answer(self) -> Any:
        """The JSON that the job printed."""
        return json.loads(self.out.splitlines()[0])


class Place:
    """A node and a login there."""

    def __init__(self, lab: Lab, node: str, user: str) -> None:
        self.lab, self.node, self.user = lab, node, user
        self.home = "/root" if user == "root" else f"/home/{user}"
        self.spool = f"{self.home}/{SPOOL}"
        self.offered = sandbox.Offered()
        self._count = 0

    def sh(self, command: str, *, user: str = "root") -> str:
        return self.lab.run(self.node, ["sh", "-c", command], user=user, timeout=120).stdout

    def login(self, command: str) -> str:
        """Through sshd: what a job inherits of a login is there."""
        return self.lab.ssh(self.node, command, user=self.user, timeout=120)

    def put(self, folder: str, files: Mapping[str, bytes]) -> None:
        """Files of the login's, in a folder that is made."""
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as tar:
            for name, content in files.items():
                info = tarfile.TarInfo(name)
                info.size, info.mode = len(content), 0o600
                tar.addfile(info, io.BytesIO(content))
        container = self.lab.node(self.node).container
        docker("exec", f"--user={self.user}", container, "mkdir", "-p", "-m", "700", folder)
        unpack = ("tar", "-x", "--no-same-owner", "-C", folder)
        docker("exec", "-i", f"--user={self.user}", container, *unpack, stdin=buffer.getvalue())

    def probe(self) -> str:
        """What works here, kept where jobs look for it."""
        self.put(f"{self.home}/lab", {"probe": sandbox.PROBE})
        said = self.login(f"sh {self.home}/lab/probe 2>{self.home}/lab/probe.err | tee {self.home}/{SPOOL}/../levels")
        self.offered = sandbox.parse(said)
        return said

    def run(
        self,
        level: Level,
        what: str,
        *,
        needs: Needs = NEEDS,
        box: Sandbox = BOX,
        driver: str = "",
        gpus: tuple[int, ...] = (),
        facts: Mapping[str, Any] | None = None,
        command: str = "",
    ) -> Ran:
        """Run attacks.py (or another command) as a job at this level; `driver` is what the keeper does meanwhile."""
        self._count += 1
        order = Order(
            Key("0abcdef0", JobId(self._count), 1), Spec("true", needs=needs, sandbox=box), level=level, gpus=gpus
        )
        job = f"{self.spool}/{order.key}"
        words = f"'{json.dumps(facts)}'" if facts else f"lab-{self._count}"
        text = command or f'exec python3 "$HOMEWORK/attacks.py" {what} {words}'
        files = {
            "work/attacks.py": ATTACKS,
            "cmd": f"HOMEWORK={job}/work\n{text}\n".encode(),
            "launcher": sandbox.shell(order, level).encode(),
            "driver": driver.encode(),
            "keeper": KEEPER.encode(),
            "report": b"",
        }
        self.put(job, files)
        said, _, out = self.login(f"sh {job}/keeper {job} gridtui-{order.key}").partition("out\n")
        told = {name: rest for name, _, rest in (line.partition(" ") for line in said.splitlines())}
        words_said = told["said"].split()
        self.last = job
        return Ran(
            exit=int(told["exit"]),
            began="began" in words_said,
            oom="oom" in words_said,
            refused=told.get("refused", ""),
            cpu=float(told["cpu"]) if "cpu" in told else None,
            memory=int(told["memory"]) if "memory" in told else None,
            out=out,
        )
