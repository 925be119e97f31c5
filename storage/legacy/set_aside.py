"""Old tables get out of the way under `legacy_` names, with every row; what only serves them is kept as SQL text."""

import sqlite3
from typing import Final

from storage.legacy.shapes import PREFIX, quote, tables

OBJECTS: Final = "legacy_schema"
"""The table that keeps the SQL of the views, triggers and indexes that were dropped."""


def set_aside(connection: sqlite3.Connection) -> dict[str, int]:
    """Rename every table to `legacy_...` in one transaction; return the number of rows of each by its old name.

    Views and triggers would stop the renaming where they name a column that is gone, and indexes would take the names
    that our own need: they are dropped, and `legacy_schema` keeps their SQL. No row lives in any of them.
    """
    connection.execute("PRAGMA foreign_keys = OFF")
    connection.execute("PRAGMA legacy_alter_table = OFF")
    connection.execute("BEGIN IMMEDIATE")
    try:
        counts = {name: count_rows(connection, name) for name in tables(connection)}
        objects = _drop_what_only_serves(connection)
        # A table that already has the prefix moves first, so that its name is free for the one that needs it.
        for name in sorted(counts, key=_depth, reverse=True):
            connection.execute(f"ALTER TABLE {quote(name)} RENAME TO {quote(PREFIX + name)}")
        _keep(connection, objects)
        for name, count in counts.items():
            if count_rows(connection, PREFIX + name) != count:
                raise sqlite3.IntegrityError(f"{name} lost rows when it was renamed")
    except BaseException:  # an interruption, too, leaves no transaction open; it goes on
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")
    return counts


def count_rows(connection: sqlite3.Connection, table: str) -> int:
    count: int = connection.execute(f"SELECT count(*) FROM {quote(table)}").fetchone()[0]  # noqa: S608 - quoted
    return count


def _drop_what_only_serves(connection: sqlite3.Connection) -> list[tuple[str, str, str, str]]:
    objects: list[tuple[str, str, str, str]] = connection.execute(
        "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE type IN ('view', 'trigger', 'index')"
        " AND sql IS NOT NULL ORDER BY type = 'index', type = 'view', name"
    ).fetchall()
    for kind, name, _, _ in objects:
        connection.execute(f"DROP {kind} IF EXISTS {quote(name)}")
    return objects


def _keep(connection: sqlite3.Connection, objects: list[tuple[str, str, str, str]]) -> None:
    if not objects:
        return
    taken = {name.lower() for name in tables(connection)}
    name = OBJECTS
    while name in taken:
        name += "_"
    connection.execute(f"CREATE TABLE {quote(name)} (kind TEXT, name TEXT, table_name TEXT, sql TEXT)")
    connection.executemany(f"INSERT INTO {quote(name)} VALUES (?, ?, ?, ?)", objects)  # noqa: S608 - quoted


def _depth(name: str) -> int:
    depth = 0
    while name.lower().startswith(PREFIX):
        name, depth = name[len(PREFIX) :], depth + 1
    return depth
