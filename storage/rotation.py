"""Every stored secret sealed anew with the vault's current key, and which keys are still needed afterwards.

A row is replaced only while it is what was read: what another desktop stores meanwhile is newer, and the next round
comes to it. Renewing is the same on every desktop, so that two that rotate at once, or one that goes on after a kill,
come to the same end.
"""

import logging
import mmap
import os
import re
import sqlite3
from collections.abc import Callable, Iterable
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from models.problem import StoreError, VaultError
from storage.connection_codec import decode, record_row
from storage.open_database import OpenDatabase
from storage.whole.snapshot import Table, quoted, reading
from storage.whole.tokens import SEALED_TABLES, Renew, renewed, sealed_columns, tokens
from storage.whole.values import Row

if TYPE_CHECKING:
    from storage.json_store.record_folder import RecordFolder

BATCH: Final = 100
ROUNDS: Final = 3
_TOKEN: Final = re.compile(rb"cts1\.([0-9a-z]{1,32})\.[0-9A-Za-z+/]")
_log = logging.getLogger(__name__)

Watch = Callable[[int, int], None]
"""Told how many rows are done, of how many."""


class Renewed(NamedTuple):
    """How many connections were sealed anew, and how many rows could not be opened and stay as they are."""

    sealed: int
    failed: int


def stale_rows(database: OpenDatabase, current: str) -> list[tuple[Table, Row]]:
    """Return the rows that have a secret sealed with another key than `current`, with the columns that matter."""
    found = []
    with reading(database) as snapshot:
        known = snapshot.tables()
        for name in SEALED_TABLES:
            if name not in known:
                continue
            wanted = {"id", *sealed_columns(name)}
            table = known[name]._replace(columns=tuple(each for each in known[name].columns if each[0] in wanted))
            for rows in snapshot.rows(table):
                found += [(table, row) for row in rows if any(key_of(t) != current for t in tokens(table, row))]
    return found


def renew_database(
    database: OpenDatabase, current: str, renew: Renew, watch: Watch = lambda _done, _total: None
) -> Renewed:
    """Seal everything in a database with the key `current`. Raises StoreError; what is done by then stays done."""
    done = Renewed(0, 0)
    for _ in range(ROUNDS):
        stale = stale_rows(database, current)
        if not stale:
            break
        failed = 0
        sealed = 0
        for start in range(0, len(stale), BATCH):
            batch = [_changed(table, row, renew) for table, row in stale[start : start + BATCH]]
            failed += sum(change is None for change in batch)
            sealed += _write(database, [change for change in batch if change is not None])
            watch(min(start + BATCH, len(stale)), len(stale))
        done = Renewed(done.sealed + sealed, failed)
        if failed == len(stale):
            break
    return done


def keys_in_use(database: OpenDatabase, files: Iterable[Path]) -> set[str]:
    """Return the ids of all keys that a secret in the database or in one of the files is sealed with."""
    found: set[str] = set()
    with reading(database) as snapshot:
        known = snapshot.tables()
        for name in SEALED_TABLES:
            if name in known:
                for rows in snapshot.rows(known[name]):
                    found.update(key_of(token) for row in rows for token in tokens(known[name], row))
    for path in files:
        with suppress(OSError):
            found.update(_keys_in_file(path))
    return found - {""}


def copies(*folders: Path) -> list[Path]:
    """Return the files of backups and quarantine: a person may bring each of them back, and its secrets with it.

    What was exported from a PostgreSQL is left out: it holds the wrapped keys themselves.
    """
    found = []
    for folder in folders:
        with suppress(OSError):
            found += [Path(entry.path) for entry in os.scandir(folder) if entry.is_file(follow_symlinks=False)]
    return found


def mirror_deleted(database: OpenDatabase, records: "RecordFolder") -> None:
    """Let the files of deleted records have the secrets of now; what another program has spoilt is left out."""
    known = {each.id for each in records.deleted()}
    found = []
    with database.read() as statements:
        for (text,) in statements.execute("SELECT record FROM deleted_connections").fetchall():
            with suppress(StoreError, ValueError):
                found.append(decode(record_row(text)))
    gone = [each for each in found if each.id in known]
    records.mirror(gone, [each.id for each in gone])


def record_files(folder: Path) -> list[Path]:
    """Return the record files: mirrors, and what waits or was refused."""
    try:
        return [Path(entry.path) for entry in os.scandir(folder) if entry.name.endswith(".json") and entry.is_file()]
    except OSError:
        return []


def key_of(token: str) -> str:
    """Return the id of the key that sealed a token, "" for what is none."""
    parts = token.split(".", 2)
    return parts[1] if len(parts) == 3 and parts[0] == "cts1" else ""


def _keys_in_file(path: Path) -> set[str]:
    if path.suffix == ".db":
        try:
            return _keys_in_database_file(path)
        except sqlite3.Error:
            _log.debug("%s is damaged; it is searched byte by byte.", path.name)
    if not path.stat().st_size:
        return set()
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return {match[1].decode() for match in _TOKEN.finditer(content)}


def _keys_in_database_file(path: Path) -> set[str]:
    """Read the columns and not the bytes: a token may lie across two pages, and free pages need no key."""
    found: set[str] = set()
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as copy:
        for table in SEALED_TABLES:
            there = {name for (name,) in copy.execute("SELECT name FROM pragma_table_info(?)", (table,))}
            for column in there.intersection(sealed_columns(table)) - {"id", "connection_id"}:
                text = f"SELECT {quoted(column)} FROM {quoted(table)} WHERE {quoted(column)} LIKE '%cts1.%'"  # noqa: S608
                for (value,) in copy.execute(text):
                    found.update(match.decode() for match in _TOKEN.findall(str(value).encode(errors="replace")))
    return found


class _Change(NamedTuple):
    table: Table
    old: Row
    new: Row


def _changed(table: Table, row: Row, renew: Renew) -> _Change | None:
    try:
        return _Change(table, row, renewed(table, row, renew))
    except VaultError as error:
        _log.warning("A secret in %s stays as it is: %s", table.name, error.problem.text)
        return None


def _write(database: OpenDatabase, changes: list[_Change]) -> int:
    sealed = 0
    mark, same = ("?", "IS") if database.dialect == "sqlite" else ("%s", "IS NOT DISTINCT FROM")
    with database.write() as statements:
        for change in changes:
            names = sealed_columns(change.table.name)
            places = [change.table.names.index(name) for name in names]
            new = ", ".join(f"{quoted(name)} = {mark}" for name in names)
            if change.table.name == "exchange_connections":
                # Every desktop reads it again, for its mirror.
                new += ", revision = revision + 1"
            old = " AND ".join(f"{quoted(name)} {same} {mark}" for name in names)
            text = f"UPDATE {quoted(change.table.name)} SET {new} WHERE id = {mark} AND {old}"  # noqa: S608 - own names
            identity: Any = change.old[change.table.names.index("id")]
            values = [change.new[place] for place in places] + [identity] + [change.old[place] for place in places]
            if statements.execute(text, tuple(values)).rowcount == 1:
                sealed += change.table.name == "exchange_connections"
    return sealed
