"""An open PostgreSQL database: one writer, a few readers, sessions that are replaced when they break.

Nothing is SET for a session, so that a pooler in transaction mode may stand between: limits travel with each
transaction or read. Peewee opens and closes the sessions; statements run on the driver's own cursor.
"""

import contextlib
import threading
from collections.abc import Iterator
from typing import Final, Literal

import psycopg2
from psycopg2.extensions import connection

from models.orm import give_driver
from models.problem import Category, CommitUnknownError, Problem, StoreError
from storage.database import Place
from storage.postgresql import deadline
from storage.postgresql.address import Address
from storage.postgresql.executor import SessionStatements, roll_back
from storage.postgresql.failure import is_closed, problem_of
from storage.postgresql.limits import READ_LIMIT
from storage.postgresql.session import BEGIN_TEXT, Pace, connect
from storage.postgresql.sessions import Readers, Slot

MIGRATION_SECONDS: Final = 120.0
"""What one statement of a migration may take until the server counts as frozen."""
# The same as SQLite's BEGIN IMMEDIATE: one program writes at a time, and what was read inside stays true to the end.
_LOCK_TO_WRITE = "LOCK TABLE exchange_connections IN SHARE ROW EXCLUSIVE MODE; "
_BEGIN_WRITING = f"{BEGIN_TEXT}; {_LOCK_TO_WRITE}"
# Sooner than the deadline of a probe, so that it tells a lock from a server that is silent.
_BEGIN_PROBE = f"{BEGIN_TEXT}; SET LOCAL lock_timeout = '1s'; {_LOCK_TO_WRITE}"
_OWN_TABLES = ("exchange_connections", "deleted_connections", "applied_operations", "store_identity")


