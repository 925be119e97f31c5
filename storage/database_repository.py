"""Connections in a database. Every write is an operation, applied in one transaction, once (applying.py)."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from models.connection import EDITABLE, NEVER, Connection, Deleted
from models.connection_row import ConnectionRow, Counts
from models.problem import Category, CommitUnknownError, ConflictError, StoreError
from models.tables import AppliedOperationTable, ConflictTable, ConnectionTable, DeletedConnectionTable
from storage.applying import AT_ONCE, INDEX, Applier, Outcome, Row, lines_of, values_of
from storage.conflicts import seen_mark
from storage.connection_codec import FLAGS, decode, encode, now, read_stamp, row_of, stamp_text, stored
from storage.list_rows import PIECE, as_flag, as_revision, as_text, collector_paused, fetch_rows, in_order, to_rows
from storage.merge import UNITS, changes
from storage.open_database import OpenDatabase
from storage.operations import Kind, NotAppliedError, Operation, new_op_ids
from storage.refusals import changed_since_seen, gone_meanwhile, settled_meanwhile
from storage.sql_texts import conflict_texts, select_nothing, several_rows_text, several_text, texts

TOMBSTONE_DAYS: Final = 90
ATTEMPTS: Final = 3
"""A transaction that a deadlock ended is tried so often."""
PAUSE: Final = 0.05

_LAST_EDITABLE = len(EDITABLE) + 1
_UNIT_OF = {name: unit for unit in UNITS for name in unit}


class DatabaseRepository:
    """The Repository over a database. `device` names this desktop in its operations.

    `next_sequence` numbers them, `expect` hears of many beforehand; else numbers go on after the database's last.
    `applied` hears of every outcome once it is committed: the mirror. A write that did not get through raises
    NotAppliedError.
    """

    def __init__(
        self,
        database: OpenDatabase,
        device: str,
        *,
        next_sequence: Callable[[], int] | None = None,
        expect: Callable[[int], None] = lambda _count: None,
        applied: Callable[[Sequence[tuple[Operation, Outcome]]], None] = lambda _applied: None,
    ) -> None:
        self._database = database
        self._device = device
        self._texts = texts(database.dialect)
        self._applied = applied
        self._expect = expect
        self._numbers = next_sequence or _Numbers(database, self._texts.last_sequence, device).take

    def rows(self) -> list[ConnectionRow]:
        with self._database.read() as connection:
            return fetch_rows(connection, self._texts.listed)

    def counts(self) -> Counts:
        """Count by an index alone; a list that could not be read is found out, too."""
        with self._database.read() as connection:
            connection.execute(f"{self._texts.listed} LIMIT 0").fetchall()
            found = connection.execute(self._texts.counted).fetchall()
        return Counts(sum(count for _, count in found), sum(count for flag, count in found if as_flag(flag)))

    def rows_of(self, ids: Sequence[str]) -> list[ConnectionRow]:
        """Return the lines of some ids, of those that are there."""
        found: list[Row] = []
        with self._database.read() as connection:
            for start in range(0, len(ids), AT_ONCE):
                group = ids[start : start + AT_ONCE]
                text = several_rows_text(self._database.dialect, len(group))
                found += connection.execute(text, tuple(group)).fetchall()
        return to_rows(found)

    def revisions(self) -> dict[str, int]:
        """Return every id with its revision."""
        with self._database.read() as connection:
            found = connection.execute(self._texts.revisions).fetchall()
        return {as_text(each): as_revision(revision) for each, revision in found}

    def get(self, connection_id: str) -> Connection | None:
        with self._database.read() as connection:
            row = connection.execute(self._texts.one, (connection_id,)).fetchone()
        return None if row is None else decode(row)

    def several(self, ids: Sequence[str]) -> Iterator[Connection]:
        """Give the records of some ids, those that are there and make sense."""
        return _readable(self._raw(ids))

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
            return {as_text(name) for _, name in connection.execute(self._texts.ids_and_names).fetchall()}

    def add(self, connections: Sequence[Connection], *, rename: bool = False) -> list[ConnectionRow]:
        with collector_paused():
            operations = self._added(connections)
            outcomes = self.run(operations, rename=rename)
            rows: list[ConnectionRow] = []
            # In pieces, as they are read: neither making nor freeing 100,000 may keep the window's thread waiting.
            while outcomes:
                rows += lines_of([outcome.raw for outcome in outcomes[:PIECE] if outcome.raw is not None])
                del outcomes[:PIECE], operations[:PIECE]
            return rows

    def update(self, base: Connection, new: Connection) -> ConnectionRow:
        before = stored(base)
        wanted = changes(before, stored(new))
        if not wanted:
            current = self.get(base.id)
            if current is None:
                raise StoreError(gone_meanwhile(base.name))
            return row_of(current)
        (outcome,) = self.run([self._operation(base.id, Kind.EDIT, base.revision, before, wanted)], seen=[base])
        row = outcome.row
        assert row is not None
        return row

    def set_flag(self, ids: Sequence[str], field: str, value: bool) -> list[ConnectionRow]:
        if field not in FLAGS:
            raise ValueError(f"{field} is not a yes-or-no field")
        index = INDEX[field]
        operations, rows = [], self._raw(ids)
        for each, row in rows.items():
            if as_flag(row[index]) != value:
                before = {field: as_flag(row[index])}
                revision = as_revision(row[INDEX["revision"]])
                operations.append(self._operation(each, Kind.EDIT, revision, before, {field: value}))
        outcomes = self.run(operations, seen=_readable(rows))
        return in_order(lines_of([outcome.raw for outcome in outcomes if outcome.raw is not None]))

    def remove(self, ids: Sequence[str]) -> list[Deleted]:
        rows = self._raw(ids)
        operations = []
        for each, row in rows.items():
            revision = as_revision(row[INDEX["revision"]])
            operations.append(self._operation(each, Kind.REMOVE, revision, values_of(row), {}))
        gone = []
        for operation, outcome in zip(operations, self.run(operations, seen=_readable(rows)), strict=True):
            if outcome.raw is None:
                row = rows[operation.connection_id]
                name, exchange = as_text(row[INDEX["name"]]), as_text(row[INDEX["exchange"]])
                gone.append(Deleted(operation.connection_id, name, exchange, outcome.at))
        return gone

    def restore(self, ids: Sequence[str]) -> list[ConnectionRow]:
        known = {each.id: each.name for each in self.deleted()}
        live = self._raw(ids)
        operations = [
            self._operation(each, Kind.RESTORE, 0, {"name": known[each]}, {})
            for each in dict.fromkeys(ids)
            if each in known and each not in live
        ]
        outcomes = self.run(operations)
        return [row for outcome in outcomes if (row := outcome.row) is not None]

    def deleted(self) -> list[Deleted]:
        with self._database.read() as connection:
            found = connection.execute(self._texts.tombstones).fetchall()
        return [Deleted(each, as_text(name), as_text(exchange), read_stamp(at)) for each, name, exchange, at in found]

    def run(
        self,
        operations: Sequence[Operation],
        *,
        replay: bool = False,
        rename: bool = False,
        seen: Iterable[Connection] = (),
    ) -> list[Outcome]:
        """Apply operations in one transaction: all of them or, with StoreError, none.

        `replay`: they were made earlier. Those that took effect already do not do so again, a conflict is kept for a
        person, a taken name gets a suffix. Otherwise a conflict raises ConflictError. `seen` are the records before.
        """
        if not operations:
            return []
        for attempt in range(1, ATTEMPTS + 1):
            try:
                with self._database.write() as statements, collector_paused():
                    applier = Applier(statements, self._database.dialect, replay=replay, rename=rename)
                    outcomes = applier.apply(operations)
                break
            except ConflictError:
                raise
            except StoreError as error:
                if error.problem.category is not Category.CONTENTION or attempt == ATTEMPTS:
                    unknown = isinstance(error, CommitUnknownError)
                    raise NotAppliedError(error.problem, operations, unknown=unknown, seen=seen) from error
                import random

                # Rolled back whole, because another desktop was in the way; it is done in a moment.
                time.sleep(PAUSE * attempt * (0.5 + random.random()))  # noqa: S311 - only to part the two
        if not replay:
            self._applied(list(zip(operations, outcomes, strict=True)))
        return outcomes

    def settle(
        self,
        connection_id: str,
        mine: Mapping[str, Any],
        conflicts: Sequence[str],
        seen: Mapping[tuple[str, ...], str],
    ) -> None:
        """Store what a person chose of a record's conflicts, and end these; `mine` is empty where nothing changes.

        `seen` marks, unit by unit, what that person chose from. Raises StoreError: NOT_FOUND where somebody else
        settled one meanwhile, CONFLICT where one of the units has been changed again.
        """
        current = self._raw([connection_id]).get(connection_id)
        now = None if current is None else values_of(current)
        changed = [fields for fields, mark in seen.items() if mark != seen_mark(now, fields)]
        if changed:
            raise StoreError(changed_since_seen(changed))
        operations = []
        if mine:
            before = {} if current is None else values_of(current)
            revision = 0 if current is None else as_revision(current[INDEX["revision"]])
            operations.append(self._operation(connection_id, Kind.EDIT, revision, before, dict(mine)))
        with self._database.write() as statements:
            for each in conflicts:
                if statements.execute(conflict_texts(self._database.dialect).drop_conflict, (each,)).rowcount != 1:
                    raise StoreError(settled_meanwhile())
            outcomes = Applier(statements, self._database.dialect, replay=False).apply(operations)
        self._applied(list(zip(operations, outcomes, strict=True)))

    def _raw(self, ids: Sequence[str]) -> dict[str, Row]:
        """Return the rows of ids as they are stored, in the order of the ids."""
        wanted = list(dict.fromkeys(ids))
        found: dict[str, Row] = {}
        with self._database.read() as connection:
            for start in range(0, len(wanted), AT_ONCE):
                group = wanted[start : start + AT_ONCE]
                for row in connection.execute(
                    several_text(self._database.dialect, len(group)), tuple(group)
                ).fetchall():
                    found[as_text(row[0])] = row
        return {each: found[each] for each in wanted if each in found}

    def _added(self, connections: Sequence[Connection]) -> list[Operation]:
        made_at = stamp_text(now())
        self._expect(len(connections))
        operations = []
        for connection, op_id in zip(connections, new_op_ids(len(connections)), strict=True):
            row = encode(connection, stamps_as_text=True)
            values = dict(zip(EDITABLE, row[1:_LAST_EDITABLE], strict=True))
            # A record that comes from elsewhere keeps the day it was made.
            base = {} if connection.created_at == NEVER else {"created_at": stamp_text(connection.created_at)}
            operations.append(
                Operation(self._device, self._numbers(), connection.id, Kind.ADD, 0, values, op_id, base, made_at)
            )
        return operations

    def _operation(
        self, connection_id: str, kind: Kind, revision: int, before: dict[str, Any], values: dict[str, Any]
    ) -> Operation:
        if kind is Kind.EDIT:
            units = {name for changed in values for name in _UNIT_OF[changed]}
            before = {name: value for name, value in before.items() if name in units}
        return Operation(
            self._device,
            self._numbers(),
            connection_id,
            kind,
            revision,
            values,
            base=before,
            made_at=stamp_text(now()),
        )


def _readable(rows: Mapping[str, Row]) -> Iterator[Connection]:
    """Give the records of some rows, those that make sense."""
    for row in rows.values():
        try:
            yield decode(row)
        except StoreError:
            continue


class _Numbers:
    """Sequence numbers of a device that keeps no count of its own."""

    def __init__(self, database: OpenDatabase, text: str, device: str) -> None:
        self._database = database
        self._text = text
        self._device = device
        self._last: int | None = None
        self._lock = threading.Lock()

    def take(self) -> int:
        with self._lock:
            if self._last is None:
                with self._database.read() as connection:
                    found = connection.execute(self._text, (self._device,)).fetchone()
                self._last = found[0] or 0
            self._last += 1
            return self._last


def check_tables(database: OpenDatabase) -> None:
    """Raise StoreError(SCHEMA) unless every table that saving needs is there, with the columns we know."""
    with database.read() as connection:
        for table in (ConnectionTable, AppliedOperationTable, DeletedConnectionTable, ConflictTable):
            connection.execute(select_nothing(table))


def forget_old(database: OpenDatabase, before: datetime | None = None) -> None:
    """Drop tombstones and operations older than 90 days."""
    known = texts(database.dialect)
    moment = before or now() - timedelta(days=TOMBSTONE_DAYS)
    stamp = stamp_text(moment) if database.dialect == "sqlite" else moment
    with database.read() as connection:
        old = connection.execute(known.any_old_tombstone, (stamp,)).fetchone()
        old = old or connection.execute(known.any_old_operation, (stamp,)).fetchone()
    if old:
        with database.write() as cursor:
            cursor.execute(known.old_tombstones, (stamp,))
            cursor.execute(known.old_operations, (stamp,))
