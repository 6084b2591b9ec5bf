"""The tests' own sshd: nothing of it may be left."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests import leftovers

from .openssh import MISSING, PROGRAM, Sshd

pytestmark = pytest.mark.skipif(PROGRAM is None, reason=MISSING)


class Ending(Sshd):
    """A session ends by itself just after all was brought to a stand."""

    def pids(self) -> list[int]:
        found = super().pids()
        assert self._process
        for pid in found:
            with contextlib.suppress(OSError):
                state, parent = Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split()[:2]
                if state == "T" and int(parent) == self._process.pid:
                    os.kill(pid, signal.SIGKILL)
                    while os.path.exists(f"/proc/{pid}") and "Z" not in Path(f"/proc/{pid}/stat").read_text():
                        time.sleep(0.01)
        return super().pids()


def test_what_lost_its_session_is_ended(tmp_path: Path) -> None:
    with Ending(tmp_path / "sshd") as sshd:
        client = subprocess.Popen(sshd.ssh("sleep 600 & sleep 600"), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        until = time.monotonic() + 20
        while sum(b"sleep" in words for words in map(_words, leftovers.of(sshd.home))) < 2:
            assert time.monotonic() < until
            time.sleep(0.02)
    client.kill()
    client.wait()
    assert client.stdout
    client.stdout.close()
    assert leftovers.end(tmp_path) == []


def _words(pid: int) -> bytes:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""
