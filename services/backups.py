"""Backups as people handle them: which there are, and one more now."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from models.event import Notice
from models.problem import Category, Problem, StoreError
from models.status import Backup, StoreStatus
from services.events import Events
from storage.backup import list_backups, make_backup

if TYPE_CHECKING:
    from storage.open_database import OpenDatabase

BY_HAND = "by-hand"
"""The reason that a backup carries when a person asked for it."""


class BackupFolders(Protocol):
    """The part of the data folder that this service uses."""

    @property
    def database(self) -> Path: ...

    @property
    def backups(self) -> Path: ...

    @property
    def quarantine(self) -> Path: ...


class HasStatus(Protocol):
    """The part of the Store that this service uses."""

    @property
    def status(self) -> StoreStatus: ...

    @property
    def database(self) -> "OpenDatabase | None": ...


class BackupService:
    """Both calls block; make() raises StoreError. `keep` tells how many backups are kept when one is made."""

    def __init__(
        self, store: HasStatus, folder: BackupFolders, events: Events, *, keep: Callable[[], int] = lambda: 5
    ) -> None:
        self._store = store
        self._folder = folder
        self._events = events
        self._keep = keep

    def list(self) -> list[Backup]:
        """Return the backups, and the records that were kept aside (KEPT_RECORDS), newest first."""
        from storage.bringing_back import kept_folders

        kept = kept_folders(self._folder.quarantine)
        backups = list_backups(self._folder.backups)
        return sorted([*backups, *kept], key=lambda each: each.made_at, reverse=True) if kept else backups

    def make(self) -> Backup:
        """Make a verified backup of the database as it is now: a copy of the file, or an export of a PostgreSQL."""
        backup = self._made(self._store.database)
        noun = "connection" if backup.connections == 1 else "connections"
        self._events.publish(
            Notice("info", f"Backup made and checked: {Path(backup.path).name}, {backup.connections} {noun}.")
        )
        return backup

    def _made(self, database: "OpenDatabase | None") -> Backup:
        if database is not None and database.dialect == "postgresql":
            from storage.export_backup import make_export

            return make_export(database, self._folder.backups, BY_HAND, self._keep())
        status = self._store.status
        if status.home or not self._folder.database.is_file():
            # A server that is away is not backed up by copying the file that was in use before it.
            raise StoreError(status.problem or _nothing_to_back_up(self._folder.database))
        return make_backup(self._folder.database, self._folder.backups, BY_HAND, self._keep())


def _nothing_to_back_up(path: Path) -> Problem:
    return Problem(Category.CANT_OPEN, f"There is no database at {path}.", "Start the program once; it makes one.")
