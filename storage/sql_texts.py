"""The SQL texts of the repository, made by Peewee once per dialect; the repository runs them on the driver's cursor."""

from collections.abc import Iterable
from functools import cache, cached_property
from typing import Any

from models.connection import FIELDS
from models.orm import give_driver, pw
from models.tables import AppliedOperationTable, ConflictTable, ConnectionTable, DeletedConnectionTable
from storage.list_rows import LIST_SQL

_DIALECTS: dict[str, type[pw.Database]] = {"sqlite": pw.SqliteDatabase, "postgresql": pw.PostgresqlDatabase}


_STAMP_TEXT = """to_char(updated_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')"""

# Short names, because every statement is about one of these.
_LIVE, _GONE, _DONE, _OPEN = ConnectionTable, DeletedConnectionTable, AppliedOperationTable, ConflictTable


class Texts:
    """The fixed statements of one dialect, each made when it is first used.

    Parameters come in the order of the columns, conditions last.
    """

    def __init__(self, dialect: str) -> None:
        self._dialect = dialect
        self._parameter = _parameter(dialect)

    @cached_property
    def listed(self) -> str:
        if self._dialect == "sqlite":
            return LIST_SQL
        # A stamp as text, as SQLite keeps it: 10,000 of the driver's own would take longer than all the rest.
        return LIST_SQL.replace(", updated_at FROM", f", {_STAMP_TEXT} FROM")

    @cached_property
    def counted(self) -> str:
        return self._text(_LIVE.select(_LIVE.enabled, pw.fn.COUNT(_LIVE.id)).group_by(_LIVE.enabled))

    @cached_property
    def one(self) -> str:
        return self._text(_LIVE.select().where(_LIVE.id == self._parameter))

    @cached_property
    def ids_and_names(self) -> str:
        return self._text(_LIVE.select(_LIVE.id, _LIVE.name))

    @cached_property
    def everything(self) -> str:
        return self._text(_LIVE.select())

    @cached_property
    def revisions(self) -> str:
        return self._text(_LIVE.select(_LIVE.id, _LIVE.revision))

    @cached_property
    def insert(self) -> str:
        return self._text(_LIVE.insert({getattr(_LIVE, name): self._parameter for name in FIELDS}))

    @cached_property
    def delete(self) -> str:
        return self._text(_LIVE.delete().where(_LIVE.id == self._parameter))

    @cached_property
    def operation(self) -> str:
        return self._text(_DONE.insert(_all_columns(_DONE, self._parameter)).on_conflict_ignore())

    @cached_property
    def last_sequence(self) -> str:
        return self._text(_DONE.select(pw.fn.MAX(_DONE.sequence)).where(_DONE.device == self._parameter))

    @cached_property
    def tombstone(self) -> str:
        return self._text(
            _GONE.insert(_all_columns(_GONE, self._parameter)).on_conflict(
                conflict_target=[_GONE.id],
                preserve=[_GONE.name, _GONE.exchange, _GONE.revision, _GONE.record, _GONE.deleted_at],
            ),
        )

    @cached_property
    def one_tombstone(self) -> str:
        return self._text(_GONE.select(_GONE.record, _GONE.revision).where(_GONE.id == self._parameter))

    @cached_property
    def drop_tombstone(self) -> str:
        return self._text(_GONE.delete().where(_GONE.id == self._parameter))

    @cached_property
    def tombstones(self) -> str:
        return self._text(
            _GONE.select(_GONE.id, _GONE.name, _GONE.exchange, _GONE.deleted_at).order_by(
                _GONE.deleted_at.desc(), _GONE.id
            ),
        )

    @cached_property
    def any_old_tombstone(self) -> str:
        return self._text(_GONE.select(_GONE.id).where(_GONE.deleted_at < self._parameter).limit(pw.SQL("1")))

    @cached_property
    def any_old_operation(self) -> str:
        return self._text(_DONE.select(_DONE.op_id).where(_DONE.applied_at < self._parameter).limit(pw.SQL("1")))

    @cached_property
    def old_tombstones(self) -> str:
        return self._text(_GONE.delete().where(_GONE.deleted_at < self._parameter))

    @cached_property
    def old_operations(self) -> str:
        return self._text(_DONE.delete().where(_DONE.applied_at < self._parameter))

    def _text(self, query: Any) -> str:
        return _text(self._dialect, query)


