"""What a job costs its node, counted in programs: each is a millisecond of CPU, and looks are taken all the time."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from pathlib import Path

import pytest

from gridtui.jobs.model import JobId, Key, Phase
from gridtui.jobs.runner import Runner
from gridtui.ssh.local import LocalConnection

from .conftest import run
from .orders import QUEUE, order

PROGRAMS = [
    "awk",
    "base64",
    "cat",
    "chmod",
    "cut",
    "date",
    "dd",
    "df",
    "find",
    "grep",
    "head",
    "id",
    "kill",
    "ln",
    "ls",
    "loginctl",
    "mkdir",
    "mkfifo",
    "mv",
    "nice",
    "od",
    "ps",
    "rm",
    "sed",
    "setsid",
    "sleep",
    "sort",
    "stat",
    "tail",
    "timeout",
    "touch",
    "tr",
    "uname",
    "wc",
]


class Counted:
    """Programs that were started since the last look."""

    def __init__(self, log: Path) -> None:
        self._log = log

    def take(self) -> Counter[str]:
        found = Counter(self._log.read_text().split())
        self._log.write_text("")
        del found["sleep"], found["rm"]  # the pulse's
        return found


@pytest.fixture
def counted(shell: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Counted:
    monkeypatch.setattr("gridtui.jobs.runner.runner.BEAT", 1000.0)  # beats only when asked for
    folder, log = tmp_path / "bin", tmp_path / "log"
    folder.mkdir()
    log.touch()
    for name in PROGRAMS:
        if real := shutil.which(name):
            (folder / name).write_text(f'#!/bin/sh\necho {name} >>{log}\nexec {real} "$@"\n')
            (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return Counted(log)


async def test_programs_a_job_and_a_look(counted: Counted, home: Path, connection: LocalConnection, shell: str) -> None:
    runner = await Runner.open(connection, "here", queue=QUEUE, shell=shell)
    await run(runner, order())
    counted.take()
    for _ in range(20):
        assert (await run(runner, order())).exit == 0
    found = counted.take()
    folders = {name: found.pop(name, 0) for name in ("mkdir", "mkfifo")}
    found.pop("wc", 0)  # where a busybox's dd does not tell how much it was
    # It gets its folder, its output is taken, and the launcher of these tests gives it a session.
    assert found == {"mv": 20, "dd": 20, "setsid": 20}
    assert all(count <= 3 for count in folders.values()), folders

    key = Key(QUEUE, JobId(10**8), 1)
    for number in range(1000):  # jobs that ended and that nobody has fetched yet
        old = home / "spool" / str(Key(QUEUE, JobId(10**8 + number), 1))
        old.mkdir()
        for name, text in {"keeper": "1 1 1 x plain\n", "report": "exit=0 cause=exit took=1\n", "ended": ""}.items():
            (old / name).write_text(text)
    assert [report.phase for report in await runner.poll([key])] == [Phase.ENDED]
    assert (await runner.poll([order().key]))[0].phase is Phase.UNKNOWN
    assert counted.take() == {}
    assert len(await runner.poll()) == 1021
    await runner.beat()
    assert counted.take() == {"df": 1}
    await runner.forget([Key(QUEUE, JobId(10**8 + number), 1) for number in range(1000)])
    assert [report.phase for report in await runner.poll([key])] == [Phase.UNKNOWN]
    await runner.close()
