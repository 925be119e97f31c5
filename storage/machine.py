"""The states of a store: online, on fallback, catching up, read-only; what leads from one to the next, told once each.

`turn` is one step of it; the keeper's thread (keeper.py) takes them one after the other.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Final, NoReturn

from models.event import ConnectionsChanged, Event, MigrationsChanged, Notice, StoreChanged
from models.problem import Category, Problem, StoreError
from models.status import Backend, StartupStep, StoreState, StoreStatus
from storage.applying import Outcome
from storage.aside import keep_all
from storage.breaker import AFTER_SOME, Breaker
from storage.data_folder import DataFolder
from storage.database import PATIENCE, Place
from storage.home import Home, falls_back
from storage.journal import Journal
from storage.json_store.record_file import Identity
from storage.list_cache import ListCache
from storage.mending import is_only_on_files, look_at_vault, look_whether_writable, recover, rescued
from storage.opening import why_not_writable
from storage.opening_steps import NOT_OPEN, Record
from storage.operations import Operation
from storage.reconcile import Hook, Reconciled, reconcile
from storage.sharing import Sharing
from storage.target import Target

RETRY_SECONDS: Final = 2.0
SCHEMA_SECONDS: Final = 5.0
REOPEN_PATIENCE: Final = 0.5
TOLD_AT_MOST: Final = 5
TOO_MANY: Final = 200
"""More changed rows than this are not told one by one."""
CONNECTING = Problem(
    Category.STARTING,
    "The database has not answered yet.",
    "Wait: the program goes on connecting by itself.",
)

KEPT: Final = "Keep working: changes are kept here and sent when it takes them again."

# What can go away by itself or by a hand outside of the program, where the JSON files do not take over.
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


class Machine:
    """Owns the state. `work` is held by whoever opens, probes or reconciles; `switch` by whoever changes the state or
    writes to the record files while they are the truth, so that no change falls between the two."""

    def __init__(
        self,
        folder: DataFolder,
        home: Home,
        journal: Journal,
        publish: Callable[[Event], None],
        *,
        patience: float,
        hook: Hook,
        clock: Callable[[], float],
    ) -> None:
        self.home = home
        self.journal = journal
        self.cache = ListCache()
        self.breaker = Breaker(clock)
        self.sharing = Sharing(self)
        self.work = threading.RLock()
        self.switch = threading.RLock()
        self.held: Problem | None = None
        self.closed = False
        self.publish = publish
        self.folder = folder
        self._patience = patience
        self._hook = hook
        self._next_try = self.next_schema = 0.0
        self._told = False
        self.accepted: Identity | None = None
        self.waits_for_vault: dict[str, Problem] = {}
        self.current = StoreStatus(
            Backend.SQLITE,
            StoreState.READ_ONLY,
            home.location,
            temporary=folder.temporary,
            problem=NOT_OPEN,
            engine_version=home.facts.engine_version,
        )

    @property
    def state(self) -> StoreState:
        return self.current.state

    @property
    def on_files(self) -> bool:
        """Whether the record files are the truth now."""
        return self.current.backend is Backend.JSON

    def wait_for(self, target: Target, because: Problem) -> None:
        """Show the record files until the first connect is through."""
        self.home.target = target
        self.go(StoreState.FALLBACK, because, backend=Backend.JSON)

    def begin(self, target: Target, record: Record) -> None:
        """Open what the target names; see the status for what came of it."""
        with self.work:
            if target != self.home.target:
                self.home.let_go()
                self.sharing.stop()
            self.home.target = target
            self.accepted = None
            if target.problem is not None:
                self.fall(target.problem)
            elif target.backend is Backend.JSON:
                state = StoreState.ONLINE if self.held is None else StoreState.READ_ONLY
                self.go(state, self.held, backend=Backend.JSON)
            else:
                self.open(record, self._patience)

    def open(self, record: Record, patience: float) -> None:
        """Open the home, and go where that leads."""
        facts = self.home.open(record, held=self.held, patience=patience, applied=self.applied)
        problem = facts.problem
        self.current = self.current._replace(
            integrity=facts.integrity,
            journal_mode=facts.journal_mode,
            schema=facts.schema,
            engine_version=facts.engine_version,
        )
        if facts.writable:
            self.enter(problem)
        elif self.home.repository is None and problem is not None and self.may_fall(problem, opening=True):
            self.fall(problem)
        elif is_only_on_files(self, problem):
            self.cache.drop()
            self.go(StoreState.READ_ONLY, problem, backend=Backend.JSON)
        else:
            if self.home.is_server and self.held is None:
                # Opened, so that the status counts what waits: it must not look lost.
                _ = self.journal.records
            self.go(StoreState.READ_ONLY, problem, backend=self.home.target.backend)

    def turn(self) -> None:
        """Do what is due: look for changes and for a moved file, probe, go on catching up."""
        state = self.state
        if self.closed or self.current.problem is NOT_OPEN:
            return
        if state is StoreState.READ_ONLY or (state is StoreState.ONLINE and not self.on_files):
            if self.home.place() is not Place.SAME:
                recover(self)
            elif (self._is_passing() and time.monotonic() >= self._next_try) or _is_outgrown(self):
                self.reopen()
            elif self.home.repository is not None:
                if self.waits_for_vault and time.monotonic() >= self._next_try:
                    self._next_try = time.monotonic() + RETRY_SECONDS
                    look_at_vault(self)
                self.sharing.look()
        elif state is StoreState.FALLBACK and self.breaker.due_in == 0:
            self.probe()
        elif state is StoreState.RECONCILING:
            self.enter(None)

    def probe(self) -> None:
        """Try the database once; go home when it has been good often enough."""
        self.current = self.current._replace(trying=True)
        self.publish(StoreChanged(self.status()))
        try:
            if not _is_as_before(self.home):
                facts = self.home.open(_no_record, held=self.held, patience=REOPEN_PATIENCE, applied=self.applied)
                self.current = self.current._replace(schema=facts.schema, engine_version=facts.engine_version)
                if self.home.repository is not None and not facts.writable:
                    self.breaker.close()
                    self.go(StoreState.READ_ONLY, facts.problem, backend=self.home.target.backend)
                    return
                self.home.probe() if facts.writable else _raise(facts.problem)
        except StoreError as error:
            self._probe_failed(error.problem)
        else:
            if self.breaker.good_probe():
                self.enter(None)
        finally:
            self.current = self.current._replace(trying=False)
            self.publish(StoreChanged(self.status()))

    def enter(self, problem: Problem | None) -> None:
        """Go online with an open home: past the fence, everything that waits first. `problem` is worth showing."""
        repository, before = self.home.repository, self.current
        if repository is None:
            return
        self.home.be_patient(self._patience)
        try:
            identity = self.home.identity()
            problem = rescued(self, problem, identity)
            fence = None if identity == self.accepted else self.journal.fence(identity, repository, self.home.location)
            if fence is not None:
                self.fall(fence)
                return
            done = self._catch_up(identity)
        except StoreError as error:
            if self.may_fall(error.problem, opening=error.problem.category is not Category.SCHEMA):
                self.fall(error.problem)
                return
            _log.warning("The record files could not be brought home: %s", error.problem.text)
            done = Reconciled()
        problem = problem or next(iter(self.waits_for_vault.values()), None)
        with self.switch:
            if self.closed or self.journal.records.waiting_count > len(self.waits_for_vault):
                return
            self.breaker.close()
            self.cache.drop()
            self.go(StoreState.ONLINE, problem, backend=self.home.target.backend, conflicts=self.sharing.count())
        _announce(self.publish, done, before)
        self.sharing.start()

    def failed(self, problem: Problem, *, times: int = 1) -> bool:
        """Hear of a call that failed, after so many attempts; return whether the record files are the truth now."""
        if self.on_files:
            return True
        if self.closed or not self.may_fall(problem, times=times):
            return False
        self.fall(problem)
        return True

    def may_fall(self, problem: Problem, *, opening: bool = False, times: int = 1) -> bool:
        """Tell whether the JSON files take over after this."""
        server = self.home.is_server
        # Of a server's records there is a copy here, which can at least be read.
        if not server and (self.held is not None or not self.folder.writable):
            return False
        if falls_back(problem, server=server, opening=opening):
            return True
        if server:
            return problem.category in AFTER_SOME and self.breaker.failed(problem.category, times)
        return problem.category is Category.BUSY and self._patience >= PATIENCE

    def applied(self, applied: Sequence[tuple[Operation, Outcome]]) -> None:
        """Hear of writes that this desktop has just committed."""
        rows = [row for _, outcome in applied if (row := outcome.row) is not None] if len(applied) < TOO_MANY else []
        if len(applied) < TOO_MANY:
            self.cache.take([operation.connection_id for operation, _ in applied], rows)
        else:
            self.cache.drop()
        self.journal.mirror(applied)

    def accept(self) -> None:
        """Send what waits to the database that is there, although it is not the one it was made for."""
        with self.work:
            problem = self.current.problem
            if problem is None or problem.category is not Category.FENCE:
                raise StoreError(Problem(Category.CONFLICT, "There is no question to answer.", "Look at the status."))
            self.accepted = self.home.identity()
            self.breaker.hurry()
            self.probe()

    def reopen(self) -> None:
        """Open the home again, without waiting long."""
        before = self.current
        self.open(_no_record, min(self._patience, REOPEN_PATIENCE))
        self.cache.drop()
        self._next_try = time.monotonic() + RETRY_SECONDS
        now = self.current
        if self.home.repository is not None and (before.problem, before.state) != (now.problem, now.state):
            self.publish(ConnectionsChanged(everything=True))
            self.publish(MigrationsChanged())

    def status(self) -> StoreStatus:
        size = None
        if self.home.target.backend is Backend.SQLITE:
            with suppress(OSError):
                size = self.folder.database.stat().st_size
        counts: dict[str, Any] = {}
        if self.journal.is_open:
            counts = {"waiting": self.journal.records.waiting_count, "rejected": len(self.journal.records.rejected())}
        waits = self.state is StoreState.FALLBACK
        return self.current._replace(size_bytes=size, retry_in=self.breaker.due_in if waits else None, **counts)

    def _catch_up(self, identity: Identity) -> Reconciled:
        """Send what waits; return what came of it."""
        repository, journal = self.home.repository, self.journal
        assert repository is not None
        if not self.folder.writable:
            return Reconciled()
        done, told = Reconciled(), ""
        self.waits_for_vault = {}
        if not journal.records.waiting_count:
            if not journal.belongs_to(identity):
                told = journal.start_over(identity)
        else:
            if not journal.belongs_to(identity) and journal.records.identity.database_id != identity.database_id:
                told = keep_all(journal.records, self.folder)
                self.sharing.kept.update({row.id: row.revision for row in journal.records.rows()})
            if self.state is not StoreState.RECONCILING:
                self.go(StoreState.RECONCILING, None, backend=Backend.JSON)
        journal.records.identity = identity
        while journal.records.waiting_count > len(self.waits_for_vault) and not self.closed:
            done = reconcile(
                journal.records,
                repository,
                stop=lambda: self.closed,
                hook=self._hook,
                seal=self.home.sealed_for_here,
            )
            # A change that came between the last look and now makes another round.
            self.waits_for_vault = dict(done.held)
        return done._replace(told=(told, *done.told)) if told else done

    def _probe_failed(self, problem: Problem) -> None:
        problem = _as_away(self.home, problem)
        self.breaker.open(problem.category)
        if not self.home.is_server:
            self.home.let_go()
        if problem != self.current.problem:
            _log.warning("The database is still away: %s %s", problem.text, problem.detail)
            self.current = self.current._replace(problem=problem)

    def fall(self, problem: Problem) -> None:
        """Let the record files be the truth from now on, and say why."""
        problem = _as_away(self.home, problem)
        with self.switch:
            self.breaker.open(problem.category)
            self.go(StoreState.FALLBACK, problem, backend=Backend.JSON)
            self.cache.drop()
            told, self._told = self._told, True
        self.sharing.pause()
        if not told:
            # Counted here, so that the record files are open and every status knows what waits.
            count = self.journal.records.waiting_count
            _log.warning("Fallback to the JSON files, %d waiting: %s %s", count, problem.text, problem.detail)
            text = f"{problem.text} Work goes on with the records in the data folder. {problem.solution}"
            self.publish(Notice("warning", text, problem))
            self.publish(ConnectionsChanged(everything=True))

    def _is_passing(self) -> bool:
        problem = self.current.problem
        away = self.home.repository is None or self.state is StoreState.READ_ONLY
        if not away or self.held is not None or problem is None or problem.category not in _PASSING:
            return False
        return problem.category is not Category.NOT_WRITABLE or why_not_writable(self.folder.database) is None

    def go(self, state: StoreState, problem: Problem | None, *, backend: Backend, conflicts: int | None = None) -> None:
        """Change the state, and tell where that is a change."""
        before = self.current
        on_files = backend is Backend.JSON
        away = on_files and self.home.target.backend is not Backend.JSON
        self.current = before._replace(
            backend=backend,
            state=state,
            problem=problem,
            location=str(self.folder.connections) if on_files else self.home.location,
            home=self.home.location if away else "",
            conflicts=before.conflicts if conflicts is None else conflicts,
        )
        if not on_files or state is StoreState.ONLINE:
            # The next outage is another one.
            self._told = False
        if self.current != before:
            self.publish(StoreChanged(self.status()))


def _is_outgrown(machine: Machine) -> bool:
    """Look, now and then, whether another desktop's newer program has changed the server's tables under us."""
    now = time.monotonic()
    if not machine.home.is_server or machine.state is not StoreState.ONLINE or now < machine.next_schema:
        return False
    machine.next_schema = now + SCHEMA_SECONDS
    try:
        look_whether_writable(machine)
        return machine.home.is_outgrown()
    except StoreError as error:
        # A ledger that somebody holds is looked at the next time; the connections beside it can be used.
        if error.problem.category not in AFTER_SOME:
            machine.failed(error.problem)
        return False


def _announce(publish: Callable[[Event], None], done: Reconciled, before: StoreStatus) -> None:
    for sentence in done.told[:TOLD_AT_MOST]:
        publish(Notice("warning", sentence))
    was_online = before.state is StoreState.ONLINE
    if before.state is StoreState.READ_ONLY or (was_online and not (done.applied or done.rejected)):
        return
    parts = [] if was_online or before.problem is CONNECTING else ["The database is back."]
    for count, one, several in (
        (done.applied, "change was sent", "changes were sent"),
        (done.conflicts, "conflict waits for your choice", "conflicts wait for your choice"),
        (done.rejected, "change was refused", "changes were refused"),
    ):
        if count:
            parts.append(f"{count:,} {one if count == 1 else several}.")
    if parts:
        level = "warning" if done.conflicts or done.rejected else "info"
        publish(Notice(level, " ".join(parts)))
        _log.info("%s", " ".join(parts))
    publish(ConnectionsChanged(everything=True))
    publish(MigrationsChanged())


def _as_away(home: Home, problem: Problem) -> Problem:
    """Return a problem as it is told on fallback: nobody has to try again what a server did not take in time."""
    return (
        problem._replace(solution=KEPT, by_command="") if home.is_server and problem.category in AFTER_SOME else problem
    )


def _is_as_before(home: Home) -> bool:
    """Probe what is open; False where it is to be opened: it may have been made anew or updated meanwhile."""
    if not home.is_server or home.repository is None:
        return False
    try:
        home.probe()
    except StoreError as error:
        if error.problem.category is not Category.SCHEMA:
            raise
        return False
    return not home.is_outgrown()


def _no_record(_step: StartupStep) -> None:
    """What an opening after the start tells its steps to."""


def _raise(problem: Problem | None) -> NoReturn:
    raise StoreError(problem or NOT_OPEN)
