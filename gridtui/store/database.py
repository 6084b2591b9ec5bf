"""A SQLite file of the state folder. Owns how it is opened, kept whole and complained about; knows no table.

The file is in WAL mode with synchronous=FULL: a transaction that was committed survives a power cut, readers never wait for a
writer, and a process that is killed leaves nothing half done. Calls are synchronous: a read takes some 5 µs, a commit one fsync(2).
sqlite3 is loaded by the first `open`, so that a check that keeps no database does not pay for it.
"""

from __future__ import annotations

import contextlib
import os
import stat
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import StateError
from . import files

if TYPE_CHECKING:
    import sqlite3

BUSY = 10.0
"""Seconds to wait for another writer. Ours hold the lock for milliseconds; 100,000 jobs submitted at once hold it for a second."""
_WAL_LIMIT = 8 << 20
"""Bytes that the write-ahead log keeps on the disk once it has been copied into the file."""

# Primary result codes (sqlite.org/rescode.html): what is wrong, and how to mend it.
_EXPLAINED = {
    3: ("may not be used", "see who owns it (ls -l)"),
    5: ("is locked by another process", "wait for it to end; `fuser` names it"),
    6: ("is locked by another process", "wait for it to end; `fuser` names it"),
    7: ("cannot be used: out of memory", ""),
    8: ("cannot be written: it is read-only", "see who owns it and its folder (ls -ld)"),
    10: ("cannot be read or written", "the disk reports errors, or is full"),
    13: ("cannot be written: the disk is full", "free some space there"),
    14: ("cannot be opened", "see who owns it and its folder (ls -ld)"),
    15: ("is locked by another process", "wait for it to end; `fuser` names it"),
    18: ("cannot hold this: too large", ""),
    22: ("cannot be written: files this large are not possible there", ""),
}
_DAMAGED = (11, 26)


class Database:
    """One open database. Not for more than one thread."""

    def __init__(self, path: Path, connection: sqlite3.Connection, foreign: bool = False) -> None:
        self.path = path
        self._connection = connection
        self._foreign = foreign
        self._inside = False

    @classmethod
    def open(
        cls,
        name: str,
        migrations: Sequence[str],
        folder: Path | None = None,
        *,
        replace_damaged: bool = False,
        patience: float = BUSY,
    ) -> Database:
        """Open `name`.db of the state folder (or of `folder`), mode 0600, and bring it up to date.

        `migrations` are SQL texts, each applied once and in order, in a transaction of its own; a text that was released is never
        changed. A damaged file is an error, or, with `replace_damaged`, is moved aside (`name`.db.damaged) for a new one: only for
        what can be done without. `patience` is how many seconds another writer is waited for. Raises StateError.
        """
        path = (folder or files.folder()) / f"{name}.db"
        try:
            return cls._open(path, migrations, patience)
        except StateError as error:
            if not (replace_damaged and damaged(error)):
                raise
        set_aside(path)
        return cls._open(path, migrations, patience)

    @classmethod
    def view(cls, path: Path, migrations: Sequence[str]) -> Database:
        """Open a file to read it alone, wherever it came from: nothing that it says of itself is carried out. Raises StateError.

        What it holds may have any type and any value all the same.
        """
        import sqlite3

        if not path.is_file():
            raise StateError(f"there is no file {path}")
        with _explained(path):
            connection = sqlite3.connect(
                f"{path.resolve().as_uri()}?mode=ro",
                uri=True,
                timeout=BUSY,
                isolation_level=None,
                cached_statements=256,
            )
        database = cls(path, connection, foreign=True)
        try:
            with _explained(path):
                for pragma in ("trusted_schema = OFF", "query_only = ON", "cell_size_check = ON"):
                    connection.execute(f"PRAGMA {pragma}")
            found = database.rows("SELECT type, name, sql FROM sqlite_master")
            # A view or a trigger would be SQL of whoever made the file.
            if any(
                kind not in ("table", "index") or str(sql).upper().startswith("CREATE VIRTUAL")
                for kind, _, sql in found
            ):
                raise StateError(f"{path} holds more than tables, and is not read")
            if database.value("PRAGMA user_version") > len(migrations):
                raise StateError(f"{path} was written by a newer gridtui", hint="use that one")
        except BaseException:
            connection.close()
            raise
        return database

    @classmethod
    def memory(cls, migrations: Sequence[str]) -> Database:
        """One that is empty, and gone when it is closed."""
        import sqlite3

        database = cls(Path(":memory:"), sqlite3.connect(":memory:", isolation_level=None))
        database._migrate(migrations)
        return database

    @classmethod
    def _open(cls, path: Path, migrations: Sequence[str], patience: float) -> Database:
        import sqlite3

        _make(path)
        with _explained(path):
            connection = sqlite3.connect(path, timeout=patience, isolation_level=None, cached_statements=256)
        database = cls(path, connection)
        try:
            with _explained(path):
                database._configure()
            database._migrate(migrations)
        except BaseException:
            connection.close()
            raise
        return database

    def _configure(self) -> None:
        for pragma in ("foreign_keys = ON", "synchronous = FULL", f"journal_size_limit = {_WAL_LIMIT}"):
            self._connection.execute(f"PRAGMA {pragma}")
        # The change to WAL wants the file for itself and does not wait for it, unlike everything else.
        until = time.monotonic() + BUSY
        while True:
            try:
                # A file system that has no shared memory (NFS) stays with the rollback journal: slower, and as safe.
                self._connection.execute("PRAGMA journal_mode = WAL")
                return
            except _errors() as error:
                if _code(error) not in (5, 6) or time.monotonic() > until:
                    raise
                time.sleep(0.01)

    def _migrate(self, migrations: Sequence[str]) -> None:
        if self.value("PRAGMA user_version") == len(migrations):
            return
        with self.write() as cursor:
            # Another process may have been first.
            version = cursor.execute("PRAGMA user_version").fetchone()[0]
            if version > len(migrations):
                raise StateError(
                    f"{self.path} was written by a newer gridtui", hint="use that one, or move the file away"
                )
            for migration in migrations[version:]:
                for statement in _statements(migration):
                    cursor.execute(statement)
            cursor.execute(f"PRAGMA user_version = {len(migrations)}")

    def close(self) -> None:
        """Close it. Twice is once."""
        with contextlib.suppress(_errors()):
            self._connection.close()

    @contextlib.contextmanager
    def write(self) -> Iterator[sqlite3.Cursor]:
        """A transaction that writes: all of it or nothing. It holds the write lock from the beginning, so that what it read stays
        true until it ends. Not to be nested. Raises StateError; the content is then as before."""
        with self._transaction("BEGIN IMMEDIATE") as cursor:
            yield cursor

    @contextlib.contextmanager
    def read(self) -> Iterator[sqlite3.Cursor]:
        """Several reads of one state of the content. Raises StateError."""
        with self._transaction("BEGIN") as cursor:
            yield cursor

    @contextlib.contextmanager
    def _transaction(self, begin: str) -> Iterator[sqlite3.Cursor]:
        if self._inside:
            raise RuntimeError("transactions are not nested")
        with _explained(self.path):
            cursor = self._connection.cursor()
            cursor.execute(begin)
            self._inside = True
            try:
                yield cursor
                cursor.execute("COMMIT")
            except BaseException:
                # SQLite may have rolled back by itself already (full disk).
                with contextlib.suppress(_errors()):
                    self._connection.execute("ROLLBACK")
                raise
            finally:
                self._inside = False
                with contextlib.suppress(_errors()):
                    cursor.close()

    @contextlib.contextmanager
    def hasty(self, seconds: float) -> Iterator[None]:
        """Another writer is waited for no longer than that: for who has better things to do meanwhile. Raises StateError."""
        with _explained(self.path):
            self._connection.execute(f"PRAGMA busy_timeout = {1000 * seconds:.0f}")
            try:
                yield
            finally:
                with contextlib.suppress(_errors()):
                    self._connection.execute(f"PRAGMA busy_timeout = {1000 * BUSY:.0f}")

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """All rows of one query. Raises StateError."""
        with _explained(self.path, self._foreign):
            return self._connection.execute(sql, parameters).fetchall()

    def value(self, sql: str, parameters: Sequence[Any] = ()) -> Any:
        """The first column of the first row; None when there is none. Raises StateError."""
        with _explained(self.path, self._foreign):
            row = self._connection.execute(sql, parameters).fetchone()
        return row[0] if row else None

    def version(self) -> int:
        """A number that differs from the last one when another connection has committed since. Raises StateError."""
        return int(self.value("PRAGMA data_version"))


