"""What is kept of runs: modes, names, pruning, and runs that were cut off."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from gridtui.errors import UsageError
from gridtui.playbooks import artefacts
from gridtui.playbooks.artefacts import Artefacts
from gridtui.playbooks.model import Ending, Outcome, Plan, Playbook, TaskResult, TaskState

PLAN = Plan((Playbook("base", Path("/p/base.yml")),), extra={"token": "sesame"})


@pytest.fixture(autouse=True)
def _own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def keep(run: str, *, changes: tuple[str, ...] = (), ended: bool = True, keep: int = 50) -> Artefacts:
    with Artefacts(run, keep) as kept:
        kept.plan(PLAN, ["n1"], ["/i"], changes, ["ansible-playbook"], {})
        kept.event(TaskResult("n1", 1, "Do it", TaskState.CHANGED))
        kept.said("PLAY\x1b[31m\r\nTASK")
        if ended:
            kept.outcomes([Outcome("n1", Ending.CHANGED)], "")
    return kept


def test_a_run_is_kept() -> None:
    made = keep("20260101T000000-0001")
    assert stat.S_IMODE(made.folder.stat().st_mode) == 0o700
    assert {path.name for path in made.folder.iterdir()} == {"plan.json", "events.jsonl", "stdout", "outcomes.json"}
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in made.folder.iterdir())
    assert (made.folder / "stdout").read_text() == "PLAY·[31m\nTASK\n"
    assert json.loads((made.folder / "events.jsonl").read_text())["state"] == "changed"
    assert not any("sesame" in path.read_text() for path in made.folder.iterdir())
    found = artefacts.find("20260101")
    assert (found.run, found.playbooks, found.outcomes) == (made.run, ("base",), {"n1": "changed"})


def test_old_ones_go_and_strangers_stay() -> None:
    made = [keep(f"20260101T00000{number}-0000", keep=3) for number in range(5)]
    (made[0].folder.parent / "mine").mkdir()
    keep("20260101T000009-0000", keep=3)
    names = sorted(path.name for path in made[0].folder.parent.iterdir())
    assert names == [made[3].run, made[4].run, "20260101T000009-0000", "mine"]


def test_killed_and_damaged_runs() -> None:
    killed = keep("20260101T000000-0001", changes=("20260101T000000-0001",), ended=False)
    damaged = keep("20260101T000001-0001")
    (damaged.folder / "plan.json").write_text("{")
    (found,) = artefacts.runs()
    assert found.run == killed.run and found.outcomes is None
    assert artefacts.guarded().run == killed.run


def test_runs_that_are_not_there() -> None:
    with pytest.raises(UsageError, match="no run is kept"):
        artefacts.find()
    keep("20260101T000000-0001")
    keep("20260101T000000-0002")
    with pytest.raises(UsageError, match="beginning of 2"):
        artefacts.find("2026")
    with pytest.raises(UsageError, match="under a guard"):
        artefacts.guarded()
    with pytest.raises(UsageError, match="put nothing"):
        artefacts.guarded("20260101T000000-0001")
