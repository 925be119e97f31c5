"""PostgreSQL against the bare driver: list, one by key, a save, a bulk insert; the loop's gap; how soon news arrives.

The driver's own runs go without our wait callback, as most programs use it.
"""

import io
import itertools
import json
import statistics
import tempfile
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg2
from psycopg2.extensions import set_wait_callback

from benchmarks.measure import in_turns, report
from models.connection import FIELDS, Connection
from models.connection_rules import validate
from models.secret import SealedSecret
from storage.atomic_file import write_atomic
from storage.connection_codec import encode
from storage.database_repository import DatabaseRepository
from storage.migrator.runner import Migrator
from storage.postgresql import deadline
from storage.postgresql.address import parse_address
from storage.postgresql.database import PostgresDatabase
from storage.postgresql.listener import Listener, Mode
from tests.bare_postgres import BareServer, wait_until

MIGRATIONS = Path(__file__).resolve().parent.parent / "migrations"
ROWS, LOOK_UPS, NEWS = 10_000, 300, 41
COLUMNS = ", ".join(FIELDS)
INSERT = f"INSERT INTO exchange_connections ({COLUMNS}) VALUES ({', '.join(['%s'] * len(FIELDS))})"
EVERYTHING = f"SELECT {COLUMNS} FROM exchange_connections"
EMPTY = "TRUNCATE exchange_connections, applied_operations"


def main() -> None:
    server = BareServer(fsync="on")
    try:
        server.start()
        bench = _Bench(server)
        bench.reading()
        bench.saving()
        bench.bulk()
        bench.gap()
        bench.news()
        bench.close()
    finally:
        server.destroy()


def _connection(name: str) -> Connection:
    token = SealedSecret("cts1.0123456789ab." + "A" * 88)
    fields = {"name": name, "exchange": "bybit", "api_key": token, "api_secret": token, "tags": ["desk", name[-1]]}
    return validate({**fields, "note": "a note of usual length", "extra": {"api_type": "perpetual_futures"}})


