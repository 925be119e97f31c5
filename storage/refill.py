"""A database file that is gone is made again from the record files: whole, with its identity, or not at all."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from models.connection import EDITABLE
from models.connection_names import free_name
from storage.connection_codec import record_text
from storage.data_folder import DataFolder
from storage.database import Database
from storage.json_store.record_file import Identity, full_row
from storage.json_store.record_folder import RecordFolder
from storage.legacy.gathering import FROM_FILES
from storage.legacy.json_sources import read_sources
from storage.moving import ready
from storage.restoring import workshop
from storage.sql_texts import texts

_NAME, _EXCHANGE = (1 + EDITABLE.index(name) for name in ("name", "exchange"))
_TAKEN_OVER = "INSERT OR IGNORE INTO taken_over_ids (source, legacy_id, connection_id) VALUES (?, ?, ?)"


class Known(NamedTuple):
    """What the record files hold of a database: how many connections, and how many changes that it never had."""

    connections: int = 0
    waiting: int = 0


def known(folder: DataFolder) -> Known:
    """Look at the record files, changing none. Files of CTS v3.1, or of no database yet, are not known."""
    records = RecordFolder(folder._replace(writable=False))
    records.open()
    if records.identity == Identity():
        return Known()
    return Known(len(records.rows()), records.waiting_count)


@contextmanager
def refilled(records: RecordFolder, folder: DataFolder, migrations: Path) -> Iterator[Path]:
    """Give a file, for the time of the block, that holds what the mirrored database held, deleted records too.

    It has that database's identity and its revisions, so that what waits goes into it as if it had never been away.
    Raises StoreError where a record file cannot be read any more: a part of the list is not the list.
    """
    with workshop(folder) as room:
        path = room / "cts.db"
        database = Database.open_sqlite(path)
        try:
            ready(database, migrations)
            _fill(database, records, folder.root)
        finally:
            database.close()
        yield path


def _fill(database: Database, records: RecordFolder, root: Path) -> None:
    fixed, names = texts(database.dialect), set[str]()
    known: dict[object, str] = {}
    with database.write() as statements:
        for each in records.ids():
            base = records.base(each)
            if base is None:
                # It was only ever added here, and still waits.
                continue
            row = list(full_row(each, base))
            known.update({each: each, (row[_NAME], row[_EXCHANGE]): each})
            if base.deleted_at is not None:
                gone = (each, row[_NAME], row[_EXCHANGE], base.revision, record_text(row), base.deleted_at)
                statements.execute(fixed.tombstone, gone)
                continue
            if row[_NAME] in names:
                # The mirror was behind when two connections changed names.
                row[_NAME] = free_name(row[_NAME], names)
            names.add(row[_NAME])
            statements.execute(fixed.insert, row)
        identity = (records.identity.database_id, records.identity.epoch)
        statements.execute("UPDATE store_identity SET database_id = ?, epoch = ?", identity)
        statements.executemany(_TAKEN_OVER, list(_taken_over(root, known)))


def _taken_over(root: Path, known: Mapping[object, str]) -> Iterator[tuple[str, str, str]]:
    """Yield which records of CTS v3.1 files came over already: those of a connection with their id, or their name."""
    for source in read_sources(root, {}, fresh=False):
        for item in source.items:
            made = item.connection
            found = known.get(item.legacy_id) or (made and known.get((made.name, made.exchange)))
            if found:
                yield FROM_FILES, item.legacy_id, found
