"""Real OpenSSH servers on loopback, for any test or benchmark that needs one. Owns its processes and its folder, nothing else.

    with Sshd(folder, options=["MaxSessions 2"]) as sshd:
        node = sshd.node("n1")
        settings = sshd.settings()

Each instance has its own port, host keys, authorized_keys and log; several may share one client key (`identity=`). It runs as whoever
runs the tests, without PAM; as root it makes /run/sshd, which sshd insists on. All processes that it starts end with `stop`.
"""

from __future__ import annotations

import contextlib
import getpass
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Self

from gridtui.model import Node
from gridtui.settings import Ssh

ADDRESS = "127.0.0.1"
PROGRAM = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
MISSING = "OpenSSH's sshd is not installed (package openssh-server)"


class Sshd:
    """One sshd."""

    def __init__(
        self,
        folder: Path,
        *,
        options: Sequence[str] = (),
        address: str = ADDRESS,
        identity: Path | None = None,
        host_key_types: Sequence[str] = ("ed25519",),
    ) -> None:
        if PROGRAM is None:
            raise RuntimeError(MISSING)
        self.folder = folder
        self.address = address
        self.port = 0
        self.user = getpass.getuser()
        self.options = list(options)
        folder.mkdir(parents=True, exist_ok=True)
        self.identity = identity or keygen(folder / "id_ed25519")
        self.host_keys = [keygen(folder / f"ssh_host_{kind}_key", kind) for kind in host_key_types]
        self.authorized_keys = folder / "authorized_keys"
        self.known_hosts = folder / "known_hosts"
        self.home = folder / "home"
        self.home.mkdir(exist_ok=True)
        self.log_file = folder / "sshd.log"
        self.port_file = folder / "port"
        self.authorize(self.identity)
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    # for the client

    def node(self, name: str = "node", **values: Any) -> Node:
        """The node as an inventory would have it."""
        return Node(
            name=name, address=self.address, port=self.port, user=self.user, identity=str(self.identity), **values
        )

    def settings(self, **values: Any) -> Ssh:
        """Settings that read no ssh_config and trust this server's host keys."""
        values = {"config": "none", "known_hosts": str(self.known_hosts), **values}
        return Ssh(**values)

    def ssh(self, *command: str, options: Sequence[str] = ()) -> list[str]:
        """The argument list of the system's ssh for the same login."""
        words = ["ssh", "-F", "none", "-i", str(self.identity), "-p", str(self.port), "-l", self.user]
        words += ["-o", f"UserKnownHostsFile={self.known_hosts}", "-o", "GlobalKnownHostsFile=none"]
        words += ["-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none", "-o", "BatchMode=yes"]
        return [*words, *(word for option in options for word in ("-o", option)), self.address, *command]

    def known_hosts_line(self, key: Path | None = None) -> str:
        """The line that vouches for this server."""
        name = self.address if self.port == 22 else f"[{self.address}]:{self.port}"
        return f"{name} {' '.join(public(key or self.host_keys[0]).split()[:2])}\n"

    def authorize(self, key: Path, options: str = "") -> None:
        """Let this key log in."""
        with self.authorized_keys.open("a") as stream:
            stream.write(f"{options} {public(key)}\n".lstrip())
        self.authorized_keys.chmod(0o600)

    # the server

    def start(self) -> None:
        """Start it; on a free port the first time, on the same port afterwards. Ready when this returns."""
        assert PROGRAM is not None
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        for _ in range(20):
            port = self.port or _free_port(self.address)
            self._write_config(port)
            with self.log_file.open("ab") as log:
                self._process = subprocess.Popen(
                    [PROGRAM, "-D", "-e", "-f", str(self.folder / "sshd_config")],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
            if self._ready(port):
                break
            self.stop()
        else:
            raise RuntimeError(f"sshd does not start: {self.log()[-2000:]}")
        if not self.port:
            self.port = port
            self.port_file.write_text(f"{port}\n")
            self.known_hosts.write_text("".join(self.known_hosts_line(key) for key in self.host_keys))

    def stop(self) -> None:
        """End the listener and every session under it."""
        if self._process is None:
            return
        # Stopped first: else a session tells of its command's end before it is ended itself. Those that were stopped are ended, not those
        # that are found afterwards: a session that ended by itself in between leaves its children to init, stopped for ever.
        stopped: list[int] = []
        while fresh := [pid for pid in self.pids() if pid not in stopped]:
            for pid in fresh:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGSTOP)
            stopped += fresh
        for pid in reversed(stopped):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process.wait()
        self._process = None

    def restart(self) -> None:
        """Stop and start, on the same port, with the configuration of now."""
        self.stop()
        self.start()

    def freeze(self) -> None:
        """Stop every process of it with SIGSTOP: the kernel still accepts connections, nobody answers."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it run on."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        for pid in self.pids():
            with contextlib.suppress(ProcessLookupError):  # a session that ended in this moment
                os.kill(pid, number)

    def pids(self) -> list[int]:
        """The listener and everything under it, parents first."""
        return list(descendants(self._process.pid)) if self._process else []

    def log(self) -> str:
        """What sshd said."""
        return self.log_file.read_text("utf-8", "replace") if self.log_file.exists() else ""

    def logins(self) -> int:
        """Connections that were made so far, readiness checks not counted."""
        return self.log().count("Accepted publickey")

    def _write_config(self, port: int) -> None:
        lines = [
            *self.options,  # sshd takes the first value of a keyword, so these win
            f"ListenAddress {self.address}",
            f"Port {port}",
            *(f"HostKey {key}" for key in self.host_keys),
            f"AuthorizedKeysFile {self.authorized_keys}",
            f"PidFile {self.folder / 'sshd.pid'}",
            "StrictModes no",
            "UsePAM no",
            "PasswordAuthentication no",
            "KbdInteractiveAuthentication no",
            "PermitRootLogin prohibit-password",
            "LogLevel VERBOSE",
            "UseDNS no",
            "PrintMotd no",
            # else each command would run whatever this user's .bashrc holds
            f"SetEnv HOME={self.home}",
        ]
        (self.folder / "sshd_config").write_text("\n".join(lines) + "\n")

    def _ready(self, port: int) -> bool:
        assert self._process is not None
        until = time.monotonic() + 10
        while time.monotonic() < until and self._process.poll() is None:
            with contextlib.suppress(OSError), socket.create_connection((self.address, port), 1) as probe:
                probe.settimeout(5)
                if probe.recv(4) == b"SSH-":
                    return self._process.poll() is None
            time.sleep(0.01)
        return False


class Agent:
    """A real ssh-agent with a socket of its own."""

    def __init__(self, folder: Path) -> None:
        self.socket = folder / "agent"
        self._process = subprocess.Popen(
            ["ssh-agent", "-D", "-a", str(self.socket)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        until = time.monotonic() + 10
        while not self.socket.exists() and time.monotonic() < until:
            time.sleep(0.005)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait()

    def add(self, *keys: Path) -> None:
        """ssh-add."""
        environment = {**os.environ, "SSH_AUTH_SOCK": str(self.socket)}
        subprocess.run(["ssh-add", "-q", *map(str, keys)], env=environment, check=True, capture_output=True)


def keygen(path: Path, kind: str = "ed25519", passphrase: str = "") -> Path:
    """A new key pair; the private half's path."""
    size = ["-b", "2048"] if kind == "rsa" else []
    subprocess.run(
        ["ssh-keygen", "-q", "-t", kind, *size, "-N", passphrase, "-C", path.name, "-f", str(path)], check=True
    )
    return path


def certify(authority: Path, key: Path, *options: str) -> Path:
    """Sign a key: `ssh-keygen -s`. The certificate's path."""
    subprocess.run(["ssh-keygen", "-q", "-s", str(authority), "-I", "test", *options, str(key) + ".pub"], check=True)
    return key.with_name(key.name + "-cert.pub")


def public(key: Path) -> str:
    """The public half, one line."""
    return key.with_name(key.name + ".pub").read_text().strip()


def descendants(pid: int) -> Iterator[int]:
    """A process and all under it, parents first (proc(5))."""
    yield pid
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                yield from descendants(int(child))


def _free_port(address: str) -> int:
    with socket.socket() as probe:
        probe.bind((address, 0))
        return int(probe.getsockname()[1])
