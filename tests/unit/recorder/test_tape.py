"""Hours and days are packed, what is old is thrown away, and what comes from elsewhere is not believed."""

from __future__ import annotations

import os
import random
import sqlite3
from pathlib import Path

import pytest

from gridtui.errors import GridtuiError, StateError
from gridtui.recorder import Recording, codes
from gridtui.recorder.recording import Series
from gridtui.recorder.tape import STEADY, WINDOW, Batch, Tape
from gridtui.recorder.tiers import DAY, FINE
from gridtui.settings import History

from .recording import START, nodes

HOUR = 3600.0


def feed(tape: Tape, since: float, hours: float, value: float = 40.0, names: int = 2) -> None:
    """Hours of values, four writes an hour."""
    slot, end = int(since) // 10, int(since + hours * HOUR) // 10
    one = codes.encode([value if metric == "cpu" else float("nan") for metric in codes.RECORDED]) * names
    while slot < end:
        count = min(90, end - slot, WINDOW - slot % WINDOW)
        tape.add(Batch(start=slot, slots=[one] * count, until=(slot + count) * 10.0))
        slot += count


def settled(tape: Tape, now: float) -> None:
    while tape.settle(now):
        pass


def cpu(path: Path, since: float, until: float, step: float = 0.0) -> Series:
    with Recording.open(path) as recording:
        return recording.series("web01", "cpu", since, until, step)


