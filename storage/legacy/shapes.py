"""Which CTS v3.1 database a file is, told by the columns it has and never by a name alone."""

import os
import sqlite3
from enum import StrEnum
from pathlib import Path
from typing import Final

PREFIX: Final = "legacy_"
CONNECTIONS: Final = "exchange_connections"

_NEEDED = {"id", "name", "exchange", "api_key", "api_secret"}
_OURS = {"account_type", "environment", "revision"}
_MARKS_A = {"testnet", "is_active", "preset_type", "last_test_result", "minimum_connect_interval", "dual_mode_enabled"}
_MARKS_B = {"is_testnet", "is_enabled", "api_type", "is_live_trade", "library_package", "last_test_status"}
_LEDGER_31 = {"id", "name", "executed_at"}


class Shape(StrEnum):
    """A: integer ids and a `migrations` table of names. B: text ids such as bybit-x03, no `migrations` table."""

    A = "A"
    B = "B"


def quote(identifier: str) -> str:
    """Return an SQL identifier that is safe whatever characters the name holds."""
    return '"' + identifier.replace('"', '""') + '"'


def columns(connection: sqlite3.Connection, table: str) -> dict[str, str]:
    """Return the declared type of every column of a table, empty if there is no such table."""
    return {row[1]: (row[2] or "").upper() for row in connection.execute(f"PRAGMA table_info({quote(table)})")}


def tables(connection: sqlite3.Connection) -> list[str]:
    """Return the ordinary and virtual tables, without SQLite's own and without the shadows of virtual ones."""
    kinds = {row[1]: row[2] for row in connection.execute("PRAGMA table_list") if row[0] == "main"}
    return sorted(
        name for name, kind in kinds.items() if kind in {"table", "virtual"} and not name.startswith("sqlite_")
    )


def recognise(connection: sqlite3.Connection) -> Shape | None:
    """Return the shape of a CTS v3.1 database; None for ours, for an empty one and for one of another program."""
    ledger = set(columns(connection, "migrations"))
    if "checksum" in ledger or "number" in ledger:
        return None
    found = columns(connection, CONNECTIONS)
    names = set(found)
    if names >= _NEEDED and not names & _OURS:
        by_type = Shape.A if "INT" in found["id"] else Shape.B
        score_a, score_b = len(names & _MARKS_A), len(names & _MARKS_B)
        if not score_a and not score_b:
            return by_type if ledger >= _LEDGER_31 else None
        return by_type
    # A file whose connections table is gone still has the old program's ledger, under the name that ours needs.
    return Shape.A if not names and ledger >= _LEDGER_31 else None


def may_need_take_over(connection: sqlite3.Connection, root: Path) -> bool:
    """Tell, at next to no cost, whether a closer look at a data folder is needed: most starts find nothing."""
    if recognise(connection) is not None or os.path.lexists(root / "connections.json"):
        return True
    from storage.json_store.names import INDEX_NAME, is_our_index, is_record_name

    folder = root / "connections"
    try:
        names = os.listdir(folder)  # noqa: PTH208 - text: a Path for each of 10,000 would take longer than the rest
    except OSError:
        return False
    if not columns(connection, "store_identity"):
        return bool(names)
    strange = [name for name in names if not is_record_name(name)]
    return any(name != INDEX_NAME or not is_our_index(folder / name) for name in strange)
