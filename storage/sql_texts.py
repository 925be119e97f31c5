"""The SQL texts of the repository, made by Peewee once per dialect; the repository runs them on the driver's cursor."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

import peewee as pw

from models.connection import FIELDS
from models.tables import AppliedOperationTable, ConnectionTable, DeletedConnectionTable

_DIALECTS: dict[str, type[pw.Database]] = {"sqlite": pw.SqliteDatabase, "postgresql": pw.PostgresqlDatabase}


@dataclass(frozen=True, slots=True)
class Texts:
    """Parameters come in the order of the columns, conditions last."""

    one: str
    ids_and_names: str
    insert: str
    delete: str
    operation: str
    last_sequence: str
    tombstone: str
    one_tombstone: str
    drop_tombstone: str
    tombstones: str
    old_tombstones: str
    old_operations: str


@cache
def texts(dialect: str) -> Texts:
    """Return the fixed statements."""
    parameter = _parameter(dialect)
    live, gone, done = ConnectionTable, DeletedConnectionTable, AppliedOperationTable
    everything: dict[Any, Any] = {getattr(live, name): parameter for name in FIELDS}
    return Texts(
        one=_text(dialect, live.select().where(live.id == parameter)),
        ids_and_names=_text(dialect, live.select(live.id, live.name)),
        insert=_text(dialect, live.insert(everything)),
        delete=_text(dialect, live.delete().where(live.id == parameter)),
        operation=_text(dialect, done.insert(_all_columns(done, parameter)).on_conflict_ignore()),
        last_sequence=_text(dialect, done.select(pw.fn.MAX(done.sequence)).where(done.device == parameter)),
        tombstone=_text(
            dialect,
            gone.insert(_all_columns(gone, parameter)).on_conflict(
                conflict_target=[gone.id],
                preserve=[gone.name, gone.exchange, gone.revision, gone.record, gone.deleted_at],
            ),
        ),
        one_tombstone=_text(dialect, gone.select(gone.record, gone.revision).where(gone.id == parameter)),
        drop_tombstone=_text(dialect, gone.delete().where(gone.id == parameter)),
        tombstones=_text(
            dialect,
            gone.select(gone.id, gone.name, gone.exchange, gone.deleted_at).order_by(gone.deleted_at.desc(), gone.id),
        ),
        old_tombstones=_text(dialect, gone.delete().where(gone.deleted_at < parameter)),
        old_operations=_text(dialect, done.delete().where(done.applied_at < parameter)),
    )


@cache
def update_text(dialect: str, columns: tuple[str, ...]) -> str:
    """Return the conditional update of some columns; parameters: their values, id, the revision it must have."""
    parameter = _parameter(dialect)
    table = ConnectionTable
    changes: dict[Any, Any] = {getattr(table, name): parameter for name in columns}
    return _text(dialect, table.update(changes).where((table.id == parameter) & (table.revision == parameter)))


@cache
def select_nothing(dialect: str, table: type[pw.Model]) -> str:
    """Return a query that fails unless the table has all the columns that we know."""
    return _text(dialect, table.select().where(pw.SQL("1 = 0")))


def _all_columns(table: type[pw.Model], parameter: pw.SQL) -> dict[Any, Any]:
    fields: Iterable[Any] = table._meta.sorted_fields
    return dict.fromkeys(fields, parameter)


def _parameter(dialect: str) -> pw.SQL:
    return pw.SQL(_DIALECTS[dialect].param)


def _text(dialect: str, query: Any) -> str:
    database = _DIALECTS[dialect](None)
    text, values = database.get_sql_context().sql(query).query()  # type: ignore[no-untyped-call]
    if values:
        raise AssertionError("A prepared text must not carry values.")
    return str(text)
