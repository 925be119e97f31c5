"""Secrets out of one old database: which cells hold them, and what stays when they are gone."""

import json
import sqlite3
from collections.abc import Iterator
from typing import Any, Final

from models.secret_names import is_secret_name
from storage.legacy.named_values import named_values
from storage.legacy.secret_words import (
    SHORTEST_SEARCHED,
    Finder,
    is_placeholder,
    is_sealed,
    json_within,
    redact,
    secrets_said,
    secrets_within,
    without_pieces,
)
from storage.legacy.shapes import PREFIX, quote, recognise, tables

_FILLER: Final = "removed-"
_SWITCHES: Final = {"true", "false", "yes", "no", "on", "off"}
# Only a few cells of a large table are JSON, or say in words what they hold.
_LIKELY: Final = "GLOB '*[{{[]*'" + "".join(
    f" OR {{name}} LIKE '%{word}%'"
    for word in ("api_key", "apikey", "api-key", "secret", "passphrase", "password", "token")
)
_TRIGGERS: Final = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND sql IS NOT NULL"


def old_tables(connection: sqlite3.Connection) -> list[str]:
    """Return the tables that CTS v3.1 made: all of its own database, the `legacy_` ones of ours."""
    names = tables(connection)
    if recognise(connection) is not None:
        return names
    return [name for name in names if name.lower().startswith(PREFIX)]


def harvest(connection: sqlite3.Connection) -> set[str]:
    """Return every secret in clear that the old tables hold, in cells of their own and inside JSON texts."""
    return {secret for found in harvest_by_table(connection).values() for secret in found}


def harvest_by_table(connection: sqlite3.Connection) -> dict[str, set[str]]:
    encoding = _encoding(connection)
    found: dict[str, set[str]] = {}
    for table in old_tables(connection):
        secrets = found.setdefault(table, set())
        columns = [column for column, _ in _columns(connection, table)]
        for column in columns:
            secrets.update(_harvest_column(connection, table, column, encoding))
        secrets.update(_harvest_named(connection, table, columns, encoding))
    return found


def _harvest_column(connection: sqlite3.Connection, table: str, column: str, encoding: str) -> Iterator[str]:
    named = is_secret_name(column)
    condition = "IS NOT NULL" if named else _LIKELY
    name = quote(column)
    cells = connection.execute(
        f"SELECT DISTINCT CAST({name} AS BLOB) FROM {quote(table)} WHERE {name} {condition.format(name=name)}"  # noqa: S608 - quoted
    )
    for (raw,) in cells:
        yield from _secrets_in(_text(raw, encoding), named=named)


def _harvest_named(connection: sqlite3.Connection, table: str, columns: list[str], encoding: str) -> Iterator[str]:
    for each in named_values(connection, table, columns, encoding):
        cells = connection.execute(
            f"SELECT CAST({quote(each.column)} AS BLOB) FROM {quote(table)} WHERE {each.where()}",  # noqa: S608 - quoted
            (each.name,),
        )
        for (raw,) in cells:
            yield from _secrets_in_setting(_text(raw, encoding))


def _secrets_in(text: str, *, named: bool) -> Iterator[str]:
    value = json_within(text)
    if value is not None:
        yield from secrets_within(value, named=named)
    elif named and not is_placeholder(text) and not is_sealed(text):
        yield text.strip()
    elif not named:
        yield from secrets_said(text)


def _secrets_in_setting(text: str) -> Iterator[str]:
    """Yield the secrets of a setting that is named like one; `token_lifetime` is, and holds a number or a switch."""
    plain = text.strip().lower()
    if plain not in _SWITCHES and not (len(plain) < SHORTEST_SEARCHED and plain.isdecimal()):
        yield from _secrets_in(text, named=True)


def clean(connection: sqlite3.Connection, finder: Finder) -> int:
    """Remove every secret from the old tables and rebuild the file, so that no free page holds one; count the cells.

    Cells named like secrets become empty, JSON texts lose such keys, and known secrets inside other texts are replaced.
    """
    _teach(connection, finder)
    connection.execute("PRAGMA foreign_keys = OFF")
    connection.execute("PRAGMA ignore_check_constraints = ON")
    connection.execute("BEGIN IMMEDIATE")
    # A trigger of the old program could copy what is being removed into another table.
    triggers = connection.execute(_TRIGGERS).fetchall()
    for name, _ in triggers:
        connection.execute(f"DROP TRIGGER {quote(name)}")
    cells = 0
    for table in old_tables(connection):
        columns = _columns(connection, table)
        cells += _empty_named(connection, table, [column for column, _ in columns])
        for column, required in columns:
            if is_secret_name(column):
                cells += _empty(connection, table, column, required)
            else:
                cells += _replace(connection, table, column)
    for _, sql in triggers:
        connection.execute(sql)
    connection.execute("COMMIT")
    connection.execute("VACUUM")
    return cells


