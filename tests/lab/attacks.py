"""The job that the sandboxes are tried with: what somebody would do who has a job on a node and wants more. Runs on the node; knows nothing of gridtui.

    attacks.py WHAT [FACTS AS JSON]

`try` attempts everything once and prints a JSON object: what was tried, and whether it worked. `hold` is a job that does not want to end,
`eat` one that wants all memory, `bomb` one that forks for as long as it can.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

PTRACE_ATTACH, PTRACE_DETACH = 16, 17
CLONE_NEWUSER = 0x10000000


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def attempt(deed: Callable[[], object]) -> bool:
    """Whether it worked; a deed that gives False did not."""
    try:
        return deed() is not False
    except (OSError, subprocess.SubprocessError):
        return False


def write(path: str) -> None:
    with open(path, "a") as file:
        file.write("x")


def read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read(16)


def opens(*paths: str) -> bool:
    for path in paths:
        with contextlib.suppress(OSError):
            os.close(os.open(path, os.O_WRONLY))
            return True
    return False


def connect(family: int, address: Any) -> None:
    with socket.socket(family, socket.SOCK_STREAM) as client:
        client.settimeout(2)
        client.connect(address)


def trace(pid: int) -> bool:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.ptrace(PTRACE_ATTACH, pid, None, None):
        return False
    os.waitpid(pid, 0)
    libc.ptrace(PTRACE_DETACH, pid, None, None)
    return True


def becomes_root(program: str) -> bool:
    return b"euid=0" in subprocess.run([program], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True).stdout


def devices() -> list[str]:
    return sorted(
        name for name in os.listdir("/dev") if name.startswith(("lab", "nvidia", "sda", "vda", "mem", "kmsg"))
    )


def everything(facts: dict[str, Any]) -> dict[str, Any]:
    """`facts`: home, victim (a process of the login), port, address, abstract, path (sockets), setuid (a program), other (another job's folder)."""
    job = os.path.dirname(os.getcwd())
    home, other, victim = facts["home"], facts["other"], facts["victim"]
    tried: dict[str, Callable[[], object]] = {
        "write work": lambda: write("mine"),
        "write tmp": lambda: write("/tmp/mine"),
        "write shm": lambda: write("/dev/shm/mine"),
        "write home": lambda: write(f"{home}/lab-stain"),
        "write etc": lambda: write("/etc/lab-stain"),
        "write usr": lambda: write("/usr/lab-stain"),
        "write report": lambda: write(f"{job}/report"),
        "write cmd": lambda: write(f"{job}/cmd"),
        "write other job": lambda: write(f"{other}/work/lab-stain"),
        "read other job": lambda: read(f"{other}/work/secret"),
        "read ssh keys": lambda: read(f"{home}/.ssh/authorized_keys"),
        "read others' tmp": lambda: read("/tmp/lab-others").startswith(b"secret"),
        "write others' tmp": lambda: opens("/tmp/lab-others"),
        "read others' shm": lambda: read("/dev/shm/lab-others").startswith(b"secret"),
        "write others' shm": lambda: opens("/dev/shm/lab-others"),
        "read shadow": lambda: read("/etc/shadow"),
        "see processes": lambda: read(f"/proc/{victim}/cmdline") if os.path.exists(f"/proc/{victim}") else False,
        "read environment": lambda: read(f"/proc/{victim}/environ"),
        "proc root": lambda: read(f"/proc/{victim}/root{home}/.ssh/authorized_keys"),
        "signal": lambda: os.kill(victim, 0),
        "ptrace": lambda: trace(victim),
        "setuid": lambda: becomes_root(facts["setuid"]),
        "loopback": lambda: connect(socket.AF_INET, ("127.0.0.1", facts["port"])),
        "other node": lambda: connect(socket.AF_INET, (facts["address"], 22)),
        "abstract socket": lambda: connect(socket.AF_UNIX, "\0" + facts["abstract"]),
        "socket in run": lambda: connect(socket.AF_UNIX, facts["path"]),
        "system bus": lambda: connect(socket.AF_UNIX, "/run/dbus/system_bus_socket"),
        "cgroup": lambda: opens(*(f"/sys/fs/cgroup/{path}/cgroup.procs" for path in ("", "memory", "unified"))),
        "mount": lambda: ctypes.CDLL(None).mount(b"none", b"/tmp", b"tmpfs", 0, None) == 0,
        "raise limits": lambda: os.nice(-5) < 0,
    }
    said: dict[str, Any] = {name: attempt(deed) for name, deed in tried.items()}
    said |= {
        "uid": os.getuid(),
        "devices": devices(),
        "environment": sorted(name for name in os.environ if name.startswith(("SSH_", "XDG_", "DBUS_"))),
        "gpus": os.environ.get("CUDA_VISIBLE_DEVICES"),
        "home": os.environ.get("HOME"),
        "volume": os.path.isdir("/lab-volume"),
        "fds": len(os.listdir("/proc/self/fd")) - 1,
    }
    return said


def hold() -> None:
    """Says when it hears SIGTERM and goes on; a child without session, parent or environment in common with it does the same."""
    mark = sys.argv[2]
    if os.fork() == 0:
        os.setsid()
        if os.fork():
            os._exit(0)
        os.execve(sys.executable, [sys.executable, os.path.abspath(__file__), "tick", mark], {})

    def heard(_number: int, _frame: object) -> None:
        write("heard")

    signal.signal(signal.SIGTERM, heard)
    while True:
        time.sleep(0.05)


def tick() -> None:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    while True:
        write("ticks")
        time.sleep(0.02)


def eat() -> None:
    try:
        pieces = [bytearray(b"x") * (16 << 20) for _ in range(64)]
    except MemoryError:
        say("not enough")
        sys.exit(9)
    say(f"ate {len(pieces)} pieces")


def bomb() -> None:
    children = 0
    try:
        while children < 4000:
            if os.fork() == 0:
                signal.signal(signal.SIGTERM, signal.SIG_IGN)
                signal.pause()
            children += 1
    except OSError:
        pass
    say(str(children))
    signal.pause()


if __name__ == "__main__":
    what = sys.argv[1]
    if what == "try":
        say(json.dumps(everything(json.loads(sys.argv[2]))))
    else:
        {"hold": hold, "tick": tick, "eat": eat, "bomb": bomb}[what]()
