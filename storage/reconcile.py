"""Changes that waited go home: in their order, in batches, each settled in its file after its commit.

A kill at any step loses nothing and does nothing twice: what was committed and not settled is found by its id.
"""

import logging
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from models.problem import Category, CtsError, StoreError, VaultError
from storage.applying import Applied, Outcome
from storage.database_repository import DatabaseRepository
from storage.json_store.record_folder import RecordFolder
from storage.list_rows import collector_paused
from storage.operations import Operation

BATCH: Final = 250
REFUSALS: Final = frozenset(
    {Category.CONSTRAINT, Category.DATA, Category.NOT_FOUND, Category.INVALID, Category.CONFLICT, Category.BUG}
)
"""The operation itself is refused: it goes to the list of rejected changes, and the queue goes on."""

Hook = Callable[[str], None]
Seal = Callable[[Operation], Operation]
_log = logging.getLogger(__name__)


class Reconciled(NamedTuple):
    """Counts of one run, and the sentences that a person should read."""

    applied: int = 0
    rejected: int = 0
    conflicts: int = 0
    told: tuple[str, ...] = ()


def _no_hook(_step: str) -> None:
    """What a run without an observer calls."""


def _as_it_is(operation: Operation) -> Operation:
    """What a database gets whose vault is this computer's own."""
    return operation


def reconcile(
    records: RecordFolder,
    repository: DatabaseRepository,
    *,
    stop: Callable[[], bool],
    hook: Hook = _no_hook,
    seal: Seal = _as_it_is,
) -> Reconciled:
    """Apply what waits until nothing does, or `stop` says so. Raises StoreError when the database goes away again.

    `hook` is called before each commit ("applying"), after it ("committed") and after settling ("settled"). `seal`
    makes of an operation what the database may have.
    """
    done = Reconciled()
    while not stop() and (waiting := records.waiting()):
        for start in range(0, len(waiting), BATCH):
            if stop():
                return done
            done = _add(done, _batch(records, repository, waiting[start : start + BATCH], hook, seal))
    return done


def _batch(
    records: RecordFolder, repository: DatabaseRepository, operations: Sequence[Operation], hook: Hook, seal: Seal
) -> Reconciled:
    hook("applying")
    try:
        outcomes = repository.run([seal(operation) for operation in operations], replay=True)
    except (StoreError, VaultError) as error:
        if isinstance(error, StoreError) and error.problem.category not in REFUSALS:
            raise
        if len(operations) == 1:
            return _reject(records, operations[0], error)
        # One of them is refused and all were rolled back: each stands for itself now.
        done = Reconciled()
        for operation in operations:
            done = _add(done, _batch(records, repository, [operation], hook, seal))
        return done
    hook("committed")
    with collector_paused():
        records.settle_many(
            [(operation, outcome.record) for operation, outcome in zip(operations, outcomes, strict=True)]
        )
    hook("settled")
    return _count(outcomes)


def _reject(records: RecordFolder, operation: Operation, error: CtsError) -> Reconciled:
    _log.warning("A waiting change was refused: %s", error.problem.text)
    records.reject(operation, error.problem)
    return Reconciled(rejected=1)


def _count(outcomes: Sequence[Outcome]) -> Reconciled:
    return Reconciled(
        applied=sum(outcome.state is not Applied.ALREADY for outcome in outcomes),
        conflicts=sum(len(outcome.conflicts) for outcome in outcomes),
        told=tuple(outcome.told for outcome in outcomes if outcome.told),
    )


def _add(one: Reconciled, other: Reconciled) -> Reconciled:
    return Reconciled(
        one.applied + other.applied,
        one.rejected + other.rejected,
        one.conflicts + other.conflicts,
        one.told + other.told,
    )
