"""What came over from CTS v3.1, and the removal of the plaintext secrets that stayed behind."""

from collections.abc import Callable
from typing import Protocol

from models.event import Notice
from models.problem import Category, Problem, StoreError
from models.secret import SealedSecret, Secret
from models.status import Scrubbed, TakeOver
from services.events import Events
from storage.backup import list_backups
from storage.data_folder import DataFolder
from storage.database import Database
from storage.legacy.reports import read_kept, together
from storage.open_database import OpenDatabase


class HasDatabase(Protocol):
    """The part of the Store that this service uses."""

    @property
    def database(self) -> OpenDatabase | None: ...


class Opener(Protocol):
    """The part of the Vault that this service uses."""

    def open_secret(self, connection_id: str, field: str, token: SealedSecret) -> Secret: ...


class LegacyService:
    """Every call blocks and raises CtsError."""

    def __init__(self, store: HasDatabase, folder: DataFolder, vault: Opener, events: Events) -> None:
        self._store = store
        self._folder = folder
        self._vault = vault
        self._events = events

    def report(self) -> TakeOver | None:
        """Return what was taken over into this database, None where nothing was or the database is not open."""
        database = self._store.database
        if not isinstance(database, Database):
            # A take-over only ever goes into the file in the data folder.
            return None
        with database.read() as connection:
            return together(read_kept(connection))

    def plaintext(self) -> tuple[str, ...]:
        """Return the places that hold secrets in clear: those of the take-over, and every backup made since."""
        found = self.report()
        if found is None or not found.plaintext:
            return ()
        backups = []
        if any(place.startswith("cts.db") for place in found.plaintext):
            names = (backup.path.replace("\\", "/").rpartition("/")[2] for backup in list_backups(self._folder.backups))
            backups = [f"backups/{name}" for name in names]
        return tuple(dict.fromkeys((*found.plaintext, *backups)))

    def scrub(self, watch: Callable[[str], None] = lambda _step: None) -> Scrubbed:
        """Remove the secrets in clear from every file of the data folder, and prove it before saying so.

        `watch` is told of each step when it is done: a large folder takes minutes.
        """

        database = self._store.database
        if not isinstance(database, Database):
            raise StoreError(_not_open())
        from storage.legacy.scrub import scrub

        done = scrub(database, self._folder, open_secret=self._vault.open_secret, hook=watch)
        if done.files:
            text = f"Secrets in clear were removed from {len(done.files)} files; none is left in the data folder."
            self._events.publish(Notice("info", text))
        return done


def _not_open() -> Problem:
    return Problem(
        Category.CANT_OPEN,
        "The database is not open, so nothing can be cleaned.",
        "See the Database page for the reason, and try again when it is open.",
        by_command="See the reason with `status`, and try again when it is open.",
    )
