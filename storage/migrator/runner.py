"""Apply the migrations: every file read before the first runs, each file and its ledger row in one transaction."""

import logging
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from models.problem import MigrationError, Problem
from models.status import Backup, LedgerChange, MigrationItem, MigrationState, Rehearsal
from storage.diagnosis import diagnose
from storage.migrator import ledger, rehearsal, repair
from storage.migrator.files import Migration, checksums, find_migrations, read_migrations
from storage.migrator.plan import NEWEST, Failure, Plan, newer_version, plan
from storage.migrator.session import (
    MigratedDatabase,
    Session,
    is_lost,
    is_read_only,
    many_transactions,
    primary_message,
    session,
)

Hook = Callable[[Migration, int], None]

_ADD_COLUMN = re.compile(
    r"""ALTER\s+TABLE\s+(?:(?:main|public)\.)?"?(?P<table>\w+)"?\s+ADD\s+COLUMN\s+(?!IF\b)"?(?P<column>\w+)"?\s""",
    re.IGNORECASE,
)
_THERE = {MigrationState.APPLIED, MigrationState.BASELINE}
_log = logging.getLogger(__name__)


def _no_hook(_migration: Migration, _index: int) -> None:
    """What a run without an observer calls."""


class Migrator:
    """Runs the SQL files of one folder on one database, and tells their states.

    `backup` is called once before the first pending file on a database that holds anything; what it raises stops the
    run. `hook` is called before every statement (its index), before the ledger row (number of statements)
    and before the commit (one more). `wait` is how many seconds another program may hold the database.
    """

    def __init__(
        self,
        database: MigratedDatabase,
        folder: Path,
        *,
        backup: Callable[[], Backup | None],
        hook: Hook = _no_hook,
        wait: float = 30.0,
    ) -> None:
        self._database = database
        self._folder = folder
        self._backup = backup
        self._hook = hook
        self._wait = wait
        # What could not be written to a database that cannot be written is at least known until the program ends.
        self._unwritten: dict[int, Failure] = {}

    def on(self, database: MigratedDatabase) -> "Migrator":
        """Return a migrator of the same files for another database: the copy that a take-over works on."""
        return Migrator(database, self._folder, backup=lambda: None, hook=self._hook, wait=self._wait)

    def items(self) -> tuple[MigrationItem, ...]:
        """Return every migration with its state, by number."""
        with self._session(looks=True) as opened:
            return self._plan(opened, read_migrations(self._folder, self._database.dialect)).items

    def up_to_date(self) -> bool:
        """Tell whether files and ledger agree: one query and the checksums, nothing parsed."""
        with self._session(looks=True) as opened:
            rows = ledger.read(opened)
        if not rows:
            return False
        return {row.number: (row.name, row.checksum) for row in rows} == checksums(self._folder, self._database.dialect)

    def apply(self, *, out_of_order: bool = False) -> tuple[MigrationItem, ...]:
        """Apply what is pending and return every state; stops at the first failure, which stays as `failed`.

        Files that are out of order run only where a person asked for it. Nothing runs on a database that a newer
        program has changed, nor while the file of an applied migration is not what it was.
        """
        migrations = find_migrations(self._folder, self._database.dialect)
        with self._session() as opened:
            there = ledger.present(opened)
            found = self._plan(opened, migrations, there)
            pending = self._chosen(found, out_of_order)
            if not pending:
                return found.items
            if there.others:
                self._backup()
            failed = {item.number for item in found.items if item.state is MigrationState.FAILED}
            known = any(item.applied_at for item in found.items)
            with many_transactions(opened):
                for migration in pending:
                    if not self._step(opened, migration, first=not known, again=migration.number in failed):
                        return self._plan(opened, migrations).items
                    known = True
            return self._plan(opened, migrations, there._replace(ledger=True)).items

    def rehearse(self) -> list[Rehearsal]:
        """Try what is pending where nothing stays: SQLite on a copy, PostgreSQL in a transaction rolled back."""
        migrations = find_migrations(self._folder, self._database.dialect)
        with self._session() as opened:
            pending = self._chosen(self._plan(opened, migrations), out_of_order=True)
            return rehearsal.rehearse(opened, pending, run_statements) if pending else []

    def repair_preview(self) -> list[LedgerChange]:
        """Return what repair would change in the ledger; nothing else is ever changed by it."""
        with self._session() as opened:
            return repair.changes(self._plan(opened, self._read()))

    def repair(self) -> list[LedgerChange]:
        """Make ledger and files agree: accept changed files, drop rows without a file, forget failures."""
        migrations = self._read()
        with self._session() as opened:
            done = repair.carry_out(opened, lambda: self._plan(opened, migrations), migrations)
        if done:
            self._unwritten.clear()
        return done

    def baseline_preview(self, number: int) -> list[LedgerChange]:
        """Return which migrations baseline(number) would adopt."""
        migrations = find_migrations(self._folder, self._database.dialect)
        with self._session() as opened:
            return repair.adoptions(opened, self._plan(opened, migrations), migrations, number)

    def baseline(self, number: int) -> list[LedgerChange]:
        """Adopt an existing schema: note every migration up to `number` as there, without running it."""
        migrations = find_migrations(self._folder, self._database.dialect)
        with self._session() as opened:
            return repair.adopt(opened, lambda: self._plan(opened, migrations), migrations, number)

    def sql(self, number: int) -> str:
        """Return the text of a migration's file."""
        for migration in self._read():
            if migration.number == number:
                return migration.sql
        raise MigrationError(repair.unknown(number))

    def _read(self) -> list[Migration]:
        return read_migrations(self._folder, self._database.dialect)

    @contextmanager
    def _session(self, *, looks: bool = False) -> Iterator[Session]:
        with session(self._database, self._wait, looks=looks) as opened:
            yield opened

    def _plan(self, opened: Session, migrations: Sequence[Migration], there: ledger.Present | None = None) -> Plan:
        there = there or ledger.present(opened)
        rows = ledger.read(opened) if there.ledger else None
        failures = ledger.failures(opened) if there.failures else []
        kept = {failure.number for failure in failures}
        failures += [failure for number, failure in self._unwritten.items() if number not in kept]
        newest_known = max([NEWEST, *(migration.number for migration in migrations)])
        return plan(migrations, rows or [], failures, newest_known)

    @staticmethod
    def _chosen(found: Plan, out_of_order: bool) -> list[Migration]:
        if found.future:
            newer = newer_version(found.items)
            _log.warning("No migration runs: %s", newer.sentence if newer else "")
            return []
        held = [] if found.stopped or not out_of_order else found.held
        return sorted([*held, *found.to_run], key=lambda migration: migration.number)

    def _step(self, opened: Session, migration: Migration, *, first: bool, again: bool) -> bool:
        """Run one file in one transaction; False when it failed and was rolled back.

        `first`: there may be no ledger yet. `again`: a failure of it is noted, which is history once it is applied.
        """
        started = time.perf_counter()
        # Another program may have been faster while this one waited for its turn.
        held = opened.begin() if first else ledger.begin_and_look(opened, migration.number)
        progress = [0]
        try:
            if first:
                ledger.create(opened)
                held = ledger.holds(opened, migration.number)
            if held:
                opened.rollback()
                return True
            for index in run_statements(opened, migration):
                progress[0] = index
                self._hook(migration, index)
            milliseconds = round((time.perf_counter() - started) * 1000)
            if again:
                ledger.forget_failure(opened, migration.number)
            ledger.add(opened, migration, milliseconds)
            self._hook(migration, len(migration.statements) + 1)
            opened.commit()
        except opened.error as error:
            opened.rollback()
            if is_read_only(error) or is_lost(error):
                raise
            self._fail(opened, migration, progress[0], error)
            return False
        except BaseException:  # an interruption, too, leaves no transaction open; it goes on
            opened.rollback()
            raise
        self._unwritten.pop(migration.number, None)
        _log.info("Migration %03d %s is applied (%d ms).", migration.number, migration.name, milliseconds)
        return True

    def _fail(self, opened: Session, migration: Migration, index: int, error: Exception) -> None:
        failure = ledger.describe_failure(migration, index, primary_message(error))
        _log.error(
            "Migration %03d %s failed in %s, line %d: %s. It was rolled back.",
            migration.number,
            migration.name,
            failure.file,
            failure.line,
            failure.message,
        )
        self._unwritten[migration.number] = failure
        try:
            with opened.transaction():
                ledger.record_failure(opened, failure)
        except (opened.error, MigrationError) as second:
            problem: Problem = (
                second.problem if isinstance(second, MigrationError) else diagnose(second, where="the database")
            )
            _log.warning("Why it failed could not be written to the database: %s", problem.text)


def run_statements(opened: Session, migration: Migration) -> Iterator[int]:
    """Run the statements of a file, yielding each one's index before it runs, and their number after the last."""
    for index, statement in enumerate(migration.statements):
        yield index
        if not _is_there(opened, statement.text):
            opened.run(statement.text)
    yield len(migration.statements)


def _is_there(opened: Session, text: str) -> bool:
    """Tell whether a statement adds a column that is there: SQLite has no ADD COLUMN IF NOT EXISTS."""
    match = _ADD_COLUMN.match(text)
    return match is not None and match["column"].lower() in {name.lower() for name in opened.columns(match["table"])}


def needs_newer_program(items: Sequence[MigrationItem]) -> bool:
    """Tell whether a newer program has changed this database: it is opened read-only then."""
    return any(item.state is MigrationState.FUTURE for item in items)


def all_there(items: Sequence[MigrationItem]) -> bool:
    """Tell whether there is nothing to do: every file is applied or adopted, as it is, and so is nothing else."""
    return bool(items) and all(item.state in _THERE for item in items)
