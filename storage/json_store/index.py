"""`connections.json`: what the list needs of every record, so that a start need not open 10,000 files.

It is a cache. Each entry says how its record's file looked to the disk; an entry whose file looks different by now, or
was changed too shortly before the index was written to be sure, is not believed. It is one JSON document whose lines
are decoded a few hundred records at a time, so that no other thread waits long for it. A line has columns, and of a
column in which all are alike but the first value: most flags are, and a start has half as much to decode.
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache, partial
from operator import itemgetter
from pathlib import Path
from typing import Any, Final, NamedTuple, cast

from models.connection_row import ConnectionRow
from storage.atomic_file import SYSTEM, BadFileError, FileCalls, read_capped, write_atomic
from storage.json_store.names import file_name
from storage.json_store.record_file import Identity, Record
from storage.list_rows import as_tags

FORMAT: Final = "cts-connections index 2"
LIMIT: Final = 512 * 1024 * 1024
LINE: Final = 250
"""Records on a line: about 2 ms of decoding."""

Signature = tuple[int, int, int, int]
"""Size, both stamps in nanoseconds, inode: a file that was replaced, edited or copied differs in one of them."""

NO_FILE: Final[Signature] = (-1, 0, 0, 0)

_LOOKS = ("size", "modified_ns", "changed_ns", "inode")
_COLUMNS = (*_LOOKS, "sha256", "waiting", "rejected", "deleted_at", *ConnectionRow._fields)
_AHEAD, _ROW = len(_LOOKS), len(_LOOKS) + 4
_TAGS = ConnectionRow._fields.index("tags") + _ROW
_TICK_NS: Final = 100_000_000
_COARSE_TICK_NS: Final = 2_100_000_000
# In a third of the time of sha256: it tells damage, and nobody's forgery.
_DIGEST_SIZE: Final = 32
_END: Final = b'\n], "blake2b": "'
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class Summary(NamedTuple):
    """What is kept in memory of each record. `row` is None where nothing is left to show, `deleted_at` "" if alive."""

    signature: Signature
    digest: str
    row: ConnectionRow | None
    deleted_at: str = ""
    waiting: int = 0
    rejected: int = 0


def signature(status: os.stat_result) -> Signature:
    return (status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)


def summary_of(record: Record, digest: str, looks: Signature) -> Summary:
    """Return the summary of a record whose file has the given digest and looks."""
    state = record.state
    counts = (len(record.pending), len(record.rejected))
    if state is None:
        return Summary(looks, digest, None, "", *counts)
    # By one call of C, as far as it goes: a start without an index does this for every record.
    *ahead, tags, color, key, secret, passphrase = _SHOWN(state.fields)
    parts = (record.id, *ahead, _tags(tags), color, bool(key), bool(secret), bool(passphrase))
    row = _make_row((*parts, state.revision, state.updated_at))
    return Summary(looks, digest, row, state.deleted_at or "", *counts)


def write_index(
    path: Path, identity: Identity, summaries: Iterable[Summary], written_ns: int, *, calls: FileCalls = SYSTEM
) -> None:
    """Write the index; `written_ns` is the time before the first summary was looked at. Raises OSError."""
    head = {
        "format": FORMAT,
        "database": {"id": identity.database_id, "epoch": identity.epoch},
        "written_ns": written_ns,
        "columns": _COLUMNS,
    }
    lines = [json.dumps(head)[:-1] + ', "records": [']
    batch: list[tuple[Any, ...]] = []
    groups: list[str] = []
    for summary in summaries:
        if summary.row is None or summary.signature == NO_FILE:
            continue
        batch.append((*summary.signature, *summary[1:2], *summary[4:], summary.deleted_at, *summary.row))
        if len(batch) == LINE:
            groups.append(_line(batch))
            batch = []
    if batch:
        groups.append(_line(batch))
    lines.append(",\n".join(groups))
    body = "\n".join(lines).encode()
    write_atomic(path, body + _END + _digest(body) + b'"}\n', backup=False, calls=calls)


def read_index(path: Path, files: Mapping[str, Signature]) -> tuple[Identity, dict[str, Summary]] | None:
    """Return the summaries, by id, that are true of `files`; None where there is no index that can be believed."""
    try:
        content = read_capped(path, LIMIT)
    except (BadFileError, OSError):
        return None
    cut = content.rfind(_END)
    start = cut + len(_END)
    if cut < 0 or content[start : start + 2 * _DIGEST_SIZE] != _digest(memoryview(content)[:cut]):
        return None
    lines = content[:cut].split(b"\n")
    del content
    try:
        head = json.loads(lines[0] + b"]}")
        if head["format"] != FORMAT or tuple(head["columns"]) != _COLUMNS:
            return None
        found: dict[str, Summary] = {}
        for line in lines[1:]:
            _add_fresh(found, json.loads(line.removesuffix(b",")) if line else [], files, head["written_ns"])
        return Identity(head["database"]["id"], head["database"]["epoch"]), found
    except (ValueError, TypeError, KeyError, IndexError, AttributeError):
        # Its digest fits and its content does not: another program's idea of an index.
        return None


def _line(batch: Sequence[tuple[Any, ...]]) -> str:
    return _encode([column[:1] if len(set(column)) == 1 else column for column in zip(*batch, strict=True)])


def _digest(body: bytes | memoryview) -> bytes:
    return hashlib.blake2b(body, digest_size=_DIGEST_SIZE).hexdigest().encode()


def _add_fresh(found: dict[str, Summary], columns: list[Any], files: Mapping[str, Signature], written: int) -> None:
    if not columns:
        return
    if len(columns) != len(_COLUMNS):
        raise ValueError("another number of columns")
    count = len(columns[_ROW])
    columns = [column * count if len(column) == 1 else column for column in columns]
    known: dict[tuple[str, ...], tuple[str, ...]] = {}
    columns[_TAGS] = [known.setdefault(tags, tags) for tags in map(tuple, columns[_TAGS])]
    ids: list[str] = columns[_ROW]
    rows = map(_make_row, zip(*columns[_ROW:], strict=True))
    looks = cast("list[Signature]", list(zip(*columns[:_AHEAD], strict=True)))
    digests, waiting, rejected, deleted = columns[_AHEAD:_ROW]
    entries = zip(
        ids, map(_make_summary, zip(looks, digests, rows, deleted, waiting, rejected, strict=True)), strict=True
    )
    # A whole line at a time where all of it is true, which is the rule.
    now = [files.get(each + ".json") for each in ids]
    if now == looks and max(columns[1]) + _COARSE_TICK_NS < written:
        found.update(entries)
        return
    for each, summary in entries:
        look = summary.signature
        if files.get(file_name(each)) == look and look[1] + _tick(look[1]) < written:
            found[each] = summary


_SHOWN = itemgetter(*(name.removesuffix("_set") for name in ConnectionRow._fields[1:-2]))
_make_row: Callable[[tuple[Any, ...]], ConnectionRow] = partial(tuple.__new__, ConnectionRow)
_make_summary: Callable[[tuple[Any, ...]], Summary] = partial(tuple.__new__, Summary)


def _tick(stamp: int) -> int:
    """Return how long after a change another one may leave the same stamp: old file systems count in 2 seconds."""
    return _TICK_NS if stamp % 1_000_000_000 else _COARSE_TICK_NS


@lru_cache(maxsize=1024)
def _tags(text: str) -> tuple[str, ...]:
    return as_tags(text)
