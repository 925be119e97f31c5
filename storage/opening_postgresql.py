"""The steps that open a PostgreSQL: a session, the migrations, the list. Each may go wrong alone."""

from collections.abc import Sequence
from pathlib import Path

from models.problem import Category, Problem, StoreError
from models.status import Backup, MigrationState, count_migrations
from storage.database_repository import check_tables, forget_old
from storage.migrator.runner import Migrator, all_there, needs_newer_program
from storage.opening_steps import NOT_OPEN, Outcome, Record, newer, short_of, timed
from storage.postgresql.address import Address
from storage.postgresql.database import PostgresDatabase
from storage.postgresql.failure import read_only_problem
from storage.postgresql.session import Pace


class PostgresOpening:
    """One attempt. What could be opened is in `database` and `migrator`; `problems` in their order.

    `held` keeps everything read-only and says why. Without `migrates`, what is old stays as it is. `readable`: the list
    could be read.
    """

    def __init__(self, address: Address, migrations: Path, pace: Pace, backups: Path, *, held: Problem | None) -> None:
        self.database: PostgresDatabase = PostgresDatabase(address, pace=pace, read_only=held is not None)
        self.migrator: Migrator | None = None
        self.problems: list[Problem] = []
        self.readable = False
        self.integrity = ""
        self.journal_mode = ""
        self.engine_version = ""
        self.schema = 0
        self.migrates = True
        self._migrations = migrations
        self._backups = backups
        self._held = held

    @property
    def writable(self) -> bool:
        return self.readable and not self.database.read_only

    def run(self, record: Record) -> None:
        """Take the steps; without a session there is only the first."""
        for word, call in (("database", self._connect), ("migrations", self._migrate), ("list", self._read_list)):
            step = timed(word, call)
            record(step)
            if step.problem is not None:
                self.problems.append(step.problem)
                if word == "database" and not self.engine_version:
                    return

    def _connect(self) -> Outcome:
        refuses = refuses_changes(self.database)
        self.engine_version = self.database.server_version
        mode = ", read-only" if refuses or self.database.read_only else ""
        problem = self._held or (read_only_problem(self.database.address) if refuses else None)
        return f"{self.database.location}: PostgreSQL {self.engine_version}{mode}", problem

    def _migrate(self) -> Outcome:
        self.migrator = migrator = Migrator(self.database, self._migrations, backup=self._back_up)
        items = migrator.items()
        if self.migrates and not self.database.read_only and not all_there(items):
            items = migrator.apply()
        good = [item for item in items if item.state in {MigrationState.APPLIED, MigrationState.BASELINE}]
        self.schema = max((item.number for item in good), default=0)
        problem = next((item.problem for item in items if item.problem), None)
        if needs_newer_program(items):
            self.database.forbid_writing()
            problem = newer(items)
        return "{0.applied} of {0.total} applied".format(count_migrations(items)), problem

    def _back_up(self) -> Backup | None:
        from storage.export_backup import export_before_migrations

        return export_before_migrations(self.database, self._backups)

    def _read_list(self) -> Outcome:
        try:
            check_tables(self.database)
        except StoreError as error:
            if error.problem.category is Category.SCHEMA:
                self.database.forbid_writing()
                self.readable = True
            raise StoreError(short_of(error.problem, self.problems)) from error
        if self.migrates and not self.database.read_only:
            forget_old(self.database)
        self.readable = True
        return "the tables are as this program knows them", None


def refuses_changes(database: PostgresDatabase) -> bool:
    """Tell whether the server would refuse every change: a standby, or one that was set so. Raises StoreError."""
    with database.read() as statements:
        found = statements.execute("SELECT pg_is_in_recovery() OR current_setting('transaction_read_only')::bool")
        return bool((found.fetchone() or (False,))[0])


def first(problems: Sequence[Problem]) -> Problem:
    return problems[0] if problems else NOT_OPEN
