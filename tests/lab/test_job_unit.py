"""The systemd user unit that dispatches, under a real user manager: a node is the controller and its own only node."""

from __future__ import annotations

import importlib.util
import io
import json
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from .lab import Lab

pytestmark = pytest.mark.timeout(300)

NODE = "node1"
THERE = "/usr/local/lib/python3.11/dist-packages"
NEEDED = (
    "gridtui",
    "asyncssh",
    "cryptography",
    "click",
    "yaml",
    "icmplib",
    "ClusterShell",
    "_cffi_backend",
    "typing_extensions",
)
ENV = "cd /root && export XDG_RUNTIME_DIR=/run/usermgr XDG_STATE_HOME=/root/unit-state && "


@pytest.fixture
def controller(lab: Lab) -> Iterator[Callable[..., str]]:
    """Runs shell text on the node, where gridtui is installed and a user manager of root's runs. All of it is taken away again."""
    if sys.version_info[:2] != (3, 11):
        pytest.skip("the node's Python 3.11 cannot load this Python's compiled packages")
    _install(lab)
    # Without PAM's module there is no user@0.service in a minimal image: the same manager, started by hand.
    words = ["systemd-run", "-q", "-u", "usermgr", "-p", "Delegate=yes", "-p", "RuntimeDirectory=usermgr"]
    lab.run(
        NODE, [*words, "--setenv=XDG_RUNTIME_DIR=/run/usermgr", "--setenv=HOME=/root", "/lib/systemd/systemd", "--user"]
    )

    def shell(text: str, *, check: bool = True) -> str:
        return lab.run(NODE, ["sh", "-c", ENV + text], check=check).stdout

    try:
        _until(lambda: "running" in shell("systemctl --user is-system-running", check=False), "no user manager")
        shell("printf 'all: {hosts: {me: {ansible_connection: local, gridtui_slots: 4}}}\\n' > unit.yaml")
        yield shell
    finally:
        shell("python3 -m gridtui job cancel --all; systemctl stop usermgr; systemctl stop 'gridtui-*'", check=False)
        shell(f"rm -rf unit.yaml unit-state gate .config/systemd {' '.join(f'{THERE}/{name}*' for name in NEEDED)}")


def _install(lab: Lab) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name in NEEDED:
            spec = importlib.util.find_spec(name)
            assert spec is not None and spec.origin is not None
            path = Path(spec.origin)
            path = path.parent if path.name == "__init__.py" else path
            archive.add(path, path.name, filter=lambda one: None if "__pycache__" in one.name else one)
    lab.run(NODE, ["mkdir", "-p", THERE])
    words = ["docker", "cp", "-", f"{lab.node(NODE).container}:{THERE}"]
    subprocess.run(words, input=buffer.getvalue(), check=True, capture_output=True, timeout=60)


def _until(holds: Callable[[], bool], what: str, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.2)


def test_the_unit_dispatches_comes_back_and_goes(controller: Callable[..., str]) -> None:
    def job(words: str) -> Any:
        return json.loads(controller(f"python3 -m gridtui -i unit.yaml job {words} --json"))

    def state(number: int) -> str:
        return str(job(f"list {number}")["jobs"][0]["state"])

    def main_pid() -> int:
        return int(controller("systemctl --user show -p MainPID --value gridtui-jobs"))

    controller("python3 -m gridtui -i unit.yaml job dispatch --install-unit")
    assert controller("systemctl --user is-enabled gridtui-jobs") == "enabled\n"
    first = main_pid()
    _until(lambda: bool(job("nodes")["dispatcher"]), "the unit does not dispatch")
    assert job("nodes")["dispatcher"]["pid"] == first
    controller(
        "python3 -m gridtui job submit --sandbox plain -- 'while [ ! -e /root/gate ]; do sleep 0.1; done; echo went on'"
    )
    _until(lambda: state(1) == "running", "the job does not run")

    # Killed: systemd starts it again, and the job has not noticed.
    controller(f"kill -9 {first}")
    controller("touch gate")
    _until(lambda: main_pid() not in (0, first), "systemd does not start it again")
    _until(lambda: state(1) == "succeeded", "the job's end is not taken in")
    assert [one["attempt"] for one in job("show 1")["attempts"]] == [1]
    assert controller("python3 -m gridtui -i unit.yaml job logs 1") == "went on\n"

    # Stopped: jobs on this machine itself go on.
    controller(
        "rm gate; python3 -m gridtui job submit --sandbox plain -- 'while [ ! -e /root/gate ]; do sleep 0.1; done; echo on'"
    )
    _until(lambda: state(2) == "running", "the second job does not run")
    controller("python3 -m gridtui job dispatch --remove-unit")
    assert "gridtui-jobs" not in controller("systemctl --user list-unit-files --no-pager; ls .config/systemd/user")
    assert job("nodes")["dispatcher"] is None and state(2) == "running"
    controller("touch gate")
    assert job("wait 2")["jobs"][0]["state"] == "succeeded"
    assert [one["attempt"] for one in job("show 2")["attempts"]] == [1]
