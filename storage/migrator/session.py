"""A driver's raw connection as the engine needs it: transactions written out, no parameters near migration text.

Peewee's `execute_sql` passes parameters always, and then PostgreSQL's driver trips over every `%` in a file; and
Python's sqlite3 would begin and commit on its own. The connection gets its own ways back when the session closes.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext, suppress
from typing import Any, Literal, Protocol, TypeVar

from models.problem import Category, MigrationError, Problem, StoreError
from storage.diagnosis import diagnose

T = TypeVar("T")
Dialect = Literal["sqlite", "postgresql"]

ADVISORY_KEY = 0x435453_4D4947
"""The key of PostgreSQL's advisory lock ("CTSMIG"): one program at a time migrates one database."""

_BUSY_CODES = {5, 6}
_READ_ONLY_CODE = 8
_LOCK_POLL_S = 0.02
# One message. What is looked at under the lock is a statement of its own, and sees what was committed until then:
# within one statement, or at another level, it would be as old as the attempt to lock. The answer of the attempt is
# handed on in a setting of the transaction, for only the last statement of a message is answered to psycopg2's caller.
_BEGIN_POSTGRESQL = (
    "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = '30s';"
    " SET LOCAL idle_in_transaction_session_timeout = 0;"
    f" SELECT set_config('cts.alone', pg_try_advisory_xact_lock({ADVISORY_KEY})::text, true);"
    " SELECT current_setting('cts.alone')::boolean, "
)
_HOLDER = (
    "SELECT a.pid, a.application_name, a.client_addr, a.usename"
    " FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid"
    " WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1"
    " AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    " AND l.classid = ? AND l.objid = ?"
)


class MigratedDatabase(Protocol):
    """What the engine needs of a database: its dialect and the driver's own connection.

    Where it also has `hold()`, the connection is taken through that, so that no other thread has it meanwhile.
    """

    @property
    def dialect(self) -> Dialect: ...

    def cursor_connection(self) -> Any: ...


