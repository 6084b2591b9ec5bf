"""SQLite files of the state folder: whole after a kill, and one line of English for all that can go wrong with them."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gridtui.errors import StateError
from gridtui.store import database
from gridtui.store.database import Database
from tests.unit.store.disks import disk

FIRST = "CREATE TABLE word (text TEXT PRIMARY KEY);\nINSERT INTO word VALUES ('first');\n"
SECOND = "ALTER TABLE word ADD COLUMN size INTEGER;\nUPDATE word SET size = length(text);\n"
TRIGGER = "CREATE TRIGGER t AFTER INSERT ON word BEGIN\n  UPDATE word SET text = 'a; b';\n  DELETE FROM word;\nEND;\n"


@pytest.fixture(autouse=True)
def _closed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whatever a test opened is closed after it."""
    opened: list[Database] = []
    made = Database.__init__

    def remember(self: Database, path: Path, connection: sqlite3.Connection, foreign: bool = False) -> None:
        made(self, path, connection, foreign)
        opened.append(self)

    monkeypatch.setattr(Database, "__init__", remember)
    yield
    for db in opened:
        db.close()


def words(db: Database) -> list[str]:
    return [row[0] for row in db.rows("SELECT text FROM word ORDER BY text")]


def add(db: Database, *texts: str) -> None:
    with db.write() as cursor:
        cursor.executemany("INSERT INTO word (text) VALUES (?)", [(text,) for text in texts])


def test_a_new_one_is_the_users_alone_and_survives_a_power_cut(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        db = Database.open("words", [FIRST], tmp_path)
        add(db, "second")
    finally:
        os.umask(before)
    modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    assert modes == {"words.db": 0o600, "words.db-wal": 0o600, "words.db-shm": 0o600}
    assert db.value("PRAGMA journal_mode") == "wal"
    assert db.value("PRAGMA synchronous") == 2  # FULL
    assert db.value("PRAGMA foreign_keys") == 1
    db.close()
    db.close()
    assert [path.name for path in tmp_path.iterdir()] == ["words.db"]


def test_one_that_is_open_to_others_is_closed_to_them(tmp_path: Path) -> None:
    Database.open("words", [FIRST], tmp_path).close()
    (tmp_path / "words.db").chmod(0o644)
    Database.open("words", [FIRST], tmp_path).close()
    assert (tmp_path / "words.db").stat().st_mode & 0o777 == 0o600


def test_it_lies_in_the_state_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    Database.open("words", [FIRST]).close()
    assert (tmp_path / "gridtui" / "words.db").exists()


def test_migrations_are_applied_once_and_in_order(tmp_path: Path) -> None:
    Database.open("words", [FIRST], tmp_path).close()
    for _ in range(2):
        db = Database.open("words", [FIRST, SECOND, TRIGGER], tmp_path)
        assert db.rows("SELECT text, size FROM word") == [("first", 5)]
        assert db.value("PRAGMA user_version") == 3
        db.close()


def test_a_migration_that_fails_changes_nothing(tmp_path: Path) -> None:
    Database.open("words", [FIRST], tmp_path).close()
    with pytest.raises(sqlite3.OperationalError):
        Database.open("words", [FIRST, SECOND + "CREATE TABLE word (x);\n"], tmp_path)
    with Database.open("words", [FIRST], tmp_path).read() as cursor:
        assert cursor.execute("SELECT * FROM word").fetchall() == [("first",)]


def test_a_file_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    Database.open("words", [FIRST, SECOND], tmp_path).close()
    with pytest.raises(
        StateError, match=r"words\.db was written by a newer gridtui; use that one, or move the file away"
    ):
        Database.open("words", [FIRST], tmp_path)


def test_many_open_a_new_one_at_once(tmp_path: Path) -> None:
    def begin(number: int) -> None:
        db = Database.open("words", [FIRST, SECOND], tmp_path)
        add(db, f"word {number:02}")
        db.close()

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(begin, range(32)))
    assert words(Database.open("words", [FIRST, SECOND], tmp_path)) == ["first", *(f"word {n:02}" for n in range(32))]


