"""What a person may do when the database is not well: look for damage, try again, restore a backup, begin empty."""

from pathlib import Path
from typing import TYPE_CHECKING

from models.event import Notice
from models.problem import StoreError
from models.status import StoreStatus
from storage.opening_steps import NOT_OPEN

if TYPE_CHECKING:
    from services.events import Events
    from storage.store import Store


class RecoveryService:
    """Every call blocks and raises CtsError. The store itself publishes what changes."""

    def __init__(self, store: "Store", events: "Events") -> None:
        self._store = store
        self._events = events

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
        """Put a backup in the place of the database, which goes to quarantine; return its connections."""
        count = self._store.restore_backup(backup)
        noun = "connection" if count == 1 else "connections"
        self._events.publish(
            Notice("info", f"The backup is restored: {count:,} {noun}. What was there before is kept in quarantine.")
        )
        return count

    def start_empty(self) -> StoreStatus:
        """Begin with an empty database where the old one is missing; the backups stay."""
        self._store.start_empty()
        return self._store.status
