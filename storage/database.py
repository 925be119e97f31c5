"""Opens the database and carries its transactions: deadlines, pragmas, and the check that the file is still the one.

Peewee opens the connections and makes the SQL texts; statements run on the driver's own cursor, which is what keeps
reading near the driver's speed and keeps bound values out of Peewee's debug log.

The journal is always a rollback journal with synchronous FULL: one file holds everything, so that a copy, a rename or a
crash never leaves half of it behind in a -wal.
"""

import contextlib
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from enum import Enum, auto
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal, TypeVar

from models.orm import pw
from models.problem import Category, Problem, StoreError
from storage.diagnosis import diagnose, problem_for, why_not_opened
from storage.list_rows import file_uri

T = TypeVar("T")

BUSY_WAIT: Final = 2.0
"""Seconds that SQLite itself waits for a lock before it says so."""
PATIENCE: Final = 10.0
"""Seconds that a call waits in all while another program holds the file."""
WHOLE_CHECK_BYTES: Final = 64 * 1024 * 1024
"""Files up to this size are checked whole at start; of larger ones, the tables that nothing else could restore."""
READERS_KEPT: Final = 4

_MAGIC = b"SQLite format 3\x00"
_OWN_TABLES = ("exchange_connections", "deleted_connections", "migrations")
# What quick_check says about a row that another program wrote, which is no reason to take the file away.
_RULE_BROKEN = ("CHECK constraint failed", "NULL value in", "TEXT value in", "NUMERIC value in")
_DRIVER_ERRORS = (sqlite3.Error, pw.PeeweeException)
_NOT_STORABLE = (UnicodeEncodeError, OverflowError)


class Place(Enum):
    """What is at the database's path now, compared with the file that is open."""

    SAME = auto()
    DELETED = auto()
    REPLACED = auto()
    FOLDER_GONE = auto()


