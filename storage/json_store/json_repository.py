"""Connections in record files alone: every write is an operation that waits for a database.

It answers as a database would, from the record as it is seen here, so that what waits can be merged there later.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from models.connection import EDITABLE, Connection, Deleted
from models.connection_names import free_name
from models.connection_row import ConnectionRow, Counts, count_rows
from models.problem import ConflictError, StoreError
from storage.conflicts import make_conflicts
from storage.connection_codec import FLAGS, decode, now, stamp_text, stored
from storage.device import Device
from storage.json_store.record_file import StoredRecord, full_row
from storage.json_store.record_folder import RecordFolder
from storage.merge import UNITS, changes, merge
from storage.operations import Kind, Operation
from storage.refusals import conflict, gone_meanwhile, id_taken, name_taken

_log = logging.getLogger(__name__)
_UNIT_OF = {name: unit for unit in UNITS for name in unit}


class JsonRepository:
    """The Repository over record files. `device` names this desktop and counts its operations."""

    def __init__(self, records: RecordFolder, device: Device) -> None:
        self._records = records
        self._device = device

    def rows(self) -> list[ConnectionRow]:
        return self._records.rows()

    def counts(self) -> Counts:
        return count_rows(self._records.rows())

    def get(self, connection_id: str) -> Connection | None:
        return self._records.get(connection_id)

    def find(self, name: str) -> list[str]:
        known = [(row.id, row.name) for row in self._records.rows()]
        exact = [each for each, its_name in known if its_name == name]
        if exact:
            return exact
        folded = name.casefold()
        return sorted(each for each, its_name in known if its_name.casefold() == folded)

    def names(self) -> set[str]:
        return {row.name for row in self._records.rows()}

    def add(self, connections: Sequence[Connection], *, rename: bool = False) -> list[ConnectionRow]:
        with self._records.held():
            names, operations = self.names(), []
            ids: set[str] = set()
            for connection in connections:
                if connection.id in ids or self._records.row(connection.id) is not None:
                    raise StoreError(id_taken(connection.id))
                name = _free(connection.name, names, rename=rename)
                names.add(name)
                ids.add(connection.id)
                fields = stored(replace(connection, name=name))
                operations.append(self._operation(connection.id, Kind.ADD, None, fields))
            return self._recorded(operations)

    def update(self, base: Connection, new: Connection) -> ConnectionRow:
        with self._records.held():
            theirs = self._records.state(base.id)
            before, after = stored(base), stored(new)
            # Whoever changes nothing brings nothing back that was deleted.
            if theirs is None or (theirs.deleted_at is not None and not changes(before, after)):
                raise StoreError(gone_meanwhile(base.name))
            merged = merge(before, after, _fields(base.id, theirs))
            if merged.conflicts:
                raise _conflict_error(base, new, _fields(base.id, theirs), merged.conflicts)
            final = changes(theirs.fields, merged.values)
            if theirs.deleted_at is not None:
                final["name"] = free_name(merged.values["name"], self.names())
                _log.warning("%r was deleted while it was being edited; the edit brought it back.", final["name"])
            elif "name" in final and final["name"] in self.names():
                raise StoreError(name_taken(final["name"]))
            operation = self._operation(base.id, Kind.EDIT, theirs, final)
            if not final:
                return self._row(base.id)
            return self._recorded([operation])[0]

    def set_flag(self, ids: Sequence[str], field: str, value: bool) -> list[ConnectionRow]:
        if field not in FLAGS:
            raise ValueError(f"{field} is not a yes-or-no field")
        with self._records.held():
            operations = []
            for each in dict.fromkeys(ids):
                state = self._alive(each)
                if state is not None and state.fields[field] != value:
                    operations.append(self._operation(each, Kind.EDIT, state, {field: value}))
            return sorted(self._recorded(operations), key=lambda row: (row.name.casefold(), row.id))

    def remove(self, ids: Sequence[str]) -> list[Deleted]:
        with self._records.held():
            operations = []
            for each in dict.fromkeys(ids):
                state = self._alive(each)
                if state is not None:
                    operations.append(self._operation(each, Kind.REMOVE, state, {}))
            self._records.record_many(operations)
            wanted = {operation.connection_id: place for place, operation in enumerate(operations)}
            gone = [each for each in self._records.deleted() if each.id in wanted]
        return sorted(gone, key=lambda each: wanted[each.id])

    def restore(self, ids: Sequence[str]) -> list[ConnectionRow]:
        with self._records.held():
            names, operations = self.names(), []
            for each in dict.fromkeys(ids):
                state = self._records.state(each)
                if state is None or state.deleted_at is None:
                    continue
                name = free_name(state.fields["name"], names)
                names.add(name)
                renamed = {} if name == state.fields["name"] else {"name": name}
                operations.append(self._operation(each, Kind.RESTORE, state, renamed))
            return self._recorded(operations)

    def deleted(self) -> list[Deleted]:
        return self._records.deleted()

    def _alive(self, connection_id: str) -> StoredRecord | None:
        state = self._records.state(connection_id)
        return None if state is None or state.deleted_at is not None else state

    def _recorded(self, operations: Sequence[Operation]) -> list[ConnectionRow]:
        self._records.record_many(operations)
        return [self._row(operation.connection_id) for operation in operations]

    def _row(self, connection_id: str) -> ConnectionRow:
        row = self._records.row(connection_id)
        if row is None:
            raise StoreError(gone_meanwhile(connection_id))
        return row

    def _operation(
        self, connection_id: str, kind: Kind, state: StoredRecord | None, values: Mapping[str, Any]
    ) -> Operation:
        known = self._records.base(connection_id)
        # The values before this change, not those of the database: another change may wait before this one.
        units = {name for changed in values for name in _UNIT_OF[changed]} if kind is not Kind.ADD else set()
        if kind is Kind.REMOVE:
            # All that was seen: an edit that somebody makes meanwhile wins over the deletion.
            units = set(EDITABLE)
        before = {} if state is None else {name: state.fields[name] for name in EDITABLE if name in units}
        return Operation(
            self._device.id,
            self._device.next_sequence(),
            connection_id,
            kind,
            # What is based on a change that waits itself must not seem to be based on a later revision.
            0 if known is None else known.revision,
            values,
            base=before,
            made_at=stamp_text(now()),
        )


def _conflict_error(
    base: Connection, new: Connection, theirs: Mapping[str, Any], units: Sequence[tuple[str, ...]]
) -> ConflictError:
    kept = make_conflicts(base.id, units, (stored(base), stored(new), theirs), ("", "", ""))
    return ConflictError(conflict(theirs["name"], units), tuple(each._replace(id="").shown() for each in kept))


def _fields(connection_id: str, state: StoredRecord) -> dict[str, Any]:
    """Return stored values as the codec writes them, so that equal means the same."""
    return stored(decode(full_row(connection_id, state)))


def _free(name: str, names: set[str], *, rename: bool) -> str:
    if name not in names:
        return name
    if not rename:
        raise StoreError(name_taken(name))
    return free_name(name, names)
