"""What services see of the store: connections in and out, whichever backend keeps them."""

from collections.abc import Sequence
from typing import Protocol

from models.connection import Connection, Deleted
from models.connection_row import ConnectionRow, Counts


class Repository(Protocol):
    """Every call blocks and raises StoreError. Entities go in with sealed credentials and come out so."""

    def rows(self) -> list[ConnectionRow]:
        """Return the whole list, by name whatever its case, then by id."""

    def counts(self) -> Counts:
        """Count them, without reading the list."""

    def get(self, connection_id: str) -> Connection | None: ...

    def find(self, name: str) -> list[str]:
        """Return the ids of the connections with exactly this name, or else of those that differ in case only."""

    def names(self) -> set[str]: ...

    def add(self, connections: Sequence[Connection], *, rename: bool = False) -> list[ConnectionRow]:
        """Add all or none. A name that is taken gets a suffix with `rename`, else it is a CONSTRAINT problem."""

    def update(self, base: Connection, new: Connection) -> ConnectionRow:
        """Store what `new` changed of `base`, merged into what others stored since; CONFLICT where both cannot stand.

        A record that was deleted meanwhile comes back with the edit: an edit wins over a deletion.
        """

    def set_flag(self, ids: Sequence[str], field: str, value: bool) -> list[ConnectionRow]:
        """Set one yes-or-no field; returns the rows that changed."""

    def remove(self, ids: Sequence[str]) -> list[Deleted]:
        """Delete, restorable for 90 days; ids that are not there are passed over."""

    def restore(self, ids: Sequence[str]) -> list[ConnectionRow]: ...

    def deleted(self) -> list[Deleted]:
        """Return what can be restored, the newest deletion first."""
