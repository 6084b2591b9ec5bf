"""The lab's nodes: start them, hand out how to reach them, break them and put them right again.

Owns: containers, their network, and the state folder with the key, the known hosts and the inventory.
Must not know: gridtui. What a test compares with is what the node says through `docker exec`.
"""

from __future__ import annotations

import fcntl
import io
import ipaddress
import json
import os
import shlex
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from . import image
from .docker import Daemon, LabError, call, docker, installed

NUMBER = int(os.environ.get("GRIDTUI_LAB_NUMBER") or 0) + int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:])
"""Which lab: several stand side by side, each with a network, a state folder and a lock of its own. The workers of one
run of tests have one each, in a row."""
NETWORK = f"gridtui-lab{NUMBER or ''}"
SUBNET = ipaddress.ip_network(f"198.18.{NUMBER}.0/24")  # RFC 2544: set apart for tests like this one
FIRST = 10  # node1 is 198.18.0.11
MOST = 200
LABEL = f"gridtui.lab{NUMBER or ''}"

CAPABILITIES = ("SYS_ADMIN", "NET_ADMIN", "NET_RAW", "SYS_PTRACE", "SYS_NICE", "AUDIT_CONTROL", "MKNOD")
# What systemd needs to run as in a machine of its own, and no more: --privileged would hand the host's
# devices to tests that kill, fill and freeze nodes. `systempaths` lets a sandbox inside a node mount /proc.
RUN = (
    "--stop-signal=SIGRTMIN+3",  # what systemd takes as "halt", systemd(1)
    "--env=container=docker",  # else systemd takes the host's hardware id for the machine id of every node
    *(f"--cap-add={cap}" for cap in CAPABILITIES),
    *(f"--security-opt={option}=unconfined" for option in ("seccomp", "apparmor", "systempaths")),
    "--cgroupns=private",
    "--tmpfs=/run",
    "--tmpfs=/tmp:exec",
)


def state_folder() -> Path:
    """`gridtui-lab` and the lab's number, in `$GRIDTUI_LAB` or else the XDG cache folder; never inside the repository."""
    return _caches() / NETWORK


def _caches() -> Path:
    if moved := os.environ.get("GRIDTUI_LAB"):
        return Path(moved).absolute()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache").absolute()


@dataclass(frozen=True, slots=True)
class Node:
    """One machine of the lab."""

    name: str
    address: str

    @property
    def container(self) -> str:
        """Its name in Docker."""
        return f"{NETWORK}-{self.name}"