def test_a_transaction_is_all_or_nothing(tmp_path: Path) -> None:
    db = Database.open("words", [FIRST], tmp_path)
    with contextlib.suppress(ZeroDivisionError), db.write() as cursor:
        cursor.execute("INSERT INTO word VALUES ('lost')")
        raise ZeroDivisionError
    with pytest.raises(sqlite3.IntegrityError):
        add(db, "lost", "first")
    assert words(db) == ["first"]
    with db.write(), pytest.raises(RuntimeError, match="not nested"), db.write():
        pass
    add(db, "second")
    assert words(db) == ["first", "second"]


def test_readers_see_one_state_and_never_wait(tmp_path: Path) -> None:
    one, other = (Database.open("words", [FIRST], tmp_path) for _ in range(2))
    with one.read() as cursor:
        assert cursor.execute("SELECT count(*) FROM word").fetchone() == (1,)
        add(other, "second")
        assert cursor.execute("SELECT count(*) FROM word").fetchone() == (1,)
        with other.write() as writing:
            writing.execute("INSERT INTO word VALUES ('third')")
            assert cursor.execute("SELECT count(*) FROM word").fetchone() == (1,)
    assert len(words(one)) == 3


def test_what_others_commit_is_noticed(tmp_path: Path) -> None:
    one, other = (Database.open("words", [FIRST], tmp_path) for _ in range(2))
    before = one.version()
    add(one, "mine")
    assert one.version() == before
    add(other, "theirs")
    assert one.version() != before


def test_a_writer_waits_for_another_and_then_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "BUSY", 0.05)
    one, other = (Database.open("words", [FIRST], tmp_path) for _ in range(2))
    with (
        one.write(),
        pytest.raises(StateError, match=r"words\.db is locked by another process; wait for it to end"),
        other.write(),
    ):
        pass
    add(other, "second")


def test_who_is_in_haste_does_not_wait(tmp_path: Path) -> None:
    one, other = (Database.open("words", [FIRST], tmp_path) for _ in range(2))
    with one.write(), other.hasty(0.0):
        with pytest.raises(StateError, match="is locked") as caught, other.write():
            pass
        assert not database.damaged(caught.value)
    assert other.value("PRAGMA busy_timeout") == 1000 * database.BUSY, "and is as before"
    with other.hasty(0.05):
        add(other, "second")
    assert words(one) == ["first", "second"]


@pytest.mark.parametrize("at", [0, 4096])
def test_a_damaged_file_is_kept_unless_it_can_be_done_without(tmp_path: Path, at: int) -> None:
    db = Database.open("words", [FIRST], tmp_path)
    add(db, *(f"{n:0100}" for n in range(1000)))
    db.close()
    path = tmp_path / "words.db"
    with path.open("r+b") as file:
        file.seek(at)
        file.write(b"\xff" * 8192)
    damaged = path.read_bytes()

    with pytest.raises(
        StateError, match=r"words\.db is damaged: .*; move it away, or save what can be read: sqlite3"
    ) as caught:
        words(Database.open("words", [FIRST], tmp_path))
    assert database.damaged(caught.value)
    assert path.read_bytes()[at : at + 8192] == b"\xff" * 8192
    if at == 0:
        assert words(Database.open("words", [FIRST], tmp_path, replace_damaged=True)) == ["first"]
        assert (tmp_path / "words.db.damaged").read_bytes() == damaged


@pytest.mark.parametrize("where", [b"CREATE TABLE", b"a certain word"])
def test_text_that_is_none_is_damage(tmp_path: Path, where: bytes) -> None:
    """SQLite gives it away as it is; Python cannot read it."""
    db = Database.open("words", [FIRST], tmp_path)
    add(db, "a certain word")
    db.close()
    path = tmp_path / "words.db"
    path.write_bytes(path.read_bytes().replace(where, b"\xff" + where[1:]))
    with pytest.raises(StateError, match="is damaged"):
        words(Database.view(path, [FIRST]))


