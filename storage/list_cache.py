"""The list as it was read last, good until somebody is known to have changed it: never dropped by time."""

import threading
from collections.abc import Callable, Iterable, Sequence

from models.connection_row import ConnectionRow

_PATIENCE = 2.0
"""How long whoever wants the list waits for another who reads it, in seconds."""


class ListCache:
    """Keeps the rows, and what is known of each one to tell what a change changed. Usable from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._reading = threading.Lock()
        self._version = 0
        self._rows: list[ConnectionRow] | None = None
        self._known: dict[str, ConnectionRow] = {}

    def rows(self, read: Callable[[], list[ConnectionRow]]) -> list[ConnectionRow]:
        """Return the rows, read anew where something changed since."""
        # At a start the window and the keeper ask at once: the list is read once for both.
        alone = self._reading.acquire(timeout=_PATIENCE)
        try:
            return self._read(read)
        finally:
            if alone:
                self._reading.release()

    def _read(self, read: Callable[[], list[ConnectionRow]]) -> list[ConnectionRow]:
        with self._lock:
            if self._rows is not None:
                return self._rows.copy()
            version = self._version
        rows = read()
        with self._lock:
            if version == self._version:
                self._rows = rows.copy()
                self._known = {row.id: row for row in rows}
        return rows

    def drop(self) -> None:
        """Read anew at the next call."""
        with self._lock:
            self._version += 1
            self._rows = None

    def compare(self, rows: Sequence[ConnectionRow]) -> tuple[tuple[ConnectionRow, ...], tuple[str, ...]]:
        """Take the whole list over; return the rows that are new or different, and the ids that are gone."""
        with self._lock:
            changed = tuple(row for row in rows if self._known.get(row.id) != row)
            now = {row.id: row for row in rows}
            gone = tuple(self._known.keys() - now.keys())
            self._version += 1
            self._rows, self._known = list(rows), now
            return changed, gone

    def take(
        self, ids: Iterable[str], rows: Sequence[ConnectionRow]
    ) -> tuple[tuple[ConnectionRow, ...], tuple[str, ...]]:
        """Take over what became of some ids; return as `compare` does."""
        with self._lock:
            changed = tuple(row for row in rows if self._known.get(row.id) != row)
            there = {row.id for row in rows}
            gone = tuple(each for each in ids if each not in there and each in self._known)
            self._known.update({row.id: row for row in rows})
            for each in gone:
                del self._known[each]
            self._version += 1
            self._rows = None
            return changed, gone
