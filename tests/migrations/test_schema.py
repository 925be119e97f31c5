"""The schema that the files bring, looked at on both databases: every migration has its expectation, and no more."""

import sqlite3
import subprocess
import uuid
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import peewee
import pytest

from models.tables import TABLES
from storage.migrator.files import find_migrations
from tests.bare_postgres import PASSWORD, PROGRAMS, BareServer
from tests.databases import MIGRATIONS, RawDatabase, connect, migrator, states, type_class
from tests.migrations.expectations import BRINGS, HOT_QUERIES
from tests.migrations.rows import fill

THE_SEVEN = {
    36: "create_optimal_indication_tables",
    37: "create_exchange_positions_table",
    38: "fix_pseudo_positions_schema",
    51: "add_performance_indexes",
    53: "add_market_data_optimization",
    70: "high_frequency_performance_indexes",
    71: "add_coordination_tables",
}
LEDGER = {"migrations", "migration_failures"}


@pytest.fixture
def migrated(database: RawDatabase) -> RawDatabase:
    migrator(database).apply()
    return database


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_every_migration_has_its_test_and_the_seven_their_names(dialect: str) -> None:
    found = {file.number: file.name for file in find_migrations(MIGRATIONS, dialect)}
    assert found.keys() == BRINGS.keys(), "Say in tests/migrations/expectations.py what a new migration brings."
    assert found.items() >= THE_SEVEN.items()


def test_both_dialects_have_the_same_numbers_and_names() -> None:
    names = [[(file.number, file.name) for file in find_migrations(MIGRATIONS, d)] for d in ("sqlite", "postgresql")]
    assert names[0] == names[1]
    assert all(path.suffix == ".sql" for path in MIGRATIONS.iterdir())


def test_each_migration_brings_what_it_promises_and_nothing_else(database: RawDatabase) -> None:
    before = _everything(database)
    seen: list[int] = []

    def compare(number: int) -> None:
        nonlocal before
        after = _everything(database)
        new = {kind: after[kind] - before[kind] - LEDGER for kind in after}
        brings = BRINGS[number]
        assert new["tables"] == set(brings.tables)
        assert new["indexes"] == set(brings.indexes)
        assert new["views"] == set(brings.views)
        assert new["columns"] >= set(brings.columns)
        assert {table for table, _column in new["columns"] - set(brings.columns)} <= {
            *brings.tables, *brings.views, *LEDGER,
        }  # fmt: skip
        for key, value in brings.settings:
            assert database.rows(f"SELECT value FROM system_settings WHERE key = '{key}'") == [(value,)]
        assert all(before[kind] <= after[kind] for kind in after)
        before = after
        seen.append(number)

    def hook(migration: Any, index: int) -> None:
        if index == len(migration.statements):
            compare(migration.number)

    items = migrator(database, hook=hook).apply()
    assert set(states(items).values()) == {"applied"}
    assert seen == sorted(BRINGS)


def test_a_second_run_does_nothing(migrated: RawDatabase) -> None:
    before, ledger = _everything(migrated), migrated.rows("SELECT * FROM migrations ORDER BY number")
    assert migrator(migrated).up_to_date()
    items = migrator(migrated).apply()
    assert set(states(items).values()) == {"applied"}
    assert _everything(migrated) == before
    assert migrated.rows("SELECT * FROM migrations ORDER BY number") == ledger


def test_every_file_may_run_again_by_hand_where_the_dialect_can_say_so(migrated: RawDatabase) -> None:
    before = _everything(migrated)
    for migration in find_migrations(MIGRATIONS, migrated.dialect):
        for statement in migration.statements:
            if not (migrated.dialect == "sqlite" and "ADD COLUMN" in statement.text):
                migrated.rows(statement.text)
    assert _everything(migrated) == before


def test_the_models_and_the_schema_are_the_same(migrated: RawDatabase) -> None:
    for model in TABLES:
        fields = {field.column_name: (_type_of(field), bool(field.null)) for field in model._meta.sorted_fields}
        columns = migrated.columns(model._meta.table_name)
        assert columns == fields, model._meta.table_name


