"""Operations take effect, inside one transaction: once each, merged by units into what others stored meanwhile.

Every record is read first, inside the transaction: a change that another program made by plain SQL counts whether it
raised `revision` or not.
"""

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from operator import itemgetter
from typing import Any, Final, NamedTuple

from models.change import Conflict
from models.connection import EDITABLE, FIELDS, NEVER, Connection
from models.connection_row import ConnectionRow
from models.problem import ConflictError, StoreError
from storage.conflicts import KeptConflict, fields_text, make_conflicts
from storage.connection_codec import FLAGS, decode, now, record_row, record_text, stamp_text, stored
from storage.list_rows import as_flag, as_revision, as_text, convert_columns
from storage.merge import Merged, merge
from storage.open_database import Statements
from storage.operations import Kind, Operation
from storage.refusals import conflict, gone_meanwhile, id_taken, name_taken
from storage.sql_texts import (
    conflict_texts,
    done_text,
    edit_at_once_text,
    new_operation_text,
    several_text,
    texts,
    update_text,
)
from storage.taken_names import TakenNames

AT_ONCE: Final = 250
"""So many records are asked for in one query."""

MANY: Final = 2_500
"""For so many operations all ids and names are read: for fewer that would cost more the longer the list is."""

INDEX = {name: index for index, name in enumerate(FIELDS)}
_EDITABLE = slice(INDEX[EDITABLE[0]], INDEX[EDITABLE[-1]] + 1)
_log = logging.getLogger(__name__)

Row = Sequence[Any]


class Applied(StrEnum):
    """What became of an operation. ALREADY: it took effect before; CONFLICT: a part of it waits for a person."""

    APPLIED = "applied"
    ALREADY = "already"
    MERGED = "merged"
    CONFLICT = "conflict"


class Outcome(NamedTuple):
    """`raw` is the whole row as it is stored now, None where the record is deleted.

    `told` is a sentence for a person where the outcome is not what was asked for; `at` is when it was deleted.
    """

    state: Applied
    raw: Row | None
    conflicts: tuple[Conflict, ...] = ()
    renamed_to: str | None = None
    told: str = ""
    at: datetime = NEVER

    @property
    def record(self) -> Connection | None:
        """The record now; None where it is deleted, and where another program left values that make no sense."""
        if self.raw is None:
            return None
        try:
            return decode(self.raw)
        except StoreError:
            return None

    @property
    def row(self) -> ConnectionRow | None:
        return None if self.raw is None else lines_of([self.raw])[0]


