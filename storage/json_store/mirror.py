"""What the database holds, in record files: listed from memory, written behind the callers' backs if there is much."""

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from itertools import islice
from typing import Final

from models.connection import Connection, Deleted
from models.connection_row import ConnectionRow
from models.problem import Problem
from storage.atomic_file import SYSTEM, FileCalls
from storage.connection_codec import decode, read_stamp
from storage.data_folder import DataFolder
from storage.json_store.record_file import Identity, StoredRecord, full_row, stored_record
from storage.json_store.record_files import RecordFiles
from storage.json_store.upkeep import Upkeep
from storage.list_rows import collector_paused, in_order

AT_ONCE: Final = 50
"""So many records are mirrored before `mirror` returns; more follow in the background."""


class MirroredRecords:
    """The record files of one data folder, used by one program at a time (see FolderLock), from any of its threads."""

    def __init__(self, folder: DataFolder, *, calls: FileCalls = SYSTEM) -> None:
        self._files = RecordFiles(folder, calls=calls)
        self._upkeep = Upkeep(self._files)
        self._files.changed = self._upkeep.wake
        self._rows: list[ConnectionRow] = []
        self._rows_version = -1

    def open(self) -> list[Problem]:
        """Find every record and return what was wrong with the files. Never raises CtsError."""
        self._files.load()
        return self._files.problems

    def close(self, patience: float = 1.0) -> None:
        """Write what the mirror still has to write, for at most `patience` seconds, and the index."""
        self._upkeep.close(patience)

    @property
    def problems(self) -> list[Problem]:
        """What was wrong with the files since `open`."""
        return self._files.problems

    def held(self) -> AbstractContextManager[bool]:
        """Keep every other thread from changing a record between a look at it and the change."""
        return self._files.lock

    @property
    def identity(self) -> Identity:
        """The database that is mirrored. After `open` it is the one of last time."""
        return self._files.identity

    @identity.setter
    def identity(self, identity: Identity) -> None:
        self._files.identity = identity

    def rows(self) -> list[ConnectionRow]:
        """Return the list, by name whatever its case, then by id."""
        with self._files.lock, collector_paused():
            if self._rows_version != self._files.version:
                rows = [each.row for each in self._files.summaries.values() if each.row and not each.deleted_at]
                self._rows, self._rows_version = in_order(rows), self._files.version
            return self._rows.copy()

    def revisions(self) -> dict[str, int]:
        """Return every id with its revision, those without the deleted ones."""
        with self._files.lock:
            alive = [(each, summary.row) for each, summary in self._files.summaries.items() if not summary.deleted_at]
        return {each: row.revision for each, row in alive if row is not None}

    def row(self, connection_id: str) -> ConnectionRow | None:
        summary = self._files.summaries.get(connection_id)
        return None if summary is None or summary.deleted_at else summary.row

    def get(self, connection_id: str) -> Connection | None:
        state = self.state(connection_id)
        return None if state is None or state.deleted_at is not None else decode(full_row(connection_id, state))

    def state(self, connection_id: str) -> StoredRecord | None:
        """Return a record as it is seen here, a deleted one too."""
        record = self._files.read(connection_id)
        return None if record is None else record.state

    def base(self, connection_id: str) -> StoredRecord | None:
        """Return a record as the database had it when it was last heard of."""
        record = self._files.read(connection_id)
        return None if record is None else record.base

    def deleted(self) -> list[Deleted]:
        """Return what can be restored, the newest deletion first."""
        with self._files.lock:
            gone = [(each.deleted_at, each.row) for each in self._files.summaries.values() if each.deleted_at]
        gone.sort(key=lambda each: each[0], reverse=True)
        return [Deleted(row.id, row.name, row.exchange, read_stamp(at)) for at, row in gone if row is not None]

    def mirror(self, records: Iterable[Connection], removed: Iterable[str] = ()) -> None:
        """Take over what the database has, where nothing waits. Never raises: what cannot be written follows later."""
        source = iter(records)
        while batch := list(islice(source, AT_ONCE)):
            self._files.expect([(each.id, stored_record(each)) for each in batch])
        self._files.expect([(each, None) for each in removed])
        if self.mirror_lag <= AT_ONCE:
            self._upkeep.mirror_now()
        elif self.mirror_lag:
            self._upkeep.mirror_soon()

    def mirror_all(self, records: Iterable[Connection]) -> None:
        """Take over all that the database has; any other record, where nothing waits, is one that it deleted."""
        seen: set[str] = set()

        def noted() -> Iterator[Connection]:
            for each in records:
                seen.add(each.id)
                yield each

        self.mirror(noted())
        with self._files.lock:
            gone = [each for each, summary in self._files.summaries.items() if not summary.deleted_at]
        self.mirror((), [each for each in gone if each not in seen])

    @property
    def mirror_lag(self) -> int:
        """How many records of the database are not in their files yet."""
        return self._files.unwritten_count

    @property
    def mirror_problem(self) -> Problem | None:
        """Why the mirror stands still; None while it does not."""
        return self._upkeep.problem