class Lab:
    """A handful of systemd machines with sshd on a network of their own.

    `inventory`, `key`, `known_hosts` and `ssh_config` are files in the state folder; they exist while
    the lab is up. Every method that names a node takes its name ("node1") and raises LabError when
    Docker refuses or a bound in time is passed.
    """

    def __init__(
        self,
        folder: Path | None = None,
        recipe: image.Recipe = image.NODE,
        say: Callable[[str], None] | None = None,
    ) -> None:
        self.folder = folder or state_folder()
        self.recipe = recipe
        self.inventory = self.folder / "inventory.yaml"
        self.key = self.folder / "id_ed25519"
        self.known_hosts = self.folder / "known_hosts"
        self.ssh_config = self.folder / "ssh_config"
        self._say = say or (lambda text: None)
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.daemon = Daemon(_caches() / "gridtui-lab-docker")
        self._booted: set[str] = set()  # seen to have booted, and nothing done to them since

    # -- the whole lab

    @property
    def nodes(self) -> tuple[Node, ...]:
        """The nodes there are, running or not, in the order of their numbers."""
        return tuple(_node(number) for number in sorted(_listed()))

    def states(self) -> dict[str, str]:
        """Docker's word for each node: running, paused, exited, ..."""
        return {_node(number).name: state for number, state in sorted(_listed().items())}

    def is_up(self, count: int = 1) -> bool:
        """Whether at least `count` nodes exist and their files do too."""
        return self.inventory.exists() and self.key.exists() and len(self.nodes) >= count

    def up(self, count: int = 3) -> None:
        """Make exactly `count` running nodes and write the files. What is there already is kept.

        Raises LabError when Docker or the image cannot be had, the nodes belong to another state folder,
        or one does not boot in time.
        """
        if not 1 <= count <= MOST:
            raise LabError(f"{count} nodes: the lab has 1 to {MOST}")
        with self.daemon.held():
            if self.daemon.ensure():
                self._say("started dockerd")
            image.build(self.recipe, self._say)
            if not self.key.exists():
                if self.nodes:  # perhaps another folder's lab, with tests running on it
                    raise LabError(f"nodes run that {self.folder} has no key for: run tests/lab/lab down first")
                self.key.with_suffix(".pub").unlink(missing_ok=True)
                call(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "gridtui-lab", "-f", str(self.key)])
            wanted = [_node(number) for number in range(1, count + 1)]
            self._remove(self._unfit(wanted))
            self._network()
            present = set(self.nodes)
            for node in wanted:
                if node not in present:
                    self._create(node)
        self.heal()
        self._write_files(wanted)
        self._say(f"{count} nodes run: {self.inventory}")

    def remake(self) -> None:
        """New nodes from the image in the place of all, with host keys of their own: sooner done than much is undone. Raises LabError."""
        nodes = self.nodes
        self._remove(nodes)
        self.up(len(nodes))

    def down(self) -> None:
        """Remove nodes, network and files, and end the daemon if it was ours. The image stays in Docker."""
        with self.daemon.held():
            others: list[str] = []
            if self.daemon.answers():
                self._remove(self.nodes)
                docker("network", "rm", NETWORK, check=False)
                others = docker("ps", "--quiet").stdout.split()
            if others:
                self._say(f"dockerd is left running: {len(others)} containers that are not ours use it")
            elif self.daemon.end():
                self._say("ended dockerd")
        for path in (self.inventory, self.key, self.key.with_suffix(".pub"), self.known_hosts, self.ssh_config):
            path.unlink(missing_ok=True)

    def heal(self) -> None:
        """Put every node back to running, whatever was done to it, and wait until all have booted."""
        states = self.states()
        for name, state in states.items():
            if state == "paused":
                self.unpause(name)
            elif state != "running":
                self.start(name, wait=False)
        for name in states:
            if name not in self._booted:
                self.wait(name)

    @contextmanager
    def lock(self, *, timeout: float = 0) -> Iterator[None]:
        """Hold the lab alone: tests that break nodes must not meet. Raises LabError after `timeout` seconds."""
        deadline = time.monotonic() + timeout
        with (self.folder / "lock").open("a") as file:
            while True:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() >= deadline:
                        raise LabError(f"another run is using the lab ({self.folder})") from None
                    time.sleep(0.2)
            yield

    # -- one node

    def node(self, name: str) -> Node:
        """The node of that name; raises LabError when there is none."""
        for node in self.nodes:
            if node.name == name:
                return node
        raise LabError(f"no node {name} in the lab: run tests/lab/lab status")

    def run(
        self, name: str, argv: Sequence[str], *, check: bool = True, timeout: float = 60, user: str = "root"
    ) -> subprocess.CompletedProcess[str]:
        """Run a command on the node past its sshd and network: the truth to compare with."""
        return docker("exec", f"--user={user}", _container(name), *argv, check=check, timeout=timeout)

    def stop(self, name: str) -> float:
        """As a power cut: nothing is said on the network, no connection is closed, nothing is written.

        Gives the moment at which the link was gone, in seconds of CLOCK_BOOTTIME: the nodes' kernel is this machine's.
        """
        if self.states().get(name) == "paused":
            self.unpause(name)
        # The kernel would close the dying sshd's connections in good order; without a link nobody hears it.
        said = self.run(name, ["sh", "-c", "ip link set eth0 down; cat /proc/uptime"], check=False).stdout
        docker("kill", _container(name), check=False)
        docker("wait", _container(name))
        return float(said.split()[0]) if said else now()

    def start(self, name: str, *, wait: bool = True) -> None:
        """Switch it on; with `wait`, return when it has booted and sshd listens."""
        self._booted.discard(name)
        docker("start", _container(name))
        if wait:
            self.wait(name)

    def restart(self, name: str, *, wait: bool = True) -> None:
        """An orderly reboot: services end in order, connections are closed."""
        self._booted.discard(name)
        docker("restart", "--time=30", _container(name))
        if wait:
            self.wait(name)

    def pause(self, name: str) -> None:
        """Freeze every process: the kernel still answers pings and TCP handshakes, and nobody else does."""
        for attempt in range(5):
            done = docker("pause", _container(name), check=attempt == 4)
            if done.returncode == 0:
                return
            time.sleep(0.2)  # runc gives up ("unable to freeze") on a node that is just making processes

    def unpause(self, name: str) -> None:
        """Let it go on."""
        docker("unpause", _container(name))

    def slow(self, rate: str | None) -> None:
        """Bound what this machine sends to all nodes together (`8mbit`, tc(8)); None: no more. Nodes among themselves stay fast."""
        bridge = "br-" + docker("network", "inspect", "--format={{.Id}}", NETWORK).stdout.strip()[:12]
        if rate:
            call(
                [
                    "tc",
                    "qdisc",
                    "replace",
                    "dev",
                    bridge,
                    "root",
                    "tbf",
                    "rate",
                    rate,
                    "burst",
                    "64kb",
                    "latency",
                    "100ms",
                ]
            )
        else:
            call(["tc", "qdisc", "delete", "dev", bridge, "root"], check=False)

    def wait(self, name: str, *, timeout: float = 60) -> None:
        """Return when systemd says `running` or `degraded`, and thus sshd listens; raises LabError when late."""
        deadline = time.monotonic() + timeout
        while True:
            left = max(1.0, deadline - time.monotonic())
            said = self.run(name, ["systemctl", "is-system-running"], check=False, timeout=left).stdout.strip()
            if said in {"running", "degraded"}:
                self._booted.add(name)
                return
            if time.monotonic() > deadline:
                raise LabError(f"{name} has not booted after {timeout:.0f} s: systemd says {said or 'nothing'}")
            time.sleep(0.1)

    def ssh(self, name: str, command: str, *, user: str = "root", timeout: float = 30) -> str:
        """Log in with the system's ssh, host key checked, and give back what the command prints."""
        argv = ["ssh", "-F", str(self.ssh_config), "-l", user, name, command]
        return call(argv, timeout=timeout).stdout

    # -- how it is made

    def _unfit(self, wanted: Sequence[Node]) -> list[Node]:
        """Nodes that are not wanted, or were made from another image."""
        nodes = self.nodes
        if not nodes:
            return []
        found = json.loads(docker("inspect", *[node.container for node in nodes]).stdout)
        return [
            node
            for node, one in zip(nodes, found, strict=True)
            if node not in wanted or one["Config"]["Image"] != self.recipe.tag
        ]

    def _remove(self, nodes: Sequence[Node]) -> None:
        self._booted.clear()
        if nodes:
            docker("rm", "--force", "--volumes", *[node.container for node in nodes], timeout=120)

    def _network(self) -> None:
        if docker("network", "inspect", NETWORK, check=False).returncode:
            gateway = str(SUBNET[1])
            docker("network", "create", f"--subnet={SUBNET}", f"--gateway={gateway}", f"--label={LABEL}", NETWORK)

    def _create(self, node: Node) -> None:
        docker(
            "create",
            f"--name={node.container}",
            f"--hostname={node.name}",
            f"--label={LABEL}={node.name}",
            f"--network={NETWORK}",
            f"--ip={node.address}",
            *RUN,
            self.recipe.tag,
        )
        # Written before the first start, so that there is never a moment when sshd runs without it.
        docker("cp", "--archive", "-", f"{node.container}:/", stdin=self._authorized_keys())

    def _authorized_keys(self) -> bytes:
        """A tar archive that lets our key in as root and as grid (uid 1000, the image's only user)."""
        text = self.key.with_suffix(".pub").read_bytes()
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as tar:
            for home, uid in (("root", 0), ("home/grid", 1000)):
                folder = tarfile.TarInfo(f"{home}/.ssh")
                folder.type, folder.mode, folder.uid, folder.gid = tarfile.DIRTYPE, 0o700, uid, uid
                tar.addfile(folder)
                file = tarfile.TarInfo(f"{home}/.ssh/authorized_keys")
                file.mode, file.uid, file.gid, file.size = 0o600, uid, uid, len(text)
                tar.addfile(file, io.BytesIO(text))
        return buffer.getvalue()

    def _write_files(self, nodes: Sequence[Node]) -> None:
        """known_hosts from the nodes' own files (never from the network), inventory and ssh_config."""
        lines = []
        for node in nodes:
            keys = self.run(node.name, ["sh", "-c", "cat /etc/ssh/ssh_host_*_key.pub"]).stdout
            lines += [f"{node.address} {' '.join(key.split()[:2])}" for key in keys.splitlines()]
        self.known_hosts.write_text("\n".join(lines) + "\n")
        hosts = "".join(f"    {node.name}:\n      ansible_host: {node.address}\n" for node in nodes)
        # JSON strings are YAML strings, whatever is in the path.
        known = json.dumps(f"-o UserKnownHostsFile={shlex.quote(str(self.known_hosts))}")
        self.inventory.write_text(
            f"lab:\n  hosts:\n{hosts}  vars:\n"
            "    ansible_user: root\n"
            f"    ansible_ssh_private_key_file: {json.dumps(str(self.key))}\n"
            f"    ansible_ssh_common_args: {known}\n"
        )
        self.ssh_config.write_text(
            "".join(f"Host {node.name}\n  HostName {node.address}\n" for node in nodes)
            + "Host *\n  User root\n  BatchMode yes\n  IdentitiesOnly yes\n  StrictHostKeyChecking yes\n"
            + f'  ConnectTimeout 10\n  IdentityFile "{self.key}"\n  UserKnownHostsFile "{self.known_hosts}"\n'
        )


def now() -> float:
    """Seconds of CLOCK_BOOTTIME, the clock of /proc/uptime."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def narrate(text: str) -> None:
    """Say what is going on, on standard error."""
    sys.stderr.write(f"lab: {text}\n")
    sys.stderr.flush()


def _listed() -> dict[int, str]:
    """The state of each of the lab's containers by its number; none when no Docker daemon answers."""
    if not installed():
        return {}
    found = docker("ps", "--all", f"--filter=label={LABEL}", "--format={{.Names}} {{.State}}", check=False)
    return {
        int(name.removeprefix(f"{NETWORK}-node")): state
        for name, state in (line.split() for line in found.stdout.splitlines())
    }


def _node(number: int) -> Node:
    return Node(f"node{number}", str(SUBNET[FIRST + number]))


def _container(name: str) -> str:
    return Node(name, "").container
