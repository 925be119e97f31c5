"""The Repository that services hold: it asks the store each time, and so survives every reopening."""

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from models.connection import Connection, Deleted
from models.connection_row import ConnectionRow
from storage.repository import Repository

T = TypeVar("T")


class Gate(Protocol):
    """Runs a call on the repository of the moment, or raises the StoreError that says why it cannot."""

    def reading(self, call: Callable[[Repository], T]) -> T: ...

    def writing(self, call: Callable[[Repository], T]) -> T: ...


class GuardedRepository:
    """A Repository through a gate."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate

    def rows(self) -> list[ConnectionRow]:
        return self._gate.reading(lambda repository: repository.rows())

    def get(self, connection_id: str) -> Connection | None:
        return self._gate.reading(lambda repository: repository.get(connection_id))

    def find(self, name: str) -> list[str]:
        return self._gate.reading(lambda repository: repository.find(name))

    def names(self) -> set[str]:
        return self._gate.reading(lambda repository: repository.names())

    def deleted(self) -> list[Deleted]:
        return self._gate.reading(lambda repository: repository.deleted())

    def add(self, connections: Sequence[Connection], *, rename: bool = False) -> list[ConnectionRow]:
        return self._gate.writing(lambda repository: repository.add(connections, rename=rename))

    def update(self, base: Connection, new: Connection) -> ConnectionRow:
        return self._gate.writing(lambda repository: repository.update(base, new))

    def set_flag(self, ids: Sequence[str], field: str, value: bool) -> list[ConnectionRow]:
        return self._gate.writing(lambda repository: repository.set_flag(ids, field, value))

    def remove(self, ids: Sequence[str]) -> list[Deleted]:
        return self._gate.writing(lambda repository: repository.remove(ids))

    def restore(self, ids: Sequence[str]) -> list[ConnectionRow]:
        return self._gate.writing(lambda repository: repository.restore(ids))
