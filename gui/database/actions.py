"""What can be done with the database now, and in words why not: pure, so that every case has a test."""

from collections.abc import Sequence
from typing import NamedTuple

from models.problem import Category
from models.status import MigrationItem, MigrationState, StoreState, StoreStatus, count_migrations

_TO_RUN = {MigrationState.PENDING, MigrationState.FAILED, MigrationState.OUT_OF_ORDER}
_TO_REPAIR = {MigrationState.CHANGED, MigrationState.MISSING, MigrationState.FAILED}
# Read-only for these reasons, migrations may still run: they are what mends it.
_MENDABLE = {Category.MIGRATION, Category.SCHEMA}
_HELPED_BY_A_BACKUP = {Category.EMPTY_DB, Category.CANT_OPEN}
_STOPPED = "What is pending waits: the file of an applied migration was changed. Repair that one first."
_READ_ONLY = "The database is read-only now; the card above says why."
_NOTHING_TO_BACK_UP = "There is no database to back up; the card above says why."
_NOTHING_PENDING = "Nothing is pending: every migration is applied."


class Reasons(NamedTuple):
    """Why an action cannot run now; "" where it can."""

    apply: str = ""
    rehearse: str = ""
    repair: str = ""
    baseline: str = ""
    backup: str = ""
    scrub: str = ""
    restore: str = ""


def reasons(store: StoreStatus | None, items: Sequence[MigrationItem], busy: str = "") -> Reasons:
    """Decide for each action. `busy` is the sentence of what runs now; one action runs at a time."""
    blocked = busy or _not_readable(store)
    if blocked or store is None:
        return Reasons(*[blocked] * len(Reasons._fields))
    to_run = [item for item in items if item.state in _TO_RUN]
    nothing_pending = "" if to_run else _NOTHING_PENDING
    # The engine runs nothing while it cannot know what an edited file has done to the schema.
    stopped = _STOPPED if to_run and any(item.state is MigrationState.CHANGED for item in items) else nothing_pending
    read_only = _read_only(store) or _future(store, items)
    return Reasons(
        apply=read_only or stopped,
        rehearse=stopped,
        repair=read_only or _nothing_to_repair(items),
        baseline=read_only or nothing_pending,
        backup=_no_backup(store),
        scrub=read_only,
        restore="" if _is_missing(store) else read_only,
    )


def baseline_choices(items: Sequence[MigrationItem]) -> list[MigrationItem]:
    """Return the migrations that a baseline could end with: those that would still run."""
    return [item for item in items if item.state in _TO_RUN]


def badge(items: Sequence[MigrationItem]) -> str:
    """Return the counter of the navigation rail: "20/20"."""
    done = count_migrations(tuple(items))
    return f"{done.applied}/{done.total}" if items else ""


def summary(items: Sequence[MigrationItem]) -> str:
    """Say in one line how the migrations stand: "17 of 17 applied", and what else there is."""
    if not items:
        return ""
    done = count_migrations(tuple(items))
    others = [
        f"{count} {state.value}"
        for state in MigrationState
        if state not in {MigrationState.APPLIED, MigrationState.BASELINE}
        and (count := sum(item.state is state for item in items))
    ]
    return " · ".join([f"{done.applied} of {done.total} applied", *others])


def shared_reasons(why: Reasons) -> str:
    """Return why actions on migrations cannot run, each reason once, for the line under their buttons."""
    return " ".join(dict.fromkeys(filter(None, (why.apply, why.rehearse, why.repair, why.baseline))))


def _not_readable(store: StoreStatus | None) -> str:
    if store is None:
        return "The store is still opening."
    if store.state is StoreState.FALLBACK:
        return "The database is away, so nothing can be done in it now."
    return ""


def _read_only(store: StoreStatus) -> str:
    if store.state is not StoreState.READ_ONLY or (store.problem and store.problem.category in _MENDABLE):
        return ""
    return _READ_ONLY if store.problem else "The database is read-only."


def _is_missing(store: StoreStatus) -> bool:
    """Tell whether the database is gone or was never readable, so that a backup is what helps."""
    return store.problem is not None and store.problem.category in _HELPED_BY_A_BACKUP


def _no_backup(store: StoreStatus) -> str:
    return _NOTHING_TO_BACK_UP if _is_missing(store) else ""


def _future(store: StoreStatus, items: Sequence[MigrationItem]) -> str:
    if not any(item.state is MigrationState.FUTURE for item in items):
        return ""
    return _READ_ONLY if store.problem else "A newer program has changed this database."


def _nothing_to_repair(items: Sequence[MigrationItem]) -> str:
    if any(item.state in _TO_REPAIR for item in items):
        return ""
    return "Nothing to repair: ledger and files agree."
