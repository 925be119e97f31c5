"""Connections as record files: the mirror of the database, and what waits to get there.

The files are the truth: what a call says is recorded is on the disk.
"""

from collections.abc import Iterable, Sequence

from models.connection import Connection
from models.problem import Problem
from storage.connection_codec import now, stamp_text
from storage.json_store.mirror import MirroredRecords
from storage.json_store.record_file import (
    Identity,
    Record,
    Rejected,
    StoredRecord,
    check_operation,
    stored_record,
)
from storage.list_rows import collector_paused
from storage.operations import Operation


class RecordFolder(MirroredRecords):
    """Keeps operations until they are settled or refused. What raises StoreError has changed nothing."""

    def waiting(self) -> list[Operation]:
        """Return what the database does not have yet, in the order it was made."""
        records = self._files.held(lambda summary: summary.waiting > 0)
        return sorted((each for record in records for each in record.pending), key=lambda each: each.sequence)

    def ids(self) -> list[str]:
        """Return every record that has a file, deleted ones too."""
        with self._files.lock:
            return list(self._files.summaries)

    @property
    def waiting_count(self) -> int:
        return sum(each.waiting for each in self._files.unsettled.values())

    def waiting_ids(self) -> set[str]:
        """Return the connections that have changes waiting, for the mark in the list."""
        return {each for each, summary in self._files.unsettled.items() if summary.waiting}

    def waiting_identities(self) -> set[Identity]:
        """Return the databases for which something waits: it need not be the one that answers now."""
        return {record.identity for record in self._files.held(lambda summary: summary.waiting > 0)}

    def record(self, operation: Operation) -> None:
        """Keep an operation until it is settled. It is on the disk when this returns."""
        self.record_many([operation])

    def record_many(self, operations: Sequence[Operation]) -> None:
        """Keep all of them, or none. One that is there already is not kept twice."""
        with self._files.lock, collector_paused():
            new: dict[str, Record] = {}
            for operation in operations:
                check_operation(operation)
                record = new.get(operation.connection_id) or self._record(operation.connection_id)
                if all(operation.op_id != other.op_id for other in record.pending):
                    identity = record.identity if record.pending else self.identity
                    record = record._replace(identity=identity, pending=(*record.pending, operation))
                new[operation.connection_id] = record
            self._files.save(list(new.values()))

    def settle(self, operation: Operation, base: Connection | None) -> None:
        """Forget an operation that took effect; `base` is what the database has now (None: the record is deleted)."""
        self.settle_many([(operation, base)])

    def settle_many(self, settled: Iterable[tuple[Operation, Connection | None]]) -> None:
        with self._files.lock, collector_paused():
            new: dict[str, Record] = {}
            for operation, base in settled:
                each = operation.connection_id
                record = new.get(each) or self._record(each)
                stored = _tombstone(record.base or record.state) if base is None else stored_record(base)
                new[each] = record._replace(identity=self.identity, base=stored, pending=_without(record, operation))
            self._files.save(list(new.values()))

    def reject(self, operation: Operation, problem: Problem) -> None:
        """Take an operation that the database refuses out of the queue, and keep it for a person to see."""
        with self._files.lock:
            record = self._record(operation.connection_id)
            others = tuple(each for each in record.rejected if each.operation.op_id != operation.op_id)
            rejected = (*others, Rejected(operation, problem))
            self._files.save([record._replace(pending=_without(record, operation), rejected=rejected)])

    def rejected(self) -> list[Rejected]:
        records = self._files.held(lambda summary: summary.rejected > 0)
        return sorted(
            (each for record in records for each in record.rejected), key=lambda each: each.operation.sequence
        )

    def dismiss(self, op_id: str) -> bool:
        """Forget a refused operation; False where there is none."""
        with self._files.lock:
            for record in self._files.held(lambda summary: summary.rejected > 0):
                rest = tuple(each for each in record.rejected if each.operation.op_id != op_id)
                if rest != record.rejected:
                    self._files.save([record._replace(rejected=rest)])
                    return True
        return False

    def _record(self, connection_id: str) -> Record:
        return self._files.read(connection_id) or Record(connection_id, self.identity)


def _without(record: Record, operation: Operation) -> tuple[Operation, ...]:
    return tuple(each for each in record.pending if each.op_id != operation.op_id)


def _tombstone(state: StoredRecord | None) -> StoredRecord | None:
    if state is None or state.deleted_at is not None:
        return state
    return state._replace(deleted_at=stamp_text(now()))
