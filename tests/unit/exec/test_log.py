"""The joblog on disk."""

from __future__ import annotations

import json
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from gridtui.errors import StateError
from gridtui.exec import Ending, Outcome, Task, log


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return tmp_path / "gridtui" / "exec"


RESULTS = [
    Outcome("a", Ending.OK, 0, b"SECRET-OUT"),
    Outcome("b", Ending.TIMEOUT, error="late"),
    Outcome("c", Ending.SKIPPED),
]


def test_what_is_written_comes_back() -> None:
    command = "cat; echo 'ü\udcff\n'"  # a byte that is no UTF-8, as sys.argv has it
    path = log.write(Task(command, b"SECRET-IN", True, 5.0), RESULTS, 1_700_000_000.5)
    logged = log.last()
    assert logged == log.Logged(
        path,
        1_700_000_000.5,
        command,
        True,
        5.0,
        True,
        (replace(RESULTS[0], stdout=b""), *RESULTS[1:]),
    )
    assert logged.failed == ("b", "c")


def test_neither_input_nor_output_is_kept_and_nobody_else_reads_it(state: Path) -> None:
    path = log.write(Task("cat", b"SECRET-IN"), RESULTS, 1.0)
    assert "SECRET" not in path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(state.stat().st_mode) == 0o700
    assert json.loads(path.read_text())["results"][1] == {
        "node": "b", "status": "timeout", "exit": None, "seconds": 0.0, "layer": None, "error": "late", "left": False
    }  # fmt: skip


def test_the_newest_is_the_last_one_and_old_ones_go(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "KEEP", 3)
    for number in range(5):
        log.write(Task(f"echo {number}"), RESULTS, 1_700_000_000 + number)
    assert len(list(state.iterdir())) == 3
    logged = log.last()
    assert logged is not None
    assert logged.command == "echo 4"


def test_no_run_yet() -> None:
    assert log.last() is None


@pytest.mark.parametrize("content", ["[]", "{}", '{"schema": 2}', '{"schema":1,"time":1,"command":"x","results":[{}]}'])
def test_what_is_no_log_is_told(state: Path, content: str) -> None:
    log.write(Task("x"), [], 1.0).write_text(content)
    with pytest.raises(StateError, match="is no log of a run"):
        log.last()
