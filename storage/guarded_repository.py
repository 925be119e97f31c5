"""The Repository that services hold: it asks the store each time, and so survives every reopening."""

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from models.connection import Connection, Deleted
from models.connection_row import ConnectionRow, Counts
from storage.json_store.json_repository import JsonRepository
from storage.repository import Repository

T = TypeVar("T")


class Gate(Protocol):
    """Runs a call on the repository of the moment, or raises the StoreError that says why it cannot."""

    def rows(self) -> list[ConnectionRow]: ...

    def reading(self, call: Callable[[Repository], T]) -> T: ...

    def writing(self, call: Callable[[Repository], T], answer: Callable[[JsonRepository], T] | None = None) -> T: ...


class GuardedRepository:
    """A Repository through a gate."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate

    def rows(self) -> list[ConnectionRow]:
        return self._gate.rows()

    def counts(self) -> Counts:
        return self._gate.reading(lambda repository: repository.counts())

    def get(self, connection_id: str) -> Connection | None:
        return self._gate.reading(lambda repository: repository.get(connection_id))

    def find(self, name: str) -> list[str]:
        return self._gate.reading(lambda repository: repository.find(name))

    def names(self) -> set[str]:
        return self._gate.reading(lambda repository: repository.names())

    def deleted(self) -> list[Deleted]:
        return self._gate.reading(lambda repository: repository.deleted())

    def add(self, connections: Sequence[Connection], *, rename: bool = False) -> list[ConnectionRow]:
        ids = [each.id for each in connections]
        return self._gate.writing(lambda to: to.add(connections, rename=rename), lambda kept: _rows(kept, ids))

    def update(self, base: Connection, new: Connection) -> ConnectionRow:
        return self._gate.writing(lambda to: to.update(base, new), lambda kept: _rows(kept, [base.id])[0])

    def set_flag(self, ids: Sequence[str], field: str, value: bool) -> list[ConnectionRow]:
        return self._gate.writing(lambda to: to.set_flag(ids, field, value), lambda kept: _rows(kept, ids))

    def remove(self, ids: Sequence[str]) -> list[Deleted]:
        return self._gate.writing(
            lambda to: to.remove(ids), lambda kept: [each for each in kept.deleted() if each.id in set(ids)]
        )

    def restore(self, ids: Sequence[str]) -> list[ConnectionRow]:
        return self._gate.writing(lambda to: to.restore(ids), lambda kept: _rows(kept, ids))


def _rows(kept: JsonRepository, ids: Sequence[str]) -> list[ConnectionRow]:
    """Return the lines of what was kept in the record files instead of being stored."""
    wanted = set(ids)
    return [row for row in kept.rows() if row.id in wanted]
