"""The steps that open a store: the file, the take-over, the migrations, the list. Each may go wrong alone."""

import sqlite3
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from models.problem import Category, CtsError, Problem, StoreError
from models.status import NOTHING_TO_TAKE_OVER, MigrationItem, MigrationState, StartupStep, count_migrations
from storage.backup import make_backup
from storage.data_folder import DataFolder
from storage.database import Database
from storage.database_repository import DatabaseRepository, check_tables, forget_old
from storage.diagnosis import problem_for
from storage.legacy.shapes import may_need_take_over, recognise
from storage.migrator.runner import Migrator, all_there, needs_newer_program
from storage.opening import open_file

if TYPE_CHECKING:
    from storage.legacy.take_over import Sealing

Record = Callable[[StartupStep], None]
Outcome = tuple[str, Problem | None]

NOT_OPEN = Problem(Category.CANT_OPEN, "The database is not open yet.", "Wait a moment and try again.")
NOT_TAKEN_OVER = Problem(
    Category.LEGACY,
    "The database is that of a CTS v3.1 and was not taken over yet. Nothing was changed.",
    "Start the program, or ask for its status: that backs it up and takes it over, migrations included.",
)


class Opening:
    """One attempt. What could be opened is in `database`, `migrator` and `repository`; `problems` in their order.

    `held` keeps everything read-only and says why. Without `migrates`, what is old stays as it is. `integrity`,
    `journal_mode` and `schema` are for the status.
    """

    def __init__(
        self,
        folder: DataFolder,
        vault: "Sealing",
        migrations: Path,
        make_repository: Callable[[Database], DatabaseRepository],
        *,
        held: Problem | None,
        patience: float,
    ) -> None:
        self.database: Database | None = None
        self.migrator: Migrator | None = None
        self.repository: DatabaseRepository | None = None
        self.problems: list[Problem] = []
        self.integrity = ""
        self.journal_mode = ""
        self.schema = 0
        self.migrates = True
        self._folder = folder
        self._vault = vault
        self._migrations = migrations
        self._make_repository = make_repository
        self._held = held
        self._patience = patience

    @property
    def writable(self) -> bool:
        """Whether changes can be saved: the list was read, with tables as this program knows them."""
        return self.database is not None and self.repository is not None and not self.database.read_only

    def run(self, record: Record) -> None:
        """Take the steps; one that fails does not keep the next from showing what there is."""
        for word, call in (
            ("database", self._open_database),
            ("take-over", self._take_over),
            ("migrations", self._migrate),
            ("list", self._read_list),
        ):
            step = timed(word, call)
            record(step)
            if step.problem is not None:
                self.problems.append(step.problem)
            if self.database is None:
                break

    def _open_database(self) -> Outcome:
        held = self._held is not None or not self._folder.writable
        try:
            opened = open_file(self._folder, read_only=held, patience=self._patience)
        except StoreError as error:
            if error.problem.category is not Category.BUSY:
                raise
            # Nobody has saved anything yet.
            raise StoreError(problem_for("BUSY.opening", where=str(self._folder.database))) from error
        self.database = opened.database
        self.integrity = opened.integrity
        self.journal_mode = opened.database.pragma("journal_mode")
        path = self._folder.database
        mode = ", read-only" if opened.database.read_only else ""
        bytes_now = path.stat().st_size
        size = f"{bytes_now:,} bytes" if bytes_now else "new"
        detail = f"{path.name}: {size}, SQLite {sqlite3.sqlite_version}, {opened.integrity}{mode}"
        return detail, self._held or opened.problem or (self._folder.problem if held else None)

    def _take_over(self) -> Outcome:
        database = self._need()
        if not self.migrates:
            with database.hold() as connection:
                if recognise(connection) is not None:
                    raise StoreError(NOT_TAKEN_OVER)
        self.migrator = Migrator(database, self._migrations, backup=self._back_up)
        if not self.migrates:
            return "not looked for", None
        with database.hold() as connection:
            if not may_need_take_over(connection, self._folder.root):
                return NOTHING_TO_TAKE_OVER, None
        from storage.legacy.take_over import take_over_if_needed

        report = take_over_if_needed(database, self._folder, self._vault, self.migrator)
        if report is None:
            return NOTHING_TO_TAKE_OVER, None
        noun = "connection" if report.connections == 1 else "connections"
        return f"{report.connections:,} {noun} came over from CTS v3.1, {len(report.skipped):,} left out", None

    def _back_up(self) -> None:
        make_backup(self._folder.database, self._folder.backups, "migration")

    def _migrate(self) -> Outcome:
        database, migrator = self._need(), self.migrator
        if migrator is None:
            return "waiting for the take-over", None
        with database.hold() as connection:
            if recognise(connection) is not None:
                # Our migrations must not touch what was not taken over yet.
                return "waiting for the take-over", None
        items = migrator.items()
        if self.migrates and not database.read_only and not all_there(items):
            with database.hold():
                items = migrator.apply()
        good = [item for item in items if item.state in {MigrationState.APPLIED, MigrationState.BASELINE}]
        self.schema = max((item.number for item in good), default=0)
        problem = next((item.problem for item in items if item.problem), None)
        if needs_newer_program(items):
            database.forbid_writing()
            problem = newer(items)
        return "{0.applied} of {0.total} applied".format(count_migrations(items)), problem

    def _read_list(self) -> Outcome:
        database = self._need()
        repository = self._make_repository(database)
        try:
            counts = repository.counts()
            self.repository = repository
            check_tables(database)
        except StoreError as error:
            if self.repository is not None:
                # What is short of what saving needs can still be shown.
                database.forbid_writing()
            raise StoreError(short_of(error.problem, self.problems)) from error
        if self.migrates and not database.read_only:
            forget_old(database)
        database.changed_elsewhere()
        return f"{counts.total:,} connections, {counts.enabled:,} enabled", None

    def _need(self) -> Database:
        if self.database is None:
            raise StoreError(NOT_OPEN)
        return self.database


def timed(word: str, call: Callable[[], Outcome]) -> StartupStep:
    """Take one step; a CtsError becomes its problem."""
    start = time.perf_counter()
    try:
        detail, problem = call()
    except CtsError as error:
        detail, problem = error.problem.text, error.problem
    return StartupStep(word, problem is None, round((time.perf_counter() - start) * 1000), detail, problem)


def short_of(problem: Problem, before: Sequence[Problem]) -> Problem:
    """Return why tables are not as expected: where the migrations did not run, nothing else is to blame."""
    if problem.category is not Category.SCHEMA or Category.MIGRATION not in {known.category for known in before}:
        return problem
    return problem._replace(
        text="The database lacks what the migrations that did not run bring. It is open for reading only.",
        solution="Mend what stopped them, then apply them.",
    )


def newer(items: Sequence[MigrationItem]) -> Problem:
    """Say that a newer program has changed the database."""
    future = [item.number for item in items if item.state is MigrationState.FUTURE]
    known = [item.number for item in items if item.state is not MigrationState.FUTURE]
    return Problem(
        Category.SCHEMA,
        f"The database was changed by a newer version of the program: it has migration {max(future):03}, this version "
        f"knows {max(known, default=0):03}. It is open for reading only.",
        "Update the program.",
    )
