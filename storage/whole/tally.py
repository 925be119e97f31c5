"""Whether two tables hold the same records: every record's sha256, in a form that needs no order."""

from collections.abc import Iterable, Sequence
from typing import Any

from storage.whole.snapshot import Snapshot, Table
from storage.whole.values import digest

_MODULUS = 1 << 256


class Tally:
    """How many rows, and the sum of their digests: equal for the same rows in any order, and only for those."""

    def __init__(self) -> None:
        self.rows = 0
        self.total = 0

    def add(self, rows: Iterable[Sequence[Any]]) -> None:
        for row in rows:
            self.rows += 1
            self.total = (self.total + int.from_bytes(digest(row))) % _MODULUS

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Tally) and (self.rows, self.total) == (other.rows, other.total)

    __hash__ = None  # type: ignore[assignment]


def tally(snapshot: Snapshot, table: Table) -> Tally:
    found = Tally()
    for rows in snapshot.rows(table):
        found.add(rows)
    return found


def digests(snapshot: Snapshot, table: Table) -> dict[Any, bytes]:
    """Return the digest of each row by its first column, which must be its key."""
    return {row[0]: digest(row) for rows in snapshot.rows(table) for row in rows}
