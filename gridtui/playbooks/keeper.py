"""A program of its own, between ansible-runner and ansible-playbook: sees to it that nothing of a run outlives it or its controller.

    python -I -S keeper.py CONTROLLER FOLDER PLACE PROGRAM ARGUMENT...

It is the subreaper (prctl(2)) of all that PROGRAM starts, so that Ansible's workers, which are sessions of their own, and its ssh
masters, which are daemons, are its children in the end, and it ends them. SIGINT is passed on to PROGRAM alone and is a polite end;
SIGTERM, which also comes when CONTROLLER dies in any way, ends everything at once. Owns processes and, when the controller is gone,
the scratch FOLDER; PLACE is the part of it that belongs to this PROGRAM. Imports the standard library alone: it starts in some 20 ms.
"""

import ctypes
import os
import shutil
import signal
import sys
import time
from types import FrameType

PID_FILE = "keeper"
"""In PLACE: our process id, for whoever wants to stop us."""

_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36
_GRACE = 2.0
"""Seconds that what is left has between being asked to end and being killed."""


class _Ended(Exception):
    """SIGTERM came."""


def _terminated(number: int, frame: FrameType | None) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise _Ended


def main(words: list[str]) -> int:
    """Run PROGRAM to its end. Returns its exit status, as a shell's `$?`."""
    controller, folder, place, program = int(words[0]), words[1], words[2], words[3:]
    libc = ctypes.CDLL(None)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    child = 0
    status = 128 + signal.SIGTERM
    try:
        signal.signal(signal.SIGTERM, _terminated)
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        if os.getppid() == controller:
            child = _start(libc, program)
            signal.signal(signal.SIGINT, lambda *_: os.kill(child, signal.SIGINT))
            with open(os.path.join(place, PID_FILE + ".new"), "w", encoding="ascii") as file:
                file.write(str(os.getpid()))
            os.replace(file.name, os.path.join(place, PID_FILE))
            status = _wait(child)
    except _Ended:
        pass
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        _end_all()
        if os.getppid() != controller:
            shutil.rmtree(folder, ignore_errors=True)
    return status


def _start(libc: ctypes.CDLL, program: list[str]) -> int:
    """PROGRAM in a session of its own: without a terminal, so that nothing it runs can wait for somebody to type."""
    child = os.fork()
    if child:
        return child
    try:
        os.setsid()
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        os.execvp(program[0], program)  # noqa: S606  # an argument list
    except OSError as error:
        os.write(2, f"{program[0]}: {error.strerror}\n".encode())
    finally:
        os._exit(127)


def _wait(child: int) -> int:
    while True:
        pid, status = os.wait()
        if pid == child:
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else 128 - code


def _end_all() -> None:
    """Ask all that is left to end, again and again while new ones appear, and kill it in the end."""
    until = time.monotonic() + _GRACE
    asked: set[int] = set()
    while True:
        _reap()
        left = _below(os.getpid())
        if not left:
            return
        late = time.monotonic() > until
        for pid in left:
            if late or pid not in asked:
                asked.add(pid)
                try:
                    os.kill(pid, signal.SIGKILL if late else signal.SIGTERM)
                except OSError:
                    continue
        time.sleep(0.02)


def _reap() -> None:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return


def _below(root: int) -> list[int]:
    """All living processes under `root`, by the parents in /proc (proc(5))."""
    parents: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat", "rb") as file:
                fields = file.read().rpartition(b")")[2].split()
        except OSError:
            continue
        if fields[0] not in (b"Z", b"X"):
            parents.setdefault(int(fields[1]), []).append(int(name))
        else:
            parents.setdefault(int(fields[1]), [])
    found: list[int] = []
    todo = [root]
    while todo:
        children = parents.get(todo.pop(), [])
        found += children
        todo += children
    return found


if __name__ == "__main__":
    # no clearing up of the interpreter's: the thread that waits for us has what it needs
    os._exit(main(sys.argv[1:]))