def _empty(connection: sqlite3.Connection, table: str, column: str, required: bool) -> int:
    name = quote(column)
    values = ("''", f"'{_FILLER}' || hex(randomblob(8))") if required else ("NULL",)
    for value in values:
        try:
            return connection.execute(
                f"UPDATE {quote(table)} SET {name} = {value} WHERE {name} IS NOT NULL AND {name} <> ''"  # noqa: S608 - quoted
                f" AND {name} NOT GLOB '{_FILLER}*'"
            ).rowcount
        except sqlite3.IntegrityError:
            # Required and unique: each needs a word of its own.
            if value == values[-1]:
                raise
    return 0


def _empty_named(connection: sqlite3.Connection, table: str, columns: list[str]) -> int:
    cells = 0
    for each in named_values(connection, table, columns, _encoding(connection)):
        value = quote(each.column)
        cells += connection.execute(
            f"UPDATE {quote(table)} SET {value} = '{_FILLER}' || hex(randomblob(8))"  # noqa: S608 - quoted
            f" WHERE {each.where()} AND cts_secret(CAST({value} AS BLOB))",
            (each.name,),
        ).rowcount
    return cells


def _replace(connection: sqlite3.Connection, table: str, column: str) -> int:
    name = quote(column)
    return connection.execute(
        f"UPDATE {quote(table)} SET {name} = CASE typeof({name})"  # noqa: S608 - quoted
        f" WHEN 'text' THEN CAST(cts_clean(CAST({name} AS BLOB)) AS TEXT) ELSE cts_clean({name}) END"
        f" WHERE typeof({name}) IN ('text', 'blob') AND length(CAST({name} AS BLOB)) >= 4"
        f" AND cts_dirty(CAST({name} AS BLOB))"
    ).rowcount


def _teach(connection: sqlite3.Connection, finder: Finder) -> None:
    """Cells go in and out as bytes: text that is not valid UTF-8 would stop a function that takes text."""
    encoding = _encoding(connection)

    def cleaned(raw: bytes) -> bytes:
        text = _text(raw, encoding)
        value = json_within(text)
        if isinstance(value, dict | list) and any(secrets_within(value)):
            text = json.dumps(redact(value, finder), ensure_ascii=False)
        elif value is None:
            text = without_pieces(text)
        return finder.clean(text).encode(encoding, "surrogateescape" if encoding == "utf-8" else "surrogatepass")

    width = SHORTEST_SEARCHED * len("a".encode(encoding))
    heads = {form.encode(encoding, "surrogatepass")[:width] for form in finder.forms}
    curly, square = "{".encode(encoding), "[".encode(encoding)

    def dirty(raw: bytes) -> bool:
        # Almost every cell of a large table is a stamp or a symbol: it is not even decoded.
        if curly not in raw and square not in raw:
            pieces = {raw[index : index + width] for index in range(len(raw) - width + 1)}
            if heads.isdisjoint(pieces):
                return False
        return cleaned(raw) != raw

    def secret(raw: bytes) -> bool:
        return any(_secrets_in_setting(_text(raw, encoding)))

    connection.create_function("cts_secret", 1, secret, deterministic=True)
    connection.create_function("cts_clean", 1, cleaned, deterministic=True)
    connection.create_function("cts_dirty", 1, dirty, deterministic=True)


def _columns(connection: sqlite3.Connection, table: str) -> list[tuple[str, bool]]:
    """Return the columns of a table, each with whether it must have a value."""
    rows = connection.execute(f"PRAGMA table_info({quote(table)})").fetchall()
    return [(row[1], bool(row[3]) or bool(row[5])) for row in rows]


def _encoding(connection: sqlite3.Connection) -> str:
    name: str = connection.execute("PRAGMA encoding").fetchone()[0]
    return name.lower()


def _text(raw: Any, encoding: str) -> str:
    if not isinstance(raw, bytes):
        return str(raw)
    if encoding == "utf-8":
        return raw.decode("utf-8", "surrogateescape")
    return raw.decode(encoding, "surrogatepass" if len(raw) % 2 == 0 else "replace")