def read_all(path: Path) -> None:
    with Recording.open(path) as recording:
        recording.columns(FINE, int(START) // 10, 720, recording.nodes)
        recording.at(START + HOUR)


def counts(path: Path) -> tuple[int, int, int, int]:
    with sqlite3.connect(path) as database:
        pieces = dict(database.execute("SELECT tier, count(*) FROM pieces GROUP BY tier"))
        journal = database.execute("SELECT count(*) FROM journal").fetchone()[0]
    database.close()
    return pieces.get(0, 0), pieces.get(1, 0), pieces.get(2, 0), journal


@pytest.fixture
def tape(tmp_path: Path) -> Tape:
    made = Tape(tmp_path / "a.db", History(keep=30, limit=100))
    made.begin(nodes("web01", "web02").values(), START)
    return made


def test_an_hour_is_packed_by_node_and_reads_the_same(tape: Tape) -> None:
    feed(tape, START, 1.5)
    before = cpu(tape.path, START, START + 1.5 * HOUR, 10)
    settled(tape, START + 1.5 * HOUR)
    assert counts(tape.path) == (2, 2, 0, 2)
    assert cpu(tape.path, START, START + 1.5 * HOUR, 10) == before
    assert list(before.values) == [40.0] * 540
    assert list(cpu(tape.path, START, START + 1.5 * HOUR, 60).values) == [40.0] * 90
    assert list(cpu(tape.path, START, START + 1.5 * HOUR, 900).values) == [40.0] * 6
    tape.close()


def test_days_are_merged(tape: Tape) -> None:
    feed(tape, START, 30)
    settled(tape, START + 30 * HOUR)
    assert counts(tape.path) == (60, 2 + 2 * 12, 2, 0)
    for step, values in ((60, 1800), (900, 120), (3600, 30)):
        series = cpu(tape.path, START, START + 30 * HOUR, step)
        assert list(series.values) == [40.0] * values, step
    tape.close()


def test_a_day_that_is_lived_through_again_is_merged_again(tape: Tape) -> None:
    feed(tape, START, 20)
    settled(tape, START + 20 * HOUR)
    tape.begin(nodes("web01", "web02").values(), START + HOUR)
    feed(tape, START + HOUR, 1, 60.0)
    settled(tape, START + 20 * HOUR)
    series = cpu(tape.path, START, START + 3 * HOUR, 60)
    assert list(series.values) == [40.0] * 60 + [50.0] * 60 + [40.0] * 60
    tape.close()


def test_a_crash_leaves_what_was_written(tmp_path: Path) -> None:
    tape = Tape(tmp_path / "a.db", History())
    tape.begin(nodes("web01").values(), START)
    feed(tape, START, 2, names=1)
    tape.settle(START + 2 * HOUR)
    tape.close()
    again = Tape(tmp_path / "a.db", History())
    settled(again, START + 3 * HOUR)
    assert list(cpu(again.path, START, START + 2 * HOUR, 10).values) == [40.0] * 720
    again.close()


def test_what_is_old_goes_only_by_a_clock_that_runs_evenly(tape: Tape) -> None:
    feed(tape, START, 30)
    settled(tape, START + 30 * HOUR)
    later = START + 3 * DAY + HOUR
    tape.prune(later, STEADY - 1)
    assert counts(tape.path)[0] == 60
    tape.prune(later, STEADY)
    assert counts(tape.path)[0] < 60 and counts(tape.path)[1] == 26
    assert cpu(tape.path, START, START + HOUR).step == 60  # the finer values are gone, so these are shown
    tape.prune(START + 50 * DAY, STEADY)
    assert counts(tape.path) == (0, 0, 0, 0)
    tape.close()


def test_the_limit_holds_and_the_finest_goes_first(tmp_path: Path) -> None:
    tape = Tape(tmp_path / "a.db", History(limit=1))
    tape.begin(nodes(*(f"n{number}" for number in range(40))).values(), START)
    chance = random.Random(1)
    for slot in range(int(START) // 10, int(START) // 10 + 8 * WINDOW, 6):
        tape.add(Batch(start=slot, slots=[chance.randbytes(40 * codes.COUNT) for _ in range(6)], until=slot * 10.0))
    settled(tape, START + 8 * HOUR)
    assert tape.used() > 1_000_000
    fine, middle, *_ = counts(tape.path)
    tape.prune(START + 8 * HOUR, 0)
    assert tape.used() <= 1_000_000
    assert counts(tape.path)[0] < fine and counts(tape.path)[1] == middle
    tape.close()


def test_files_that_nobody_watches_any_more_go(tape: Tape) -> None:
    old, new = tape.path.with_name("old.db"), tape.path.with_name("new.db")
    for path in (old, new):
        Tape(path, History()).close()
    os.utime(old, (START, START))
    os.utime(new, (START + 20 * DAY,) * 2)
    tape.prune(START + 31 * DAY, STEADY)
    assert sorted(path.name for path in tape.path.parent.glob("*.db")) == ["a.db", "new.db"]
    tape.close()


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE pieces SET body = x'00ff'",
        "UPDATE pieces SET body = 7",
        "UPDATE pieces SET slots = 1000000000",
        "UPDATE pieces SET slots = 'many'",
        "UPDATE nodes SET body = '[1]'",
        "UPDATE nodes SET body = '{\"port\": {}}'",
        "UPDATE happened SET body = '{}'",
        "UPDATE happened SET body = '{\"v\": 3}'",
        'UPDATE happened SET body = \'{"v": {"s": 9, "t": 0}}\'',
        "UPDATE spans SET nodes = x'0102'",
        "UPDATE spans SET since = 'x'",
        "UPDATE spans SET until = 9e999",
        "CREATE VIEW evil AS SELECT 1",
        "CREATE TRIGGER evil AFTER INSERT ON about BEGIN SELECT 1; END",
        "DROP TABLE journal",
        "PRAGMA user_version = 99",
    ],
)
def test_a_file_from_elsewhere_is_not_believed(tape: Tape, sql: str) -> None:
    feed(tape, START, 1.2)
    settled(tape, START + 1.2 * HOUR)
    with tape._database.write() as cursor:
        cursor.execute("INSERT INTO happened (time, node, kind, span, body) VALUES (?, 1, 1, 1, '{}')", (START,))
    tape.close()
    with sqlite3.connect(tape.path) as database:
        database.execute(sql)
    database.close()
    with pytest.raises(GridtuiError):
        read_all(tape.path)


def test_what_is_no_recording_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StateError, match="no file"):
        Recording.open(tmp_path / "none.db")
    (tmp_path / "text").write_text("hello " * 100)
    with pytest.raises(StateError):
        Recording.open(tmp_path / "text")
    sqlite3.connect(tmp_path / "other.db").execute("CREATE TABLE t (x)").close()
    with pytest.raises(StateError, match="no recording"):
        Recording.open(tmp_path / "other.db")
