"""A database as it is at one moment, and one transaction that fills one: the same calls for both kinds.

The driver's own session is used, held so that nobody else in this program writes meanwhile. Rows come in pieces, so
that a large table needs no more memory than a small one.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import chain, islice
from typing import Any, Final, NamedTuple

from models.problem import Category, Problem, StoreError
from storage.open_database import OpenDatabase
from storage.whole.values import OddValueError, Row, converter, kind_of

AT_ONCE: Final = 500
LEDGER: Final = frozenset({"migrations", "migration_failures"})

_READING = {
    "sqlite": "BEGIN",
    "postgresql": "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL statement_timeout = '110s'",
}
_WRITING = {
    "sqlite": "BEGIN IMMEDIATE",
    "postgresql": "BEGIN; SET LOCAL statement_timeout = '110s'; SET LOCAL lock_timeout = '5s'",
}
_COLUMNS = {
    "sqlite": (
        "SELECT m.name, c.name, c.type, c.pk FROM sqlite_master m, pragma_table_info(m.name) c"
        " WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY m.name, c.cid"
    ),
    "postgresql": (
        "SELECT t.relname, a.attname, format_type(a.atttypid, NULL),"
        " coalesce(array_position(i.indkey::int2[], a.attnum), -1) + 1"
        " FROM pg_class t JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped"
        " LEFT JOIN pg_index i ON i.indrelid = t.oid AND i.indisprimary"
        " WHERE t.relnamespace = to_regnamespace(current_schema()::text) AND t.relkind IN ('r', 'p')"
        " ORDER BY t.relname, a.attnum"
    ),
}
_SEQUENCES = (
    "SELECT t.relname, a.attname FROM pg_class t JOIN pg_attribute a ON a.attrelid = t.oid"
    " WHERE t.relnamespace = to_regnamespace(current_schema()::text) AND a.attidentity <> ''"
)


class Table(NamedTuple):
    """A table's name, its columns with their kinds, and the columns of its primary key."""

    name: str
    columns: tuple[tuple[str, str], ...]
    key: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(name for name, _ in self.columns)

    @property
    def listed(self) -> str:
        return ", ".join(map(quoted, self.names))


class Snapshot:
    """One transaction on one database."""

    def __init__(self, session: Any, dialect: str) -> None:
        self.dialect = dialect
        self._session = session
        self._mark = "?" if dialect == "sqlite" else "%s"

    def run(self, text: str, parameters: Sequence[Any] = ()) -> Any:
        """Run one statement, with `?` for its parameters; return the driver's cursor."""
        cursor = self._session.cursor()
        cursor.execute(text.replace("?", self._mark) if parameters else text, *((parameters,) if parameters else ()))
        return cursor

    def tables(self) -> dict[str, Table]:
        """Return every table but the ledger's, by name."""
        found: dict[str, list[tuple[str, str, int]]] = {}
        for table, column, declared, key in self.run(_COLUMNS[self.dialect]).fetchall():
            found.setdefault(table, []).append((column, kind_of(declared), int(key)))
        return {
            name: Table(
                name,
                tuple((column, kind) for column, kind, _ in columns),
                tuple(column for column, _, place in sorted(columns, key=lambda each: each[2]) if place),
            )
            for name, columns in found.items()
            if name not in LEDGER
        }

    def has(self, table: str) -> bool:
        if self.dialect == "sqlite":
            return self.run("SELECT 1 FROM sqlite_master WHERE name = ?", (table,)).fetchone() is not None
        return self.run("SELECT to_regclass(quote_ident(?))", (table,)).fetchone()[0] is not None

    def count(self, table: str) -> int:
        return int(self.run(f"SELECT count(*) FROM {quoted(table)}").fetchone()[0])  # noqa: S608 - quoted

    def rows(self, table: Table) -> Iterator[list[Row]]:
        """Give every row, canonical, some hundred at a time. Raises StoreError (DATA) that names what does not fit."""
        text = f"SELECT {table.listed} FROM {quoted(table.name)}"  # noqa: S608 - quoted
        if table.key:
            text += f" ORDER BY {', '.join(map(quoted, table.key))}"
        for piece in self._pieces(text):
            yield _canonical(table, piece)

    def insert(self, table: Table, rows: Sequence[Row], *, or_leave: bool = False) -> None:
        """Insert canonical rows; `or_leave` lets a row be that is there already."""
        head = f"INSERT INTO {quoted(table.name)} ({table.listed}) VALUES "  # noqa: S608 - quoted
        tail = " ON CONFLICT DO NOTHING" if or_leave else ""
        group = f"({', '.join([self._mark] * len(table.columns))})"
        cursor = self._session.cursor()
        try:
            if self.dialect == "sqlite":
                cursor.executemany(head + group + tail, rows)
                return
            source = iter(rows)
            while page := list(islice(source, AT_ONCE)):
                cursor.execute(head + ", ".join([group] * len(page)) + tail, tuple(chain.from_iterable(page)))
        except (ValueError, OverflowError) as error:
            raise StoreError(_not_storable(table.name)) from error

    def advance_sequences(self, tables: Iterable[str]) -> None:
        """Let numbers that the database gives out itself go on after those that were copied."""
        if self.dialect == "sqlite":
            return
        wanted = set(tables)
        for table, column in self.run(_SEQUENCES).fetchall():
            if table in wanted:
                name, place = quoted(table), quoted(column)
                self.run(
                    f"SELECT setval(pg_get_serial_sequence(?, ?), m) FROM (SELECT max({place}) AS m FROM {name}) x"  # noqa: S608
                    " WHERE m IS NOT NULL",
                    (name, column),
                )

    def _pieces(self, text: str) -> Iterator[list[Row]]:
        if self.dialect == "sqlite":
            cursor = self._session.execute(text)
            while piece := cursor.fetchmany(AT_ONCE):
                yield piece
            return
        self.run(f"DECLARE cts_rows NO SCROLL CURSOR FOR {text}")
        while piece := self.run(f"FETCH {AT_ONCE} FROM cts_rows").fetchall():
            yield piece
        self.run("CLOSE cts_rows")