def test_a_file_from_elsewhere_has_whatever_columns(tmp_path: Path) -> None:
    db = Database.open("words", [FIRST], tmp_path)
    with pytest.raises(sqlite3.OperationalError):
        db.rows("SELECT wrod FROM word")  # a mistake of ours
    db.close()
    with pytest.raises(StateError, match="is damaged: no such column: wrod"):
        Database.view(tmp_path / "words.db", [FIRST]).rows("SELECT wrod FROM word")


def test_what_is_no_database_or_no_file(tmp_path: Path) -> None:
    (tmp_path / "words.db").write_text("a shopping list\n" * 400)
    with pytest.raises(StateError, match="is damaged: file is not a database"):
        Database.open("words", [FIRST], tmp_path)
    (tmp_path / "words.db").unlink()
    (tmp_path / "words.db").symlink_to("/etc/passwd")
    with pytest.raises(StateError, match="cannot be opened") as caught:
        Database.open("words", [FIRST], tmp_path, replace_damaged=True)
    assert not database.damaged(caught.value)
    (tmp_path / "words.db").unlink()
    (tmp_path / "words.db").mkdir()
    with pytest.raises(StateError, match="cannot be opened: Is a directory"):
        Database.open("words", [FIRST], tmp_path)
    with pytest.raises(StateError, match="cannot be opened: No such file or directory"):
        Database.open("words", [FIRST], tmp_path / "missing")


def fill(db: Database, kept: list[str]) -> None:
    """Add words until it fails; `kept` gets those of which it did not."""
    for number in range(10_000):
        add(db, text := f"{number:02000}")
        kept.append(text)


def test_a_full_disk_loses_nothing_that_was_there(tmp_path: Path) -> None:
    with disk(tmp_path / "small", kilobytes=512) as folder:
        db = Database.open("words", [FIRST], folder)
        kept = ["first"]
        with pytest.raises(StateError, match=r"words\.db cannot be written: the disk is full; free some space there"):
            fill(db, kept)
        assert len(kept) > 10
        assert set(words(db)) == set(kept)
        (folder / "words.db").stat()
        db.close()
        # what cannot be copied out of the log stays in it
        again = Database.open("words", [FIRST], folder)
        assert set(words(again)) == set(kept)
        assert again.value("PRAGMA integrity_check") == "ok"
        again.close()


def test_a_disk_that_is_full_from_the_beginning(tmp_path: Path) -> None:
    with disk(tmp_path / "small", kilobytes=64) as folder:
        filler = folder / "filler"
        with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
            while file.write(b"x" * 4096):
                pass
        with pytest.raises(StateError, match=r"words\.db cannot be"):
            Database.open("words", [FIRST], folder)
        filler.unlink()
        assert words(Database.open("words", [FIRST], folder)) == ["first"]


def test_a_disk_that_is_read_only(tmp_path: Path) -> None:
    with disk(tmp_path / "small", kilobytes=512) as folder:
        Database.open("words", [FIRST], folder).close()
        subprocess.run(["mount", "-o", "remount,ro", folder], check=True)
        with pytest.raises(StateError, match=r"words\.db cannot be opened: Read-only file system; see who owns it"):
            Database.open("words", [FIRST], folder)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_is_not_ours_to_write(tmp_path: Path) -> None:
    folder = tmp_path / "closed"
    folder.mkdir(mode=0o500)
    with pytest.raises(StateError, match="cannot be opened: Permission denied"):
        Database.open("words", [FIRST], folder)


def test_sqlite_is_loaded_only_where_one_is_opened() -> None:
    code = "import sys, gridtui.store.database, gridtui.jobs.queue; print('sqlite3' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
