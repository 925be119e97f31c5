"""Try migrations where nothing can stay: SQLite on a copy, PostgreSQL in a transaction that is always rolled back."""

import time
from collections.abc import Callable, Iterator, Sequence

from models.problem import Category, Problem
from models.status import Rehearsal
from storage.migrator import ledger
from storage.migrator.files import Migration
from storage.migrator.session import Session, primary_message

_SEQUENCES = "SELECT sequencename, last_value FROM pg_sequences WHERE schemaname = current_schema()"
RunStatements = Callable[[Session, Migration], Iterator[int]]


def rehearse(session: Session, pending: Sequence[Migration], run_statements: RunStatements) -> list[Rehearsal]:
    """Run `pending` in order up to the first that fails, counting the rows of every table before and after each."""
    if session.dialect == "postgresql":
        return _noting_sequences(session, lambda: _in_one_transaction(session, pending, run_statements))
    with session.copy() as copy:
        return _in_one_transaction(copy, pending, run_statements)


def _noting_sequences(session: Session, call: Callable[[], list[Rehearsal]]) -> list[Rehearsal]:
    """Let the last result tell of sequences that went on: no transaction takes back what they gave out."""
    before = dict(session.query(_SEQUENCES))
    tried = call()
    after = dict(session.query(_SEQUENCES))
    used = sorted(name for name, value in after.items() if name in before and before[name] != value)
    if tried and used:
        text = f"Numbers that {', '.join(used)} gave out meanwhile are not given out again."
        tried[-1] = tried[-1]._replace(note=f"{text} PostgreSQL takes none of them back.")
    return tried


def _in_one_transaction(
    session: Session, pending: Sequence[Migration], run_statements: RunStatements
) -> list[Rehearsal]:
    session.begin()
    try:
        tried = []
        before = count_rows(session)
        for migration in pending:
            result = _try(session, migration, before, run_statements)
            tried.append(result)
            if result.problem:
                break
            before = result.rows_after
        return tried
    finally:
        session.rollback()


def _try(session: Session, migration: Migration, before: dict[str, int], run_statements: RunStatements) -> Rehearsal:
    started = time.perf_counter()
    reached = 0
    problem, after = None, before
    try:
        for index in run_statements(session, migration):
            reached = index
        milliseconds = round((time.perf_counter() - started) * 1000)
        after = count_rows(session)
    except session.error as error:
        milliseconds = round((time.perf_counter() - started) * 1000)
        problem = _would_fail(migration, reached, error)
    return Rehearsal(migration.number, migration.name, migration.sql, milliseconds, before, after, problem)


def count_rows(session: Session) -> dict[str, int]:
    """Return the rows of every table but the engine's own."""
    return {table: session.count(table) for table in session.tables()}


def _would_fail(migration: Migration, index: int, error: Exception) -> Problem:
    failure = ledger.describe_failure(migration, index, primary_message(error))
    return Problem(
        Category.MIGRATION,
        f"Migration {migration.number:03} {migration.name} would fail in {failure.file}, line {failure.line}: "
        f"{failure.message}.",
        "Mend the reason before applying it; this was a rehearsal and nothing was changed.",
        f"{failure.file}:{failure.line}: {failure.statement}",
    )
