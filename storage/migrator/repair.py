"""Changes to the ledger alone, always previewed: repair makes it agree with the files, baseline adopts a schema."""

import re
from collections.abc import Callable, Sequence

from models.problem import Category, MigrationError, Problem
from models.status import LedgerChange, MigrationState
from storage.migrator import ledger
from storage.migrator.files import Migration
from storage.migrator.plan import Plan
from storage.migrator.session import Session

_CREATE_TABLE = re.compile(
    r"""CREATE\s+TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?(?:(?:main|public)\.)?"?(?P<table>\w+)""", re.IGNORECASE
)
_SENTENCES = {
    MigrationState.CHANGED: "Accept the file as it is now; nothing of it runs again.",
    MigrationState.MISSING: "Take it out of the list; what it brought stays in the database.",
    MigrationState.FAILED: "Forget the failure; it is pending again.",
}


def changes(plan: Plan) -> list[LedgerChange]:
    """Return what repair would do. The ledger of a newer program is never touched."""
    if plan.future:
        return []
    return [
        LedgerChange(item.number, item.name, _SENTENCES[item.state]) for item in plan.items if item.state in _SENTENCES
    ]


def carry_out(session: Session, read: Callable[[], Plan], migrations: Sequence[Migration]) -> list[LedgerChange]:
    """Do it, and return what was done. `read` gives the plan as it is now."""
    files = {migration.number: migration for migration in migrations}
    # Looked at before a transaction begins: without a ledger there is nothing to change, and nothing is made.
    if not changes(read()):
        return []
    with session.transaction():
        ledger.create(session)
        wanted = changes(read())
        for change in wanted:
            if change.sentence == _SENTENCES[MigrationState.CHANGED]:
                ledger.accept(session, files[change.number])
            elif change.sentence == _SENTENCES[MigrationState.MISSING]:
                ledger.remove(session, change.number)
            else:
                ledger.forget_failure(session, change.number)
    return wanted


def adoptions(session: Session, plan: Plan, migrations: Sequence[Migration], number: int) -> list[LedgerChange]:
    """Return the migrations up to `number` that baseline would note as there; refused where their tables are not."""
    if plan.future:
        raise MigrationError(_newer())
    if number not in {item.number for item in plan.items}:
        raise MigrationError(unknown(number))
    waiting = {MigrationState.PENDING, MigrationState.FAILED, MigrationState.OUT_OF_ORDER}
    wanted = [
        LedgerChange(item.number, item.name, "Note it as there already; nothing of it runs.")
        for item in plan.items
        if item.number <= number and item.state in waiting
    ]
    if wanted:
        _refuse_without_tables(session, migrations, {change.number for change in wanted})
    return wanted


def _refuse_without_tables(session: Session, migrations: Sequence[Migration], numbers: set[int]) -> None:
    """A migration that is noted as there never runs: what it was to bring would be missing for good."""
    there = {table.lower() for table in session.tables()}
    for migration in migrations:
        if migration.number not in numbers:
            continue
        for statement in migration.statements:
            match = _CREATE_TABLE.match(statement.text)
            if match and match["table"].lower() not in there:
                raise MigrationError(_not_there(migration, match["table"]))


def adopt(
    session: Session, read: Callable[[], Plan], migrations: Sequence[Migration], number: int
) -> list[LedgerChange]:
    """Note them as there, and return what was noted."""
    files = {migration.number: migration for migration in migrations}
    if not adoptions(session, read(), migrations, number):
        return []
    with session.transaction():
        ledger.create(session)
        wanted = adoptions(session, read(), migrations, number)
        for change in wanted:
            ledger.adopt(session, files[change.number])
            ledger.forget_failure(session, change.number)
    return wanted


def _not_there(migration: Migration, table: str) -> Problem:
    return Problem(
        Category.SCHEMA,
        f"The database does not have all that migration {migration.number:03} {migration.name} brings: there is no "
        f"table {table}. Nothing was noted.",
        "Choose a lower number, or let the migrations run: what is there already stays.",
    )


def unknown(number: int) -> Problem:
    return Problem(
        Category.NOT_FOUND,
        f"There is no migration {number:03}.",
        "Choose one of the numbers that the list of migrations shows.",
    )


def _newer() -> Problem:
    return Problem(
        Category.SCHEMA,
        "A newer program has changed this database; its ledger is not changed by this one.",
        "Update the program.",
    )