class PostgresDatabase:
    """One database on a server or a cluster, usable from any thread.

    `pace` is shared by all that connect to the same server. `read_only` refuses every write with NOT_WRITABLE.
    `stop` ends every call, in whatever thread.
    """

    dialect: Literal["sqlite", "postgresql"] = "postgresql"

    def __init__(self, address: Address, *, pace: Pace | None = None, read_only: bool = False) -> None:
        self.address = address
        self.location = address.masked()
        self.read_only = read_only
        self.server_version = ""
        self.pace = pace or Pace()
        self.stop = deadline.Stop()
        give_driver()
        self.writer = Slot(self._connect)
        self.readers = Readers(self._connect)
        self._lock = threading.RLock()

    @classmethod
    def open(cls, address: Address, *, pace: Pace | None = None, read_only: bool = False) -> "PostgresDatabase":
        """Connect. Raises StoreError with the category of the trouble."""
        database = cls(address, pace=pace, read_only=read_only)
        with database._translated():
            database.writer.session()
        return database

    def cursor_connection(self) -> connection:
        """Return the writer's own driver connection, in autocommit, for whoever runs SQL files; see `hold`."""
        with self._translated():
            return self.writer.session()

    @contextlib.contextmanager
    def hold(self) -> Iterator[connection]:
        """Keep the writer's session for a block that has transactions of its own and may take minutes."""
        with self._lock, self._translated():
            statements = SessionStatements(self.writer.session(), "", self.writer.renewed)
            statements.execute("SELECT 1")
            with deadline.patient(MIGRATION_SECONDS):
                yield statements.session

    @contextlib.contextmanager
    def look(self) -> Iterator[connection]:
        """Give a reading session for a few queries that carry READ_LIMIT themselves; writers go on beside it."""
        with self._translated(), self.readers.one() as reader:
            statements = SessionStatements(reader.session(), READ_LIMIT, reader.renewed)
            statements.execute("SELECT 1")
            yield statements.session

    @contextlib.contextmanager
    def write(self) -> Iterator[SessionStatements]:
        """BEGIN, the block, COMMIT, alone among all programs; rolled back whole when anything fails.

        Raises CommitUnknownError when the answer to the COMMIT was lost.
        """
        if self.read_only:
            raise StoreError(_read_only_problem(self.location))
        with self._lock, self._translated():
            statements = SessionStatements(self.writer.session(), _BEGIN_WRITING, self.writer.renewed)
            try:
                yield statements
                self._commit(statements)
            except BaseException as error:  # an interruption, too, leaves no transaction open; it goes on
                roll_back(statements.session)
                _leave_standby(self.writer, error)
                raise

    @contextlib.contextmanager
    def read(self) -> Iterator[SessionStatements]:
        """Give a reading session that no other thread has; each statement stands for itself."""
        with self._translated(), self.readers.one() as reader:
            yield SessionStatements(reader.session(), READ_LIMIT, reader.renewed)

    def try_writing(self, seconds: float = deadline.PROBE_SECONDS) -> None:
        """Prove that writing works, leaving nothing behind; StoreError says what is in the way."""
        with self._lock, self._translated(), deadline.within(seconds):
            statements = SessionStatements(self.writer.session(), _BEGIN_PROBE, self.writer.renewed)
            try:
                statements.execute("UPDATE store_identity SET epoch = epoch")
            except psycopg2.Error as error:
                _leave_standby(self.writer, error)
                raise
            finally:
                roll_back(statements.session)

    def quick_check(self) -> str:
        """Return "ok" when each of our tables can be read to its end; raises what the server says otherwise."""
        with self.read() as statements:
            for name in _OWN_TABLES:
                found = statements.execute("SELECT to_regclass(%s)", (name,)).fetchone()
                if found is not None and found[0] is not None:
                    statements.execute(f"SELECT count(*) FROM {name}")  # noqa: S608 - our own words
        return "ok"

    def changed_elsewhere(self) -> bool:
        """Nothing to ask here: the Listener tells of changes by itself."""
        return False

    def place(self) -> Place:
        return Place.SAME

    def check_place(self) -> None:
        """A server has no file that could be moved."""

    def forbid_writing(self) -> None:
        self.read_only = True

    def interrupt(self) -> None:
        """End every call under way, in whatever thread. Nothing works afterwards."""
        self.stop.set()

    def close(self) -> None:
        self.interrupt()
        with self._lock:
            self.writer.close()
        self.readers.close()

    @property
    def sessions(self) -> tuple[int, int]:
        """How many sessions are open, and how many there may be."""
        return self.readers.open_count() + self.writer.is_open, self.readers.size + 1

    def _connect(self) -> connection:
        with deadline.uncounted():
            self.pace.wait()
        session = connect(self.address)
        self.server_version = session.get_parameter_status("server_version") or ""
        return session

    def _commit(self, statements: SessionStatements) -> None:
        session = statements.session
        if not statements.begun:
            return
        # A session that is gone by now says so here: then nothing was committed, for certain.
        ending = session.cursor()
        try:
            ending.execute("COMMIT")
        except psycopg2.Error as error:
            if session.closed or is_closed(error):
                raise CommitUnknownError(self._problem(error)) from error
            raise
        if ending.statusmessage != "COMMIT":
            raise StoreError(_ROLLED_BACK)

    def _problem(self, error: psycopg2.Error) -> Problem:
        return _CLOSED if self.stop.is_set() else problem_of(error, self.address, closed=is_closed(error))

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        if self.stop.is_set():
            raise StoreError(_CLOSED)
        with deadline.stoppable(self.stop):
            try:
                yield
            except psycopg2.Error as error:
                raise StoreError(self._problem(error)) from error


def _leave_standby(writer: Slot, error: BaseException) -> None:
    """Let the next call begin a session anew: with a server of a cluster that takes writes, or only because a session
    that began read-only stays so."""
    if getattr(error, "pgcode", None) == "25006":
        writer.close()


_CLOSED = Problem(Category.CANT_OPEN, "The database is closed.", "Start the program again.")
_ROLLED_BACK = Problem(Category.UNKNOWN, "The database took a change back instead of storing it.", "Try again.")


def _read_only_problem(location: str) -> Problem:
    return Problem(
        Category.NOT_WRITABLE,
        f"{location} is open for reading only; nothing was changed.",
        "See the Database page for the reason.",
        by_command="See the reason with `status`.",
    )
