"""Migrations against the raw driver, in turns: `python -m benchmarks.migrations`.

The floor of applying is the raw driver with one transaction for each file and nothing else; that of having nothing to
do is to open the database, read which numbers it has, and list the folder.
"""

import argparse
import os
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg2

from storage.migrator.runner import Migrator
from tests.bare_postgres import BareServer
from tests.databases import MIGRATIONS, RawDatabase, connect, migrator

Prepare = Callable[[], str]


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rounds", type=int, default=9)
    rounds = arguments.parse_args().rounds
    server = BareServer(fsync="on")
    with tempfile.TemporaryDirectory(prefix="cts-bench-") as scratch:
        try:
            server.start()
            for dialect in ("sqlite", "postgresql"):
                for count in (7, 60):
                    _apply(dialect, count, rounds, Path(scratch), server)
                for count in (7, 60):
                    _nothing(dialect, _files(Path(scratch), count), rounds, Path(scratch), server, f"{count} files")
                _nothing(dialect, MIGRATIONS, rounds, Path(scratch), server, "the program's own")
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


def _apply(dialect: str, count: int, rounds: int, scratch: Path, server: BareServer) -> None:
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
        _compare(f"{dialect}: apply {count}", raw, ours, new, rounds)


def _nothing(dialect: str, folder: Path, rounds: int, scratch: Path, server: BareServer, what: str) -> None:
    def raw(address: str) -> None:
        with closing(_plain(address)) as connection:
            cursor = connection.cursor()
            cursor.execute("SELECT number, name, checksum FROM migrations ORDER BY number")
            known = {f"{number:03}_{name}" for number, name, _checksum in cursor.fetchall()}
            assert known == {entry.name.split(".")[0] for entry in os.scandir(folder)}

    def ours(address: str) -> None:
        with closing(_plain(address)) as connection:
            database = RawDatabase(connection, "sqlite" if dialect == "sqlite" else "postgresql")
            assert Migrator(database, folder, backup=lambda: None).up_to_date()

    with _new_databases(dialect, scratch, server) as new:
        address = new()
        with closing(connect(address)) as database:
            migrator(database, folder).apply()
        _compare(f"{dialect}: nothing to do, {what}", raw, ours, lambda: address, rounds * 5)


def _plain(address: str) -> Any:
    if address.startswith("postgresql://"):
        connection = psycopg2.connect(address)
        connection.autocommit = True
        return connection
    return sqlite3.connect(address, isolation_level=None)


@contextmanager
def _new_databases(dialect: str, scratch: Path, server: BareServer) -> Iterator[Prepare]:
    made: list[str] = []

    def new() -> str:
        if dialect == "sqlite":
            made.append(tempfile.mktemp(suffix=".db", dir=scratch))
            return made[-1]
        made.append(f"bench_{time.monotonic_ns()}")
        server.sql(f"CREATE DATABASE {made[-1]}")
        return server.url(made[-1])

    yield new
    for name in made:
        if dialect == "sqlite":
            Path(name).unlink(missing_ok=True)
        else:
            server.sql(f"DROP DATABASE {name} WITH (FORCE)")


def _compare(
    title: str, raw: Callable[[str], None], ours: Callable[[str], None], prepare: Prepare, rounds: int
) -> None:
    times: dict[str, list[float]] = {"raw": [], "ours": []}
    for turn in range(rounds + 1):
        for name, call in (("raw", raw), ("ours", ours)):
            address = prepare()
            start = time.perf_counter()
            call(address)
            if turn:
                times[name].append((time.perf_counter() - start) * 1000)
    floor, mine = statistics.median(times["raw"]), statistics.median(times["ours"])
    print(f"{title:45} raw {floor:8.2f} ms   ours {mine:8.2f} ms   x {mine / floor:.2f}")


if __name__ == "__main__":
    main()
