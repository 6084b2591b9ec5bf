"""Talks to Docker through its own command, and starts the daemon where none runs.

Owns: how a docker command is called, bounded and reported; the life of a daemon that we started.
Must not know: what a node is, or where the tests are.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

# Daemons live in sbin, which is not in the PATH of cron or of many users.
PATH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/local/sbin", "/usr/sbin", "/sbin"])
ENV = {**os.environ, "PATH": PATH, "LC_ALL": "C.UTF-8"}


class LabError(Exception):
    """Something that the lab needs is missing or failed; the text is one line and says how to mend it."""


def call(
    argv: Sequence[str], *, check: bool = True, timeout: float = 60, stdin: bytes | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end, with text output.

    Raises LabError when it is not installed, is not done after `timeout` seconds, or (with `check`)
    exits non-zero; the last lines of its standard error are in the text.
    """
    try:
        done = subprocess.run(
            argv,
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            timeout=timeout,
            env=ENV,
            check=False,
        )
    except FileNotFoundError:
        raise LabError(f"{argv[0]} is not installed: run tests/needs.sh {argv[0]}") from None
    except subprocess.TimeoutExpired:
        raise LabError(f"not done after {timeout:.0f} s: {' '.join(argv)}") from None
    text = subprocess.CompletedProcess(
        done.args, done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
    )
    if check and text.returncode:
        tail = " / ".join(text.stderr.strip().splitlines()[-3:])
        raise LabError(f"{' '.join(argv)}: exit status {text.returncode}: {tail}")
    return text


def docker(
    *argv: str, check: bool = True, timeout: float = 60, stdin: bytes | None = None
) -> subprocess.CompletedProcess[str]:
    """`docker ARGV...`, as `call`."""
    return call(["docker", *argv], check=check, timeout=timeout, stdin=stdin)


def installed() -> bool:
    """Whether there is a docker command at all."""
    return shutil.which("docker", path=PATH) is not None


class Daemon:
    """A dockerd that is ours from start to end; a daemon that was already there is used and left alone.

    All labs of this machine share it: the record of what we started (process id and its start time, because
    ids are used again) lies in `state`, so that another process may end it.
    """

    def __init__(self, state: Path) -> None:
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = state / "dockerd.lock"
        self._record = state / "dockerd.json"
        self._log = state / "dockerd.log"
        self._process: subprocess.Popen[bytes] | None = None

    @contextmanager
    def held(self) -> Iterator[None]:
        """While a lab comes up or goes down no other one does: neither does the daemon end under one that has no node
        yet, nor is an image made twice."""
        with self._lock.open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def answers(self) -> bool:
        """Whether a Docker daemon, ours or not, takes commands."""
        return installed() and docker("version", "--format", "{{.Server.Version}}", check=False).returncode == 0

    def ensure(self, *, timeout: float = 60) -> bool:
        """Make sure that a daemon answers; True if it had to be started.

        Raises LabError when Docker is not installed, we may not start it, or it does not come up.
        """
        if self.answers():
            return False
        for program in ("docker", "dockerd"):
            if shutil.which(program, path=PATH) is None:
                raise LabError(f"{program} is not installed: run tests/needs.sh dockerd")
        if os.geteuid() != 0:
            raise LabError("no Docker daemon answers and only root may start one: start Docker, or use root")
        with self._log.open("wb") as log:
            self._process = process = subprocess.Popen(
                ["dockerd"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                cwd="/",
                env=ENV,
            )
        self._record.write_text(json.dumps({"pid": process.pid, "started": _start_time(process.pid)}))
        deadline = time.monotonic() + timeout
        while not self.answers():
            if process.poll() is not None or time.monotonic() > deadline:
                self.end()
                raise LabError(f"dockerd did not come up: see {self._log}")
            time.sleep(0.2)
        return True

    def end(self, *, timeout: float = 30) -> bool:
        """End the daemon if it is one that `ensure` started, in this process or before; True if so."""
        try:
            record = json.loads(self._record.read_text())
            pid, started = int(record["pid"]), str(record["started"])
        except (OSError, ValueError, KeyError):
            return False
        self._record.unlink(missing_ok=True)
        if not started or _start_time(pid) != started:
            return False
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + timeout
        while _start_time(pid) == started:
            if time.monotonic() > deadline:
                raise LabError(f"dockerd (process {pid}) did not end within {timeout:.0f} s: see {self._log}")
            time.sleep(0.1)
        if self._process is not None:
            self._process.wait()
            self._process = None
        return True


def _start_time(pid: int) -> str:
    """Start time of a living process in clock ticks (proc(5), field 22), or "" if there is none."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] == "Z" else fields[19]
