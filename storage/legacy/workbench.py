"""Work on a copy of the database, put back in one transaction: killed at any moment, the file is old or new.

The copy goes back through SQLite's own backup, whose journal protects the old pages until the new ones are complete;
the file keeps its inode, so that whoever has it open sees the change instead of losing it.
"""

import contextlib
import os
import re
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, Literal

from storage.atomic_file import temporary_beside

Hook = Callable[[str], None]

PATIENCE_S: Final = 10.0
PAGES_A_STEP: Final = 256

_LEFT_OVER = re.compile(r"\..+\.[0-9a-f]{16}\.tmp(-journal|-wal|-shm)?")


def no_hook(_step: str) -> None:
    """What a run without an observer calls."""


class Working:
    """The copy, as the migration engine takes a database: a dialect and the driver's own connection."""

    dialect: Literal["sqlite", "postgresql"] = "sqlite"

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    def cursor_connection(self) -> sqlite3.Connection:
        return self.connection

    @contextlib.contextmanager
    def hold(self) -> Iterator[sqlite3.Connection]:
        yield self.connection


def connect(path: Path) -> sqlite3.Connection:
    """Open a database of old data: autocommit, and text that is not UTF-8 is read instead of refused."""
    connection = sqlite3.connect(path, isolation_level=None, timeout=PATIENCE_S)
    connection.text_factory = lambda raw: raw.decode("utf-8", "surrogateescape")
    return connection


@contextlib.contextmanager
def only_ours(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a database that nobody else can read or write until the block ends."""
    with contextlib.closing(connect(path)) as connection:
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA secure_delete = ON")
        # A journal that outlives its transaction, as it does in exclusive mode, must hold no old page: cut to nothing.
        _patiently(connection, "PRAGMA journal_mode = TRUNCATE")
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        _patiently(connection, "BEGIN EXCLUSIVE")
        # The lock outlives the transaction in this mode, and a backup needs a target without one.
        connection.execute("COMMIT")
        try:
            yield connection
        finally:
            with contextlib.suppress(sqlite3.Error):
                connection.execute("PRAGMA locking_mode = NORMAL")
                connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
                connection.execute("PRAGMA journal_mode = DELETE")


@contextlib.contextmanager
def working_copy(original: sqlite3.Connection, path: Path) -> Iterator[sqlite3.Connection]:
    """Give a private copy beside the file, gone afterwards; on Windows `sweep_copies` removes what a kill left."""
    target = temporary_beside(path)
    target.touch(mode=0o600, exist_ok=False)
    try:
        with contextlib.closing(connect(target)) as copy:
            original.backup(copy)
            # Nothing of it needs to survive a crash, and a journal of it would be one more place for secrets.
            copy.execute("PRAGMA journal_mode = MEMORY")
            copy.execute("PRAGMA synchronous = OFF")
            if os.name != "nt":
                # A file without a name is gone when the process is, however it ends.
                target.unlink()
            yield copy
    finally:
        remove_with_companions(target)


def put_back(copy: sqlite3.Connection, original: sqlite3.Connection, hook: Hook) -> None:
    """Make the original what the copy is, in one transaction that rolls itself back when it is cut short."""

    def progress(_status: int, remaining: int, total: int) -> None:
        hook(f"putting back {total - remaining} of {total}")

    copy.backup(original, pages=PAGES_A_STEP, progress=progress)


def remove_with_companions(path: Path) -> None:
    for ending in ("", "-journal", "-wal", "-shm"):
        path.with_name(path.name + ending).unlink(missing_ok=True)


def sweep_copies(folder: Path) -> None:
    """Remove the working copies and their journals that a killed run left: they hold what the database held."""
    with contextlib.suppress(OSError):
        for path in list(folder.iterdir()):
            if _LEFT_OVER.fullmatch(path.name) and path.is_file() and not path.is_symlink():
                path.unlink(missing_ok=True)


def _patiently(connection: sqlite3.Connection, sql: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            connection.execute(sql)
        except sqlite3.OperationalError as error:
            if (error.sqlite_errorcode or 0) & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() >= deadline:
                raise
            time.sleep(0.02)
        else:
            return
