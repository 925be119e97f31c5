"""The store against the bare driver: list, one by key, a durable save, a bulk insert."""

import itertools
import json
import sqlite3
import tempfile
import uuid
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from benchmarks.measure import in_turns, report
from models.connection import FIELDS, Connection
from models.connection_rules import validate
from models.secret import SealedSecret
from storage.atomic_file import write_atomic
from storage.connection_codec import encode
from storage.database import Database
from storage.database_repository import DatabaseRepository
from storage.migrator.runner import Migrator
from storage.preview import preview_rows
from tests.store_kit import open_kit

MIGRATIONS = Path(__file__).resolve().parent.parent / "migrations"
ROWS = 10_000
INSERT = f"INSERT INTO exchange_connections ({', '.join(FIELDS)}) VALUES ({', '.join('?' * len(FIELDS))})"
LOOK_UPS = 500


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        connections = [_connection(f"connection {number}") for number in range(ROWS)]
        _reading(folder / "reading.db", connections)
        _saving(folder / "saving.db", folder / "raw.db", folder)
        _bulk(folder / "bulk.db", folder / "bulk-raw.db", connections)


def _connection(name: str) -> Connection:
    token = SealedSecret("cts1.0123456789ab." + "A" * 88)
    fields = {"name": name, "exchange": "bybit", "api_key": token, "api_secret": token, "tags": ["desk", name[-1]]}
    return validate({**fields, "note": "a note of usual length", "extra": {"api_type": "perpetual_futures"}})


def _open(path: Path) -> DatabaseRepository:
    database = Database.open_sqlite(path)
    Migrator(database, MIGRATIONS, backup=lambda: None).apply()
    return DatabaseRepository(database, "bench")


def _raw(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA synchronous = FULL")
    return connection


def _reading(path: Path, connections: list[Connection]) -> None:
    repository = _open(path)
    repository.add(connections)
    raw = _raw(path)
    runs: dict[str, Callable[[], object]] = {
        "raw tuples, every column": lambda: raw.execute("SELECT * FROM exchange_connections").fetchall(),
        "repository.rows()": repository.rows,
        "preview_rows()": lambda: preview_rows(path),
    }
    report(
        f"List of {ROWS:,} from SQLite",
        in_turns(runs),
        "raw tuples, every column",
        {"repository.rows()": 2.0, "preview_rows()": 2.0},
    )
    ids = [connection.id for connection in connections[:LOOK_UPS]]
    one = "SELECT * FROM exchange_connections WHERE id = ?"
    runs = {
        "raw tuple": lambda: [raw.execute(one, (each,)).fetchone() for each in ids],
        "repository.get()": lambda: [repository.get(each) for each in ids],
    }
    report(f"One by key, {LOOK_UPS} times", in_turns(runs), "raw tuple", {"repository.get()": 8.0})
    raw.close()


def _saving(path: Path, raw_path: Path, folder: Path) -> None:
    repository = _open(path)
    _open(raw_path)
    raw = _raw(raw_path)
    numbers = itertools.count()
    base = _connection("edited")
    repository.add([base])

    def save_raw() -> None:
        connection = _connection(f"raw {next(numbers)}")
        row = encode(connection, stamps_as_text=True)
        raw.execute("BEGIN IMMEDIATE")
        raw.execute(INSERT, row)
        raw.execute("COMMIT")
        write_atomic(folder / f"{connection.id}.json", json.dumps(row).encode(), backup=False)

    def edit() -> None:
        stored = repository.get(base.id)
        assert stored is not None
        repository.update(stored, replace(stored, note=uuid.uuid4().hex))

    runs: dict[str, Callable[[], object]] = {
        "raw insert + one atomic JSON file": save_raw,
        "repository.add()": lambda: repository.add([_connection(f"ours {next(numbers)}")]),
        "repository.update()": edit,
    }
    bars = {"repository.add()": 1.5, "repository.update()": 1.5}
    report(
        "One durable save, with its operation", in_turns(runs, rounds=101), "raw insert + one atomic JSON file", bars
    )
    raw.close()


def _bulk(path: Path, raw_path: Path, connections: list[Connection]) -> None:
    repository = _open(path)
    _open(raw_path)
    emptying, raw = _raw(path), _raw(raw_path)
    rows = [encode(connection, stamps_as_text=True) for connection in connections]

    def insert_raw() -> None:
        raw.execute("BEGIN IMMEDIATE")
        raw.executemany(INSERT, rows)
        raw.execute("COMMIT")

    def timed(run: Callable[[], object], connection: sqlite3.Connection) -> float:
        import time

        connection.execute("DELETE FROM exchange_connections")
        connection.execute("DELETE FROM applied_operations")
        start = time.perf_counter()
        run()
        return time.perf_counter() - start

    with open_kit(path.parent / "whole") as kit:
        whole, emptying_whole = kit.store.repository, _raw(kit.folder.database)
        runs: dict[str, Callable[[], object]] = {
            "executemany": lambda: timed(insert_raw, raw),
            "repository.add()": lambda: timed(lambda: repository.add(connections), emptying),
            "the whole store's add()": lambda: timed(lambda: whole.add(connections), emptying_whole),
        }
        bars = dict.fromkeys(list(runs)[1:], 3.0)
        report(f"Bulk insert of {ROWS:,}", in_turns(runs, rounds=5), "executemany", bars)
        emptying_whole.close()
    emptying.close()
    raw.close()


if __name__ == "__main__":
    main()