class Applier:
    """Applies operations in one transaction that is under way.

    `replay`: they were made earlier, perhaps without the database. Then a conflict is kept for a person and a taken
    name gets a suffix; otherwise both are refused. `rename` asks for the suffix alone.
    """

    def __init__(self, statements: Statements, dialect: str, *, replay: bool, rename: bool = False) -> None:
        self._run = statements
        self._dialect = dialect
        self._texts = texts(dialect)
        self._conflict_texts = conflict_texts(dialect)
        self._replay = replay
        self._rename = rename or replay
        self._now = now()
        self._moment = self._stamp(self._now)
        self._rows: dict[str, Row | None] = {}
        self._names = TakenNames(statements, dialect)
        self._new: dict[str, Row] = {}

    def apply(self, operations: Sequence[Operation]) -> list[Outcome]:
        """Apply all of them in their order. Raises StoreError for the first that is refused: roll back then."""
        at_once = self._edit_at_once(operations)
        if at_once is not None:
            return [at_once]
        # A lookup first, because within this transaction nobody else can add to what is done.
        done = self._done(operations) if self._replay else set()
        self._read(operations)
        outcomes = []
        for operation in operations:
            if operation.op_id in done:
                outcomes.append(Outcome(Applied.ALREADY, self._rows.get(operation.connection_id)))
            else:
                outcomes.append(_BY_KIND[operation.kind](self, operation))
        self._insert_new()
        fresh = (operation.row(self._moment) for operation in operations if operation.op_id not in done)
        text = self._texts.operation if self._replay else new_operation_text(self._dialect)
        if len(operations) > 1:
            self._run.executemany(text, fresh)
        else:
            for row in fresh:
                self._run.execute(text, row)
        return outcomes

    def _edit_at_once(self, operations: Sequence[Operation]) -> Outcome | None:
        """Save the usual edit, of a record that is as it was seen, with one statement; None where it is not that.

        Three round trips to a server would cost half as much as everything else in a save together.
        """
        if self._dialect != "postgresql" or self._replay or len(operations) != 1:
            return None
        (operation,) = operations
        changes, base = operation.changes, operation.base
        # A new name may be taken, and an edit that knows nothing of what was there cannot be told from a change.
        if operation.kind is not Kind.EDIT or "name" in changes or not changes.keys() <= base.keys():
            return None
        values = {**changes, "revision": operation.base_revision + 1, "updated_at": self._moment}
        text = edit_at_once_text(tuple(values), tuple(base))
        conditions = (operation.connection_id, operation.base_revision, *base.values())
        row = self._run.execute(text, (*values.values(), *conditions, *operation.row(self._moment))).fetchone()
        return None if row is None else Outcome(Applied.APPLIED, row)

    def _done(self, operations: Sequence[Operation]) -> set[str]:
        found: set[str] = set()
        for ids in _groups([operation.op_id for operation in operations]):
            found.update(each for (each,) in self._run.execute(done_text(self._dialect, len(ids)), ids).fetchall())
        return found

    def _read(self, operations: Sequence[Operation]) -> None:
        ids = list(dict.fromkeys(operation.connection_id for operation in operations))
        if len(operations) > MANY:
            found = self._run.execute(self._texts.ids_and_names).fetchall()
            known = {each for each, _ in found}
            self._names.know_all({as_text(name) for _, name in found})
            ids = [each for each in ids if each in known]
        elif len(operations) > 1:
            self._names.ask({operation.changes["name"] for operation in operations if "name" in operation.changes})
        for group in _groups(ids):
            for row in self._run.execute(several_text(self._dialect, len(group)), group).fetchall():
                self._rows[as_text(row[0])] = row

    def _add(self, operation: Operation) -> Outcome:
        there = self._rows.get(operation.connection_id)
        if there is not None:
            if not self._replay:
                raise StoreError(id_taken(operation.connection_id))
            return self._edit(operation)
        wanted = operation.changes["name"]
        name = self._free(wanted)
        made = operation.base.get("created_at")
        raw: Row = (
            operation.connection_id,
            *_ALL_EDITABLE(operation.changes),
            1,
            self._moment if made is None else self._stamp(datetime.fromisoformat(made)),
            self._moment,
        )
        raw = raw if name == wanted else overlay(raw, {"name": name})
        self._new[operation.connection_id] = raw
        self._keep(operation.connection_id, raw)
        if name == wanted:
            return Outcome(Applied.APPLIED, raw)
        return Outcome(Applied.APPLIED, raw, renamed_to=name, told=_renamed(wanted, name))

    def _edit(self, operation: Operation) -> Outcome:
        row = self._rows.get(operation.connection_id)
        if row is None:
            return self._edit_deleted(operation)
        theirs = values_of(row)
        merged, kept = self._merge(operation, theirs)
        final = {name: value for name, value in merged.values.items() if value != theirs[name]}
        told, renamed = "", None
        if "name" in final:
            wanted, final["name"] = final["name"], self._free(final["name"])
            renamed = final["name"] if final["name"] != wanted else None
            told = _renamed(wanted, renamed)
        if final:
            row = self._update(operation.connection_id, row, final)
        moved = as_revision(row[INDEX["revision"]]) - bool(final) != operation.base_revision
        state = Applied.CONFLICT if kept else Applied.MERGED if moved else Applied.APPLIED
        return Outcome(state, row, tuple(each.shown() for each in kept), renamed, told)

    def _edit_deleted(self, operation: Operation) -> Outcome:
        tombstone = self._tombstone(operation.connection_id)
        if tombstone is None:
            raise StoreError(gone_meanwhile(str(operation.base.get("name") or operation.changes.get("name") or "?")))
        theirs = values_of(tombstone)
        merged, kept = self._merge(operation, theirs)
        raw = self._bring_back(operation.connection_id, overlay(tombstone, merged.values))
        name = raw[INDEX["name"]]
        told = f"“{name}” was deleted on one desktop while it was edited on another. The edit brought it back."
        _log.warning("%s", told)
        return Outcome(
            Applied.CONFLICT if kept else Applied.MERGED, raw, tuple(each.shown() for each in kept), None, told
        )

    def _remove(self, operation: Operation) -> Outcome:
        row = self._rows.get(operation.connection_id)
        if row is None:
            return Outcome(Applied.MERGED, None)
        if _was_edited(operation, row):
            name = as_text(row[INDEX["name"]])
            told = f"“{name}” was edited on one desktop after it was deleted on another. It stays; delete it again."
            _log.warning("%s", told)
            return Outcome(Applied.MERGED, row, told=told)
        self._insert_new()
        name, exchange = as_text(row[INDEX["name"]]), as_text(row[INDEX["exchange"]])
        revision = as_revision(row[INDEX["revision"]])
        deleted = (operation.connection_id, name, exchange, revision, record_text(row), self._moment)
        self._run.execute(self._texts.tombstone, deleted)
        self._run.execute(self._texts.delete, (operation.connection_id,))
        self._rows[operation.connection_id] = None
        self._names.drop(name)
        return Outcome(Applied.APPLIED, None, at=self._now)

    def _restore(self, operation: Operation) -> Outcome:
        row = self._rows.get(operation.connection_id)
        if row is not None:
            return Outcome(Applied.MERGED, row)
        tombstone = self._tombstone(operation.connection_id)
        if tombstone is None:
            raise StoreError(gone_meanwhile(str(operation.base.get("name") or operation.connection_id)))
        wanted = as_text(tombstone[INDEX["name"]])
        raw = self._bring_back(operation.connection_id, overlay(tombstone, operation.changes))
        name = raw[INDEX["name"]]
        return Outcome(Applied.APPLIED, raw, renamed_to=name if name != wanted else None)

    def _merge(self, operation: Operation, theirs: Mapping[str, Any]) -> tuple[Merged, tuple[KeptConflict, ...]]:
        base = {**theirs, **operation.base}
        if operation.kind is Kind.ADD:
            # A record with this id is there although nobody was told of this one: every difference is a conflict.
            base = dict.fromkeys(EDITABLE)
        mine = {**base, **operation.changes}
        merged = merge(base, mine, theirs)
        if not merged.conflicts:
            return merged, ()
        origin = (operation.device, operation.op_id, operation.made_at)
        kept = make_conflicts(operation.connection_id, merged.conflicts, (base, mine, theirs), origin)
        if not self._replay:
            problem = conflict(theirs["name"], merged.conflicts)
            raise ConflictError(problem, tuple(each._replace(id="").shown() for each in kept))
        return merged, tuple(self._note(each) for each in kept)

    def _note(self, new: KeptConflict) -> KeptConflict:
        """Keep a conflict for a person; a second change of the same place, from the same desktop, takes its place."""
        known = (new.connection_id, fields_text(new.fields), new.device)
        same = self._run.execute(self._conflict_texts.same_conflict, known).fetchone()
        row = new.row(self._moment)
        if same is None:
            self._run.execute(self._conflict_texts.conflict, row)
            return new
        self._run.execute(self._conflict_texts.conflict_again, (row[5], new.op_id, same[0]))
        return new._replace(id=same[0])

    def _update(self, connection_id: str, row: Row, final: Mapping[str, Any]) -> Row:
        self._insert_new()
        revision = as_revision(row[INDEX["revision"]])
        values = {**final, "revision": revision + 1, "updated_at": self._moment}
        text = update_text(self._dialect, tuple(values))
        found = self._run.execute(text, (*values.values(), connection_id, row[INDEX["revision"]]))
        if found.rowcount != 1:
            raise StoreError(gone_meanwhile(as_text(row[INDEX["name"]])))
        new = overlay(row, values)
        if "name" in final:
            self._names.drop(as_text(row[INDEX["name"]]))
        self._keep(connection_id, new)
        return new

    def _bring_back(self, connection_id: str, row: Row) -> Row:
        self._insert_new()
        name = self._free(as_text(row[INDEX["name"]]), rename=True)
        back = decode(row)
        values = {"name": name, "revision": back.revision + 1, "created_at": self._stamp(back.created_at)}
        raw = overlay(row, {**stored(back), **values, "updated_at": self._moment})
        self._run.execute(self._texts.insert, raw)
        self._run.execute(self._texts.drop_tombstone, (connection_id,))
        self._keep(connection_id, raw)
        return raw

    def _insert_new(self) -> None:
        """Write the new records that were gathered: many with one statement."""
        rows = list(self._new.values())
        self._new.clear()
        if len(rows) == 1:
            self._run.execute(self._texts.insert, rows[0])
        elif rows:
            self._run.executemany(self._texts.insert, rows)

    def _tombstone(self, connection_id: str) -> Row | None:
        found = self._run.execute(self._texts.one_tombstone, (connection_id,)).fetchone()
        return None if found is None else record_row(found[0])

    def _keep(self, connection_id: str, row: Row) -> None:
        self._rows[connection_id] = row
        self._names.add(row[INDEX["name"]])

    def _free(self, name: str, *, rename: bool = False) -> str:
        if name not in self._names:
            return name
        if not (rename or self._rename):
            raise StoreError(name_taken(name))
        return self._names.free(name)

    def _stamp(self, moment: datetime) -> Any:
        return stamp_text(moment) if self._dialect == "sqlite" else moment


