"""Locks between runs: with real second processes, one of which dies."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from gridtui.errors import LockedError, StateError
from gridtui.store import lock

HOLD = "import sys\nfrom gridtui.store import lock\nwith lock('check'):\n    print('held', flush=True)\n    sys.stdin.read()\n"


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return tmp_path / "gridtui"


@pytest.fixture
def holder() -> Iterator[subprocess.Popen[bytes]]:
    """Another process that holds the lock until its input ends."""
    with subprocess.Popen([sys.executable, "-c", HOLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        try:
            yield process
        finally:
            process.kill()


def test_a_held_lock_names_its_holder(holder: subprocess.Popen[bytes]) -> None:
    with pytest.raises(LockedError, match=rf"another run holds the lock check \(process {holder.pid}\)"), lock("check"):
        pass
    with lock("other"):
        pass


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_holder_that_dies_frees_it(holder: subprocess.Popen[bytes], how: signal.Signals) -> None:
    holder.send_signal(how)
    holder.wait()
    with lock("check") as path:
        assert path.read_text() == f"{os.getpid()}\n"


def test_it_is_held_within_one_process_too(state: Path) -> None:
    with lock("check") as path:
        assert path == state / "check.lock" and path.stat().st_mode & 0o777 == 0o600
        with pytest.raises(LockedError), lock("check"):
            pass
        with pytest.raises(LockedError), lock("check"):
            pass
    with lock("check"):
        pass


def test_an_error_inside_frees_it() -> None:
    with pytest.raises(ZeroDivisionError), lock("check"):
        raise ZeroDivisionError
    with lock("check"):
        pass


def test_a_child_does_not_inherit_it() -> None:
    with lock("check"):
        child = subprocess.Popen(["sleep", "60"])
    try:
        with lock("check"):
            pass
    finally:
        child.kill()
        child.wait()


def test_a_lock_file_that_cannot_be_used(state: Path) -> None:
    state.mkdir(mode=0o700)
    (state / "check.lock").symlink_to("/etc/passwd")
    with pytest.raises(StateError, match=r"check.lock cannot be opened: .*; remove it"), lock("check"):
        pass


@pytest.mark.parametrize("name", ["", "../x", "a/b", ".hidden", "x\n"])
def test_names(name: str) -> None:
    with pytest.raises(ValueError), lock(name):
        pass


def test_who_is_patient_gets_it_next(tmp_path: Path) -> None:
    with contextlib.ExitStack() as holder:
        holder.enter_context(lock("check", tmp_path))
        threading.Timer(0.1, holder.close).start()
        with lock("check", tmp_path, patience=30), pytest.raises(LockedError), lock("check", tmp_path, patience=0.05):
            pass
