"""The store: the database with the record files behind it, from the first look at it to the backup at the end.

It never raises while it opens: what is wrong becomes the status, and the window opens on it. What the states are and
what leads from one to the next is in machine.py.
"""

import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from models.change import Changes, Choice
from models.event import ConnectionsChanged, Event, StoreChanged
from models.problem import Category, Problem, StoreError
from models.status import Backend, StartupStep, StoreState, StoreStatus
from storage.backup import restore
from storage.data_folder import DataFolder
from storage.database import PATIENCE
from storage.gate import Gate
from storage.guarded_repository import GuardedRepository
from storage.home import Home
from storage.identity import raise_epoch
from storage.journal import Journal
from storage.keeper import Keeper
from storage.machine import CONNECTING, Machine
from storage.mending import look_at_vault
from storage.migrator.runner import Migrator
from storage.open_database import OpenDatabase
from storage.opening import start_empty
from storage.opening_steps import NOT_OPEN, Record
from storage.reconcile import Hook
from storage.repository import Repository
from storage.resolving import kept_conflicts, resolve
from storage.target import Target

if TYPE_CHECKING:
    from models.health import HealthReport
    from storage.database_repository import DatabaseRepository
    from storage.legacy.take_over import Sealing

BACKUPS_KEPT: Final = 5
CONNECT_WAIT: Final = 0.5
"""Seconds that opening waits for a server before the record files are shown and connecting goes on behind."""
CLOSE_SECONDS: Final = 1.0
MIRROR_SECONDS: Final = 30.0
"""How long a command that wrote much may bring the record files up before it ends: about a millisecond a record."""