class _Bench:
    """Two databases on one server: ours, and the driver's."""

    def __init__(self, server: BareServer) -> None:
        server.sql("CREATE DATABASE ours", "CREATE DATABASE bare")
        self.url = server.url("ours")
        self.database, bare = (PostgresDatabase.open(parse_address(server.url(name))) for name in ("ours", "bare"))
        for each in (self.database, bare):
            Migrator(each, MIGRATIONS, backup=lambda: None).apply()
        bare.close()
        self.repository = DatabaseRepository(self.database, "bench")
        self.connections = [_connection(f"connection {number}") for number in range(ROWS)]
        self.raw: Any = self._plain(lambda: psycopg2.connect(server.url("bare")))
        self.raw.autocommit = True

    def close(self) -> None:
        self.raw.close()
        self.database.close()

    def reading(self) -> None:
        self._fill(self.connections)
        runs: dict[str, Callable[[], object]] = {
            "raw tuples, every column": lambda: self._plain(lambda: self._fetch(EVERYTHING)),
            "repository.rows()": self.repository.rows,
        }
        title = f"List of {ROWS:,} from PostgreSQL"
        report(title, in_turns(runs), "raw tuples, every column", {"repository.rows()": 2.0})
        ids = [connection.id for connection in self.connections[:LOOK_UPS]]
        one = f"{EVERYTHING} WHERE id = %s"
        runs = {
            "raw tuple": lambda: self._plain(lambda: [self._fetch(one, (each,)) for each in ids]),
            "repository.get()": lambda: [self.repository.get(each) for each in ids],
        }
        report(f"One by key, {LOOK_UPS} times", in_turns(runs), "raw tuple")

    def saving(self) -> None:
        numbers = itertools.count()
        base = self.connections[0]
        with tempfile.TemporaryDirectory() as scratch:

            def save_raw() -> None:
                connection = _connection(f"raw {next(numbers)}")
                row = encode(connection, stamps_as_text=True)
                with self.raw.cursor() as cursor:
                    cursor.execute("BEGIN")
                    cursor.execute(INSERT, row)
                    cursor.execute("COMMIT")
                write_atomic(Path(scratch) / f"{connection.id}.json", json.dumps(row).encode(), backup=False)

            def edit() -> None:
                stored = self.repository.get(base.id)
                assert stored is not None
                self.repository.update(stored, replace(stored, note=uuid.uuid4().hex))

            runs: dict[str, Callable[[], object]] = {
                "raw insert + one atomic JSON file": lambda: self._plain(save_raw),
                "repository.add()": lambda: self.repository.add([_connection(f"ours {next(numbers)}")]),
                "repository.update()": edit,
            }
            bars = {"repository.add()": 1.5, "repository.update()": 1.5}
            title = f"One durable save in a list of {ROWS:,}"
            report(title, in_turns(runs, rounds=61), "raw insert + one atomic JSON file", bars)

    def bulk(self) -> None:
        lines = "".join(_copy_line(encode(each, stamps_as_text=True)) for each in self.connections)

        def copy() -> float:
            self._fetch(EMPTY)
            started = time.perf_counter()
            with self.raw.cursor() as cursor:
                cursor.copy_expert(f"COPY exchange_connections ({COLUMNS}) FROM STDIN", io.StringIO(lines))
            return time.perf_counter() - started

        def ours() -> float:
            with self.database.hold() as session, session.cursor() as cursor:
                cursor.execute(EMPTY)
            started = time.perf_counter()
            self.repository.add(self.connections)
            return time.perf_counter() - started

        rows = [encode(each, stamps_as_text=True) for each in self.connections]

        def one_by_one() -> float:
            self._fetch(EMPTY)
            started = time.perf_counter()
            with self.raw.cursor() as cursor:
                cursor.execute("BEGIN")
                cursor.executemany(INSERT, rows)
                cursor.execute("COMMIT")
            return time.perf_counter() - started

        runs: dict[str, Callable[[], object]] = {
            "COPY of one table": lambda: self._plain(copy),
            "executemany": lambda: self._plain(one_by_one),
            "repository.add(), with its operations": ours,
        }
        bars = {"repository.add(), with its operations": 3.0}
        report(f"Bulk insert of {ROWS:,}", in_turns(runs, rounds=5), "COPY of one table", bars)

    def gap(self) -> None:
        """Show the longest gap between the ticks of 5 ms while 100,000 rows are read in another thread."""
        print(f"\nThe gap of a thread that only counts: {_longest_gap(_count) * 1000:.0f} ms")
        many = [_connection(f"many {number}") for number in range(100_000)]
        started = time.perf_counter()
        writing = _longest_gap(lambda: self.repository.add(many))
        print(
            f"\n100,000 rows in and out, beside a tick of 5 ms\n  in: {time.perf_counter() - started:5.1f} s, ", end=""
        )
        # Kept, as whoever shows them does: freeing them all at once would be this measure's own doing.
        kept: list[object] = []
        reading = _longest_gap(lambda: kept.append(self.repository.rows()))
        verdict = "ok" if max(writing, reading) <= 0.05 else "MISSED"
        print(f"gap {writing * 1000:.0f} ms; out: gap {reading * 1000:.0f} ms   bar 50 ms {verdict}")

    def news(self) -> None:
        heard = threading.Event()
        listener = Listener(parse_address(self.url), lambda _: heard.set())
        listener.start()
        wait_until(lambda: listener.mode is Mode.LISTENING and heard.is_set())
        taken = []
        for number in range(NEWS):
            heard.clear()
            started = time.perf_counter()
            self.repository.add([_connection(f"news {number}")])
            heard.wait(5)
            taken.append(time.perf_counter() - started)
        listener.close()
        print(f"\nA save until another desktop hears of it: median {statistics.median(taken) * 1000:.1f} ms of {NEWS}")

    def _fill(self, connections: list[Connection]) -> None:
        self.repository.add(connections)

        def fill() -> None:
            with self.raw.cursor() as cursor:
                for each in connections:
                    cursor.execute(INSERT, encode(each, stamps_as_text=True))

        self._plain(fill)

    def _fetch(self, text: str, parameters: tuple[Any, ...] | None = None) -> object:
        with self.raw.cursor() as cursor:
            cursor.execute(text, parameters)
            return cursor.fetchall() if cursor.description else None

    @staticmethod
    def _plain(run: Callable[[], Any]) -> Any:
        set_wait_callback(None)
        try:
            return run()
        finally:
            deadline.install()


def _count() -> None:
    until = time.perf_counter() + 3
    while time.perf_counter() < until:
        pass


def _longest_gap(run: Callable[[], object]) -> float:
    worker = threading.Thread(target=run)
    worker.start()
    longest, before = 0.0, time.perf_counter()
    while worker.is_alive():
        time.sleep(0.005)
        now = time.perf_counter()
        longest, before = max(longest, now - before), now
    return longest


def _copy_line(row: tuple[Any, ...]) -> str:
    values = ["\\N" if value is None else str(value).replace("\\", "\\\\").replace("\t", "\\t") for value in row]
    return "\t".join(values) + "\n"


if __name__ == "__main__":
    main()
