"""Backups of a PostgreSQL: our own tables in one verified file, restorable into a database of either kind.

Tables that only other programs fill are not in it: their server's own backups are for those.
"""

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, Final, NamedTuple

from models.problem import Category, CtsError, Problem, StoreError
from models.status import Backup
from storage.atomic_file import BadFileError
from storage.backup import EXPORT_ENDING, keep_backup, list_backups
from storage.diagnosis import diagnose
from storage.open_database import OpenDatabase
from storage.whole.export_file import Head, open_export, verify_export, write_export
from storage.whole.snapshot import AT_ONCE, Snapshot, Table, reading, writing
from storage.whole.tally import Tally, tally

TABLES: Final = (
    "exchange_connections",
    "deleted_connections",
    "conflicts",
    "applied_operations",
    "store_identity",
    "vault_keys",
    "take_overs",
    "taken_over_ids",
    "system_settings",
)


class Restored(NamedTuple):
    """What a restore brought back. `vault` is the header that opens its secrets, "" where the database had none."""

    connections: int
    made_at: str
    vault: str


def make_export(database: OpenDatabase, folder: Path, reason: str, keep: int = 5) -> Backup:
    """Write our tables as they are at one moment, read the file back, and thin out. Raises StoreError."""
    try:

        def write(temporary: Path) -> int:
            with reading(database) as snapshot:
                head = _head(snapshot)
                counts = write_export(temporary, head, snapshot)
            if verify_export(temporary) != (head, counts):
                raise BadFileError(temporary.name, "is not what was written")
            return counts.get("exchange_connections", 0)

        return keep_backup(folder, reason, keep, EXPORT_ENDING, write)
    except CtsError:
        raise
    except OSError as error:
        raise StoreError(diagnose(error, where=str(folder))) from error


def export_before_migrations(database: OpenDatabase, folder: Path, keep: int = 5) -> Backup | None:
    """Make the backup that comes before migrations; None where there is no table of ours yet."""
    with reading(database) as snapshot:
        if not snapshot.has("exchange_connections"):
            return None
    return make_export(database, folder, "migration", keep)


def export_due(folder: Path, *, hours: float = 12.0) -> bool:
    """Tell whether closing is worth an export: not more than one in half a day, because it has to be read whole."""
    last = next((backup for backup in list_backups(folder) if backup.path.endswith(EXPORT_ENDING)), None)
    if last is None:
        return True
    age = (datetime.now(UTC) - datetime.fromisoformat(last.made_at)).total_seconds()
    return not 0 <= age < hours * 3600


def restore_export(path: Path, database: OpenDatabase) -> Restored:
    """Put what a file holds in the place of what our tables hold, in one transaction, compared record by record.

    `database` is migrated. Its identity becomes the file's with a higher epoch: every desktop asks before it sends
    what waits. Raises StoreError; then nothing has changed.
    """
    try:
        head, counts = verify_export(path)
        with writing(database) as target, open_export(path) as (_, rows):
            _refuse_newer(head, target)
            _lock(target)
            epoch = max(head.epoch, epoch_of(target)) + 1
            vault = _take_in(target, head, rows)
            target.run("UPDATE store_identity SET epoch = ?", (epoch,))
        return Restored(counts.get("exchange_connections", 0), head.made_at, vault)
    except FileNotFoundError:
        text = f"There is no backup {path}."
        raise StoreError(Problem(Category.NOT_FOUND, text, "Look at the list of backups.")) from None
    except OSError as error:
        raise StoreError(diagnose(error, where=path.name, path=path)) from error


def _head(snapshot: Snapshot) -> Head:
    known = snapshot.tables()
    identity = ("", 0)
    if "store_identity" in known:
        identity = snapshot.run("SELECT database_id, epoch FROM store_identity").fetchone() or identity
    made_at = datetime.now(UTC).isoformat(timespec="seconds")
    tables = tuple(known[name] for name in TABLES if name in known)
    return Head(made_at, snapshot.dialect, schema_of(snapshot), str(identity[0]), int(identity[1]), tables)


def schema_of(snapshot: Snapshot) -> int:
    """Return the newest migration that the database has."""
    if not snapshot.has("migrations"):
        return 0
    return int(snapshot.run("SELECT coalesce(max(number), 0) FROM migrations").fetchone()[0])


def epoch_of(snapshot: Snapshot) -> int:
    """Return how often the database was restored or moved, 0 where it does not say."""
    found = snapshot.run("SELECT epoch FROM store_identity").fetchone()
    return int(found[0]) if found else 0


def _refuse_newer(head: Head, target: Snapshot) -> None:
    known, present = schema_of(target), target.tables()
    missing = [
        f"{table.name}.{column}"
        for table in head.tables
        for column in table.names
        if table.name not in present or column not in present[table.name].names
    ]
    if head.schema > known or missing:
        raise StoreError(
            Problem(
                Category.SCHEMA,
                f"The backup was made by a newer version of the program: it has migration {head.schema:03}, this "
                f"database {known:03}. Nothing was changed.",
                "Update the program, and restore then.",
                ", ".join(missing[:3]),
            )
        )


def _lock(target: Snapshot) -> None:
    if target.dialect == "postgresql":
        target.run("LOCK TABLE exchange_connections IN SHARE ROW EXCLUSIVE MODE")


def _take_in(target: Snapshot, head: Head, rows: Iterator[tuple[Table, tuple[Any, ...]]]) -> str:
    """Replace the tables and compare them; return the vault's header."""
    present = _present_vault(target)
    wanted = {table.name: Tally() for table in head.tables}
    for table in reversed(head.tables):
        target.run(f'DELETE FROM "{table.name}"')  # noqa: S608 - looked up among our own above
    for table, group in groupby(rows, key=itemgetter(0)):
        source = (row for _, row in group)
        while page := _page(source):
            wanted[table.name].add(page)
            target.insert(table, page)
    for table in head.tables:
        if tally(target, table) != wanted[table.name]:
            raise StoreError(_differs(table.name))
    target.advance_sequences(table.name for table in head.tables)
    return _settle_vault(target, present)


def _page(source: Iterator[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return [row for row, _ in zip(source, range(AT_ONCE), strict=False)]


def _present_vault(target: Snapshot) -> tuple[Any, ...] | None:
    with contextlib.suppress(KeyError):
        target.tables()["vault_keys"]
        found = target.run("SELECT vault, version, content FROM vault_keys").fetchone()
        return None if found is None else tuple(found)
    return None


def _settle_vault(target: Snapshot, present: tuple[Any, ...] | None) -> str:
    """Keep the header of today where it opens what was restored; else the one from then, as the newest."""
    restored = _present_vault(target)
    if restored is None:
        return ""
    content, version = str(restored[2]), int(restored[1])
    if present is not None:
        from storage.vault_file import read_header

        with contextlib.suppress(BadFileError):
            today, then = read_header(str(present[2])), read_header(content)
            if today.vault == then.vault and all(today.key(key.id) for key in then.keys):
                content = str(present[2])
        version = max(version, int(present[1]))
    target.run("UPDATE vault_keys SET content = ?, version = ?", (content, version + 1))
    return content


def _differs(table: str) -> Problem:
    return Problem(
        Category.CORRUPT,
        f"The table {table} was not the same after it was restored. Nothing was changed.",
        "Try again; if it stays, check the disk of the database.",
        table,
    )
