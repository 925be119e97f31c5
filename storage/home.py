"""The database that a store belongs to, open or not: an SQLite file in the data folder, or a PostgreSQL."""

import contextlib
import logging
import sqlite3
import threading
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from models.problem import Category, Problem, StoreError, VaultError
from models.status import Backend
from storage.applying import Outcome
from storage.backup import CLOSE, close_backup_due, list_backups, make_backup
from storage.data_folder import DataFolder
from storage.database import Database, Place
from storage.database_repository import DatabaseRepository
from storage.identity import read_identity
from storage.json_store.record_file import Identity
from storage.migrator.runner import Migrator, needs_newer_program
from storage.open_database import OpenDatabase
from storage.opening_steps import NOT_OPEN, Opening, Record, timed
from storage.opening_steps import Outcome as StepOutcome
from storage.operations import Operation
from storage.target import Target

if TYPE_CHECKING:
    from storage.device import Device
    from storage.legacy.take_over import Sealing
    from storage.postgresql.session import Pace

PROBE_SECONDS: Final = 2.0
_HELD: Final = "Changes with credentials wait until then; every other change is sent."
_log = logging.getLogger(__name__)

Applied = Callable[[Sequence[tuple[Operation, Outcome]]], None]


class Facts(NamedTuple):
    """What an opening found, for the status. `problem`: the first that came up."""

    writable: bool = False
    problem: Problem | None = NOT_OPEN
    integrity: str = ""
    journal_mode: str = ""
    engine_version: str = sqlite3.sqlite_version
    schema: int = 0


