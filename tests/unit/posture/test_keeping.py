"""What is kept of nodes' postures, and when a check asks again: real files in a state folder of the test's own."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from gridtui import store
from gridtui.errors import LockedError, ShellError, StateError
from gridtui.fleet import Fleet
from gridtui.model import Node
from gridtui.monitor import due
from gridtui.monitor import posture as postures
from gridtui.monitor.posture import Asked, Record, Round, accepted, opened
from gridtui.settings import Posture, Settings
from gridtui.ssh.connection import Channel, Completed, Receiver

from .test_findings import GOOD, SSH_PORT, WEB

NODES = {name: Node(name, name) for name in ("a", "b", "c")}
EVERY = 21600.0


@pytest.fixture(autouse=True)
def _state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture
def file() -> Path:
    return due.path([])


# ---- when ----


def test_turns_are_spread_and_never_come_early() -> None:
    names = [f"node{number:03}" for number in range(400)]
    turns = [due.first(name, 1000.0, EVERY) for name in names]
    assert all(1000.0 <= turn <= 1000.0 + EVERY for turn in turns)
    # A check a minute: 360 of them in six hours have 400 nodes to ask.
    a_minute = [sum(1000 + 60 * minute <= turn < 1060 + 60 * minute for turn in turns) for minute in range(360)]
    assert max(a_minute) <= 8
    again = [due.after(name, 5000.0, EVERY) for name in names]
    assert all(5000.0 + EVERY <= turn <= 5000.0 + EVERY * (1 + due.SPREAD) for turn in again)
    assert max(again) - min(again) > EVERY * due.SPREAD * 0.9
    assert due.after("a", 5000.0, EVERY) == due.after("a", 5000.0, EVERY)


def test_a_node_is_asked_when_its_turn_comes() -> None:
    briefs = due.Briefs()
    assert briefs.due(["a", "b"], 1000.0, EVERY) == []
    turn = briefs.briefs["a"].due
    assert briefs.due(["a"], turn - 1, EVERY) == []
    assert briefs.due(["a"], turn, EVERY) == ["a"]
    briefs.postpone("a", turn, EVERY)
    assert briefs.due(["a"], turn + due.AGAIN - 1, EVERY) == []
    assert briefs.due(["a"], turn + due.AGAIN, EVERY) == ["a"]


def test_a_clock_that_was_set_back_and_an_interval_that_was_made_shorter() -> None:
    briefs = due.Briefs()
    briefs.briefs["a"] = due.Brief(due=10 * EVERY)
    assert briefs.due(["a"], 1000.0, EVERY) == []
    assert briefs.briefs["a"].due <= 1000.0 + EVERY


def test_a_brief_is_kept_as_json() -> None:
    brief = due.Brief(5.0, 4.0, 61, 2, ("a port opened",), True)
    assert due.from_json(json.loads(json.dumps(brief.to_json()))) == brief
    assert brief.metrics() == {"posture.score": 61.0, "posture.high": 2.0, "posture.drift": 1.0}
    assert due.Brief(5.0).metrics() == {}
    wrong: list[object] = [
        None,
        [],
        {},
        {**brief.to_json(), "due": "soon"},
        {**brief.to_json(), "score": "A"},
        {**brief.to_json(), "worse": 3},
    ]
    for damaged in wrong:
        assert due.from_json(damaged) is None


# ---- what ----


def test_answers_are_kept_and_compared(file: Path) -> None:
    first = Record(NODES, file)
    assert first.look("a").posture is None
    first.take("a", GOOD)
    assert asyncio.run(first.save(EVERY))
    look = Record(NODES, file).look("a")
    assert look.posture and look.posture.score == 100 and look.drift is None and not look.fresh
    second = Record(NODES, file)
    second.take("a", replace(GOOD, time=2000.0, ports=(SSH_PORT, WEB)))
    assert second.look("a").fresh
    asyncio.run(second.save(EVERY))
    drift = Record(NODES, file).look("a").drift
    assert drift and drift.opened == (WEB,) and drift.before == 1000.0
    assert file.stat().st_mode & 0o777 == 0o600
    third = Record(NODES, file)
    third.take("a", replace(GOOD, time=3000.0, ports=(SSH_PORT, WEB)))
    drift = third.look("a").drift
    assert drift is not None and not drift and drift.before == 2000.0


def test_two_runs_at_once_keep_both_their_answers(file: Path) -> None:
    one, other = Record(NODES, file), Record(NODES, file)
    one.take("a", GOOD)
    other.take("b", GOOD)
    asyncio.run(one.save(EVERY))
    asyncio.run(other.save(EVERY))
    last = Record(NODES, file)
    assert last.answer("a") == last.answer("b") == GOOD
    assert other.answer("a") == GOOD


def test_nodes_that_left_the_inventory_are_forgotten(file: Path) -> None:
    record = Record(NODES, file)
    record.take("a", GOOD)
    record.take("b", GOOD)
    asyncio.run(record.save(EVERY))
    smaller = Record({"b": NODES["b"]}, file)
    smaller.take("b", GOOD)
    asyncio.run(smaller.save(EVERY))
    assert list(json.loads(file.read_text())["nodes"]) == ["b"]


def test_a_writer_that_does_not_end(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postures, "_PATIENCE", 0.2)
    record = Record(NODES, file)
    record.take("a", GOOD)
    with store.lock(file.stem), pytest.raises(LockedError):
        asyncio.run(record.save(EVERY))
    assert not file.exists()
    asyncio.run(record.save(EVERY))
    assert file.exists()


def test_a_damaged_file_is_told_and_replaced(file: Path) -> None:
    file.write_text('{"schema": 1, "nodes": {')
    told: list[StateError] = []
    record = opened(NODES, [], told.append)
    assert "damaged" in str(told[0]) and record.answer("a") is None
    record.take("a", GOOD)
    asyncio.run(record.save(EVERY))
    assert opened(NODES, [], told.append).answer("a") == GOOD
    assert len(told) == 1


def test_what_an_older_version_wrote_is_left_out(file: Path) -> None:
    file.write_text(json.dumps({"schema": 99, "nodes": {"a": {"answer": {}}}}))
    assert Record(NODES, file).answer("a") is None
    file.write_text(json.dumps({"schema": 1, "nodes": {"a": {"answer": {"nonsense": 1}}, "b": 7}}))
    assert Record(NODES, file).answer("a") is None


def test_without_a_state_folder_all_works_but_the_memory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "blocked").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "blocked"))
    told: list[StateError] = []
    record = opened(NODES, [], told.append)
    record.take("a", GOOD)
    assert told and record.look("a").posture
    assert asyncio.run(record.save(EVERY)) == 0


@pytest.mark.parametrize(
    ("value", "ids"),
    [(["ssh-x11", "ids-missing"], {"ssh-x11", "ids-missing"}), ("ssh-x11, ids-missing", {"ssh-x11", "ids-missing"}), (None, set()), (7, set()), ({"a": 1}, set())],
)  # fmt: skip
def test_what_the_inventory_accepts(value: object, ids: set[str]) -> None:
    assert accepted(Node("n", "n", vars={"gridtui_posture_accept": value})) == ids


# ---- a check ----


def test_a_check_takes_over_what_a_person_asked(file: Path) -> None:
    record = Record(NODES, file)
    record.take("a", GOOD)
    asyncio.run(record.save(EVERY))
    briefs = due.Briefs()
    briefs.refresh(file, EVERY)
    assert briefs.briefs["a"].score == 100 and briefs.briefs["a"].due >= GOOD.time + EVERY
    # As long as the file is the same it is not read: what is in it then could be nonsense.
    stamp = file.stat()
    file.write_text("nonsense")
    os.utime(file, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    briefs.refresh(file, EVERY)
    os.utime(file)
    with pytest.raises(StateError):
        briefs.refresh(file, EVERY)


class _Line:
    """A connection whose command ends as it is told."""

    is_open, login_seconds = True, 0.0

    def __init__(self, ending: Completed | Exception) -> None:
        self.ending = ending
        self.input = b""

    async def run(self, command: str, *, input: bytes = b"", timeout: float | None = None, limit: int = 0) -> Completed:
        self.input = input
        if isinstance(self.ending, Exception):
            raise self.ending
        return self.ending

    async def open(self, command: str, receiver: Receiver) -> Channel:
        raise NotImplementedError

    async def closed(self) -> None:
        return None

    async def close(self) -> None:
        return None


@pytest.mark.parametrize(
    "ending",
    [
        ShellError("no channel"),
        Completed(0, b"This account is currently not available.\n", b""),
        Completed(-1, b"", b""),
    ],
)
async def test_a_node_that_gives_no_answer_is_asked_again_later(file: Path, ending: Completed | Exception) -> None:
    record = Record(NODES, file)
    asking = Round(record, ["a"], True, None)
    asked = await asking.questions()["a"](NODES["a"], _Line(ending))
    assert isinstance(asked, Asked) and asked.answer is None and asked.error and asked.layer == "shell"
    briefs = due.Briefs()
    await asking.settle({"a": asked}, briefs, 1000.0, EVERY)
    assert briefs.briefs["a"].due == 1000.0 + due.AGAIN
    assert briefs.briefs["a"].metrics() == {}


@pytest.mark.parametrize(("privileged", "tried"), [(None, False), (False, False), (True, True)])
async def test_a_check_tries_sudo_only_where_it_worked(file: Path, privileged: bool | None, tried: bool) -> None:
    record = Record(NODES, file)
    if privileged is not None:
        record.take("a", replace(GOOD, privileged=privileged))
    line = _Line(ShellError("no channel"))
    await Round(record, ["a"], True, None).questions()["a"](NODES["a"], line)
    assert (b" S=1 " in line.input.split(b"\n")[0]) is tried


async def test_a_check_without_time_asks_nobody(file: Path) -> None:
    asking = Round(Record(NODES, file), ["a"], True, 0.0)
    asked = await asking.questions()["a"](NODES["a"], _Line(ShellError("never")))
    assert asked is None
    briefs = due.Briefs()
    await asking.settle({"a": asked}, briefs, 1000.0, EVERY)
    assert briefs.briefs == {}


def test_checks_of_this_machine(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The real thing, through the local transport: the first check gives everybody a turn, a later one asks, the next knows."""
    monkeypatch.chdir(file.parent)
    monkeypatch.delenv("GRIDTUI_INVENTORY", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(file.parent))
    quick = Fleet.open([], Settings(posture=Posture(every=0.05)))
    (node,) = asyncio.run(quick.check()).nodes
    assert "posture.score" not in node.metrics and not file.exists()
    (node,) = asyncio.run(quick.check()).nodes
    assert 0 <= node.metrics["posture.score"] <= 100
    assert file.exists()
    slow = Fleet.open([], Settings())
    before = file.stat().st_mtime_ns
    (known,) = asyncio.run(slow.check()).nodes
    assert known.metrics["posture.score"] == node.metrics["posture.score"]
    assert file.stat().st_mtime_ns == before
    (off,) = asyncio.run(Fleet.open([], Settings(posture=Posture(check=False))).check()).nodes
    assert not any(name.startswith("posture") for name in off.metrics)


def test_a_check_without_a_turn_loads_nothing_of_posture() -> None:
    code = (
        "import sys, gridtui.fleet, gridtui.monitor, gridtui.monitor.checking\n"
        "print(*(name for name in sys.modules if name.startswith('gridtui.posture') or name == 'gridtui.monitor.posture'))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