@contextmanager
def reading(database: OpenDatabase, *, alone: bool = False) -> Iterator[Snapshot]:
    """Give the database as it is now; `alone` keeps other programs from writing to a SQLite file meanwhile."""
    with database.hold() as session:
        begin = _WRITING if alone and database.dialect == "sqlite" else _READING
        with _transaction(session, database.dialect, begin, "ROLLBACK") as snapshot:
            yield snapshot


@contextmanager
def writing(database: OpenDatabase) -> Iterator[Snapshot]:
    """Give one transaction that may write: all of it counts at the end, or nothing."""
    if database.read_only:
        raise StoreError(Problem(Category.NOT_WRITABLE, f"{database.location} is open for reading only.", ""))
    with (
        database.hold() as session,
        _transaction(session, database.dialect, _WRITING, "COMMIT") as snapshot,
    ):
        yield snapshot


@contextmanager
def _transaction(session: Any, dialect: str, begin: dict[str, str], end: str) -> Iterator[Snapshot]:
    snapshot = Snapshot(session, dialect)
    snapshot.run(begin[dialect])
    try:
        yield snapshot
        snapshot.run(end)
    except BaseException:
        # A session that is lost, too, has forgotten everything.
        with suppress(session.Error):
            snapshot.run("ROLLBACK")
        raise


def quoted(name: str) -> str:
    """Return a name as an SQL identifier, whatever it is made of."""
    return '"' + name.replace('"', '""') + '"'


def _canonical(table: Table, rows: Sequence[Row]) -> list[Row]:
    columns = []
    for (name, kind), values in zip(table.columns, zip(*rows, strict=True), strict=True):
        try:
            columns.append(list(map(converter(kind), values)))
        except OddValueError:
            raise StoreError(_odd_value(table.name, name, kind)) from None
    return list(zip(*columns, strict=True))


def _odd_value(table: str, column: str, kind: str) -> Problem:
    return Problem(
        Category.DATA,
        f"The table {table} holds something in column {column} that is no {kind}. Nothing was changed.",
        "Correct it where it was written, and try again.",
        f"{table}.{column}",
    )


def _not_storable(table: str) -> Problem:
    return Problem(
        Category.DATA,
        f"A value of the table {table} cannot be stored in PostgreSQL: it holds a zero character or half a character. "
        "Nothing was changed.",
        "Correct it where it was written, and try again.",
        table,
    )
