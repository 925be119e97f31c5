"""What more rows cost: a connection in lists of 1,000, 10,000 and 100,000, and the hot queries at a million prices.

A longer list costs more a row even for the driver, whose tuples outgrow the processor's caches; its own growth is
printed beside ours. Other tables of the hot queries hold 50,000 rows each.
"""

import re
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.measure import in_turns
from models.connection import FIELDS, Connection
from models.connection_rules import validate
from models.secret import SealedSecret
from storage.database import Database
from storage.database_repository import DatabaseRepository
from storage.open_database import OpenDatabase
from storage.postgresql import deadline
from storage.postgresql.address import parse_address
from storage.postgresql.database import PostgresDatabase
from tests.bare_postgres import BareServer
from tests.databases import connect, migrator
from tests.migrations.expectations import HOT_QUERIES
from tests.migrations.rows import fill, fill_market_data

COUNTS = (1_000, 10_000, 100_000)
PRICES, OTHERS = 1_000_000, 50_000
GROWTH_BAR, QUERY_BAR_MILLISECONDS = 1.3, 5.0
LOOKS = 15
_INDEX = re.compile(r"\bix_\w+")
_EVERYTHING = f"SELECT {', '.join(FIELDS)} FROM exchange_connections"


def main() -> None:
    server = BareServer(fsync="on")
    with tempfile.TemporaryDirectory(prefix="cts-bench-") as scratch:
        try:
            server.start()
            for dialect in ("sqlite", "postgresql"):
                new = partial(_new, dialect, Path(scratch), server)
                _connections(dialect, new)
                _hot_queries(dialect, new("prices"))
        finally:
            server.destroy()


def _new(dialect: str, scratch: Path, server: BareServer, name: str) -> str:
    """Return the address of a new database with our schema."""
    address = str(scratch / f"{name}.db")
    if dialect == "postgresql":
        server.sql(f"CREATE DATABASE {name}")
        address = server.url(name)
    with closing(connect(address)) as database:
        migrator(database).apply()
    return address


def _open(dialect: str, address: str) -> OpenDatabase:
    return Database.open_sqlite(Path(address)) if dialect == "sqlite" else PostgresDatabase.open(parse_address(address))


def _connections(dialect: str, new: Callable[[str], str]) -> None:
    found: dict[str, list[float]] = {"read by the driver": [], "list": [], "add": []}
    for count in COUNTS:
        database = _open(dialect, new(f"list_{count}"))
        repository = DatabaseRepository(database, "bench")
        connections = [_connection(f"connection {number}") for number in range(count)]
        adding = [_timed(partial(repository.add, some)) for some in _lots(connections)]
        runs: dict[str, Callable[[], object]] = {
            "read by the driver": partial(_read_all, database),
            "list": repository.rows,
        }
        medians = in_turns(runs, rounds=5 if count > COUNTS[0] else 45) | {"add": sum(adding)}
        for name, taken in medians.items():
            found[name].append(taken / count)
        database.close()
    print(f"\n{dialect}: microseconds a connection, in lists of {', '.join(f'{count:,}' for count in COUNTS)}")
    for name, costs in found.items():
        ratio = costs[-1] / costs[0]
        verdict = "" if name == "read by the driver" else f"   bar {GROWTH_BAR} {_word(ratio <= GROWTH_BAR)}"
        print(f"  {name:<24}{''.join(f'{cost * 1e6:9.1f}' for cost in costs)}   x{ratio:5.2f}{verdict}")


def _lots(connections: list[Connection]) -> list[list[Connection]]:
    """A thousand at once, however many there are already."""
    return [connections[start : start + COUNTS[0]] for start in range(0, len(connections), COUNTS[0])]


def _hot_queries(dialect: str, address: str) -> None:
    with closing(connect(address, wait=60.0)) as database:
        with deadline.patient(600.0):
            fill(database, OTHERS)
            fill_market_data(database, PRICES)
        print(f"\n{dialect}: hot queries at {PRICES:,} prices, ms (bar {QUERY_BAR_MILLISECONDS:.0f}, and by index)")
        for query in HOT_QUERIES:
            taken = statistics.median(_timed(partial(database.rows, query.sql)) for _ in range(LOOKS)) * 1000
            index = _index(database.plan(query.sql))
            verdict = _word(bool(index) and taken <= QUERY_BAR_MILLISECONDS)
            print(f"  {query.number:03} {index or 'READS THE TABLE':<54}{taken:9.3f}   {verdict}")


def _index(plan: str) -> str:
    """Return the index that a plan goes by, whichever it is; "" where it reads a whole table."""
    found = _INDEX.search(plan)
    return found[0] if found and "Seq Scan" not in plan else ""


def _connection(name: str) -> Connection:
    token = SealedSecret("cts1.0123456789ab." + "A" * 88)
    return validate({"name": name, "exchange": "bybit", "api_key": token, "api_secret": token, "tags": ["a", "b"]})


def _read_all(database: OpenDatabase) -> Any:
    with database.read() as statements:
        return statements.execute(_EVERYTHING).fetchall()


def _timed(run: Callable[[], object]) -> float:
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def _word(is_good: bool) -> str:
    return "ok" if is_good else "MISSED"


if __name__ == "__main__":
    main()