def test_both_dialects_have_the_same_columns(tmp_path: Path, postgres_url: str) -> None:
    shapes = []
    for address in (str(tmp_path / "cts.db"), postgres_url):
        with closing(connect(address)) as database:
            migrator(database).apply()
            tables = sorted(database.tables())
            shapes.append({table: _by_class(database, table) for table in tables})
    assert shapes[0] == shapes[1]


def test_plain_sql_of_another_program_can_add_a_connection(migrated: RawDatabase) -> None:
    migrated.rows("INSERT INTO exchange_connections (id, name, exchange) VALUES ('x', 'By hand', 'bybit')")
    (row,) = migrated.rows("SELECT revision, enabled, tags, extra, created_at, updated_at FROM exchange_connections")
    assert (row[0], bool(row[1]), row[2], row[3]) == (1, True, "[]", "{}")
    for stamp in row[4:]:
        moment = stamp if isinstance(stamp, datetime) else datetime.fromisoformat(stamp)
        assert moment.tzinfo is not None
        assert abs((datetime.now(UTC) - moment).total_seconds()) < 600


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO exchange_connections (id, name, exchange) VALUES ('y', 'Taken', 'okx')",
        "INSERT INTO exchange_connections (id, name, exchange) VALUES ('x', 'Other', 'okx')",
        "INSERT INTO exchange_connections (id, name, exchange, revision) VALUES ('y', 'Other', 'okx', 0)",
        "INSERT INTO exchange_connections (id, name, exchange) VALUES ('y', NULL, 'okx')",
        "INSERT INTO store_identity (\"only\", database_id) VALUES (2, 'another')",
        (
            "INSERT INTO base_pseudo_positions (connection_id, symbol, indication_type, indication_range, direction,"
            " drawdown_ratio, market_change_range, last_part_ratio) VALUES ('c', 's', 'move', 1, 'long', 1, 1, 1)"
        ),
        (
            "INSERT INTO active_exchange_positions (connection_id, symbol, side, entry_price, quantity, sync_status)"
            " VALUES ('c', 's', 'long', 1, 1, 'lost')"
        ),
    ],
)
def test_what_must_not_be_is_refused(migrated: RawDatabase, sql: str) -> None:
    migrated.rows("INSERT INTO exchange_connections (id, name, exchange) VALUES ('x', 'Taken', 'bybit')")
    with pytest.raises(migrated.connection.Error):
        migrated.rows(sql)


def test_every_database_has_an_identity_of_its_own(migrated: RawDatabase, tmp_path: Path) -> None:
    ((one,),) = migrated.rows("SELECT database_id FROM store_identity")
    with closing(connect(str(tmp_path / "other.db"))) as other:
        migrator(other).apply()
        ((two,),) = other.rows("SELECT database_id FROM store_identity")
    assert str(uuid.UUID(one)) == one
    assert str(uuid.UUID(two)) == two
    assert one != two


def test_a_persons_setting_stays(database: RawDatabase) -> None:
    def hook(migration: Any, index: int) -> None:
        if migration.number == 53 and index == 0:
            database.rows("INSERT INTO system_settings (key, value) VALUES ('market_data_retention_days', '30')")

    migrator(database, hook=hook).apply()
    rows = database.rows("SELECT value FROM system_settings WHERE key = 'market_data_retention_days'")
    assert rows == [("30",)]


