"""The one row that tells a database from every other: its id, and an epoch that grows whenever a backup is restored."""

from storage.json_store.record_file import Identity
from storage.open_database import OpenDatabase

_READ = "SELECT database_id, epoch FROM store_identity"


def read_identity(database: OpenDatabase) -> Identity:
    """Return the identity of a migrated database. Raises StoreError."""
    with database.read() as statements:
        found = statements.execute(_READ).fetchone()
    return Identity() if found is None else Identity(str(found[0]), int(found[1]))


def raise_epoch(database: OpenDatabase, above: int = 0) -> Identity:
    """Tell every desktop that the content is not what it was: a backup was restored. Returns the new identity."""
    parameter = "?" if database.dialect == "sqlite" else "%s"
    with database.write() as statements:
        # SQLite's MAX of two is PostgreSQL's GREATEST: CASE is both.
        text = f"UPDATE store_identity SET epoch = CASE WHEN epoch > {parameter} THEN epoch ELSE {parameter} END + 1"  # noqa: S608
        statements.execute(text, (above, above))
    return read_identity(database)
