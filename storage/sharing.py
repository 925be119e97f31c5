"""What other desktops change shows here: heard from PostgreSQL's notifications or SQLite's data_version, read, told."""

import contextlib
import logging
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from models.connection_row import ConnectionRow
from models.event import ConnectionsChanged, Notice, StoreChanged
from models.problem import Problem, StoreError
from models.status import StoreState
from storage.aside import keep_newer
from storage.database_repository import DatabaseRepository
from storage.health import Health
from storage.json_store.names import INDEX_NAME
from storage.mending import opened_anew
from storage.repository import Repository
from storage.sql_texts import conflict_texts

if TYPE_CHECKING:
    from storage.machine import Machine
    from storage.postgresql.listener import Listener

_log = logging.getLogger(__name__)
MANY: Final = 200
"""More changed rows than this are not told one by one."""


class Sharing:
    """Collects what was heard until `look` reads it. `wake` is called when there is something to look at.

    `kept`: the revisions of which copies were put aside; they are again only when they become newer.
    """

    def __init__(self, machine: "Machine") -> None:
        self.wake: Callable[[], None] = lambda: None
        self.watching = False
        self.health = Health()
        self._machine = machine
        self._listener: Listener | None = None
        self._lock = threading.Lock()
        self._ids: set[str] = set()
        self._everything = False
        self._compared = False
        self.kept: dict[str, int] = {}

    def start(self) -> None:
        """Begin to listen, where the database tells of changes by itself; the mirror is compared once."""
        self._compared = False
        home = self._machine.home
        if not home.is_server or not self.watching or self._listener is not None or home.target.address is None:
            return
        from storage.postgresql.listener import Listener

        self._listener = Listener(home.target.address, self._heard, pace=home.pace, on_away=self._lost)
        self._listener.start()

    def pause(self) -> None:
        """Stop listening while the database is away: it is tried by one, and as seldom as the breaker says."""
        listener, self._listener = self._listener, None
        if listener is not None:
            listener.close(0)

    def stop(self) -> None:
        listener, self._listener = self._listener, None
        if listener is not None:
            listener.close(0.5)

    def rows(self, repository: Repository) -> list[ConnectionRow]:
        """Return the list, from the cache while nobody is known to have changed it."""
        if not isinstance(repository, DatabaseRepository):
            return repository.rows()
        database = self._machine.home.database
        if database is not None:
            database.check_place()
            if database.changed_elsewhere():
                with self._lock:
                    self._everything = True
                self._machine.cache.drop()
        if self._machine.home.is_server and not self._hears():
            self._machine.cache.drop()
        return self._machine.cache.rows(repository.rows)

    def look(self) -> None:
        """Read what was heard of, tell it, and bring the mirror up; raises nothing that the state does not show."""
        try:
            self._look()
        except StoreError as error:
            if not self._machine.failed(error.problem):
                opened_anew(self._machine, error.problem)

    def compare(self) -> None:
        """Note which record files are behind, unless that is known. Raises StoreError."""
        machine, repository = self._machine, self._machine.home.repository
        if not self._compared and repository is not None:
            self._keep_newer(repository)
            # All that the list shows: plain SQL need not raise the revision.
            mine = {row.id: row for row in machine.journal.records.rows()}
            machine.journal.compare(mine, {row.id: row for row in machine.cache.rows(repository.rows)})
            self._compared = True

    def compare_revisions(self) -> None:
        """Note which record files are behind by their revisions: what a quick look can tell. Raises StoreError."""
        journal, repository = self._machine.journal, self._machine.home.repository
        if not self._compared and repository is not None:
            journal.compare(journal.records.revisions(), repository.revisions())

    def bring_up(self, seconds: float, *, look: bool) -> None:
        """Bring the record files up, where no thread does: all that is known to be behind, for at most `seconds`.

        `look`: what others changed is not known yet; a later outage must not show an old list.
        """
        machine, repository = self._machine, self._machine.home.repository
        until = time.monotonic() + seconds
        try:
            with self._limit(seconds):
                if look and machine.held is None and machine.folder.writable and not self._saw_file_last():
                    self.compare()
                while machine.journal.is_behind and repository is not None and time.monotonic() < until:
                    machine.journal.catch_up(repository)
        except StoreError as error:
            _log.warning("The record files stay behind: %s", error.problem.text)

    def _saw_file_last(self) -> bool:
        """Tell whether the index was written after the last change of the database file: then both say the same."""
        machine = self._machine
        if not machine.home.is_server and not machine.journal.lag:
            with contextlib.suppress(OSError):
                index, file = machine.folder.connections / INDEX_NAME, machine.folder.database
                return index.stat().st_mtime_ns > file.stat().st_mtime_ns
        return False

    def _limit(self, seconds: float) -> contextlib.AbstractContextManager[None]:
        if not self._machine.home.is_server:
            return contextlib.nullcontext()
        from storage.postgresql import deadline

        return deadline.within(seconds)

    def count(self) -> int:
        """Return how many conflicts wait for a person."""
        database = self._machine.home.database
        if database is None:
            return 0
        with database.read() as statements:
            found = statements.execute(conflict_texts(database.dialect).count_conflicts).fetchone()
        return int(found[0])

    def _look(self) -> None:
        machine, repository = self._machine, self._machine.home.repository
        database = machine.home.database
        if repository is None or database is None:
            return
        with self._lock:
            ids, self._ids = self._ids, set()
            everything, self._everything = self._everything, False
        if machine.held is None and (everything or not self._compared):
            # Whoever listens anew may have another server of a cluster before it, or a restored one.
            self._keep_newer(repository)
        if database.changed_elsewhere() or everything:
            self._read_everything(repository)
        elif ids:
            changed, gone = machine.cache.take(ids, repository.rows_of(list(ids)))
            self._tell(changed, gone)
            machine.journal.catch_up(repository, ids)
            self._count_again()
        if machine.held is None:
            self.compare()
        machine.journal.catch_up(repository)
        if machine.journal.is_behind:
            self.wake()

    def _keep_newer(self, repository: DatabaseRepository) -> None:
        """Keep what the mirror alone still has, before it is written over, and say so."""
        machine = self._machine
        if not machine.home.is_server or not machine.folder.writable:
            # A file that is older was put there by a hand, or by a restore that says so itself.
            return
        if told := keep_newer(machine.journal.records, machine.folder, repository, self.kept):
            machine.publish(Notice("warning", told))

    def _read_everything(self, repository: DatabaseRepository) -> None:
        changed, gone = self._machine.cache.compare(repository.rows())
        if changed or gone:
            self._tell(changed, gone)
        else:
            # What changed is not in the list: a note, or something beside the connections.
            self._machine.publish(ConnectionsChanged(everything=True))
        if self._machine.held is None:
            self._machine.journal.catch_up(repository, [*(row.id for row in changed), *gone])
        self._compared = False
        self._count_again()

    def _tell(self, changed: tuple[ConnectionRow, ...], gone: tuple[str, ...]) -> None:
        if len(changed) + len(gone) > MANY:
            self._machine.publish(ConnectionsChanged(everything=True))
        elif changed or gone:
            self._machine.publish(ConnectionsChanged(changed=changed, removed=gone))

    def _count_again(self) -> None:
        machine, count = self._machine, self.count()
        if count != machine.current.conflicts:
            machine.current = machine.current._replace(conflicts=count)
            machine.publish(StoreChanged(machine.status()))

    def _heard(self, ids: frozenset[str] | None) -> None:
        with self._lock:
            if ids is None:
                self._everything = True
            else:
                self._ids |= ids
        self._machine.cache.drop()
        self.wake()

    def _lost(self, problem: Problem) -> None:
        """Hear from the listener that the server cannot be reached: a desk that does nothing shows it, too."""
        machine = self._machine
        if machine.state is StoreState.ONLINE:
            machine.failed(problem)

    def _hears(self) -> bool:
        from storage.postgresql.listener import Mode

        return self._listener is not None and self._listener.mode is not Mode.AWAY
