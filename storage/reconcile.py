"""Changes that waited go home: in their order, in batches, each settled in its file after its commit.

A kill at any step loses nothing and does nothing twice: what was committed and not settled is found by its id.
"""

import logging
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from models.problem import Category, CtsError, Problem, StoreError, VaultError
from storage.applying import Applied, Outcome
from storage.database_repository import DatabaseRepository
from storage.json_store.record_folder import RecordFolder
from storage.list_rows import collector_paused
from storage.operations import Operation
from storage.refusals import gone_meanwhile

BATCH: Final = 250
REFUSALS: Final = frozenset(
    {Category.CONSTRAINT, Category.DATA, Category.NOT_FOUND, Category.INVALID, Category.CONFLICT, Category.BUG}
)
"""The operation itself is refused: it goes to the list of rejected changes, and the queue goes on."""
VAULT_FIRST: Final = frozenset({Category.LOCKED, Category.PASSPHRASE})
"""The operation has secrets that cannot be sealed for the server before a person has opened the vault: it waits on."""

Hook = Callable[[str], None]
Seal = Callable[[Operation], Operation]
_log = logging.getLogger(__name__)


class Reconciled(NamedTuple):
    """Counts of one run, and the sentences that a person should read."""

    applied: int = 0
    rejected: int = 0
    conflicts: int = 0
    told: tuple[str, ...] = ()
    held: tuple[tuple[str, Problem], ...] = ()
    """Operations, by op_id, that wait for the vault, and those of the same connections that were made after them."""


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
    """Apply what waits until nothing does that can go, or `stop` says so.

    Raises StoreError when the database goes away again. `hook` is called before each commit ("applying"), after it
    ("committed") and after settling ("settled"). `seal` makes of an operation what the database may have; one that it
    refuses because of the vault is held, and the others go on.
    """
    done, held = Reconciled(), _Held()
    while not stop() and (waiting := [each for each in records.waiting() if each.op_id not in held.why]):
        for start in range(0, len(waiting), BATCH):
            if stop():
                break
            ready = held.sift(waiting[start : start + BATCH], seal)
            done = _add(done, _batch(records, repository, ready, hook)) if ready else done
    return done._replace(held=tuple(held.why.items()))


Ready = tuple[Operation, Operation | CtsError]
"""An operation, and what the database gets of it, or why it can never get it."""


class _Held:
    """Sifts out what waits for the vault; `why` is by op_id."""

    def __init__(self) -> None:
        self.why: dict[str, Problem] = {}
        self._connections: dict[str, Problem] = {}

    def sift(self, operations: Sequence[Operation], seal: Seal) -> list[Ready]:
        ready: list[Ready] = []
        for each in operations:
            # What is held comes before everything that was done to the same connection later.
            why = self._connections.get(each.connection_id)
            if why is None:
                try:
                    ready.append((each, seal(each)))
                except StoreError as error:
                    why = error.problem if error.problem.category in VAULT_FIRST else None
                    if why is None:
                        ready.append((each, error))
                except VaultError as error:
                    ready.append((each, error))
            if why is not None:
                self._connections[each.connection_id] = self.why[each.op_id] = why
        return ready


def _sealed(ready: Ready) -> Operation:
    if isinstance(ready[1], CtsError):
        raise ready[1]
    return ready[1]


def _batch(records: RecordFolder, repository: DatabaseRepository, batch: Sequence[Ready], hook: Hook) -> Reconciled:
    hook("applying")
    try:
        outcomes = repository.run([_sealed(each) for each in batch], replay=True)
    except (StoreError, VaultError) as error:
        if isinstance(error, StoreError) and error.problem.category not in REFUSALS:
            raise
        if len(batch) == 1:
            return _reject(records, batch[0][0], error)
        # One of them is refused and all were rolled back: each stands for itself now.
        done = Reconciled()
        for each in batch:
            done = _add(done, _batch(records, repository, [each], hook))
        return done
    hook("committed")
    with collector_paused():
        records.settle_many(
            [(operation, outcome.record) for (operation, _), outcome in zip(batch, outcomes, strict=True)]
        )
    hook("settled")
    return _count(outcomes)


def _reject(records: RecordFolder, operation: Operation, error: CtsError) -> Reconciled:
    problem = error.problem
    if problem.category is Category.NOT_FOUND and (known := records.state(operation.connection_id)) is not None:
        # The database no longer knows what it was called; its record file does.
        problem = gone_meanwhile(str(known.fields["name"]))
    _log.warning("A waiting change was refused: %s", problem.text)
    records.reject(operation, problem)
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
