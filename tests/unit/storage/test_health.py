"""Health as it is measured: on a real file, on a real server, on a standby's primary, and on a damaged file."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from models.problem import StoreError
from storage.database import Database
from storage.health import Health, check_integrity, percentile
from storage.postgresql.address import parse_address
from storage.postgresql.database import PostgresDatabase
from tests.databases import connect
from tests.store_kit import migrated_database


def test_percentiles_are_the_nearest_rank() -> None:
    assert percentile((), 50) is None
    assert percentile((7.0,), 95) == 7.0
    values = tuple(float(number) for number in range(100, 0, -1))
    assert (percentile(values, 50), percentile(values, 95), percentile(values, 100)) == (50.0, 95.0, 100.0)


def test_a_file(tmp_path: Path) -> None:
    path = tmp_path / "cts.db"
    path.write_bytes(migrated_database())
    database = Database.open_sqlite(path)
    health = Health()
    for _ in range(20):
        assert health.measure(database) > 0
    report = health.report(database, integrity="ok", mirror_lag=2, waiting=3)
    database.close()
    assert (report.role, report.integrity, report.mirror_lag, report.waiting) == ("embedded", "ok", 2, 3)
    assert report.size_bytes == path.stat().st_size
    assert report.server_version == sqlite3.sqlite_version
    assert len(report.samples) == 21
    assert report.latency_p50_ms is not None
    assert report.latency_p95_ms is not None
    assert 0 < report.latency_p50_ms <= report.latency_p95_ms
    assert "samples" not in report.as_json()


def test_a_server(migrated_postgres_url: str) -> None:
    database = PostgresDatabase.open(parse_address(migrated_postgres_url))
    with closing(connect(migrated_postgres_url)):
        report = Health().report(database)
    database.close()
    assert report.role == "primary"
    assert report.integrity == "ok"
    assert report.server_version.split(".")[0].isdigit()
    assert report.size_bytes is not None
    assert report.size_bytes > 1_000_000
    assert (report.pool_used, report.pool_max) == (2, 4)
    assert report.connections_used is not None
    assert report.connections_used >= 3
    assert report.connections_max == 40


def test_a_closed_database_is_not_measured(tmp_path: Path) -> None:
    path = tmp_path / "cts.db"
    path.write_bytes(migrated_database())
    database = Database.open_sqlite(path)
    database.close()
    health = Health()
    with pytest.raises(StoreError):
        health.measure(database)
    assert health.samples() == ()


def test_integrity_finds_what_a_quick_look_does_not(tmp_path: Path) -> None:
    path = tmp_path / "cts.db"
    path.write_bytes(migrated_database())
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("INSERT INTO exchange_connections (id, name, exchange) VALUES ('a', 'b', 'bybit')")
        # An index that lacks its row: only the full check compares both.
        other.execute("PRAGMA writable_schema = ON")
        (root,) = other.execute(
            "SELECT rootpage FROM sqlite_master WHERE name = 'ix_exchange_connections_enabled_exchange'"
        ).fetchone()
        (size,) = other.execute("PRAGMA page_size").fetchone()
    page = bytearray(path.read_bytes())
    at = (root - 1) * size
    page[at + 3 : at + 5] = b"\0\0"
    path.write_bytes(bytes(page))
    database = Database.open_sqlite(path)
    assert check_integrity(database) != "ok"
    database.close()


def test_integrity_of_what_is_whole(tmp_path: Path, migrated_postgres_url: str) -> None:
    path = tmp_path / "cts.db"
    path.write_bytes(migrated_database())
    file, server = Database.open_sqlite(path), PostgresDatabase.open(parse_address(migrated_postgres_url))
    assert (check_integrity(file), check_integrity(server)) == ("ok", "ok")
    file.close()
    server.close()
