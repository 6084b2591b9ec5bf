"""The simulator as a process: ready in time, good errors, gone with its parent whatever that one dies of."""

from __future__ import annotations

import asyncio
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gridtui import sim
from gridtui.errors import GridtuiError


def gone(pid: int, within: float = 10) -> bool:
    """Whether the process ends in time. Its pidfd becomes readable at that moment (pidfd_open(2))."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([handle], [], [], within)[0])
    finally:
        os.close(handle)


async def test_two_hundred_nodes_start_within_seconds_and_end_with_the_context(tmp_path: Path) -> None:
    start = time.monotonic()
    async with sim.start_process(200, tmp_path, with_local=True) as running:
        assert time.monotonic() - start < 10
        assert running.inventory.read_text().count("ansible_host:") == 200
        assert "this-machine" in running.inventory.read_text()
    assert gone(running.pid, 0)


async def test_why_it_did_not_start_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(GridtuiError, match="0 simulated nodes; from 1 to") as caught:
        async with sim.start_process(0, tmp_path):
            pytest.fail("it started")
    assert caught.value.evidence.exit_status == 1
    assert "Traceback" not in caught.value.evidence.stderr
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(GridtuiError, match="exists"):
        async with sim.start_process(1, file):
            pytest.fail("it started")


async def test_who_is_not_ready_in_time_is_ended(tmp_path: Path) -> None:
    start = time.monotonic()
    with pytest.raises(GridtuiError, match=r"not ready within 0.01 s"):
        async with sim.start_process(2000, tmp_path, timeout=0.01):
            pytest.fail("it started")
    assert time.monotonic() - start < 20


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "gridtui.sim", "--nodes", "2", "--folder", str(tmp_path)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdout
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(number)
        out, err = process.communicate(timeout=10)
    assert (process.returncode, out, err) == (0, b"", b"")


def test_it_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    parent = (
        "import asyncio, sys\n"
        "from pathlib import Path\n"
        "from gridtui import sim\n"
        "async def main():\n"
        "    async with sim.start_process(3, Path(sys.argv[1])) as running:\n"
        "        print(running.pid, flush=True)\n"
        "        await asyncio.Event().wait()\n"
        "asyncio.run(main())\n"
    )
    with subprocess.Popen([sys.executable, "-c", parent, str(tmp_path)], stdout=subprocess.PIPE) as process:
        assert process.stdout
        pid = int(process.stdout.readline())
        assert not gone(pid, 0)
        process.kill()
        assert gone(pid)


def test_a_regular_file_as_input_does_not_end_it(tmp_path: Path) -> None:
    with (tmp_path / "empty").open("wb+") as empty, subprocess.Popen(
        [sys.executable, "-m", "gridtui.sim", "--nodes", "1", "--folder", str(tmp_path / "d")],
        stdin=empty, stdout=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdout
        assert process.stdout.readline() == b"ready\n"
        assert process.poll() is None
        process.terminate()
    assert process.returncode == 0


@pytest.mark.parametrize("redirection", ["</dev/null", "<&-"])
def test_no_input_to_watch_is_no_complaint(tmp_path: Path, redirection: str) -> None:
    command = f'exec "$0" -m gridtui.sim --nodes 1 --folder "$1" {redirection}'
    with subprocess.Popen(
        ["sh", "-c", command, sys.executable, str(tmp_path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == b"ready\n"
        process.terminate()
        _, err = process.communicate(timeout=10)
    assert (process.returncode, err) == (0, b"")


def test_a_face_that_imports_it_loads_no_ssh_library() -> None:
    code = "import sys, gridtui.sim; gridtui.sim.start_process; print('asyncssh' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", code]) == b"False\n"


@pytest.mark.parametrize("words", [[], ["--nodes", "x"], ["--nodes", "1", "--folder", "d", "--cycle", "0:1"]])
def test_wrong_usage_is_2(words: list[str]) -> None:
    result = subprocess.run([sys.executable, "-m", "gridtui.sim", *words], capture_output=True, check=False)
    assert result.returncode == 2
    assert b"usage" in result.stderr


async def test_cancelling_the_start_leaves_no_process(tmp_path: Path) -> None:
    before = children()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2), sim.start_process(5000, tmp_path):
            pytest.fail("it was cancelled")
    assert children() == before


def children() -> str:
    """The pids of this process's children (proc(5))."""
    return Path(f"/proc/self/task/{os.getpid()}/children").read_text()
