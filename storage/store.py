"""The store: the open database with its state, from the first look at the file to the backup at the end.

It never raises while it opens: what is wrong becomes the status, and the window opens on it.
"""

import contextlib
import logging
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from models.event import ConnectionsChanged, Event, MigrationsChanged, Notice, StoreChanged
from models.problem import Category, Problem, StoreError
from models.status import Backend, StoreState, StoreStatus
from storage.backup import list_backups, make_backup, restore
from storage.data_folder import DataFolder
from storage.database import PATIENCE, Database, Place
from storage.database_repository import DatabaseRepository
from storage.guarded_repository import GuardedRepository
from storage.migrator.runner import Migrator
from storage.opening import recover_moved, start_empty, why_not_writable
from storage.opening_steps import NOT_OPEN, Opening, Record
from storage.repository import Repository

if TYPE_CHECKING:
    from storage.legacy.take_over import Sealing

T = TypeVar("T")

RETRY_SECONDS: Final = 2.0
REOPEN_PATIENCE: Final = 0.5
BACKUPS_KEPT: Final = 5

# What can go away by itself or by a hand outside of the program: poll() tries these again.
_PASSING = {
    Category.BUSY,
    Category.CONTENTION,
    Category.CANT_OPEN,
    Category.IO,
    Category.DISK_FULL,
    Category.NOT_WRITABLE,
    Category.MOVED,
}
_log = logging.getLogger(__name__)


