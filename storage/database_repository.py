"""Connections in a database. Every write is an operation, applied in one transaction, once.

A write reads the record first, inside its transaction: a change that another program made by plain SQL counts whether
it raised `revision` or not.
"""

import logging
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from operator import itemgetter
from typing import Any, Final

from models.connection import FIELDS, NEVER, Connection, Deleted
from models.connection_row import ConnectionRow
from models.problem import StoreError
from models.tables import AppliedOperationTable, ConnectionTable, DeletedConnectionTable
from storage.connection_codec import (
    FLAGS,
    decode,
    encode,
    now,
    read_stamp,
    record_row,
    record_text,
    row_of,
    stamp_text,
    stored,
)
from storage.list_rows import as_flag, as_revision, as_text, collector_paused, convert, fetch_rows, to_rows
from storage.merge import changes, merge
from storage.open_database import OpenDatabase
from storage.operations import Kind, Operation
from storage.refusals import conflict, gone_meanwhile, id_taken, name_taken
from storage.sql_texts import select_nothing, texts, update_text

TOMBSTONE_DAYS: Final = 90

_INDEX = {name: index for index, name in enumerate(FIELDS)}
_log = logging.getLogger(__name__)


class DatabaseRepository:
    """The Repository over a Database. `device` names this desktop in its operations."""

    def __init__(self, database: OpenDatabase, device: str) -> None:
        self._database = database
        self._device = device
        self._texts = texts(database.dialect)
        self._sequence: int | None = None
        self._sequence_lock = threading.Lock()

    def rows(self) -> list[ConnectionRow]:
        with self._database.read() as connection:
            if self._database.dialect == "sqlite":
                return fetch_rows(connection)
            with collector_paused():
                raw = connection.execute(self._texts.listed).fetchall()
        return to_rows(raw)

    def get(self, connection_id: str) -> Connection | None:
        with self._database.read() as connection:
            row = connection.execute(self._texts.one, (connection_id,)).fetchone()
        return None if row is None else decode(row)

    def find(self, name: str) -> list[str]:
        with self._database.read() as connection:
            known = connection.execute(self._texts.ids_and_names).fetchall()
        exact = [as_text(each) for each, its_name in known if its_name == name]
        if exact:
            return exact
        folded = name.casefold()
        return sorted(as_text(each) for each, its_name in known if as_text(its_name).casefold() == folded)

    def names(self) -> set[str]:
        with self._database.read() as connection:
            return {as_text(name) for _, name in connection.execute(self._texts.ids_and_names)}

    def add(self, connections: Sequence[Connection], *, rename: bool = False) -> list[ConnectionRow]:
        stamp = now()
        with self._database.write() as cursor, collector_paused():
            known = cursor.execute(self._texts.ids_and_names).fetchall()
            names, ids = {name for _, name in known}, {each for each, _ in known}
            rows = []
            for connection in connections:
                if connection.id in ids:
                    raise StoreError(id_taken(connection.id))
                name = self._free(connection.name, names, rename=rename)
                rows.append(self._new_row(connection, name, stamp))
                names.add(name)
                ids.add(connection.id)
            cursor.executemany(self._texts.insert, rows)
            self._record(cursor, [self._operation(connection.id, Kind.ADD) for connection in connections])
        return convert([_list_columns(row) for row in rows])

    def _new_row(self, connection: Connection, name: str, stamp: datetime) -> list[Any]:
        row = list(self._encode(connection))
        row[_INDEX["name"]] = name
        row[_INDEX["updated_at"]] = self._stamp(stamp)
        if connection.created_at == NEVER:
            row[_INDEX["created_at"]] = self._stamp(stamp)
        return row

    def update(self, base: Connection, new: Connection) -> ConnectionRow:
        mine = stored(new)
        wanted = changes(stored(base), mine)
        with self._database.write() as cursor:
            theirs = self._read(cursor, base.id)
            if theirs is None:
                return self._edit_deleted(cursor, base, mine)
            merged = self._merge(base, mine, theirs)
            final = changes(stored(theirs), merged)
            if not final:
                return row_of(theirs)
            if "name" in final:
                self._refuse_taken(cursor, final["name"])
            operation = self._operation(base.id, Kind.EDIT, base.revision, wanted)
            self._record(cursor, [operation])
            return row_of(self._apply(cursor, theirs, final))

    def set_flag(self, ids: Sequence[str], field: str, value: bool) -> list[ConnectionRow]:
        if field not in FLAGS:
            raise ValueError(f"{field} is not a yes-or-no field")
        text = update_text(self._database.dialect, (field, "revision", "updated_at"))
        stamp, index = self._stamp(now()), _INDEX[field]
        changed: list[Sequence[Any]] = []
        with self._database.write() as cursor:
            for each in dict.fromkeys(ids):
                row = cursor.execute(self._texts.one, (each,)).fetchone()
                if row is None or as_flag(row[index]) == value:
                    continue
                revision = as_revision(row[_INDEX["revision"]])
                cursor.execute(text, (value, revision + 1, stamp, each, row[_INDEX["revision"]]))
                values = {field: value, "revision": revision + 1, "updated_at": stamp}
                changed.append(_list_columns(_overlay(row, values)))
                self._record(cursor, [self._operation(each, Kind.EDIT, revision, {field: value})])
        return to_rows(changed)

    def remove(self, ids: Sequence[str]) -> list[Deleted]:
        stamp = now()
        gone = []
        with self._database.write() as cursor:
            for each in dict.fromkeys(ids):
                row = cursor.execute(self._texts.one, (each,)).fetchone()
                if row is None:
                    continue
                revision = as_revision(row[_INDEX["revision"]])
                name, exchange = as_text(row[_INDEX["name"]]), as_text(row[_INDEX["exchange"]])
                tombstone = (each, name, exchange, revision, record_text(row), self._stamp(stamp))
                cursor.execute(self._texts.tombstone, tombstone)
                cursor.execute(self._texts.delete, (each,))
                self._record(cursor, [self._operation(each, Kind.REMOVE, revision)])
                gone.append(Deleted(each, name, exchange, stamp))
        return gone

    def restore(self, ids: Sequence[str]) -> list[ConnectionRow]:
        back = []
        with self._database.write() as cursor:
            names = {name for _, name in cursor.execute(self._texts.ids_and_names)}
            for each in dict.fromkeys(ids):
                tombstone = cursor.execute(self._texts.one_tombstone, (each,)).fetchone()
                if tombstone is None or self._read(cursor, each) is not None:
                    continue
                restored = self._restore_one(cursor, decode(record_row(tombstone[0])), names)
                names.add(restored.name)
                back.append(row_of(restored))
        return back

    def deleted(self) -> list[Deleted]:
        with self._database.read() as connection:
            found = connection.execute(self._texts.tombstones).fetchall()
        return [Deleted(each, as_text(name), as_text(exchange), read_stamp(at)) for each, name, exchange, at in found]

    def check_tables(self) -> None:
        """Raise StoreError(SCHEMA) unless every table that saving needs is there, with the columns we know."""
        with self._database.read() as connection:
            for table in (ConnectionTable, AppliedOperationTable, DeletedConnectionTable):
                connection.execute(select_nothing(self._database.dialect, table))

    def forget_old(self, before: datetime | None = None) -> None:
        """Drop tombstones and operations older than 90 days."""
        stamp = self._stamp(before or now() - timedelta(days=TOMBSTONE_DAYS))
        with self._database.read() as connection:
            old = connection.execute(self._texts.any_old_tombstone, (stamp,)).fetchone()
            old = old or connection.execute(self._texts.any_old_operation, (stamp,)).fetchone()
        if old:
            with self._database.write() as cursor:
                cursor.execute(self._texts.old_tombstones, (stamp,))
                cursor.execute(self._texts.old_operations, (stamp,))

    def _merge(self, base: Connection, mine: Mapping[str, Any], theirs: Connection) -> dict[str, Any]:
        merged = merge(stored(base), mine, stored(theirs))
        if merged.conflicts:
            raise StoreError(conflict(theirs.name, merged.conflicts))
        return merged.values

    def _edit_deleted(self, cursor: Any, base: Connection, mine: Mapping[str, Any]) -> ConnectionRow:
        tombstone = cursor.execute(self._texts.one_tombstone, (base.id,)).fetchone()
        if tombstone is None:
            raise StoreError(gone_meanwhile(base.name))
        deleted = decode(record_row(tombstone[0]))
        values = self._merge(base, mine, deleted)
        names = {name for _, name in cursor.execute(self._texts.ids_and_names)}
        edited = decode(_overlay(encode(deleted, stamps_as_text=True), values))
        restored = self._restore_one(cursor, edited, names)
        _log.warning("%r was deleted while it was being edited; the edit brought it back.", restored.name)
        return row_of(restored)

    def _restore_one(self, cursor: Any, connection: Connection, names: set[str]) -> Connection:
        name = self._free(connection.name, names, rename=True)
        restored = replace(connection, name=name, revision=connection.revision + 1, updated_at=now())
        cursor.execute(self._texts.insert, self._encode(restored))
        cursor.execute(self._texts.drop_tombstone, (connection.id,))
        self._record(cursor, [self._operation(connection.id, Kind.RESTORE, connection.revision)])
        return restored

    def _apply(self, cursor: Any, theirs: Connection, final: Mapping[str, Any]) -> Connection:
        values = {**final, "revision": theirs.revision + 1, "updated_at": self._stamp(now())}
        text = update_text(self._database.dialect, tuple(values))
        found = cursor.execute(text, (*values.values(), theirs.id, theirs.revision))
        if found.rowcount != 1:
            raise StoreError(gone_meanwhile(theirs.name))
        return decode(_overlay(encode(theirs, stamps_as_text=True), values))

    def _read(self, cursor: Any, connection_id: str) -> Connection | None:
        row = cursor.execute(self._texts.one, (connection_id,)).fetchone()
        return None if row is None else decode(row)

    def _refuse_taken(self, cursor: Any, name: str) -> None:
        if any(name == other for _, other in cursor.execute(self._texts.ids_and_names)):
            raise StoreError(name_taken(name))

    @staticmethod
    def _free(name: str, names: set[str], *, rename: bool) -> str:
        if name not in names:
            return name
        if not rename:
            raise StoreError(name_taken(name))
        # Imported here, because reading the list is what most starts do.
        from models.connection_names import free_name

        return free_name(name, names)

    def _operation(
        self, connection_id: str, kind: Kind, base_revision: int = 0, values: Mapping[str, Any] | None = None
    ) -> Operation:
        return Operation(self._device, self._next_sequence(), connection_id, kind, base_revision, values or {})

    def _record(self, cursor: Any, operations: Sequence[Operation]) -> None:
        stamp = self._stamp(now())
        cursor.executemany(self._texts.operation, [operation.row(stamp) for operation in operations])

    def _next_sequence(self) -> int:
        with self._sequence_lock:
            if self._sequence is None:
                with self._database.hold() as connection:
                    found = connection.cursor()
                    found.execute(self._texts.last_sequence, (self._device,))
                    self._sequence = found.fetchone()[0] or 0
            self._sequence += 1
            return self._sequence

    def _encode(self, connection: Connection) -> tuple[Any, ...]:
        return encode(connection, stamps_as_text=self._database.dialect == "sqlite")

    def _stamp(self, moment: datetime) -> Any:
        return stamp_text(moment) if self._database.dialect == "sqlite" else moment


def _overlay(row: Sequence[Any], values: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(values.get(name, value) for name, value in zip(FIELDS, row, strict=True))


_LISTED = itemgetter(*(_INDEX[name.removesuffix("_set")] for name in ConnectionRow._fields))
_SET = [index for index, name in enumerate(ConnectionRow._fields) if name.endswith("_set")]


def _list_columns(row: Sequence[Any]) -> Sequence[Any]:
    """Return what the list's query would select of a stored row."""
    columns = list(_LISTED(row))
    for index in _SET:
        columns[index] = columns[index] not in (None, "")
    return columns
