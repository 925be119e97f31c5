"""The ledger: the table `migrations`, and beside it the failures that a person has to read after a restart."""

from datetime import UTC, datetime
from typing import Any, NamedTuple

from models import VERSION
from models.problem import Category, MigrationError, Problem
from storage.migrator.files import Migration
from storage.migrator.plan import Failure, LedgerRow
from storage.migrator.session import Session

# Texts that end, and a row that always fits a page: so PostgreSQL makes no second table for long ones, which takes
# twice as long. A file's name has at most 255 characters wherever there are files.
_CREATE = """CREATE TABLE IF NOT EXISTS migrations (
    number INTEGER PRIMARY KEY,
    name VARCHAR(255) NOT NULL,
    checksum VARCHAR(64) NOT NULL,
    applied_at TIMESTAMPTZ NOT NULL,
    milliseconds INTEGER NOT NULL,
    program_version VARCHAR(64) NOT NULL,
    state VARCHAR(16) NOT NULL DEFAULT 'applied' CHECK (state IN ('applied', 'baseline'))
)"""
_CREATE_FAILURES = """CREATE TABLE IF NOT EXISTS migration_failures (
    number INTEGER PRIMARY KEY,
    checksum TEXT NOT NULL,
    file TEXT NOT NULL,
    line INTEGER NOT NULL,
    statement TEXT NOT NULL,
    message TEXT NOT NULL,
    failed_at TIMESTAMPTZ NOT NULL
)"""
_COLUMNS = "number, name, checksum, applied_at, milliseconds, program_version, state"
_READ = f"SELECT {_COLUMNS} FROM migrations ORDER BY number"  # noqa: S608 - our own words
_HOLDS = "EXISTS (SELECT 1 FROM migrations WHERE number = ?)"
_INSERT = f"INSERT INTO migrations ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)"  # noqa: S608
_FAILURE_COLUMNS = "number, checksum, file, line, statement, message, failed_at"
_STATEMENT_SHOWN = 300
_PRESENT_SQLITE = (
    "SELECT lower(name), type FROM sqlite_master"
    " WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
)
_PRESENT_POSTGRESQL = (
    "SELECT to_regclass('migrations') IS NOT NULL, to_regclass('migration_failures') IS NOT NULL,"
    # The view pg_tables costs two milliseconds.
    " EXISTS (SELECT 1 FROM pg_class WHERE relkind IN ('r', 'p')"
    " AND relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema())"
    " AND relname NOT IN ('migrations', 'migration_failures'))"
)


class Present(NamedTuple):
    """What a database has: the ledger, the table of failures, and any table beside the engine's own two."""

    ledger: bool
    failures: bool
    others: bool


def present(session: Session) -> Present:
    if session.dialect == "postgresql":
        return Present(*session.query(_PRESENT_POSTGRESQL)[0])
    kinds = dict(session.query(_PRESENT_SQLITE))
    ledger, failed = kinds.pop("migrations", None), kinds.pop("migration_failures", None)
    return Present(ledger is not None, failed is not None, "table" in kinds.values())


def read(session: Session) -> list[LedgerRow] | None:
    """Return the ledger by number in one query; None where there is none yet. A foreign table is refused."""
    try:
        rows = session.query(_READ)
    except session.error:
        columns = session.columns("migrations")
        if not columns:
            return None
        if not set(_COLUMNS.split(", ")) <= columns:
            raise _foreign(columns) from None
        # Another program has made it between the two looks; or it is something else, and says so again.
        rows = session.query(_READ)
    return [LedgerRow(row[0], row[1], row[2], _stamp(row[3]), row[4], row[5], row[6]) for row in rows]


def failures(session: Session) -> list[Failure]:
    """Return the last failure of every migration that has failed and is not applied; their table has to be there."""
    rows = session.query(f"SELECT {_FAILURE_COLUMNS} FROM migration_failures ORDER BY number")  # noqa: S608
    return [Failure(row[0], row[1], row[2], row[3], row[4], row[5], _stamp(row[6])) for row in rows]


def create(session: Session) -> None:
    session.run(_CREATE)


def holds(session: Session, number: int) -> bool:
    return bool(session.query(f"SELECT {_HOLDS}", (number,))[0][0])


def begin_and_look(session: Session, number: int) -> bool:
    """Begin a transaction alone, and tell whether the ledger, which is there, holds `number` by now."""
    return session.begin(_HOLDS, (number,))


def add(session: Session, migration: Migration, milliseconds: int) -> None:
    """Write the row of a migration that ran, last in its own transaction."""
    session.change_last(_INSERT, _row(migration, milliseconds, "applied"))


def adopt(session: Session, migration: Migration) -> None:
    """Write the row of a migration whose schema was there already."""
    session.change(_INSERT, _row(migration, 0, "baseline"))


def accept(session: Session, migration: Migration) -> None:
    """Take the file as it is now for what was applied."""
    session.change(
        "UPDATE migrations SET name = ?, checksum = ? WHERE number = ?",
        (migration.name, migration.checksum, migration.number),
    )


def remove(session: Session, number: int) -> None:
    session.change("DELETE FROM migrations WHERE number = ?", (number,))


def forget_failure(session: Session, number: int) -> None:
    if session.columns("migration_failures"):
        session.change("DELETE FROM migration_failures WHERE number = ?", (number,))


def describe_failure(migration: Migration, index: int, message: str) -> Failure:
    """Return the failure of the statement at `index`; past the end, the file's last one is named."""
    statement = migration.statements[min(index, len(migration.statements) - 1)]
    text = " ".join(statement.text.split())
    shown = text if len(text) <= _STATEMENT_SHOWN else f"{text[:_STATEMENT_SHOWN]}..."
    return Failure(migration.number, migration.checksum, migration.path.name, statement.line, shown, message, _now())


def record_failure(session: Session, failure: Failure) -> None:
    """Keep a failure; most databases never have one, so the table is made only here."""
    session.run(_CREATE_FAILURES)
    forget_failure(session, failure.number)
    session.change(
        f"INSERT INTO migration_failures ({_FAILURE_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
        failure,
    )


def _row(migration: Migration, milliseconds: int, state: str) -> LedgerRow:
    return LedgerRow(migration.number, migration.name, migration.checksum, _now(), milliseconds, VERSION, state)


def _now() -> str:
    return _text(datetime.now(UTC))


def _stamp(value: Any) -> str:
    """Return UTC in ISO 8601, whether the driver gave text (SQLite) or a datetime (PostgreSQL)."""
    return _text(value) if isinstance(value, datetime) else str(value)


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _foreign(columns: set[str]) -> MigrationError:
    return MigrationError(
        Problem(
            Category.LEGACY,
            "The table migrations in this database belongs to another program: its columns are "
            f"{', '.join(sorted(columns))}.",
            "Take over the CTS v3.1 folder that it came from, or start with another database. Nothing was changed.",
        )
    )
