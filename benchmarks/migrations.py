"""Migrations against the raw driver, in turns: `python -m benchmarks migrations`.

The floor of applying is the raw driver with one transaction for each file and nothing else. The floor of having nothing
to do is to open the database, read which numbers it has, and read the files: without that, an edit would go unseen.
"""

import os
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg2

from benchmarks.measure import in_turns, report
from tests.bare_postgres import BareServer
from tests.databases import MIGRATIONS, RawDatabase, connect, migrator

APPLY_BAR = 1.25
NOTHING_BAR = 1.5


def main() -> None:
    server = BareServer(fsync="on")
    with tempfile.TemporaryDirectory(prefix="cts-bench-") as scratch:
        try:
            server.start()
            for dialect in ("sqlite", "postgresql"):
                for count in (7, 60):
                    _apply(dialect, count, Path(scratch), server)
                _nothing(dialect, _files(Path(scratch), 60), Path(scratch), server, "60 files")
                _nothing(dialect, MIGRATIONS, Path(scratch), server, "the program's own files")
        finally:
            server.destroy()


def _files(scratch: Path, count: int) -> Path:
    folder = scratch / f"sql-{count}"
    if not folder.exists():
        folder.mkdir()
        for number in range(1, count + 1):
            (folder / f"{number:03}_step.sql").write_text(";\n".join(_statements(number)) + ";\n", encoding="utf-8")
    return folder


def _statements(number: int) -> list[str]:
    table = f"table_{number}"
    return [
        f"CREATE TABLE {table} (id INTEGER PRIMARY KEY, name TEXT NOT NULL, value DOUBLE PRECISION, at TIMESTAMPTZ)",
        f"CREATE INDEX ix_{table}_name ON {table} (name)",
        f"CREATE INDEX ix_{table}_at ON {table} (at, value)",
    ]


def _apply(dialect: str, count: int, scratch: Path, server: BareServer) -> None:
    folder = _files(scratch, count)

    def raw(address: str) -> None:
        with closing(connect(address)) as database:
            cursor = database.connection.cursor()
            for number in range(1, count + 1):
                cursor.execute("BEGIN")
                for statement in _statements(number):
                    cursor.execute(statement)
                cursor.execute("COMMIT")

    def ours(address: str) -> None:
        with closing(connect(address)) as database:
            items = migrator(database, folder).apply()
        assert all(item.state.value == "applied" for item in items)

    with _new_databases(dialect, scratch, server) as new:
        medians = in_turns({"raw": lambda: _timed(raw, new()), "ours": lambda: _timed(ours, new())})
    report(f"{dialect}: apply {count} files", medians, "raw", {"ours": APPLY_BAR})


def _nothing(dialect: str, folder: Path, scratch: Path, server: BareServer, what: str) -> None:
    def names() -> list[str]:
        return [entry.path for entry in os.scandir(folder) if _is_for(entry.name, dialect)]

    def numbers(address: str) -> None:
        with closing(_plain(address)) as connection:
            cursor = connection.cursor()
            cursor.execute("SELECT number, name, checksum FROM migrations ORDER BY number")
            assert len(cursor.fetchall()) == len(names())

    def contents(address: str) -> None:
        numbers(address)
        for name in names():
            with open(name, "rb", buffering=0) as file:
                file.read()

    def ours(address: str) -> None:
        with closing(_plain(address)) as connection:
            database = RawDatabase(connection, "sqlite" if dialect == "sqlite" else "postgresql")
            assert migrator(database, folder).up_to_date()

    with _new_databases(dialect, scratch, server) as new:
        address = new()
        with closing(connect(address)) as database:
            migrator(database, folder).apply()
        medians = in_turns(
            {
                "raw, names only": lambda: _timed(numbers, address),
                "raw, and the files read": lambda: _timed(contents, address),
                "ours": lambda: _timed(ours, address),
            },
            rounds=45,
        )
    report(f"{dialect}: nothing to do, {what}", medians, "raw, and the files read", {"ours": NOTHING_BAR})


def _is_for(name: str, dialect: str) -> bool:
    other = "postgresql" if dialect == "sqlite" else "sqlite"
    return f".{other}." not in name


def _timed(call: Callable[[str], None], address: str) -> float:
    """Making the empty database is not what is measured."""
    start = time.perf_counter()
    call(address)
    return time.perf_counter() - start


def _plain(address: str) -> Any:
    if address.startswith("postgresql://"):
        connection = psycopg2.connect(address)
        connection.autocommit = True
        return connection
    return sqlite3.connect(address, isolation_level=None)


@contextmanager
def _new_databases(dialect: str, scratch: Path, server: BareServer) -> Iterator[Callable[[], str]]:
    made: list[str] = []

    def new() -> str:
        made.append(f"bench_{time.monotonic_ns()}")
        if dialect == "sqlite":
            return str(scratch / made[-1])
        server.sql(f"CREATE DATABASE {made[-1]}")
        return server.url(made[-1])

    yield new
    for name in made:
        if dialect == "sqlite":
            (scratch / name).unlink(missing_ok=True)
        else:
            server.sql(f"DROP DATABASE {name} WITH (FORCE)")


if __name__ == "__main__":
    main()
