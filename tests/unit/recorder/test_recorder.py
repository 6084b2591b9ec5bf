"""What is seen is kept, whatever the clock, the disk or another dashboard do."""

from __future__ import annotations

import math
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from gridtui.events import Changed, Event, Learned, Noted, Rebooted
from gridtui.model import Facts, Layer, Reason, State, Verdict
from gridtui.recorder import Recording, tape
from gridtui.store import lock

from .recording import START, Field, recorded, until


def known(values: Sequence[float]) -> list[float]:
    return [value for value in values if value == value]


async def test_what_was_seen_is_there_again(tmp_path: Path) -> None:
    field = Field(lambda name, now: 20.0 if name == "web01" else 60.0)
    await recorded(tmp_path / "a.db", field, 30)
    with Recording.open(tmp_path / "a.db") as recording:
        assert list(recording.nodes) == ["web01", "web02"]
        series = recording.series("web02", "cpu", START, START + 300)
        assert series.start == START and series.step == 10
        assert known(series.values) == [60.0] * 30
        assert set(known(recording.series("web01", "cpu", START, START + 300, 60).values)) == {20.0}
        assert not known(recording.series("web02", "gpu", START, START + 300).values)


async def test_events_and_states_are_kept_exactly(tmp_path: Path) -> None:
    field = Field()
    before = Verdict("web01", State.OK, START)
    after = Verdict(
        "web01",
        State.CRITICAL,
        START + 3.25,
        Layer.TCP,
        (Reason("reach", State.CRITICAL, "no [b]route", START + 3.0),),
        flapping=True,
    )
    events: list[Event] = [
        Changed(START + 3.25, "web01", before, after),
        Rebooted(START + 4.5, "web02"),
        Noted(START + 5.0, None, "the clock jumped", alarm=True),
        Learned("web01", Facts("web01", START, os_name="Debian", cpus=8, capabilities=frozenset({"nft"}))),
    ]
    await recorded(tmp_path / "a.db", field, 2, events=events)
    with Recording.open(tmp_path / "a.db") as recording:
        assert list(recording.events(START, START + 60)) == events[:3]
        assert list(recording.events(START, START + 60, ["web02"])) == [events[1]]
        assert recording.newest(START + 60, 2) == events[1:3] and recording.newest(START + 4, 9) == events[:1]
        assert recording.alarms() == [START + 3.25, START + 4.5, START + 5.0]
        assert recording.next_event(START + 3.25) == START + 4.5 and recording.next_event(START + 5) == math.inf
        assert recording.at(START + 2)["web01"].verdict.state is State.OK
        then = recording.at(START + 15)
        assert then["web01"].verdict == after
        assert then["web01"].facts is not None and then["web01"].facts.os_name == "Debian"
        assert then["web02"].sample is not None and then["web02"].sample.metrics["cpu"] == 50.0
        assert recording.at(START - 4000)["web01"].reach.pending


async def test_the_clock_set_back_loses_nothing(tmp_path: Path) -> None:
    field = Field(lambda name, now: 30.0)
    recorder = field.recorder(tmp_path / "a.db")
    await recorder.start()
    await field.slot(30)
    field.now -= 120  # what was recorded there is lived through again
    field.cpu = lambda name, now: 50.0
    recorder.happened(Rebooted(field.now, "web01"))
    await field.slot(30)
    await recorder.close()
    with Recording.open(tmp_path / "a.db") as recording:
        values = recording.series("web01", "cpu", START, START + 600).values
        assert known(values) == [30.0] * 18 + [40.0] * 12 + [50.0] * 19  # the last one was not over
        assert len(list(recording.events(0, START + 9999))) == 1
        assert len(recording.spans) == 2


async def test_the_clock_set_forward_leaves_a_gap_and_throws_nothing_away(tmp_path: Path) -> None:
    field = Field()
    recorder = field.recorder(tmp_path / "a.db")
    await recorder.start()
    await field.slot(12)
    field.now += 400 * 86400
    await field.slot(12)
    await recorder.close()
    with Recording.open(tmp_path / "a.db") as recording:
        assert len(known(recording.series("web01", "cpu", START, START + 120).values)) == 12
        later = START + 400 * 86400
        assert len(known(recording.series("web01", "cpu", later, later + 300).values)) >= 12


