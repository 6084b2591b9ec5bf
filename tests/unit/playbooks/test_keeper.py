"""The keeper, with real processes: nothing under it outlives it, its controller, or the program that it runs."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gridtui.playbooks import keeper

DAEMON = "setsid sleep 1234.5 & setsid sh -c 'sleep 1234.5 & sleep 1234.5' & "


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A scratch folder with a place in it."""
    (tmp_path / "scratch" / "place").mkdir(parents=True)
    return tmp_path / "scratch" / "place"


def words(place: Path, controller: int, script: str) -> list[str]:
    return [
        sys.executable,
        "-I",
        "-S",
        keeper.__file__,
        str(controller),
        str(place.parent),
        str(place),
        "sh",
        "-c",
        script,
    ]


@contextlib.contextmanager
def running(place: Path, script: str) -> Iterator[subprocess.Popen[bytes]]:
    child = subprocess.Popen(words(place, os.getpid(), script), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        yield child
    finally:
        if child.poll() is None:
            child.kill()
        child.communicate()


def below(pid: int) -> list[int]:
    return keeper._below(pid)


def until(holds: Callable[[], object]) -> None:
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize(("script", "status"), [("exit 0", 0), ("exit 7", 7), ("kill -9 $$", 137)])
def test_the_status_is_the_programs(place: Path, script: str, status: int) -> None:
    with running(place, script) as child:
        assert child.wait(10) == status


def test_a_program_that_is_not_there(place: Path) -> None:
    line = words(place, os.getpid(), "")[:-3]
    done = subprocess.run([*line, "/nowhere/ansible"], capture_output=True, check=False, timeout=10)
    assert done.returncode == 127
    assert b"/nowhere/ansible: No such file or directory" in done.stderr


def test_daemons_end_with_the_program(place: Path) -> None:
    with running(place, DAEMON + "sleep 0.5; exit 3") as child:
        until(lambda: len(below(child.pid)) >= 4)
        left = below(child.pid)
        assert child.wait(10) == 3
    assert not any(Path(f"/proc/{pid}").exists() for pid in left)


def test_interrupting_asks_the_program_alone(place: Path) -> None:
    with running(place, "trap 'echo asked; exit 9' INT; while :; do sleep 0.05; done") as child:
        until((place / keeper.PID_FILE).exists)
        assert int((place / keeper.PID_FILE).read_text()) == child.pid
        until(lambda: len(below(child.pid)) >= 2)
        child.send_signal(signal.SIGINT)
        out, _ = child.communicate(timeout=10)
        assert (child.returncode, out) == (9, b"asked\n")


def test_terminating_ends_all_at_once(place: Path) -> None:
    with running(place, "trap '' INT TERM; " + DAEMON + "while :; do sleep 0.05; done") as child:
        until(lambda: len(below(child.pid)) >= 5)
        left = below(child.pid)
        child.terminate()
        assert child.wait(10) == 143
    assert not any(Path(f"/proc/{pid}").exists() for pid in left)
    assert place.exists(), "the controller lives, and clears up itself"


def test_it_ends_with_a_controller_that_is_killed(place: Path) -> None:
    line = words(place, 0, DAEMON + "sleep 1234.5")
    code = "import os, subprocess, sys, time; words = sys.argv[1:]; words[4] = str(os.getpid()); subprocess.Popen(words); time.sleep(600)"
    controller = subprocess.Popen([sys.executable, "-c", code, *line])
    try:
        until((place / keeper.PID_FILE).exists)
        kept = int((place / keeper.PID_FILE).read_text())
        until(lambda: len(below(kept)) >= 4)
        left = [kept, *below(kept)]
    finally:
        controller.kill()
        controller.wait()
    until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in left))
    until(lambda: not place.parent.exists())