class Store:
    """Opens, watches and closes the database. `database` and `migrator` change whenever it is opened again.

    `publish` hears StoreChanged, ConnectionsChanged for changes from outside, and Notices to say once. `device` names
    this desktop in what it writes. `patience` is how many seconds another program may hold the file.
    """

    def __init__(
        self,
        folder: DataFolder,
        vault: "Sealing",
        migrations_folder: Path,
        *,
        publish: Callable[[Event], None],
        device: str,
        patience: float = PATIENCE,
    ) -> None:
        self.database: Database | None = None
        self.migrator: Migrator | None = None
        self.repository: Repository = GuardedRepository(self)
        self._folder = folder
        self._vault = vault
        self._migrations_folder = migrations_folder
        self._publish = publish
        self._device = device
        self._patience = patience
        self._lock = threading.RLock()
        self._inner: DatabaseRepository | None = None
        self._held: Problem | None = None
        self._next_try = 0.0
        self._closed = False
        self._status = StoreStatus(
            Backend.SQLITE,
            StoreState.READ_ONLY,
            str(folder.database),
            temporary=folder.temporary,
            problem=NOT_OPEN,
            engine_version=sqlite3.sqlite_version,
        )

    @property
    def status(self) -> StoreStatus:
        try:
            size = self._folder.database.stat().st_size
        except OSError:
            size = None
        return self._status._replace(size_bytes=size)

    def open(self, record: Record, *, read_only_because: Problem | None = None) -> None:
        """Open and ready everything, recording each step. Never raises CtsError: see `status`."""
        with self._lock:
            self._held = read_only_because
            self._open(record, self._patience)

    def poll(self) -> None:
        """Look for changes of other programs and for a moved file; try again what was in the way. Call it often."""
        if not self._lock.acquire(blocking=False):
            return
        try:
            if self._closed:
                return
            if self.database is not None and self.database.place() is not Place.SAME:
                self._recover()
            elif self._is_passing() and time.monotonic() >= self._next_try:
                self._reopen()
            elif self.database is not None and self.database.changed_elsewhere():
                self._publish(ConnectionsChanged(everything=True))
        finally:
            self._lock.release()

    def retry(self) -> None:
        """Open again now, because a person asks for it; see `status` for what came of it."""
        with self._lock:
            self._reopen()

    def restore_backup(self, backup: Path) -> int:
        """Put a backup in the place of the database, which is kept in quarantine; returns its connections."""
        with self._lock:
            self._refuse_if_held()
            self._let_go()
            try:
                count = restore(backup, self._folder.database, self._folder.quarantine)
            finally:
                self._reopen()
            return count

    def start_empty(self) -> None:
        """Begin with an empty database where EMPTY_DB asked; refused while there is one with content."""
        with self._lock:
            self._refuse_if_held()
            if self._status.problem is None or self._status.problem.category is not Category.EMPTY_DB:
                raise StoreError(
                    Problem(Category.CONSTRAINT, "The database is not empty.", "Delete what is not wanted.")
                )
            start_empty(self._folder)
            self._reopen()

    def close(self, keep: int = BACKUPS_KEPT) -> None:
        """Close; a verified backup first if anything changed since the last one. Raises what stopped the backup."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            worth_it = self._inner is not None and self._status.state is StoreState.ONLINE
            here = self.database is not None and self.database.place() is Place.SAME
            self._let_go()
            if worth_it and here and not self._folder.temporary and self._changed_since_backup():
                make_backup(self._folder.database, self._folder.backups, "close", keep)

    def reading(self, call: Callable[[Repository], T]) -> T:
        """Run a call that reads, on the repository of the moment; once again if the file had to be opened anew."""
        repository = self._ready()
        try:
            return call(repository)
        except StoreError as error:
            if not self._was_moved(error):
                raise
        return call(self._ready())

    def writing(self, call: Callable[[Repository], T]) -> T:
        """Run a call that writes. What was written to a file that has lost its name since is written again or told."""
        repository = self._ready()
        if self._status.state is not StoreState.ONLINE:
            raise StoreError(_refusal(self._status.problem))
        try:
            result = call(repository)
        except StoreError as error:
            if not self._was_moved(error, must_be_same=True):
                raise
            return call(self._ready())
        database = self.database
        if database is not None and database.place() is not Place.SAME:
            # The commit went to a file without a name; recovering takes it along, or keeps it aside and says so.
            with self._lock:
                problem, same = self._recover()
            if not same and problem is not None:
                raise StoreError(problem)
        return result

    def _ready(self) -> DatabaseRepository:
        if self._inner is None:
            raise StoreError(self._status.problem or NOT_OPEN)
        return self._inner

    def _was_moved(self, error: StoreError, *, must_be_same: bool = False) -> bool:
        """Recover from MOVED; True if the call may be tried again."""
        if error.problem.category is not Category.MOVED or self._closed:
            return False
        with self._lock:
            if self.database is None:
                return False
            problem, same = self._recover()
            if must_be_same and not same and problem is not None:
                raise StoreError(problem) from error
            return self._inner is not None

    def _recover(self) -> tuple[Problem | None, bool]:
        """Open what is at the path now, saving what the open file holds; tell what happened and if all is the same."""
        database = self.database
        if database is None or database.place() is Place.SAME:
            return None, True
        try:
            recovered = recover_moved(database, self._folder)
        except StoreError as error:
            self._set(state=StoreState.READ_ONLY, problem=error.problem)
            return error.problem, False
        except OSError:
            _log.exception("The moved database could not be written again.")
            self._let_go()
            self._reopen()
            return self._status.problem, False
        self._reopen()
        self._publish(ConnectionsChanged(everything=True))
        self._publish(Notice("warning", f"{recovered.problem.text} {recovered.problem.solution}", recovered.problem))
        return recovered.problem, recovered.same and self._status.state is StoreState.ONLINE

    def _is_passing(self) -> bool:
        problem = self._status.problem
        away = self._inner is None or self._status.state is StoreState.READ_ONLY
        if not away or self._held is not None or problem is None or problem.category not in _PASSING:
            return False
        return problem.category is not Category.NOT_WRITABLE or why_not_writable(self._folder.database) is None

    def _reopen(self) -> None:
        before = self._status
        self._let_go()
        self._open(lambda _step: None, min(self._patience, REOPEN_PATIENCE))
        self._next_try = time.monotonic() + RETRY_SECONDS
        if self._inner is not None and (before.problem, before.state) != (self._status.problem, self._status.state):
            self._publish(ConnectionsChanged(everything=True))
            self._publish(MigrationsChanged())

    def _refuse_if_held(self) -> None:
        if self._held is not None:
            raise StoreError(self._held)

    def _let_go(self) -> None:
        if self.database is not None:
            self.database.close()
        self.database = self.migrator = self._inner = None

    def _open(self, record: Record, patience: float) -> None:
        opening = Opening(
            self._folder, self._vault, self._migrations_folder, self._device, held=self._held, patience=patience
        )
        opening.run(record)
        self.database, self.migrator, self._inner = opening.database, opening.migrator, opening.repository
        self._status = self._status._replace(
            integrity=opening.integrity, journal_mode=opening.journal_mode, schema=opening.schema
        )
        self._set(
            state=StoreState.ONLINE if opening.writable else StoreState.READ_ONLY,
            problem=opening.problems[0] if opening.problems else None,
        )

    def _set(self, *, state: StoreState, problem: Problem | None) -> None:
        before = self._status
        self._status = before._replace(state=state, problem=problem)
        if self._status != before:
            self._publish(StoreChanged(self.status))

    def _changed_since_backup(self) -> bool:
        backups = list_backups(self._folder.backups)
        if not backups:
            return True
        with contextlib.suppress(OSError):
            return self._folder.database.stat().st_mtime_ns >= Path(backups[0].path).stat().st_mtime_ns
        return True


def _refusal(because: Problem | None) -> Problem:
    if because is None:
        return Problem(Category.NOT_WRITABLE, "The database is open for reading only.", "See the Database page.")
    return because._replace(text=f"Nothing was saved. {because.text}")