async def test_two_record_nothing_twice_and_the_second_takes_over(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    one, two = Field(lambda name, now: 10.0), Field(lambda name, now: 90.0)
    first, second = one.recorder(path), two.recorder(path)
    await first.start()
    await one.slot()
    await until(lambda: first._writing and first._writing.done())
    await second.start()
    await two.slot()
    await until(lambda: second.trouble)
    assert "another run holds the lock" in second.trouble and not two.told[0][1]
    await one.slot(5)
    await first.close()
    second._flushed_at -= 60
    two.now = one.now
    await two.slot()
    await until(lambda: not second.trouble)
    await two.slot(3)
    await second.close()
    with Recording.open(path) as recording:
        values = known(recording.series("web01", "cpu", START, START + 600).values)
        assert values[:6] == [10.0] * 6 and set(values[7:]) == {90.0}
        assert len(recording.spans) == 2


async def test_a_locked_file_is_waited_for_without_a_loss(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tape, "PATIENCE", 0.05)
    path = tmp_path / "a.db"
    field = Field()
    recorder = field.recorder(path)
    await recorder.start()
    await field.slot()
    await until(path.exists)
    await until(lambda: recorder._writing and recorder._writing.done())
    blocker = sqlite3.connect(path, isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    recorder._flushed_at -= 60
    await field.slot()
    await until(lambda: recorder.trouble)
    assert "locked" in recorder.trouble and field.told == [(f"no history is recorded: {recorder.trouble}", True)]
    await field.slot(4)
    blocker.execute("ROLLBACK")
    recorder._flushed_at -= 60
    await field.slot()
    await until(lambda: not recorder.trouble)
    assert field.told[-1] == ("history is recorded again", False)
    await recorder.close()
    with Recording.open(path) as recording:
        assert len(known(recording.series("web01", "cpu", START, START + 600).values)) == 8


async def test_a_damaged_file_is_set_aside(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    path.write_bytes(b"no database at all" * 1000)
    field = Field()
    await recorded(path, field, 6)
    assert (tmp_path / "a.db.damaged").exists()
    with Recording.open(path) as recording:
        assert known(recording.series("web01", "cpu", START, START + 100).values)


async def test_without_a_folder_the_watching_goes_on(tmp_path: Path) -> None:
    field = Field()
    recorder = field.recorder(tmp_path / "none" / "a.db")
    await recorder.start()
    await field.slot(12)
    await until(lambda: recorder.trouble)
    assert field.told[0][1] and "no history is recorded" in field.told[0][0]
    await recorder.close()


async def test_plots_and_the_log_begin_with_what_was_recorded(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    field = Field(lambda name, now: 25.0)
    events: list[Event] = [
        Rebooted(START + 9, "web02"),
        Noted(START + 12, "web01", "x"),
        Noted(START + 13, None, "y", alarm=True),
    ]
    later = Noted(START + 5000, None, "seen by another dashboard, or before the clock was set back")
    await recorded(path, field, 30, events=[*events, later])
    field.now += 20
    recorder = field.recorder(path, "web01")  # web02 left the inventory
    await recorder.start()
    await field.slot()
    past = recorder.past
    assert past is not None
    assert past.events == events[1:]
    values = past.values("web01", "cpu", 2.0, 100)
    assert len(values) == 100
    assert all(value == 25.0 for value in values[:85]) and math.isnan(values[-5])
    assert past.values("nobody", "cpu", 2.0, 100) == ()
    await recorder.close()


def test_the_lock_is_the_files(tmp_path: Path) -> None:
    with lock("a", tmp_path) as path:
        assert path.name == "a.lock"


FULL = """
import asyncio, random, resource, signal, sys
from pathlib import Path
sys.path.insert(0, {root!r})
from tests.unit.recorder.recording import Field, until
from gridtui.recorder import Recording

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
names = [f"n{{number}}" for number in range(200)]

async def main():
    path = Path("a.db").resolve()
    field = Field(lambda name, now: random.random() * 100)
    recorder = field.recorder(path, *names)
    await recorder.start()
    await field.slot()
    await until(lambda: recorder._writing.done())
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, resource.RLIM_INFINITY))
    for _ in range(200):
        recorder._flushed_at -= 60
        await field.slot()
        await until(lambda: recorder._writing.done())
        if recorder.trouble:
            break
    print(recorder.trouble, recorder.lost)
    await field.slot(3)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    recorder._flushed_at -= 60
    await field.slot()
    await until(lambda: not recorder.trouble)
    await recorder.close()
    with Recording.open(path) as recording:
        values = recording.series("n0", "cpu", recording.since, recording.until, 10).values
        print(sum(value != value for value in values[:-1]), field.told[-1][0])

asyncio.run(main())
"""


def test_a_full_disk_is_waited_for_without_a_loss(tmp_path: Path) -> None:
    root = str(Path(__file__).parents[3])
    done = subprocess.run(
        [sys.executable, "-c", FULL.format(root=root)], cwd=tmp_path, capture_output=True, text=True, timeout=50
    )
    assert done.returncode == 0, done.stderr
    trouble, after = done.stdout.splitlines()
    assert "a.db" in trouble and trouble.endswith("True")
    assert after == "0 history is recorded again"
