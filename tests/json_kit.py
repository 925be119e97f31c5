"""A folder of record files, as a program opens it, and the changes that a desk makes in it."""

import itertools
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from models.connection import Connection
from storage.atomic_file import SYSTEM, FileCalls
from storage.connection_codec import now, stamp_text, stored
from storage.data_folder import DataFolder, prepare
from storage.json_store.names import file_name
from storage.json_store.record_folder import RecordFolder
from storage.operations import Kind, Operation
from tests.store_kit import a_connection

_numbers = itertools.count(1)


@contextmanager
def open_records(root: Path, *, calls: FileCalls = SYSTEM) -> Iterator[RecordFolder]:
    records = RecordFolder(prepare(root), calls=calls)
    records.open()
    try:
        yield records
    finally:
        records.close()


def a_record(name: str = "Main", **fields: Any) -> Connection:
    """Return a connection as a database has it: with stamps."""
    return replace(a_connection(name, **fields), created_at=now(), updated_at=now())


def an_operation(
    connection: Connection, kind: Kind = Kind.EDIT, changes: Mapping[str, Any] | None = None, device: str = "desk"
) -> Operation:
    values = stored(connection) if kind is Kind.ADD else dict(changes or {})
    before = {} if kind is Kind.ADD else {name: stored(connection)[name] for name in values}
    revision = 0 if kind is Kind.ADD else connection.revision
    stamp = stamp_text(now())
    return Operation(device, next(_numbers), connection.id, kind, revision, values, base=before, made_at=stamp)


def path_of(folder: DataFolder, connection_id: str) -> Path:
    return folder.connections / file_name(connection_id)
