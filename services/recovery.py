"""What a person may do when the database is not well: look for damage, try again, restore a backup, begin empty."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from models.event import Notice
from models.problem import Category, Problem, StoreError
from models.status import StoreStatus
from services.late_vault import renewed_or_as_it_is
from storage.opening_steps import NOT_OPEN

if TYPE_CHECKING:
    from services.events import Events
    from services.late_vault import LateVault
    from storage.bringing_back import Lacking
    from storage.data_folder import DataFolder
    from storage.open_database import OpenDatabase
    from storage.store import Store

BEFORE_RESTORE: Final = "before-restore"


class RecoveryService:
    """Every call blocks and raises CtsError. The store itself publishes what changes."""

    def __init__(
        self,
        store: "Store",
        events: "Events",
        *,
        folder: "DataFolder",
        vault: "LateVault",
        migrations: Path,
        keep: Callable[[], int],
    ) -> None:
        self._store = store
        self._events = events
        self._folder = folder
        self._vault = vault
        self._migrations = migrations
        self._keep = keep

    def opening(self) -> bool:
        """Tell whether the start has not come to the database yet."""
        return self._store.status.problem == NOT_OPEN

    def check(self) -> str:
        """Look through the database; return "ok", or the first damage that SQLite names."""
        database = self._store.database
        if database is None:
            raise StoreError(self._store.status.problem or NOT_OPEN)
        return database.quick_check()

    def retry(self) -> StoreStatus:
        """Open the database again now."""
        self._store.retry()
        return self._store.status

    def restore(self, backup: Path) -> int:
        """Put a backup of either kind in the place of the database's content; return its connections.

        A file goes to quarantine; of a PostgreSQL, a backup is made first, and every other desktop is asked before it
        sends what waits there.
        """
        from storage.backup import EXPORT_ENDING

        database = self._store.database
        export = backup.name.endswith(EXPORT_ENDING)
        kept = "What was there before is kept in quarantine."
        if database is not None and database.dialect == "postgresql":
            count = self._into_server(backup, database, export=export)
            kept = "What was there before is kept as the newest backup."
        elif self._store.status.home.startswith("postgresql:"):
            raise StoreError(_away(self._store.status))
        elif export:
            count = self._into_file(backup)
        else:
            count = self._store.restore_backup(backup)
        noun = "connection" if count == 1 else "connections"
        self._events.publish(Notice("info", f"The backup is restored: {count:,} {noun}. {kept}"))
        return count

    def _into_server(self, backup: Path, database: "OpenDatabase", *, export: bool) -> int:
        from storage.export_backup import make_export, restore_export
        from storage.restoring import into_server

        make_export(database, self._folder.backups, BEFORE_RESTORE, self._keep())
        if export:
            restored = restore_export(backup, database)
        else:
            restored = into_server(backup, database, self._folder, self._migrations)
        self._store.refresh()
        return restored.connections

    def _into_file(self, backup: Path) -> int:
        from storage.restoring import as_sqlite

        with as_sqlite(backup, self._folder, self._migrations) as (path, restored):
            count = self._store.restore_backup(path)
        if restored.vault:
            self._vault.sharing.learn(restored.vault)
        return count

    def lacking(self, folder: Path) -> "Lacking":
        """Return what the database lacks of the records that were kept in a folder. Changes nothing."""
        from storage.bringing_back import lacking, read_kept

        return lacking(self._store.repository, read_kept(folder))

    def bring_back(self, folder: Path) -> "Lacking":
        """Put the records that were kept in a folder into the database again: what it lacks, and what it has older."""
        from storage.bringing_back import bring_back, put_away

        database, wanted = self._store.database, self.lacking(folder)
        if database is None:
            raise StoreError(self._store.status.problem or NOT_OPEN)
        bring_back(database, self._store.repository, wanted, partial(renewed_or_as_it_is, self._vault))
        put_away(folder)
        self._store.refresh()
        level = "info" if wanted.missing or wanted.older else "warning"
        self._events.publish(Notice(level, brought_back(wanted)))
        return wanted

    def restore_records(self) -> int:
        """Make a missing database anew from the record files, with what waits in them; return its connections."""
        count = self._store.restore_records()
        noun = "connection" if count == 1 else "connections"
        self._events.publish(Notice("info", f"The database was made again from the records: {count:,} {noun}."))
        return count

    def start_empty(self) -> StoreStatus:
        """Begin with an empty database where the old one is missing.

        The backups stay, the record files are kept in quarantine; changes that wait stay where they are.
        """
        self._store.start_empty()
        return self._store.status


def brought_back(wanted: "Lacking") -> str:
    """Say what became, or would become, of kept records."""
    missing, older = len(wanted.missing), len(wanted.older)
    parts = [f"{missing:,} {'connection was' if missing == 1 else 'connections were'} brought back."] if missing else []
    if older:
        parts.append(f"{older:,} {'has' if older == 1 else 'have'} again what is newer.")
    if wanted.left:
        parts.append(f"{wanted.left:,} stayed: the database has them no older, or somebody deleted them.")
    return " ".join(parts) or "Nothing was kept there."


def _away(status: StoreStatus) -> Problem:
    because = status.problem
    text = f"The backup was not restored: {status.home} is away." + (f" {because.text}" if because else "")
    return Problem(because.category if because else Category.CANT_OPEN, text, "Try again when it is back.")
