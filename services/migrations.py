"""Migrations as people handle them: their states, their SQL, and the few things one can do about them."""

from typing import Protocol

from models.event import MigrationsChanged
from models.problem import Category, MigrationError, Problem, StoreError
from models.status import LedgerChange, MigrationItem, Rehearsal, StoreState, StoreStatus
from services.events import Events
from storage.migrator.runner import Migrator


class HasMigrator(Protocol):
    """The part of the Store that this service uses."""

    @property
    def status(self) -> StoreStatus: ...

    @property
    def migrator(self) -> Migrator | None: ...

    def look_again(self) -> None: ...


class MigrationService:
    """Every call blocks and raises CtsError. What changes the ledger publishes MigrationsChanged."""

    def __init__(self, store: HasMigrator, events: Events) -> None:
        self._store = store
        self._events = events

    def items(self) -> tuple[MigrationItem, ...]:
        """Return every migration with its state, by number."""
        return self._migrator().items()

    def sql(self, number: int) -> str:
        """Return the SQL of a migration as its file holds it."""
        return self._migrator().sql(number)

    def apply(self) -> tuple[MigrationItem, ...]:
        """Apply what is pending, out of order too because a person asked; one that fails is `failed` in the answer."""
        migrator = self._writable()
        try:
            items = migrator.apply(out_of_order=True)
            self._tell_the_store(failed=any(item.problem for item in items))
            return items
        finally:
            self._events.publish(MigrationsChanged())

    def rehearse(self) -> list[Rehearsal]:
        """Try what is pending without changing anything."""
        return self._migrator().rehearse()

    def repair_preview(self) -> list[LedgerChange]:
        return self._migrator().repair_preview()

    def repair(self) -> list[LedgerChange]:
        """Make the ledger agree with the files; returns what was changed."""
        return self._changed(self._writable().repair())

    def baseline_preview(self, number: int) -> list[LedgerChange]:
        return self._migrator().baseline_preview(number)

    def baseline(self, number: int) -> list[LedgerChange]:
        """Note every migration up to `number` as there, without running it; returns what was noted."""
        return self._changed(self._writable().baseline(number))

    def _changed(self, changes: list[LedgerChange]) -> list[LedgerChange]:
        if changes:
            self._tell_the_store(failed=False)
            self._events.publish(MigrationsChanged())
        return changes

    def _tell_the_store(self, *, failed: bool) -> None:
        """Let the store's own state follow, where migrations were what was wrong with it, or are now."""
        problem = self._store.status.problem
        if failed or (problem is not None and problem.category in _MENDABLE):
            self._store.look_again()

    def _migrator(self) -> Migrator:
        migrator = self._store.migrator
        if migrator is None:
            raise StoreError(self._store.status.problem or _not_open())
        return migrator

    def _writable(self) -> Migrator:
        """Return the migrator, unless nothing may be written: then say why. A short schema is what apply mends."""
        migrator, status = self._migrator(), self._store.status
        if status.state is StoreState.READ_ONLY and status.problem and status.problem.category not in _MENDABLE:
            raise MigrationError(status.problem)
        return migrator


_MENDABLE = {Category.MIGRATION, Category.SCHEMA}


def _not_open() -> Problem:
    return Problem(
        Category.CANT_OPEN, "The database is not open yet.", "Wait until the start is finished, then try again."
    )