class ConflictTexts:
    """The fixed statements about conflicts, as Texts has those about connections."""

    def __init__(self, dialect: str) -> None:
        self._dialect = dialect
        self._parameter = _parameter(dialect)

    @cached_property
    def conflict(self) -> str:
        return self._text(_OPEN.insert(_all_columns(_OPEN, self._parameter)))

    @cached_property
    def same_conflict(self) -> str:
        return self._text(
            _OPEN.select(_OPEN.id).where(
                (_OPEN.connection_id == self._parameter)
                & (_OPEN.fields == self._parameter)
                & (_OPEN.device == self._parameter)
            )
        )

    @cached_property
    def conflict_again(self) -> str:
        new: dict[Any, Any] = {_OPEN.mine: self._parameter, _OPEN.op_id: self._parameter}
        return self._text(_OPEN.update(new).where(_OPEN.id == self._parameter))

    @cached_property
    def conflicts(self) -> str:
        return self._text(_OPEN.select().order_by(_OPEN.noted_at, _OPEN.id))

    @cached_property
    def count_conflicts(self) -> str:
        return self._text(_OPEN.select(pw.fn.COUNT(_OPEN.id)))

    @cached_property
    def drop_conflict(self) -> str:
        return self._text(_OPEN.delete().where(_OPEN.id == self._parameter))

    def _text(self, query: Any) -> str:
        return _text(self._dialect, query)


@cache
def texts(dialect: str) -> Texts:
    """Return the fixed statements."""
    return Texts(dialect)


@cache
def conflict_texts(dialect: str) -> ConflictTexts:
    """Return the fixed statements about conflicts."""
    return ConflictTexts(dialect)


@cache
def update_text(dialect: str, columns: tuple[str, ...]) -> str:
    """Return the conditional update of some columns; parameters: their values, id, the revision it must have."""
    parameter = _parameter(dialect)
    table = ConnectionTable
    changes: dict[Any, Any] = {getattr(table, name): parameter for name in columns}
    return _text(dialect, table.update(changes).where((table.id == parameter) & (table.revision == parameter)))


@cache
def new_operation_text(dialect: str) -> str:
    """Return the insert of an operation that cannot have taken effect: to look for it costs a bulk insert 3 %."""
    return _text(dialect, _DONE.insert(_all_columns(_DONE, _parameter(dialect))))


@cache
def edit_at_once_text(columns: tuple[str, ...], units: tuple[str, ...]) -> str:
    """Return PostgreSQL's edit of a record that nobody changed, with its operation: it gives the row, or none.

    Parameters: as of the update of the columns, what the units must hold, the operation's row.
    """
    parameter = _parameter("postgresql")
    changes: dict[Any, Any] = {getattr(_LIVE, name): parameter for name in columns}
    unchanged = (_LIVE.id == parameter) & (_LIVE.revision == parameter)
    for name in units:
        unchanged &= pw.Expression(getattr(_LIVE, name), "IS NOT DISTINCT FROM", parameter)
    edit = _text("postgresql", _LIVE.update(changes).where(unchanged).returning(*_LIVE._meta.sorted_fields))
    note = new_operation_text("postgresql").replace("VALUES (", "SELECT ").removesuffix(")")
    names = ", ".join(FIELDS)
    return f"WITH edited AS ({edit}), noted AS ({note} FROM edited) SELECT {names} FROM edited"  # noqa: S608 - our own


@cache
def several_text(dialect: str, count: int) -> str:
    """Return the query of the whole rows of `count` ids."""
    return _text(dialect, _LIVE.select().where(_LIVE.id.in_([_parameter(dialect)] * count)))


@cache
def several_rows_text(dialect: str, count: int) -> str:
    """Return the list's query for `count` ids."""
    return f"{texts(dialect).listed} WHERE id IN ({', '.join([_DIALECTS[dialect].param] * count)})"


@cache
def names_text(dialect: str, count: int) -> str:
    """Return the query of those of `count` names that are taken."""
    return _text(dialect, _LIVE.select(_LIVE.name).where(_LIVE.name.in_([_parameter(dialect)] * count)))


@cache
def done_text(dialect: str, count: int) -> str:
    """Return the query of those of `count` operations that took effect."""
    return _text(dialect, _DONE.select(_DONE.op_id).where(_DONE.op_id.in_([_parameter(dialect)] * count)))


@cache
def select_nothing(table: type[pw.Model]) -> str:
    """Return a query that fails unless the table has all the columns that we know.

    Put together here: a start asks this of four tables, and Peewee takes 1 ms for each. With the table before each
    column, because SQLite takes a name in quotes that it does not know for a text.
    """
    columns = ", ".join(f't1."{field.column_name}"' for field in table._meta.sorted_fields)
    return f'SELECT {columns} FROM "{table._meta.table_name}" AS t1 WHERE 1 = 0'  # noqa: S608 - names of our own tables


def _all_columns(table: type[pw.Model], parameter: pw.SQL) -> dict[Any, Any]:
    fields: Iterable[Any] = table._meta.sorted_fields
    return dict.fromkeys(fields, parameter)


def _parameter(dialect: str) -> pw.SQL:
    return pw.SQL(_DIALECTS[dialect].param)


@cache
def _database(dialect: str) -> pw.Database:
    if dialect == "postgresql":
        give_driver()
    return _DIALECTS[dialect](None)


def _text(dialect: str, query: Any) -> str:
    text, values = _database(dialect).get_sql_context().sql(query).query()  # type: ignore[no-untyped-call]
    if values:
        raise AssertionError("A prepared text must not carry values.")
    return str(text)
