"""A database in one file: JSON, one row a line, compressed; the last line holds the counts and the sha256 of the rest.

Secrets are in it as they are in the database, sealed. A file is believed only once it was read to its end.
"""

import gzip
import hashlib
import io
import json
import os
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

from storage.atomic_file import BadFileError
from storage.whole.snapshot import Snapshot, Table
from storage.whole.values import Row, encode

FORMAT: Final = "cts-connections export 1"
FAMILY: Final = "cts-connections export "
_LINE_LIMIT: Final = 16 * 1024 * 1024
_LEVEL: Final = 3


class Head(NamedTuple):
    """What a file says about itself. `schema` is the newest migration that its database had."""

    made_at: str
    dialect: str
    schema: int
    database_id: str
    epoch: int
    tables: tuple[Table, ...]


def write_export(path: Path, head: Head, snapshot: Snapshot) -> dict[str, int]:
    """Write the file, private from its first byte, and fsync it; return the rows of each table. Raises OSError."""
    counts: dict[str, int] = {}
    sha = hashlib.sha256()
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as raw:
        with gzip.GzipFile("", "wb", _LEVEL, raw, 0) as packed, io.BufferedWriter(packed, 1 << 18) as file:

            def put(content: bytes) -> None:
                sha.update(content)
                file.write(content)

            put(_head_line(head))
            for index, table in enumerate(head.tables):
                counts[table.name] = 0
                mark = b"[%d," % index
                for rows in snapshot.rows(table):
                    put(b"".join([mark + encode(row)[1:] + b"\n" for row in rows]))
                    counts[table.name] += len(rows)
            file.write(json.dumps({"rows": counts, "sha256": sha.hexdigest()}).encode() + b"\n")
        raw.flush()
        os.fsync(raw.fileno())
    return counts


def verify_export(path: Path) -> tuple[Head, dict[str, int]]:
    """Read a file to its end; return its head and its counts. Raises BadFileError, or OSError."""
    counts: Counter[str] = Counter()
    with open_export(path) as (head, rows):
        for table, _row in rows:
            counts[table.name] += 1
    return head, {table.name: counts[table.name] for table in head.tables}


@contextmanager
def open_export(path: Path) -> Iterator[tuple[Head, Iterator[tuple[Table, Row]]]]:
    """Give the head and the rows of a file; the last row comes only if everything before it was whole."""
    try:
        with open(path, "rb") as raw, gzip.GzipFile("", "rb", fileobj=raw) as packed:
            lines = _Lines(io.BufferedReader(packed, 1 << 18), path.name)
            head = _head(lines)
            yield head, _rows(lines, head)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise BadFileError(path.name, "is cut off or damaged") from error


class _Lines:
    """Lines with their sha256 so far."""

    def __init__(self, file: Any, name: str) -> None:
        self.name = name
        self.sha = hashlib.sha256()
        self._file = file

    def next(self) -> bytes:
        line: bytes = self._file.readline(_LINE_LIMIT)
        if not line.endswith(b"\n"):
            raise BadFileError(self.name, "is cut off or damaged")
        return line

    def value(self, line: bytes) -> Any:
        try:
            return json.loads(line)
        except (ValueError, RecursionError):
            raise BadFileError(self.name, "is damaged") from None


def _head_line(head: Head) -> bytes:
    tables = {table.name: dict(table.columns) for table in head.tables}
    keys = {table.name: table.key for table in head.tables}
    words = {"format": FORMAT, **head._asdict(), "tables": tables, "keys": keys}
    return json.dumps(words, ensure_ascii=False).encode() + b"\n"


def _head(lines: _Lines) -> Head:
    line = lines.next()
    lines.sha.update(line)
    words = lines.value(line)
    if not isinstance(words, Mapping) or not str(words.get("format", "")).startswith(FAMILY):
        raise BadFileError(lines.name, "is not a backup of this program")
    if words["format"] != FORMAT:
        raise BadFileError(lines.name, "was written by a newer version of the program", "Update it and try again.")
    try:
        keys = words["keys"]
        tables = tuple(
            Table(str(name), tuple((str(column), str(kind)) for column, kind in columns.items()), tuple(keys[name]))
            for name, columns in words["tables"].items()
        )
        return Head(
            str(words["made_at"]),
            str(words["dialect"]),
            int(words["schema"]),
            str(words["database_id"]),
            int(words["epoch"]),
            tables,
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        raise BadFileError(lines.name, "is damaged") from None


def _rows(lines: _Lines, head: Head) -> Iterator[tuple[Table, Row]]:
    counts: Counter[str] = Counter()
    while True:
        line = lines.next()
        value = lines.value(line)
        if isinstance(value, dict):
            _check_end(lines, head, value, counts)
            return
        lines.sha.update(line)
        table = _table_of(lines, head, value)
        counts[table.name] += 1
        yield table, tuple(value[1:])


def _table_of(lines: _Lines, head: Head, value: Sequence[Any]) -> Table:
    try:
        table: Table = head.tables[value[0]]
    except (IndexError, TypeError, KeyError):
        raise BadFileError(lines.name, "is damaged") from None
    if len(value) != len(table.columns) + 1:
        raise BadFileError(lines.name, "is damaged")
    return table


def _check_end(lines: _Lines, head: Head, value: dict[str, Any], counts: Counter[str]) -> None:
    whole = {table.name: counts[table.name] for table in head.tables}
    if value.get("sha256") != lines.sha.hexdigest() or value.get("rows") != whole:
        raise BadFileError(lines.name, "was changed or damaged (its checksum is wrong)")
