"""What the program says about itself, once for the window and the commands."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from models import VERSION
from models.connection_row import Counts
from models.problem import CtsError, Problem
from models.status import MigrationItem, StoreStatus, TakeOver, VaultStatus, count_migrations

if TYPE_CHECKING:
    from services.late_vault import LateVault
    from services.legacy import LegacyService
    from services.migrations import MigrationService
    from services.startup import Startup
    from storage.data_folder import DataFolder
    from storage.store import Store

T = TypeVar("T")


class StatusService:
    """Collects; it holds nothing of its own, so that it is never stale."""

    def __init__(
        self,
        *,
        folder: "DataFolder",
        store: "Store",
        vault: "LateVault",
        startup: "Startup",
        migrations: "MigrationService",
        legacy: "LegacyService",
    ) -> None:
        self._folder = folder
        self._store = store
        self._vault = vault
        self._startup = startup
        self._migrations = migrations
        self._legacy = legacy

    def store(self) -> StoreStatus:
        return self._store.status

    def vault(self) -> VaultStatus:
        return self._vault.status

    def problems(self) -> tuple[Problem, ...]:
        """Everything that is wrong now: what the start found, then what the store says, each once."""
        problem = self.store().problem
        if problem is None:
            return tuple(self._startup.problems)
        # The store may know by now how the same matter went on, which the step that found it could not tell.
        found = [each for each in self._startup.problems if not _goes_on(problem, each)]
        return (*found, problem)

    def as_json(self) -> dict[str, Any]:
        """Return the status as `status --json` prints it. Never raises a CtsError: what cannot be read is empty."""
        no_items: tuple[MigrationItem, ...] = ()
        items = _or_else(self._migrations.items, no_items)
        counts = _or_else(self._store.repository.counts, Counts(0, 0))
        take_over = _or_else(self._legacy.report, None)
        return {
            "version": VERSION,
            "store": _store_json(self.store()),
            "health": _or_else(lambda: self._store.health().as_json(), None),
            "vault": self.vault()._asdict(),
            "data_folder": {
                "path": str(self._folder.root),
                "temporary": self._folder.temporary,
                "writable": self._folder.writable,
                "reason": self._folder.reason,
            },
            "migrations": migrations_json(items),
            "connections": counts._asdict(),
            "take_over": take_over_json(take_over),
            "startup": [
                {"step": step.step, "ok": step.ok, "milliseconds": step.milliseconds, "detail": step.detail}
                for step in self._startup.steps
            ],
            "problems": [problem.as_json() for problem in self.problems()],
        }


def migrations_json(items: "tuple[MigrationItem, ...]") -> dict[str, Any]:
    done = count_migrations(items)
    return {"applied": done.applied, "total": done.total, "items": [migration_json(item) for item in items]}


def migration_json(item: MigrationItem) -> dict[str, Any]:
    return {
        "number": item.number,
        "name": item.name,
        "state": item.state.value,
        "applied_at": item.applied_at,
        "milliseconds": item.milliseconds,
        "sentence": item.sentence,
        "action": item.action,
        "problem": item.problem.as_json() if item.problem else None,
    }


def take_over_json(take_over: TakeOver | None) -> dict[str, Any] | None:
    if take_over is None:
        return None
    return {
        **take_over._asdict(),
        "renamed": [{"from": old, "to": new} for old, new in take_over.renamed],
        "skipped": [skipped._asdict() for skipped in take_over.skipped],
        "repaired": [repaired._asdict() for repaired in take_over.repaired],
        "plaintext": list(take_over.plaintext),
    }


def _store_json(status: StoreStatus) -> dict[str, Any]:
    return {
        **status._asdict(),
        "backend": status.backend.value,
        "state": status.state.value,
        "problem": status.problem.as_json() if status.problem else None,
        "retry_in": None if status.retry_in is None else round(status.retry_in, 1),
    }


def _goes_on(later: Problem, earlier: Problem) -> bool:
    return later.category is earlier.category and later.text.startswith(earlier.text)


def _or_else(read: Callable[[], T], default: T) -> T:
    try:
        return read()
    except CtsError:
        # The store is not open; why stands in its status.
        return default
