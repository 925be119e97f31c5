"""A CTS v3.1 database is told by its columns; ours, an empty one and another program's are not taken for one."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from storage.database import Database
from storage.legacy.set_aside import set_aside
from storage.legacy.shapes import Shape, recognise, tables
from tests.fixtures.cts31 import Canaries, shape_a, shape_b
from tests.store_kit import open_kit


def test_both_shapes_are_recognised(tmp_path: Path) -> None:
    shape_a(tmp_path / "a.db", Canaries())
    shape_b(tmp_path / "b.db", Canaries())
    with closing(sqlite3.connect(tmp_path / "a.db")) as a, closing(sqlite3.connect(tmp_path / "b.db")) as b:
        assert (recognise(a), recognise(b)) == (Shape.A, Shape.B)
        assert (len(tables(a)), len(tables(b))) == (33, 20)


def test_ours_is_not_one(tmp_path: Path) -> None:
    with open_kit(tmp_path / "data") as kit:
        database = kit.store.database
        assert isinstance(database, Database)
        with database.read() as connection:
            assert recognise(connection) is None


@pytest.mark.parametrize(
    "sql",
    [
        "",
        "CREATE TABLE exchange_connections (id INTEGER, name TEXT)",
        "CREATE TABLE exchange_connections (id TEXT, name, exchange, api_key, api_secret)",
        "CREATE TABLE exchange_connections (id, name, exchange, api_key, api_secret, is_enabled, revision)",
        "CREATE TABLE migrations (number INTEGER, name TEXT, checksum TEXT)",
        "CREATE TABLE migrations (version TEXT)",
        """CREATE TABLE exchange_connections (id INTEGER, name, exchange, api_key, api_secret, testnet, is_active);
        CREATE TABLE migrations (number INTEGER, name TEXT, checksum TEXT)""",
    ],
)
def test_a_name_alone_says_nothing(sql: str) -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(sql)
        assert recognise(connection) is None


def test_the_old_ledger_is_enough(tmp_path: Path) -> None:
    """Our ledger has the same name: a folder whose connections table is gone would stop every migration."""
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE TABLE migrations (id INTEGER PRIMARY KEY, name TEXT UNIQUE, executed_at TEXT)")
        assert recognise(connection) is Shape.A


def test_every_table_moves_with_its_rows_and_its_links(tmp_path: Path) -> None:
    shape_a(tmp_path / "a.db", Canaries())
    with closing(sqlite3.connect(tmp_path / "a.db", isolation_level=None)) as connection:
        connection.text_factory = bytes
        before = {name: connection.execute(f'SELECT * FROM "{name}"').fetchall() for name in _names(connection)}
        connection.text_factory = str
        counts = set_aside(connection)
        connection.text_factory = bytes
        for name, rows in before.items():
            assert connection.execute(f'SELECT * FROM "legacy_{name}"').fetchall() == rows
            assert counts[name] == len(rows)
        connection.text_factory = str
        # The table that had the prefix already kept apart from the one that needed its name.
        assert connection.execute("SELECT note FROM legacy_legacy_orders").fetchone() == ("kept from v2",)
        assert connection.execute("SELECT count(*) FROM legacy_orders").fetchone() == (2,)
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        targets = connection.execute("PRAGMA foreign_key_list(legacy_pseudo_positions)").fetchall()
        assert targets[0][2] == "legacy_exchange_connections"
        kept = {row[0] for row in connection.execute("SELECT name FROM legacy_schema")}
        assert {"broken_view", "active_connections", "remember_keys", "idx market data"} <= kept
        left = connection.execute(
            "SELECT name FROM sqlite_master WHERE type IN ('index', 'view', 'trigger') AND sql NOT NULL"
        )
        assert left.fetchall() == []


def test_a_failure_leaves_every_name(tmp_path: Path) -> None:
    shape_a(tmp_path / "a.db", Canaries())
    with closing(sqlite3.connect(tmp_path / "a.db", isolation_level=None)) as connection:
        before = connection.execute("SELECT type, name, sql FROM sqlite_master ORDER BY name").fetchall()

        def deny(action: int, first: str | None, second: str | None, *_: object) -> int:
            stop = action == sqlite3.SQLITE_ALTER_TABLE and second == "trade_logs"
            return sqlite3.SQLITE_DENY if stop else sqlite3.SQLITE_OK

        connection.set_authorizer(deny)
        with pytest.raises(sqlite3.DatabaseError):
            set_aside(connection)
        connection.set_authorizer(None)
        assert connection.execute("SELECT type, name, sql FROM sqlite_master ORDER BY name").fetchall() == before


def _names(connection: sqlite3.Connection) -> list[str]:
    rows = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'")
    return [row[0].decode() if isinstance(row[0], bytes) else row[0] for row in rows]