def test_the_views_say_what_is_won_and_lost(migrated: RawDatabase) -> None:
    migrated.rows(
        "INSERT INTO base_pseudo_positions (id, connection_id, symbol, indication_range, direction, drawdown_ratio,"
        " market_change_range, last_part_ratio) VALUES ('b', 'c', 'BTCUSDT', 5, 'long', 0.2, 3, 1)"
    )
    for status, result in (("open", 1.5), ("closed", 2.0), ("closed", -3.0)):
        migrated.rows(
            "INSERT INTO pseudo_positions (connection_id, symbol, indication_type, side, entry_price, base_position_id,"
            f" status, profit_loss) VALUES ('c', 'BTCUSDT', 'optimal', 'long', 100, 'b', '{status}', {result})"
        )
    assert migrated.rows(
        "SELECT positions, open_positions, closed_winning, closed_losing, positions_profit_loss"
        " FROM base_position_performance"
    ) == [(3, 1, 1, 1, 0.5)]
    for name, side, now, result in (("w", "long", 110, 10), ("l", "short", 110, -10), ("b", "long", 100, 0)):
        migrated.rows(
            "INSERT INTO active_exchange_positions (id, connection_id, symbol, side, entry_price, current_price,"
            f" quantity, unrealized_pnl) VALUES ('{name}', 'c', 'BTCUSDT', '{side}', 100, {now}, 1, {result})"
        )
    assert migrated.rows(
        "SELECT id, profit_loss_percent, outcome FROM active_exchange_positions_monitoring ORDER BY id"
    ) == [("b", 0, "breakeven"), ("l", -10, "losing"), ("w", 10, "winning")]


def test_hot_queries_use_their_index(migrated: RawDatabase) -> None:
    fill(migrated, 20_000)
    for query in HOT_QUERIES:
        plan = migrated.plan(query.sql)
        assert query.index_name in plan or (query.or_index and query.or_index in plan), f"{query.sql}\n{plan}"


def test_no_index_depends_on_the_clock() -> None:
    for path in MIGRATIONS.iterdir():
        for statement in path.read_text(encoding="utf-8").split(";"):
            if "CREATE" in statement and "INDEX" in statement:
                lowered = statement.lower()
                assert not any(word in lowered for word in ("now(", "current_timestamp", "datetime(")), path.name


def test_sqlites_own_tools_can_run_the_files(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "plain.db")) as plain, closing(connect(str(tmp_path / "cts.db"))) as ours:
        for migration in find_migrations(MIGRATIONS, "sqlite"):
            plain.executescript(migration.path.read_text(encoding="utf-8"))
        migrator(ours).apply()
        assert ours.tables() - LEDGER == RawDatabase(plain, "sqlite").tables()
        assert ours.indexes() == RawDatabase(plain, "sqlite").indexes()


def test_psql_can_run_the_files_twice(postgres_url: str, postgres_server: BareServer) -> None:
    files = [str(file.path) for file in find_migrations(MIGRATIONS, "postgresql")]
    name = postgres_url.rpartition("/")[2]
    command = [str(PROGRAMS / "psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-U", "postgres"]
    command += ["-p", str(postgres_server.port), "-d", name]
    for path in files + files:
        command += ["-f", path]
    done = subprocess.run(
        command,
        check=False,
        capture_output=True,
        text=True,
        env={"PGPASSWORD": PASSWORD, "PGOPTIONS": "-c client_min_messages=warning"},
    )
    assert done.returncode == 0, done.stderr
    with closing(connect(postgres_url)) as database:
        assert {table for brings in BRINGS.values() for table in brings.tables} == database.tables()


def _everything(database: RawDatabase) -> dict[str, set[Any]]:
    tables = database.tables()
    return {
        "tables": tables,
        "indexes": database.indexes(),
        "views": database.views(),
        "columns": {(table, column) for table in tables for column in database.columns(table)},
    }


def _by_class(database: RawDatabase, table: str) -> dict[str, tuple[str, bool]]:
    """Leave out what SQLite alone says: that an integer key can be NULL, which it cannot."""
    return {
        name: (kind, nullable and name not in {"id", "number"})
        for name, (kind, nullable) in database.columns(table).items()
    }


def _type_of(field: peewee.Field) -> str:
    kinds = {"TEXT": "text", "INT": "integer", "INTEGER": "integer", "FLOAT": "number", "BOOL": "boolean"}
    return kinds.get(field.field_type) or type_class(field.field_type)
