"""Real databases for tests of the migrations, by address: a path is SQLite, a URL is PostgreSQL. No pytest here: the
subprocesses that are killed import it too."""

import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import psycopg2

from models.status import Backup, MigrationItem
from storage.migrator.files import Migration
from storage.migrator.runner import Migrator

MIGRATIONS = Path(__file__).parent.parent / "migrations"


class RawDatabase:
    """A driver's own connection, as the engine takes it, and the questions that tests ask."""

    def __init__(self, connection: Any, dialect: Literal["sqlite", "postgresql"]) -> None:
        self.connection = connection
        self.dialect: Literal["sqlite", "postgresql"] = dialect

    def cursor_connection(self) -> Any:
        return self.connection

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        cursor = self.connection.cursor()
        try:
            cursor.execute(sql, parameters) if parameters else cursor.execute(sql)
            return list(cursor.fetchall()) if cursor.description else []
        finally:
            cursor.close()

    def tables(self) -> set[str]:
        return self._named("table", "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")

    def views(self) -> set[str]:
        return self._named("view", "SELECT viewname FROM pg_views WHERE schemaname = current_schema()")

    def indexes(self) -> set[str]:
        return self._named(
            "index",
            "SELECT indexname FROM pg_indexes WHERE schemaname = current_schema()"
            " AND indexname NOT LIKE '%\\_pkey' AND indexname NOT LIKE '%\\_key'",
        )

    def columns(self, table: str) -> dict[str, tuple[str, bool]]:
        """Return type class and nullability by column."""
        if self.dialect == "sqlite":
            found = self.rows(f"SELECT name, type, \"notnull\" = 0 FROM pragma_table_info('{table}')")
        else:
            found = self.rows(
                "SELECT column_name, data_type, is_nullable = 'YES' FROM information_schema.columns"
                f" WHERE table_schema = current_schema() AND table_name = '{table}'"
            )
        return {name: (type_class(kind), bool(nullable)) for name, kind, nullable in found}

    def plan(self, sql: str) -> str:
        """Return how the database would run a query, in its own words."""
        if self.dialect == "sqlite":
            return "\n".join(row[3] for row in self.rows(f"EXPLAIN QUERY PLAN {sql}"))
        return "\n".join(row[0] for row in self.rows(f"EXPLAIN {sql}"))

    def close(self) -> None:
        self.connection.close()

    def _named(self, kind: str, postgresql: str) -> set[str]:
        if self.dialect == "sqlite":
            sql = f"SELECT name FROM sqlite_master WHERE type = '{kind}' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
            return {row[0] for row in self.rows(sql)}
        return {row[0] for row in self.rows(postgresql)}


def connect(address: str, *, wait: float = 2.0) -> RawDatabase:
    """Open a database; SQLite waits `wait` seconds for a lock."""
    if address.startswith("postgresql://"):
        connection = psycopg2.connect(address, connect_timeout=5, application_name="cts-test")
        connection.autocommit = True
        return RawDatabase(connection, "postgresql")
    return RawDatabase(sqlite3.connect(address, timeout=wait, isolation_level=None), "sqlite")


def no_backup() -> Backup | None:
    return None


def migrator(
    database: RawDatabase,
    folder: Path = MIGRATIONS,
    *,
    hook: Callable[[Migration, int], None] = lambda _migration, _index: None,
    backup: Callable[[], Backup | None] = no_backup,
    wait: float = 30.0,
) -> Migrator:
    return Migrator(database, folder, backup=backup, hook=hook, wait=wait)


def states(items: Sequence[MigrationItem]) -> dict[int, str]:
    return {item.number: item.state.value for item in items}


def write_files(folder: Path, **texts: str) -> Path:
    """Write migration files: `_001_first="CREATE ..."` becomes 001_first.sql."""
    folder.mkdir(exist_ok=True)
    for name, text in texts.items():
        (folder / f"{name.removeprefix('_')}.sql").write_text(text, encoding="utf-8", newline="")
    return folder


def type_class(declared: str) -> str:
    """Return the kind of a column's type, the same word for both dialects."""
    words = {
        "text": "text",
        "varchar": "text",
        "character varying": "text",
        "integer": "integer",
        "bigint": "integer",
        "double precision": "number",
        "real": "number",
        "boolean": "boolean",
        "bool": "boolean",
        "timestamptz": "stamp",
        "timestamp with time zone": "stamp",
    }
    return words[declared.lower().partition("(")[0]]