class Database:
    """One open database. One writer connection behind a lock, and a few readers; usable from any thread.

    `read_only` refuses every write with NOT_WRITABLE. `peewee` is the writer's Peewee database.
    """

    dialect: Literal["sqlite", "postgresql"] = "sqlite"

    def __init__(self, path: Path, *, read_only: bool, patience: float = PATIENCE) -> None:
        self.path = path
        self.location = str(path)
        self.read_only = read_only
        self.patience = patience
        self.peewee: pw.SqliteDatabase = _peewee(path, read_only=read_only, wait=min(BUSY_WAIT, patience))
        self._lock = threading.RLock()
        self._readers: list[pw.SqliteDatabase] = []
        self._readers_lock = threading.Lock()
        self._identity: tuple[int, int] | None = None
        self._data_version = 0
        self._closed = False
        self._interrupted = False

    @classmethod
    def open_sqlite(cls, path: Path, *, read_only: bool = False, patience: float = PATIENCE) -> "Database":
        """Open a file, made (0600) if it is missing and may be. Raises StoreError with the category of the trouble."""
        look_at(path, read_only=read_only)
        if not read_only:
            _create(path)
        database = cls(path, read_only=read_only, patience=patience)
        try:
            database._connect()
        except BaseException:  # whatever it is: it goes on, and no file stays open
            database.close()
            raise
        return database

    def cursor_connection(self) -> sqlite3.Connection:
        """Return the writer's own driver connection (isolation_level None), for whoever runs SQL files; see `hold`."""
        if self._closed:
            raise StoreError(_closed_problem())
        connection: sqlite3.Connection = self.peewee.connection()  # type: ignore[no-untyped-call]
        return connection

    @contextlib.contextmanager
    def hold(self) -> Iterator[sqlite3.Connection]:
        """Keep the writer connection for a block that has transactions of its own."""
        with self._lock, self._translated():
            yield self.cursor_connection()

    @contextlib.contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """BEGIN IMMEDIATE, the block, COMMIT; rolled back whole when anything fails."""
        if self.read_only:
            raise StoreError(_read_only_problem(self.path))
        with self._lock, self._translated():
            self.check_place()
            connection = self.cursor_connection()
            self._patiently(lambda: connection.execute("BEGIN IMMEDIATE"))
            try:
                yield connection
                self._patiently(lambda: connection.execute("COMMIT"))
            except BaseException:  # an interruption, too, leaves no transaction open; it goes on
                if connection.in_transaction:
                    with contextlib.suppress(sqlite3.Error):
                        connection.execute("ROLLBACK")
                raise

    @contextlib.contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """Give a reading connection that no other thread has; writers go on beside it."""
        self.check_place()
        with self._translated():
            reader = self._take_reader()
            try:
                yield reader.connection()  # type: ignore[no-untyped-call]
            finally:
                self._give_back(reader)

    def quick_check(self) -> str:
        """Return "ok", or what SQLite finds damaged first. Rows that break a rule of the schema are not damage."""
        whole = self.path.stat().st_size <= WHOLE_CHECK_BYTES
        with self.hold() as connection:
            texts = ["PRAGMA quick_check"]
            if not whole:
                texts = [f"PRAGMA quick_check({name})" for name in _OWN_TABLES if has_table(connection, name)]
            for text in texts:
                found = self._patiently(partial(_all_rows, connection, text))
                damage = [row[0] for row in found if row[0] != "ok" and not row[0].startswith(_RULE_BROKEN)]
                if damage:
                    return str(damage[0])
        return "ok"

    def changed_elsewhere(self) -> bool:
        """Tell whether another program committed since the last call. Never waits: busy counts as unchanged."""
        if self._closed or not self._lock.acquire(blocking=False):
            return False
        try:
            before, self._data_version = self._data_version, _data_version(self.cursor_connection())
            return before != self._data_version
        except _DRIVER_ERRORS:
            return False
        finally:
            self._lock.release()

    def place(self) -> Place:
        """Compare the path with the open file by device and inode."""
        try:
            found = self.path.stat()
        except OSError:
            return Place.DELETED if self.path.parent.is_dir() else Place.FOLDER_GONE
        return Place.SAME if (found.st_dev, found.st_ino) == self._identity else Place.REPLACED

    def check_place(self) -> None:
        """Raise StoreError(MOVED) when the path is no longer the open file."""
        place = self.place()
        if place is not Place.SAME:
            raise StoreError(moved_problem(self.path, place))

    def save_copy(self, target: Path) -> None:
        """Write what the open file holds to `target`, which must not exist; works when the file lost its name, too."""
        descriptor = os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        os.close(descriptor)
        with self.hold() as connection, contextlib.closing(sqlite3.connect(target)) as copy:
            connection.backup(copy)
        descriptor = os.open(target, os.O_RDWR)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def forbid_writing(self) -> None:
        """Turn read-only from now on: SQLite itself refuses, whoever asks."""
        self.read_only = True
        with self.hold() as connection:
            connection.execute("PRAGMA query_only = ON")

    def pragma(self, name: str) -> str:
        """Return a pragma's value as text."""
        with self.hold() as connection:
            found = connection.execute(f"PRAGMA {name}").fetchone()
        return str(found[0]) if found else ""

    def interrupt(self) -> None:
        """End what the writer does now and every wait for a lock, because the program quits."""
        self._interrupted = True
        with contextlib.suppress(*_DRIVER_ERRORS):
            self.peewee.connection().interrupt()  # type: ignore[no-untyped-call]

    def close(self) -> None:
        with self._lock:
            self._closed = True
            with self._readers_lock:
                readers, self._readers = self._readers, []
            for each in (*readers, self.peewee):
                with contextlib.suppress(*_DRIVER_ERRORS):
                    each.close()

    def _connect(self) -> None:
        with self._translated():
            # Setting the pragmas reads the file, so that this can meet a lock, too.
            self._patiently(self.peewee.connect)
            connection = self.cursor_connection()
            # A garbage file opens without error; only reading the schema tells.
            self._patiently(lambda: connection.execute("SELECT count(*) FROM sqlite_master").fetchone())
            if not self.read_only:
                _use_rollback_journal(connection)
            found = self.path.stat()
            self._identity = (found.st_dev, found.st_ino)
            self._data_version = _data_version(self.cursor_connection())

    def _take_reader(self) -> pw.SqliteDatabase:
        if self._closed:
            raise StoreError(_closed_problem())
        with self._readers_lock:
            if self._readers:
                return self._readers.pop()
        reader = _peewee(self.path, read_only=True, wait=self.patience)
        reader.connect()
        return reader

    def _give_back(self, reader: pw.SqliteDatabase) -> None:
        with self._readers_lock:
            if not self._closed and len(self._readers) < READERS_KEPT:
                self._readers.append(reader)
                return
        reader.close()

    def _patiently(self, call: Callable[[], T]) -> T:
        """Try again while another program holds the file, for `patience` seconds in all."""
        deadline = time.monotonic() + self.patience
        while True:
            try:
                return call()
            except _DRIVER_ERRORS as error:
                if not _is_busy(error) or self._interrupted or time.monotonic() >= deadline:
                    raise
            time.sleep(0.01)

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (*_DRIVER_ERRORS, *_NOT_STORABLE) as error:
            raise StoreError(diagnose(error, where=str(self.path), path=self.path)) from error