class Session:
    """One raw connection in the engine's hands. `error` is the driver's root exception.

    `lead` is put before every query: the limits of PostgreSQL, where no transaction has set them.
    """

    def __init__(self, connection: Any, dialect: Dialect, *, wait: float = 30.0, lead: str = "") -> None:
        self.dialect: Dialect = dialect
        self.error: type[Exception] = connection.Error
        self._connection = connection
        self._wait = wait
        self._lead = lead
        self._before = self._take_over()
        # One for all: making one costs as much as a short statement, and each statement ends the one before.
        self._cursor = connection.cursor()
        self._at_commit: tuple[str, Sequence[object]] | None = None

    def run(self, sql: str) -> None:
        """Run one statement as it stands: no parameters, so that `%` and `?` are nothing special."""
        self._cursor.execute(sql)

    def change(self, sql: str, parameters: Sequence[object]) -> int:
        """Run one statement of ours with `?` for its parameters; return the number of rows it changed."""
        self._cursor.execute(self._marked(sql), parameters)
        return int(self._cursor.rowcount)

    def query(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Return the rows of a query; on SQLite another program's COMMIT can keep one waiting."""
        return self._patiently(lambda: self._rows(sql, parameters))

    def change_last(self, sql: str, parameters: Sequence[object]) -> None:
        """Run one statement of ours last in a transaction: to a server it travels with the COMMIT."""
        if self.dialect == "postgresql":
            self._at_commit = (sql, parameters)
        else:
            self.change(sql, parameters)

    def begin(self, question: str = "", parameters: Sequence[object] = ()) -> bool:
        """Begin a transaction that may write, alone; wait for another program, then say who it is.

        Returns the answer to `question`, a condition that is looked at when nobody else can change it any more.
        """
        try:
            if self.dialect == "postgresql":
                return self._begin_alone(question or "false", parameters)
            self._patiently(lambda: self.run("BEGIN IMMEDIATE"))
            return bool(question) and bool(self.query(f"SELECT {question}", parameters)[0][0])
        except self.error:
            self.rollback()
            raise

    def commit(self) -> None:
        if self._at_commit:
            (sql, parameters), self._at_commit = self._at_commit, None
            self.change(f"{sql}; COMMIT", parameters)
        elif self.dialect == "postgresql":
            self.run("COMMIT")
        else:
            # A reader can hold a COMMIT up in SQLite's rollback-journal mode; the transaction stays open meanwhile.
            self._patiently(lambda: self.run("COMMIT"))

    def rollback(self) -> None:
        self._at_commit = None
        with suppress(self.error):
            self.run("ROLLBACK")

    @contextmanager
    def transaction(self) -> Iterator[None]:
        self.begin()
        try:
            yield
            self.commit()
        except BaseException:  # an interruption, too, leaves no transaction open; it goes on
            self.rollback()
            raise

    def columns(self, table: str) -> set[str]:
        """Return the columns of a table, empty where there is none."""
        if self.dialect == "sqlite":
            return {row[0] for row in self.query("SELECT name FROM pragma_table_info(?)", (table,))}
        return {
            row[0]
            for row in self.query(
                # The views of information_schema cost several milliseconds; this is asked often.
                "SELECT attname FROM pg_attribute WHERE attrelid = to_regclass(quote_ident(?))"
                " AND attnum > 0 AND NOT attisdropped",
                (table,),
            )
        }

    def tables(self) -> list[str]:
        """Return the tables of this database, without the engine's own two."""
        if self.dialect == "sqlite":
            sql = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
        else:
            sql = "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()"
        return sorted(row[0] for row in self.query(sql) if row[0] not in {"migrations", "migration_failures"})

    @contextmanager
    def copy(self) -> Iterator["Session"]:
        """Open a session on a copy of an SQLite database.

        The copy is one of SQLite's own temporary databases: in memory as far as it fits, else in a file without a name.
        So it leaves nothing behind, even if the program is killed, and the data folder is not written to.
        """
        with closing(type(self._connection)("")) as connection:
            self._connection.backup(connection)
            connection.isolation_level = None
            foreign_keys = self.query("PRAGMA foreign_keys")[0][0]
            connection.execute(f"PRAGMA foreign_keys = {foreign_keys}")
            yield Session(connection, self.dialect, wait=self._wait)

    def count(self, table: str) -> int:
        """Return the number of rows of a table, whatever its name is made of."""
        quoted = table.replace('"', '""')
        return int(self.query(f'SELECT count(*) FROM "{quoted}"')[0][0])  # noqa: S608 - quoted as an identifier

    def close(self) -> None:
        """Give the connection back as it came."""
        with suppress(self.error):
            self._cursor.close()
            if self.dialect == "sqlite":
                isolation_level, query_only = self._before
                if query_only:
                    self._connection.execute("PRAGMA query_only = ON")
                self._connection.isolation_level = isolation_level
            else:
                self._connection.autocommit = self._before

    def _take_over(self) -> Any:
        if self.dialect == "sqlite":
            before = self._connection.isolation_level
            if before is not None:
                self._connection.isolation_level = None
            # A schema that is too short to save anything is read-only, and what mends it comes from here.
            query_only = self._connection.execute("PRAGMA query_only").fetchone()[0]
            if query_only:
                self._connection.execute("PRAGMA query_only = OFF")
            return before, query_only
        before = self._connection.autocommit
        if not before:
            self._connection.autocommit = True
        return before

    def _marked(self, sql: str) -> str:
        return sql.replace("?", "%s") if self.dialect == "postgresql" else sql

    def _begin_alone(self, question: str, parameters: Sequence[object]) -> bool:
        """Begin with the advisory lock, the transaction's own: a pooler may stand between, and a kill frees it."""
        deadline = time.monotonic() + self._wait
        while True:
            alone, answer = self.query(_BEGIN_POSTGRESQL + question, parameters)[0]
            if alone:
                return bool(answer)
            self.rollback()
            if time.monotonic() >= deadline:
                raise _busy(self._holder(), self._wait)
            time.sleep(_LOCK_POLL_S)

    def _rows(self, sql: str, parameters: Sequence[object]) -> list[tuple[Any, ...]]:
        text = self._lead + sql
        self._cursor.execute(self._marked(text), parameters) if parameters else self._cursor.execute(text)
        return list(self._cursor.fetchall())

    def _patiently(self, call: Callable[[], T]) -> T:
        deadline = time.monotonic() + self._wait
        while True:
            try:
                return call()
            except self.error as error:
                if (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF not in _BUSY_CODES:
                    raise
                if time.monotonic() >= deadline:
                    raise _busy("another program, which has the file open for writing,", self._wait) from error
            time.sleep(_LOCK_POLL_S)

    def _holder(self) -> str:
        rows = self.query(_HOLDER, (ADVISORY_KEY >> 32, ADVISORY_KEY & 0xFFFFFFFF))
        if not rows:
            return "another desktop"
        pid, program, address, user = rows[0]
        return f"{program or 'another program'} (user {user}, {address or 'this machine'}, process {pid})"


@contextmanager
def many_transactions(opened: Session) -> Iterator[None]:
    """Let SQLite keep its rollback journal between transactions: making it anew is a fifth of a commit.

    As safe, also where it is left behind: a journal whose head is zeroed holds nothing (sqlite.org/pragma.html).
    """
    deletes = opened.dialect == "sqlite" and opened.query("PRAGMA journal_mode")[0][0] == "delete"
    if deletes:
        opened.query("PRAGMA journal_mode = PERSIST")
    try:
        yield
    finally:
        if deletes:
            with suppress(opened.error):
                opened.query("PRAGMA journal_mode = DELETE")


@contextmanager
def session(database: MigratedDatabase, wait: float, *, looks: bool = False) -> Iterator[Session]:
    """Open a session; a driver's error that nobody handled comes out as a StoreError with its Problem.

    `looks`: it only reads. Where the database has `look()`, nobody who saves waits for that, however long it takes.
    """
    hold: Callable[[], AbstractContextManager[Any]] | None = getattr(database, "hold", None)
    look: Callable[[], AbstractContextManager[Any]] | None = getattr(database, "look", None) if looks else None
    taken = look or hold
    with taken() if taken else nullcontext(database.cursor_connection()) as connection:
        opened = Session(connection, database.dialect, wait=wait, lead=_read_limit() if look else "")
        try:
            yield opened
        except opened.error as error:
            if taken:
                raise  # the database knows where it is, and says so
            where = getattr(database, "path", None)
            raise StoreError(diagnose(error, where=str(where or "the database"), path=where)) from error
        finally:
            opened.close()


def _read_limit() -> str:
    # Only a server has such a look; a command on a file imports nothing of it.
    from storage.postgresql.limits import READ_LIMIT

    return READ_LIMIT


def _busy(holder: str, wait: float) -> MigrationError:
    return MigrationError(
        Problem(
            Category.BUSY,
            f"The migrations could not start: {holder} has held the database for {wait:.0f} seconds.",
            "Close that program or wait until it is done, then apply the migrations again.",
        )
    )


def is_read_only(error: BaseException) -> bool:
    """Tell whether the database refuses to be changed, or by this user: then no file is to blame, and none failed."""
    code = getattr(error, "sqlite_errorcode", None) or 0
    return code & 0xFF == _READ_ONLY_CODE or getattr(error, "pgcode", None) in {"25006", "42501"}


def is_lost(error: BaseException) -> bool:
    """Tell whether the server is gone: whatever a PostgreSQL that is there says comes with a code."""
    return getattr(error, "pgcode", "") is None


def primary_message(error: BaseException) -> str:
    """Return the driver's primary message: PostgreSQL's detail can hold a whole row."""
    primary = getattr(getattr(error, "diag", None), "message_primary", None)
    text = primary or str(error) or type(error).__name__
    return text.strip().rstrip(".")