class Store:
    """Opens, watches and closes. `database` and `migrator` change whenever it is opened again.

    `publish` hears StoreChanged, ConnectionsChanged for changes from outside, and Notices to say once. `device` names
    this desktop for people. `target` says which database is wanted and is asked again at every `retry`. `patience` is
    how many seconds another program may hold the file, `connect_wait` how many `open` waits for a server. `watch`: a
    thread keeps the store; without it, `poll` must be called. `clock` is monotonic and paces the way back.
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
        target: Callable[[], Target] = Target,
        connect_wait: float = CONNECT_WAIT,
        watch: bool = True,
        hook: Hook = lambda _step: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folder = folder
        self._target = target
        self._connect_wait = connect_wait
        self._watch = watch
        self._journal = Journal(folder, device)
        self._migrations = migrations_folder
        self._home = Home(folder, vault, migrations_folder, self._journal.device)
        self._machine = Machine(folder, self._home, self._journal, publish, patience=patience, hook=hook, clock=clock)
        self._machine.sharing.watching = watch
        self._keeper = Keeper(self._machine)
        self._publish = publish
        self.gate = Gate(self._machine, publish)
        self.repository: Repository = GuardedRepository(self.gate)

    @property
    def status(self) -> StoreStatus:
        return self._machine.status()

    @property
    def database(self) -> OpenDatabase | None:
        """The open database; None while the record files stand in for it."""
        return None if self._machine.on_files else self._home.database

    @property
    def migrator(self) -> Migrator | None:
        return None if self._machine.on_files else self._home.migrator

    def open(self, record: Record, *, read_only_because: Problem | None = None, migrates: bool = True) -> None:
        """Open and ready everything, recording each step. Never raises CtsError: see `status`.

        Without `migrates` nothing pending is applied and no CTS v3.1 folder is taken over.
        """
        self._home.migrates = migrates
        machine, target = self._machine, self._target()
        machine.held = read_only_because
        self._journal.only_read(read_only_because is not None)
        if not (self._watch and target.backend is Backend.POSTGRESQL and target.problem is None):
            machine.begin(target, record)
            if self._watch:
                self._keeper.start()
            return
        steps = _Steps(record)
        machine.wait_for(target, CONNECTING)
        self._keeper.start(partial(machine.begin, target, steps.record))
        self._keeper.wait_for_first(self._connect_wait)
        steps.end(machine.current.problem)

    def poll(self) -> None:
        """Take one turn, where no thread does: look for changes, for a moved file, try again what is due."""
        if self._machine.work.acquire(blocking=False):
            try:
                self._machine.turn()
            finally:
                self._machine.work.release()

    def retry(self) -> None:
        """Open again now, because a person asks for it or the target changed; see `status` for what came of it."""
        machine = self._machine
        target = self._target()
        with machine.work:
            if target != self._home.target or target.problem is not None or target.backend is Backend.JSON:
                machine.begin(target, lambda _step: None)
                self._publish(ConnectionsChanged(everything=True))
            elif machine.state is StoreState.FALLBACK:
                machine.breaker.hurry()
                machine.probe()
            elif target.backend is Backend.SQLITE or machine.state is StoreState.READ_ONLY:
                machine.reopen()
            elif machine.waits_for_vault:
                look_at_vault(machine)

    def look_again(self) -> None:
        """Open again without applying anything: a person has just dealt with the migrations."""
        machine, home = self._machine, self._home
        with machine.work:
            if machine.on_files:
                return
            before, home.migrates = home.migrates, False
            try:
                machine.reopen()
            finally:
                home.migrates = before

    def restore_backup(self, backup: Path) -> int:
        """Put a backup in the place of the database file, which is kept in quarantine; returns its connections."""
        machine = self._machine
        with machine.work:
            self._refuse_if_held()
            self._home.let_go()
            try:
                count = restore(backup, self._folder.database, self._folder.quarantine)
            finally:
                machine.reopen()
            if self._home.database is not None and not self._home.database.read_only:
                # Other desktops that were based on what was here before must not replay into it by themselves.
                self._journal.records.identity = raise_epoch(self._home.database, self._journal.records.identity.epoch)
            return count

    def refresh(self, patience: float = 30.0) -> None:
        """Take over what this program did to the database as a whole: a restore, secrets sealed anew.

        Returns when the record files have it, or after `patience` seconds; they follow then.
        """
        from storage.rotation import mirror_deleted

        machine, repository = self._machine, self._home.repository
        if machine.on_files or repository is None:
            return
        with machine.work:
            machine.cache.drop()
            records = self._journal.records
            records.identity = self._home.identity()
            self._journal.catch_up(repository, [row.id for row in (*repository.rows(), *records.rows())])
            if self._home.database is not None:
                mirror_deleted(self._home.database, records)
        self._publish(ConnectionsChanged(everything=True))
        until = time.monotonic() + patience
        while self._journal.lag and time.monotonic() < until and not machine.closed:
            time.sleep(0.02)

    def start_empty(self) -> None:
        """Begin with an empty database where EMPTY_DB asked; refused while there is one with content.

        The record files go to quarantine, but for those with changes that wait.
        """
        with self._machine.work:
            self._refuse_if_held()
            _refuse_if_not_asked(self._machine)
            start_empty(self._folder)
            self._journal.start_over(None)
            self._machine.reopen()
            self._publish(ConnectionsChanged(everything=True))

    def restore_records(self) -> int:
        """Make the database anew from the record files where EMPTY_DB asked; returns its connections.

        What waits in them goes into it, as if it had never been away.
        """
        from storage.refill import refilled

        with self._machine.work:
            self._refuse_if_held()
            _refuse_if_not_asked(self._machine)
            with refilled(self._journal.records, self._folder, self._migrations) as path:
                restore(path, self._folder.database, self._folder.quarantine)
            self._machine.reopen()
            self._publish(ConnectionsChanged(everything=True))
            return len(self.repository.rows())

    def close(self, keep: int = BACKUPS_KEPT, *, by_command: bool = False) -> None:
        """Close, within three seconds whatever a server does; of a file, a verified backup first if anything changed.

        `by_command`: many may follow one another, so not each makes a backup. Raises what stopped the backup.
        """
        machine = self._machine
        if machine.closed:
            return
        worth_it = machine.state is StoreState.ONLINE and not machine.on_files
        patience = MIRROR_SECONDS if by_command and self._journal.owes else CLOSE_SECONDS
        if worth_it and not self._watch:
            machine.sharing.bring_up(patience, look=by_command)
        machine.closed = True
        if self._home.is_server:
            if worth_it and not by_command:
                self._home.export(keep, CLOSE_SECONDS)
            self._home.interrupt()
        machine.sharing.stop()
        self._keeper.stop(CLOSE_SECONDS)
        got = machine.work.acquire(timeout=CLOSE_SECONDS)
        try:
            self._home.close(keep, worth_a_backup=worth_it, by_command=by_command)
        finally:
            self._journal.close(patience)
            if got:
                machine.work.release()

    def changes(self) -> Changes:
        """Return what waits, what was refused and, where the database is there, what is in conflict."""
        conflicts = () if self._machine.on_files or self._home.database is None else kept_conflicts(self._home.database)
        waiting = self._journal.waiting({} if self._machine.on_files else self._machine.waits_for_vault)
        return Changes(waiting, self._journal.rejected(), conflicts)

    def resolve(self, choices: Mapping[str, Choice], seen: Mapping[str, str]) -> None:
        """Settle conflicts by their ids. All of one record at once is a mix, unit by unit.

        `seen` is what each conflict showed: whoever chose from something else is asked again (StoreError, CONFLICT).
        """
        repository = self._online("Conflicts are settled in the database")
        resolve(repository, self._home.database, choices, seen)
        self._machine.cache.drop()
        machine = self._machine
        machine.current = machine.current._replace(conflicts=machine.sharing.count())
        self._publish(StoreChanged(self.status))

    def dismiss(self, op_id: str) -> None:
        """Forget a refused change."""
        if not self._journal.records.dismiss(op_id):
            raise StoreError(
                Problem(Category.NOT_FOUND, "That refused change is not there.", "Look at the list again.")
            )
        self._publish(StoreChanged(self.status))

    def accept_database(self) -> None:
        """Answer FENCE: what waits goes into the database that is there now."""
        self._machine.accept()

    def health(self) -> "HealthReport":
        """Measure the database. Raises StoreError where it is away."""
        database = self.database
        if database is None:
            raise StoreError(self.status.problem or NOT_OPEN)
        if not self._watch:
            self._machine.sharing.compare_revisions()
        status = self.status
        return self._machine.sharing.health.report(
            database, integrity=status.integrity, mirror_lag=self._journal.lag, waiting=status.waiting
        )

    def _online(self, what: str) -> "DatabaseRepository":
        repository = self._home.repository
        if self._machine.on_files or repository is None or self._machine.state is not StoreState.ONLINE:
            because = self._machine.current.problem
            text = f"{what}, and it is not there now." + (f" {because.text}" if because else "")
            raise StoreError(Problem(because.category if because else Category.CANT_OPEN, text, "Try again later."))
        return repository

    def _refuse_if_held(self) -> None:
        if self._machine.held is not None:
            raise StoreError(self._machine.held)


def _refuse_if_not_asked(machine: Machine) -> None:
    problem = machine.current.problem
    if problem is None or problem.category is not Category.EMPTY_DB:
        raise StoreError(Problem(Category.CONSTRAINT, "The database is not empty.", "Delete what is not wanted."))


class _Steps:
    """Hands steps on while the start is waiting for them; those that come later are the log's alone."""

    def __init__(self, record: Record) -> None:
        self._record = record
        self._ended = False
        self._any = False

    def record(self, step: StartupStep) -> None:
        self._any = True
        if not self._ended:
            self._record(step)

    def end(self, problem: Problem | None) -> None:
        if not self._any:
            problem = problem or CONNECTING
            self._record(StartupStep("database", ok=False, milliseconds=0, detail=problem.text, problem=problem))
        self._ended = True