_BY_KIND = {
    Kind.ADD: Applier._add,
    Kind.EDIT: Applier._edit,
    Kind.REMOVE: Applier._remove,
    Kind.RESTORE: Applier._restore,
}


def values_of(row: Row) -> dict[str, Any]:
    """Return the editable fields of a row, canonical where they make sense, as they stand where they do not."""
    try:
        return stored(decode(row))
    except StoreError:
        raw = dict(zip(EDITABLE, row[_EDITABLE], strict=True))
        return {name: as_flag(value) if name in FLAGS else value for name, value in raw.items()}


def overlay(row: Row, values: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return a row with some of its fields replaced."""
    return tuple(values.get(name, value) for name, value in zip(FIELDS, row, strict=True))


def lines_of(rows: Sequence[Row]) -> list[ConnectionRow]:
    """Return what the list's query would select of stored rows, in their order."""
    if not rows:
        return []
    stored_columns = list(zip(*rows, strict=True))
    columns: list[Sequence[Any]] = [stored_columns[index] for index in _LISTED]
    for index in _SET:
        columns[index] = [value not in (None, "") for value in columns[index]]
    return convert_columns(columns)


_ALL_EDITABLE = itemgetter(*EDITABLE)
_LISTED = [INDEX[name.removesuffix("_set")] for name in ConnectionRow._fields]
_SET = [index for index, name in enumerate(ConnectionRow._fields) if name.endswith("_set")]


def _was_edited(operation: Operation, row: Row) -> bool:
    if operation.base:
        theirs = values_of(row)
        return any(theirs[name] != value for name, value in operation.base.items())
    return as_revision(row[INDEX["revision"]]) != operation.base_revision


def _renamed(wanted: str, name: str | None) -> str:
    if name is None:
        return ""
    return f"Another connection is already named “{wanted}”, so this one is “{name}” now."


def _groups(values: Sequence[str]) -> list[Sequence[str]]:
    return [values[start : start + AT_ONCE] for start in range(0, len(values), AT_ONCE)]
