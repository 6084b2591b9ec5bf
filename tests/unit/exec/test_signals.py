"""A signal goes to the very process that was looked at and to no other: in real shells, with real processes."""

from __future__ import annotations

import shutil
import signal as signals
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gridtui.errors import UsageError
from gridtui.exec import Ending, Outcome
from gridtui.exec.signals import SIGNALS, Fate, command, read

BOOT = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
SHELLS = [["sh"], ["bash"], ["busybox", "sh"]]


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    # Its name ends in a bracket and holds one: what counts in /proc/PID/stat begins behind the last one.
    code = (
        "import ctypes, time; ctypes.CDLL(None).prctl(15, b'a) S 1 (b)', 0, 0, 0); print(flush=True); time.sleep(600)"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert process.stdout
    process.stdout.readline()
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def started(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])


def send(shell: list[str], pid: int, start: int, boot: str, name: str) -> Fate:
    program = shutil.which(shell[0])
    if program is None:
        pytest.skip(f"no {shell[0]}")
    done = subprocess.run([program, *shell[1:], "-c", command(pid, start, boot, name)], capture_output=True, timeout=20)
    return read(Outcome("a", Ending.OK, done.returncode, done.stdout, done.stderr)).fate


@pytest.mark.parametrize("shell", SHELLS, ids=lambda words: words[0])
def test_only_the_same_process_of_the_same_boot_gets_it(shell: list[str], sleeper: subprocess.Popen[bytes]) -> None:
    pid, start = sleeper.pid, started(sleeper.pid)
    assert send(shell, pid, start + 1, BOOT, "KILL") is Fate.GONE
    assert send(shell, pid, start, BOOT[:-1] + ("0" if BOOT[-1] != "0" else "1"), "KILL") is Fate.GONE
    assert sleeper.poll() is None
    assert send(shell, pid, start, BOOT, "STOP") is Fate.SENT
    assert send(shell, pid, start, BOOT, "CONT") is Fate.SENT
    assert sleeper.poll() is None
    assert send(shell, pid, start, "", "TERM") is Fate.SENT
    assert sleeper.wait(20) == -signals.SIGTERM
    assert send(shell, pid, start, BOOT, "TERM") is Fate.GONE


def test_one_that_has_ended_but_is_not_fetched_got_nothing(sleeper: subprocess.Popen[bytes]) -> None:
    pid, start = sleeper.pid, started(sleeper.pid)
    sleeper.send_signal(signals.SIGKILL)
    while Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z":
        pass
    assert send(["sh"], pid, start, BOOT, "TERM") is Fate.GONE


@pytest.mark.parametrize("name", list(SIGNALS))
def test_every_signal_has_a_number_and_words(name: str) -> None:
    assert signals.Signals[f"SIG{name}"]
    assert SIGNALS[name]


@pytest.mark.parametrize(
    ("pid", "start", "boot", "name"),
    [
        (1, 5, BOOT, "TERM"),
        (0, 5, BOOT, "TERM"),
        (-1, 5, BOOT, "TERM"),
        (7, -1, BOOT, "TERM"),
        (7, 5, "; reboot", "TERM"),
        (7, 5, BOOT, "USR1"),
        (7, 5, BOOT, "9; x"),
    ],
)
def test_what_may_not_be_sent(pid: int, start: int, boot: str, name: str) -> None:
    with pytest.raises(UsageError):
        command(pid, start, boot, name)


@pytest.mark.parametrize(
    ("outcome", "fate", "words"),
    [
        (Outcome("a", Ending.OK, 0, b"sent\n"), Fate.SENT, "sent"),
        (Outcome("a", Ending.OK, 0, b"welcome\nother\n"), Fate.GONE, "another process has its number"),
        (Outcome("a", Ending.OK, 0, b"denied\n"), Fate.DENIED, "this login may not"),
        (Outcome("a", Ending.OK, 0, b"\x1b[2J"), Fate.FAILED, "the node did not answer"),
        (
            Outcome("a", Ending.FAILED, 1, error="sudo: the password was refused"),
            Fate.FAILED,
            "the password was refused",
        ),
        (Outcome("a", Ending.UNREACHABLE, error="gone"), Fate.FAILED, "gone"),
        (Outcome("a", Ending.FAILED, 1, b"sent\n"), Fate.FAILED, "the node did not answer"),
    ],
)
def test_what_came_of_it(outcome: Outcome, fate: Fate, words: str) -> None:
    found = read(outcome)
    assert found.fate is fate
    assert words in found.text
    assert found.ok == (fate is Fate.SENT)
