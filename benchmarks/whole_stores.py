"""A whole store against the bare driver: moving 10,000 connections to PostgreSQL and back, backing them up, restoring,
and bringing home what was kept while the database was away.

The driver's floor reads every row and inserts it again, several hundred a statement, in one transaction; it compares
nothing.
"""

import sqlite3
import tempfile
import time
from itertools import chain, count
from pathlib import Path

import psycopg2

from benchmarks.measure import Run, in_turns, report
from models.connection import FIELDS, Connection
from models.connection_rules import validate
from models.secret import SealedSecret
from storage.data_folder import prepare
from storage.database import Database
from storage.database_repository import DatabaseRepository
from storage.device import Device
from storage.export_backup import make_export, restore_export
from storage.json_store.json_repository import JsonRepository
from storage.json_store.record_folder import RecordFolder
from storage.moving import copy_store, new_sqlite, ready
from storage.open_database import OpenDatabase
from storage.postgresql.address import parse_address
from storage.postgresql.database import PostgresDatabase
from storage.reconcile import reconcile
from tests.bare_postgres import BareServer

MIGRATIONS = Path(__file__).resolve().parent.parent / "migrations"
ROWS, PAGE = 10_000, 500
_RECONCILED = "reconciled, each settled in its file"
COLUMNS = ", ".join(FIELDS)


def main() -> None:
    server = BareServer(fsync="on")
    try:
        server.start()
        with tempfile.TemporaryDirectory() as folder:
            _measure(server, Path(folder))
    finally:
        server.destroy()


def _measure(server: BareServer, folder: Path) -> None:
    path = folder / "cts.db"
    small: OpenDatabase = Database.open_sqlite(path)
    ready(small, MIGRATIONS)
    DatabaseRepository(small, "bench").add([_connection(f"Bybit {number}") for number in range(ROWS)])
    big = PostgresDatabase.open(parse_address(server.url()))
    ready(big, MIGRATIONS)
    other = prepare(folder / "back")

    def there() -> None:
        server.sql("TRUNCATE exchange_connections, applied_operations, deleted_connections")
        copy_store(small, big)

    def floor_there() -> None:
        server.sql("TRUNCATE exchange_connections, applied_operations, deleted_connections")
        _by_driver(path, server.url())

    def back() -> None:
        with new_sqlite(other, MIGRATIONS) as target:
            copy_store(big, target)

    there()
    backup = make_export(big, folder / "kept", "by-hand")
    runs: dict[str, Run] = {
        "driver: read and insert": floor_there,
        "move to PostgreSQL, compared": there,
        "move to SQLite": back,
    }
    _say("Moving 10,000 connections (and their 10,000 operations)", in_turns(runs, 5), "driver: read and insert")
    runs = {
        "driver: read and insert": floor_there,
        "export, verified": lambda: make_export(big, folder / "backups", "by-hand"),
        "restore, compared": lambda: restore_export(Path(backup.path), big),
    }
    _say("Backing 10,000 connections up", in_turns(runs, 5), "driver: read and insert")
    print(f"  the backup has {backup.size_bytes / 1024:,.0f} KB")
    _bring_home(server, big, folder / "away", floor_there)
    small.close()
    big.close()


def _bring_home(server: BareServer, big: OpenDatabase, folder: Path, floor: Run) -> None:
    """Reconcile additions that wait in record files, each settled in its file after its commit."""
    numbers = count()

    def home() -> float:
        server.sql("TRUNCATE exchange_connections, applied_operations, deleted_connections")
        desk = prepare(folder / str(next(numbers)))
        records = RecordFolder(desk)
        records.open()
        device = Device(desk.root / "device.json", desk.quarantine, known=lambda: ("bench", 0))
        JsonRepository(records, device).add([_connection(f"Bybit {number}") for number in range(ROWS)])
        started = time.perf_counter()
        done = reconcile(records, DatabaseRepository(big, "bench"), stop=lambda: False)
        elapsed = time.perf_counter() - started
        assert done.applied == ROWS
        records.close()
        return elapsed

    runs: dict[str, Run] = {"driver: read and insert": floor, _RECONCILED: home}
    title = f"{ROWS:,} waiting operations"
    report(title, in_turns(runs, 3), "driver: read and insert", {_RECONCILED: 3.0})


def _say(title: str, medians: dict[str, float], floor: str) -> None:
    report(title, medians, floor)
    for name, median in medians.items():
        print(f"  {name:<44} {ROWS / median:10,.0f} connections/s")


def _connection(name: str) -> Connection:
    token = SealedSecret("cts1.0123456789ab." + "A" * 88)
    return validate({"name": name, "exchange": "bybit", "api_key": token, "api_secret": token, "tags": ["a", "b"]})


def _by_driver(path: Path, url: str) -> None:
    """Copy the connections and the operations as a script would."""
    source = sqlite3.connect(path)
    target = psycopg2.connect(url)
    with target, target.cursor() as cursor:
        for table, columns in (
            ("exchange_connections", COLUMNS),
            ("applied_operations", "op_id, device, sequence, connection_id, kind, applied_at"),
        ):
            rows = source.execute(f"SELECT {columns} FROM {table}").fetchall()
            if table == "exchange_connections":
                rows = [tuple(bool(v) if 13 <= i <= 17 else v for i, v in enumerate(row)) for row in rows]
            group = f"({', '.join(['%s'] * len(rows[0]))})"
            for start in range(0, len(rows), PAGE):
                page = rows[start : start + PAGE]
                text = f"INSERT INTO {table} ({columns}) VALUES {', '.join([group] * len(page))}"
                cursor.execute(text, tuple(chain.from_iterable(page)))
    target.close()
    source.close()