def look_at(path: Path, *, read_only: bool = False) -> None:
    """Raise StoreError saying why a path cannot be a database: no folder, a folder, a pipe, no permission, garbage."""
    case = why_not_opened(path)
    # SQLite deletes the -wal of a file that it does not take for a write-ahead database; so this looks before it does.
    if _log_without_database(path) or (case == "CANT_OPEN" and not _has_header(path)):
        raise StoreError(problem_for("CORRUPT", where=str(path), detail="header"))
    if case != "CANT_OPEN" and (case != "CANT_OPEN.missing" or read_only):
        raise StoreError(problem_for(case, where=str(path)))


def _log_without_database(path: Path) -> bool:
    """Tell whether a write-ahead log lies beside an empty or missing file."""
    try:
        log = path.with_name(path.name + "-wal").stat().st_size
        return log > 0 and (not path.exists() or path.stat().st_size == 0)
    except OSError:
        return False


def _has_header(path: Path) -> bool:
    try:
        with open(path, "rb") as file:
            return file.read(len(_MAGIC)) in {_MAGIC, b""}
    except OSError as error:
        raise StoreError(diagnose(error, where=str(path), path=path)) from error


def has_table(connection: sqlite3.Connection, name: str) -> bool:
    found = connection.execute("SELECT 1 FROM sqlite_master WHERE type IN ('table', 'view') AND name = ?", (name,))
    return found.fetchone() is not None


def moved_problem(path: Path, place: Place) -> Problem:
    """Say what became of the file while it was in use."""
    what = {
        Place.DELETED: f"{path} was deleted while in use.",
        Place.REPLACED: f"{path} was replaced by another file while in use.",
        Place.FOLDER_GONE: f"The folder {path.parent} was moved or renamed while in use.",
    }[place]
    solution = {
        Place.DELETED: "Leave the folder as it is while the program runs.",
        Place.REPLACED: "Look at the list, which now shows the new file, and save again.",
        Place.FOLDER_GONE: "Move it back; the program goes on by itself. Nothing was lost.",
    }[place]
    return Problem(Category.MOVED, what, solution)


def _peewee(path: Path, *, read_only: bool, wait: float) -> pw.SqliteDatabase:
    pragmas: dict[str, Any] = {"foreign_keys": "ON", "synchronous": "FULL", "secure_delete": "ON"}
    uri = file_uri(os.path.abspath(path), "ro" if read_only else "rw")  # noqa: PTH100 - resolve() would follow links
    if read_only and _is_unreadable_wal(path):
        uri += "&immutable=1"
    return pw.SqliteDatabase(
        uri, uri=True, thread_safe=False, check_same_thread=False, timeout=wait, pragmas={} if read_only else pragmas
    )


def _is_unreadable_wal(path: Path) -> bool:
    """A write-ahead database in a folder that cannot be written opens only as one that nobody changes."""
    if os.access(path.parent, os.W_OK) or path.with_name(path.name + "-wal").exists():
        return False
    try:
        with open(path, "rb") as file:
            return file.read(20)[18:20] == b"\x02\x02"
    except OSError:
        return False


def _create(path: Path) -> None:
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError:
        return
    except OSError as error:
        raise StoreError(diagnose(error, where=str(path), path=path)) from error


def _use_rollback_journal(connection: sqlite3.Connection) -> None:
    """Leave write-ahead mode, which others may have set; while they have the file open it stays, and works too."""
    if connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal":
        with contextlib.suppress(sqlite3.OperationalError):
            connection.execute("PRAGMA journal_mode = DELETE")


def _is_busy(error: Exception) -> bool:
    code = getattr(getattr(error, "orig", error), "sqlite_errorcode", None) or 0
    return code & 0xFF in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}


def _data_version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA data_version").fetchone()[0])


def _all_rows(connection: sqlite3.Connection, text: str) -> list[Any]:
    return connection.execute(text).fetchall()


def _closed_problem() -> Problem:
    return Problem(Category.CANT_OPEN, "The database is closed.", "Start the program again.")


def _read_only_problem(path: Path) -> Problem:
    return Problem(
        Category.NOT_WRITABLE,
        f"{path} is open for reading only; nothing was changed.",
        "See the Database page for the reason.",
        by_command="See the reason with `status`.",
    )