class Home:
    """Opens, probes and closes it. `database`, `migrator` and `repository` change whenever it is opened again.

    `applied` hears of every write once it is committed. Without `migrates`, opening runs no migration and takes no
    folder over: a person wants to look at them first, or has just dealt with them.
    """

    def __init__(self, folder: DataFolder, vault: "Sealing", migrations: Path, device: "Callable[[], Device]") -> None:
        self.target = Target()
        self.database: OpenDatabase | None = None
        self.migrator: Migrator | None = None
        self.repository: DatabaseRepository | None = None
        self.facts = Facts()
        self._folder = folder
        self._vault = vault
        self._migrations = migrations
        self._device = device
        self._shares = False
        self.pace: Pace | None = None
        self.migrates = True

    @property
    def location(self) -> str:
        if self.target.backend is Backend.SQLITE:
            return str(self._folder.database)
        if self.target.address is not None:
            return self.target.address.masked()
        return str(self._folder.connections)

    @property
    def is_server(self) -> bool:
        return self.target.backend is Backend.POSTGRESQL

    def open(self, record: Record, *, held: Problem | None, patience: float, applied: Applied) -> Facts:
        """Open what the target names, in the place of what was open. Never raises CtsError: see the facts."""
        self.let_go()
        if self.is_server:
            self._open_server(record, held, applied)
        else:
            self._open_file(record, held, patience, applied)
        return self.facts

    def be_patient(self, seconds: float) -> None:
        """Let another program hold the file for so long from now on, however short opening may wait."""
        if isinstance(self.database, Database):
            self.database.patience = seconds

    def probe(self) -> Identity:
        """Prove that an open database takes writes again, leaving nothing behind. Raises StoreError."""
        from storage.postgresql.database import PostgresDatabase

        if self.database is None:
            raise StoreError(NOT_OPEN)
        if isinstance(self.database, PostgresDatabase):
            self.database.try_writing(PROBE_SECONDS)
        return read_identity(self.database)

    def is_outgrown(self) -> bool:
        """Tell whether a newer program has changed the database since it was opened. Raises StoreError."""
        return self.migrator is not None and needs_newer_program(self.migrator.items())

    def identity(self) -> Identity:
        if self.database is None:
            raise StoreError(NOT_OPEN)
        return read_identity(self.database)

    def place(self) -> Place:
        return Place.SAME if self.database is None else self.database.place()

    def interrupt(self) -> None:
        """End every call under way, because the program quits."""
        if self.database is not None:
            self.database.interrupt()

    def sealed_for_here(self, operation: Operation) -> Operation:
        """Return a waiting operation with its secrets sealed by the vault that this database shares.

        Raises StoreError (LOCKED, PASSPHRASE) while the vault is not open; VaultError for a secret that never opens.
        """
        if not self._shares:
            return operation
        from storage.shared_vault import reseal

        try:
            return reseal(operation, self._vault)
        except VaultError as error:
            first = self._vault.sharing.needs
            if first is None:
                raise
            raise StoreError(first._replace(text=f"{first.text} {_HELD}")) from error

    @property
    def vault_is_open(self) -> bool:
        """Whether secrets can be sealed for the database now."""
        return not self._shares or self._vault.sharing.needs is None

    def join_again(self) -> bool:
        """Look whether another desktop has settled the vault meanwhile. Raises StoreError."""
        from storage.shared_vault import join

        if self.database is not None:
            join(self.database, self._vault)
        return self.vault_is_open

    def let_go(self) -> None:
        if self.database is not None:
            self.database.close()
        self.database = self.migrator = self.repository = None

    def export(self, keep: int, seconds: float) -> None:
        """Back a server up, at most twice a day and for as long as quitting may take; the log says what stopped it."""
        from storage.export_backup import export_due, make_export

        database = self.database
        if database is None or not export_due(self._folder.backups):
            return

        def work() -> None:
            try:
                make_export(database, self._folder.backups, CLOSE, keep)
            except StoreError as error:
                _log.warning("No backup was made: %s", error.problem.text)

        thread = threading.Thread(target=work, name="backup", daemon=True)
        thread.start()
        thread.join(seconds)

    def close(self, keep: int, *, worth_a_backup: bool, by_command: bool = False) -> None:
        """Close; of a file, make a verified backup if anything changed since the last one. Raises what stopped it."""
        here = isinstance(self.database, Database) and self.database.place() is Place.SAME
        self.let_go()
        backups = self._folder.backups
        wanted = worth_a_backup and here and not self._folder.temporary
        if wanted and self._changed_since_backup() and close_backup_due(backups, by_command=by_command):
            make_backup(self._folder.database, backups, CLOSE, keep)

    def _open_file(self, record: Record, held: Problem | None, patience: float, applied: Applied) -> None:
        if self._shares:
            # The vault is this computer's own again.
            self._vault.sharing.begin(None)
            self._shares = False
        make = partial(_repository, self._device, applied)
        opening = Opening(self._folder, self._vault, self._migrations, make, held=held, patience=patience)
        opening.migrates = self.migrates
        opening.run(record)
        self.database, self.migrator, self.repository = opening.database, opening.migrator, opening.repository
        problem = opening.problems[0] if opening.problems else None
        self.facts = Facts(
            opening.writable, problem, opening.integrity, opening.journal_mode, sqlite3.sqlite_version, opening.schema
        )

    def _open_server(self, record: Record, held: Problem | None, applied: Applied) -> None:
        from storage.opening_postgresql import PostgresOpening
        from storage.postgresql.session import Pace

        address = self.target.address
        assert address is not None
        self.pace = self.pace or Pace()
        opening = PostgresOpening(address, self._migrations, self.pace, self._folder.backups, held=held)
        opening.migrates = self.migrates
        # Known before it is open, so that quitting can interrupt it.
        self.database = opening.database
        opening.run(record)
        if opening.readable:
            record(timed("shared vault", partial(self._join, opening.database)))
        self.migrator = opening.migrator
        problem = opening.problems[0] if opening.problems else None
        self.facts = Facts(opening.writable, problem, "", "", opening.engine_version, opening.schema)
        if opening.readable:
            self.repository = _repository(self._device, applied, opening.database)
        else:
            self.let_go()

    def _join(self, database: OpenDatabase) -> StepOutcome:
        from storage.shared_vault import join

        self._shares = True
        problem = join(database, self._vault) or self._vault.sharing.refusal
        return (problem.text if problem else "the secrets of the database can be opened"), problem

    def _changed_since_backup(self) -> bool:
        backups = list_backups(self._folder.backups)
        if not backups:
            return True
        with contextlib.suppress(OSError):
            return self._folder.database.stat().st_mtime_ns >= Path(backups[0].path).stat().st_mtime_ns
        return True


def _repository(device: "Callable[[], Device]", applied: Applied, database: OpenDatabase) -> DatabaseRepository:
    here = device()
    return DatabaseRepository(database, here.id, next_sequence=here.next_sequence, expect=here.expect, applied=applied)


FALLING_BACK: Final = frozenset(
    {
        Category.LOST,
        Category.UNREACHABLE,
        Category.SERVER_DOWN,
        Category.DNS,
        Category.STARTING,
        Category.AUTH,
        Category.AUTH_POLICY,
        Category.MISSING_DB,
        Category.NO_PRIVILEGE,
        Category.TOO_MANY,
        Category.TLS,
        Category.CONFIG,
        Category.READ_ONLY,
        Category.SERVER_DISK,
        Category.SERVER_IO,
    }
)
"""Of a server: the program goes on with the JSON files. CORRUPT too, but of a file it means another thing."""
FILE_FALLING_BACK: Final = frozenset({Category.IO, Category.CANT_OPEN})


def falls_back(problem: Problem, *, server: bool, opening: bool = False) -> bool:
    """Tell whether the JSON files take over after this failure. `opening`: there was no database to begin with."""
    category = problem.category
    if not server:
        return category in FILE_FALLING_BACK
    if opening and category in {Category.UNKNOWN, Category.SLOW, Category.BUSY, Category.CONTENTION}:
        return True
    if category is Category.SCHEMA:
        # Its tables are not those that were opened: opening it anew tells what it is now.
        return not opening
    return category in FALLING_BACK or category is Category.CORRUPT
