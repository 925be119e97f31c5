"""The names in `data/connections`: which files are ours, which CTS v3.1 left there, and who makes room for whom."""

import hashlib
import os
import re
from contextlib import suppress
from pathlib import Path
from typing import Final

from models.connection_rules import is_connection_id
from models.problem import StoreError
from storage.atomic_file import BadFileError, backup_of, fsync_folder, read_capped

INDEX_NAME: Final = "connections.json"
INDEX_FAMILY: Final = b'{"format": "cts-connections index '
ASIDE: Final = ".cts31"
"""Stands before `.json` in the name of a file of CTS v3.1 that had to make room; the take-over still reads it."""

LEGACY_LIMIT: Final = 16 * 1024 * 1024
# A UUID or, for an id that is none, its SHA-256: one pattern, because a start asks this of every file of the folder.
_RECORD = re.compile(r"(?:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9a-f]{64})\.json")
# Keys of a CTS v3.1 record that ours never have: they tell whose a file was that can no longer be read.
_LEGACY_KEYS = (b'"exchange_id"', b'"api_type"', b'"is_testnet"', b'"is_enabled"', b'"is_live_trade"')


def file_name(connection_id: str) -> str:
    """Return the name of a record's file. An id that is no UUID (plain SQL may write any) never becomes a path."""
    if is_connection_id(connection_id):
        return f"{connection_id}.json"
    return hashlib.sha256(connection_id.encode("utf-8", "surrogatepass")).hexdigest() + ".json"


def is_record_name(name: str) -> bool:
    """Tell whether a file of this name would be one of our records."""
    return _RECORD.fullmatch(name) is not None


def is_our_index(path: Path) -> bool:
    """Tell by its first bytes: the whole of it is too much to read for that."""
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
    try:
        descriptor = os.open(path, flags)
    except OSError:
        return False
    try:
        return os.read(descriptor, len(INDEX_FAMILY)) == INDEX_FAMILY
    except OSError:
        return False
    finally:
        os.close(descriptor)


def is_of_cts31(path: Path) -> bool:
    """Tell whether a file holds records of CTS v3.1, or what is left of one."""
    try:
        content = read_capped(path, LEGACY_LIMIT)
    except (BadFileError, OSError):
        return False
    from storage.json_file import load_json
    from storage.legacy.json_sources import records_in

    try:
        return records_in(load_json(content, name=path.name), path.stem) is not None
    except StoreError:
        return b'"cts-connections ' not in content and any(key in content for key in _LEGACY_KEYS)


def move_aside(path: Path) -> Path:
    """Give a file of CTS v3.1, with its `.bak`, another name in its folder; return it. Raises OSError."""
    target = path.with_name(f"{path.stem}{ASIDE}.json")
    number = 1
    while os.path.lexists(target):
        number += 1
        target = path.with_name(f"{path.stem}-{number}{ASIDE}.json")
    path.rename(target)
    if is_of_cts31(backup_of(path)):
        with suppress(FileNotFoundError):
            backup_of(path).rename(backup_of(target))
    fsync_folder(path.parent)
    return target