def set_aside(path: Path) -> Path:
    """Move a damaged database away, with what belongs to it, and give its new name. One is kept. Raises StateError."""
    aside = path.with_name(path.name + ".damaged")
    try:
        for ending in ("-wal", "-shm", ""):
            with contextlib.suppress(FileNotFoundError):
                os.replace(f"{path}{ending}", f"{aside}{ending}")
    except OSError as error:
        raise StateError(f"{path} cannot be moved aside: {error.strerror}") from error
    return aside


def damaged(error: StateError) -> bool:
    """Whether the file itself is what is wrong."""
    return error.__cause__ is not None and _of_damage(error.__cause__)


def _of_damage(error: BaseException) -> bool:
    # Text that is no UTF-8 has no code: Python finds it, not SQLite.
    return _code(error) in _DAMAGED or isinstance(error, UnicodeError) or "Could not decode to UTF-8" in str(error)


def _make(path: Path) -> None:
    # SQLite would make it with the umask's mode; its companions (-wal, -shm) get the mode that it has.
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            seen = os.fstat(handle)
            if stat.S_IMODE(seen.st_mode) & 0o077 and seen.st_uid == os.geteuid():
                os.fchmod(handle, 0o600)
        finally:
            os.close(handle)
    except OSError as error:
        raise StateError(
            f"{path} cannot be opened: {error.strerror}", hint="see who owns it and its folder (ls -ld)"
        ) from error


def _statements(script: str) -> Iterator[str]:
    """The statements of a script. `executescript` would end the transaction that they are to be part of."""
    import sqlite3

    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
    assert not statement.strip(), f"a migration ends in the middle of a statement: {statement!r}"


def _errors() -> type[Exception]:
    import sqlite3

    return sqlite3.Error


def _code(error: BaseException) -> int:
    return (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF


@contextlib.contextmanager
def _explained(path: Path, foreign: bool = False) -> Iterator[None]:
    """The border: what SQLite says becomes a StateError, unless it is a mistake of ours (wrong SQL, a broken constraint). In a file that is
    `foreign` it never is: its tables may have any columns."""
    try:
        yield
    except (_errors(), UnicodeError) as error:
        code = _code(error)
        explained = _EXPLAINED.get(code)
        if _of_damage(error) or (foreign and explained is None):
            raise StateError(
                f"{path} is damaged: {error}",
                hint=f"move it away, or save what can be read: sqlite3 {path.name} .recover",
            ) from error
        if explained is not None:
            what, hint = explained
            raise StateError(f"{path} {what}: {error}" if code == 10 else f"{path} {what}", hint=hint) from error
        raise
