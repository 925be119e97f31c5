"""What can still be read in a damaged database: connections that the restored backup does not have, or has older."""

import contextlib
import sqlite3
from pathlib import Path
from typing import Any

from models.connection import FIELDS
from models.connection_rules import InvalidFieldsError, is_connection_id, validate
from models.problem import StoreError
from storage.connection_codec import decode
from storage.database import Database, has_table
from storage.list_rows import file_uri
from storage.sql_texts import texts

_COLUMNS = ", ".join(FIELDS)
_ID, _NAME, _REVISION = FIELDS.index("id"), FIELDS.index("name"), FIELDS.index("revision")


def rescue(damaged: Path, database: Database) -> int:
    """Copy them into `database`; returns how many. A row that is not beyond doubt stays in the damaged file."""
    known: dict[str, int] = {}
    found = {row[_ID]: row for row in _readable(damaged) if _is_sound(row)}
    if not found:
        return 0
    fixed = texts(database.dialect)
    count = 0
    with database.write() as cursor:
        if not has_table(cursor, "exchange_connections") or not has_table(cursor, "deleted_connections"):
            return 0
        known = dict(cursor.execute("SELECT id, revision FROM exchange_connections"))
        gone = {row[0] for row in cursor.execute("SELECT id FROM deleted_connections")}
        for each, row in found.items():
            if each in gone or row[_REVISION] <= known.get(each, 0):
                continue
            with contextlib.suppress(sqlite3.IntegrityError):
                cursor.execute("SAVEPOINT one")
                cursor.execute(fixed.delete, (each,))
                cursor.execute(fixed.insert, row)
                cursor.execute("RELEASE one")
                count += 1
                continue
            cursor.execute("ROLLBACK TO one")
    return count


def _readable(damaged: Path) -> list[tuple[Any, ...]]:
    """Read from both ends until the damage: what lies between is lost to SQL."""
    rows: list[tuple[Any, ...]] = []
    try:
        connection = sqlite3.connect(file_uri(str(damaged.absolute()), "ro") + "&immutable=1", uri=True)
    except sqlite3.Error:
        return rows
    with contextlib.closing(connection):
        for order in ("ASC", "DESC"):
            text = f"SELECT {_COLUMNS} FROM exchange_connections NOT INDEXED ORDER BY rowid {order}"  # noqa: S608
            with contextlib.suppress(sqlite3.Error, UnicodeError):
                rows.extend(connection.execute(text))
    return rows


def _is_sound(row: tuple[Any, ...]) -> bool:
    if not is_connection_id(row[_ID]) or not isinstance(row[_REVISION], int) or row[_REVISION] < 1:
        return False
    try:
        connection = decode(row)
        validate({"name": connection.name, "exchange": connection.exchange})
    except (StoreError, InvalidFieldsError):
        return False
    return isinstance(row[_NAME], str)
