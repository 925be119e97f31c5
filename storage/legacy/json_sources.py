"""The JSON files where CTS v3.1 kept connections: arrays, or an object per file, told from ours by their content."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, NamedTuple

from models.problem import StoreError
from storage.atomic_file import read_capped
from storage.json_file import load_json
from storage.json_store.names import ASIDE, INDEX_NAME, is_our_index, is_record_name
from storage.legacy.records import NO_ID, Translated, same_credentials, translate

FILE_LIMIT: Final = 16 * 1024 * 1024
RECORD_LIMIT: Final = 100_000

_SIGNS = {"exchange", "exchange_id", "api_type", "api_key", "api_secret", "is_testnet", "is_enabled"}


class Source(NamedTuple):
    """One file. `digest` is what it is remembered by, `why` says why it could not be read ("" where it could)."""

    path: Path
    name: str
    digest: str
    items: tuple[Translated, ...] = ()
    why: str = ""


def candidates(root: Path, *, fresh: bool) -> Iterator[tuple[Path, str]]:
    """Yield the files that may be of CTS v3.1, with their names within the folder.

    A file that is named as a record is one of ours, unless the folder is `fresh`: then it has to be looked into.
    """
    array = root / "connections.json"
    if array.is_file() and not array.is_symlink():
        yield array, array.name
    folder = root / "connections"
    try:
        entries = sorted(folder.iterdir())
    except OSError:
        return
    for path in entries:
        ours = (is_record_name(path.name) and not fresh) or (path.name == INDEX_NAME and is_our_index(path))
        if path.suffix == ".json" and not ours and path.is_file() and not path.is_symlink():
            yield path, f"{folder.name}/{path.name}"


def read_sources(root: Path, known: Mapping[str, str], *, fresh: bool) -> list[Source]:
    """Return the files that hold CTS v3.1 records, or are damaged, and are not `known` (name to digest)."""
    found = []
    for path, name in candidates(root, fresh=fresh):
        source = _read(path, name, known)
        if source is not None:
            found.append(source)
    return found


def _read(path: Path, name: str, known: Mapping[str, str]) -> Source | None:
    try:
        content = read_capped(path, FILE_LIMIT)
    except (StoreError, OSError) as error:
        why = error.problem.text if isinstance(error, StoreError) else f"{name} cannot be read."
        return None if known.get(name) == why else Source(path, name, why, why=why)
    digest = hashlib.sha256(content).hexdigest()
    # By content: our own records move a file of CTS v3.1 to another name where they need its own.
    if digest in known.values():
        return None
    try:
        value = load_json(content, name=name)
    except StoreError as error:
        return Source(path, name, digest, why=error.problem.text)
    records = records_in(value, path.stem.removesuffix(ASIDE))
    if records is None:
        return None
    return Source(path, name, digest, tuple(translate(raw, fallback_id=spare) for spare, raw in records))


def records_in(value: Any, stem: str) -> list[tuple[str, dict[str, Any]]] | None:
    """Return the CTS v3.1 records in a JSON value, each with an id to use where it has none; None: it is not of CTS."""
    if isinstance(value, dict) and "format" in value:
        return None
    if isinstance(value, dict) and isinstance(value.get("connections"), list | dict):
        value = value["connections"]
    if isinstance(value, dict):
        return [(stem, value)] if _SIGNS & set(value) else _by_id(value)
    if not isinstance(value, list) or len(value) > RECORD_LIMIT:
        return None
    records = [
        (_identity(raw), raw) for raw in value if isinstance(raw, dict) and "format" not in raw and _SIGNS & set(raw)
    ]
    return records or None


def _by_id(value: dict[str, Any]) -> list[tuple[str, dict[str, Any]]] | None:
    """Return the records of an object that holds each under its id."""
    if len(value) > RECORD_LIMIT:
        return None
    records = [
        (key, raw) for key, raw in value.items() if isinstance(raw, dict) and "format" not in raw and _SIGNS & set(raw)
    ]
    return records or None


def _identity(raw: dict[str, Any]) -> str:
    """Return an id for a record without one, the same in every copy of it."""
    known = [str(raw.get(name)) for name in ("name", "exchange", "api_type", "api_key")]
    return NO_ID + hashlib.sha256("\0".join(known).encode("utf-8", "replace")).hexdigest()[:16]


def merge_copies(sources: list[Source]) -> tuple[list[tuple[Source, Translated]], list[str]]:
    """Return every record once, and sentences about copies that were left out because they differ.

    The same id in an array and in a file is one record: the one changed last, and at equal stamps the record file. A
    copy without credentials takes them from another that has them.
    """
    by_id: dict[str, list[tuple[Source, Translated]]] = {}
    for source in sources:
        for item in _told_apart(source.items):
            by_id.setdefault(item.legacy_id, []).append((source, item))
    merged, sentences = [], []
    for copies in by_id.values():
        copies.sort(key=_standing, reverse=True)
        source, item = copies[0]
        for other_source, other in copies[1:]:
            item, differs = complete_from(item, other)
            if differs:
                sentences.append(
                    f"{item.label}: {other_source.name} holds it too, with another API key;"
                    f" the one in {source.name} came over."
                )
        merged.append((source, item))
    return merged, sentences


def _told_apart(items: Iterable[Translated]) -> Iterator[Translated]:
    """Yield the records of one file; where two keys share an id there, they are two accounts, and both come over."""
    by_id: dict[str, list[Translated]] = {}
    for item in items:
        others = by_id.setdefault(item.legacy_id, [])
        if others and all(_another_key(item, other) for other in others):
            yield item._replace(legacy_id=f"{item.legacy_id}#{len(others) + 1}")
        else:
            yield item
        others.append(item)


def _another_key(item: Translated, other: Translated) -> bool:
    keys = [getattr(one.connection, "api_key", None) for one in (item, other)]
    return None not in keys and keys[0] != keys[1]


def complete_from(item: Translated, copy: Translated) -> tuple[Translated, bool]:
    """Return `item` with the credentials of a copy where it has none, and whether the copy holds different ones."""
    item = item._replace(secrets=tuple(dict.fromkeys(item.secrets + copy.secrets)))
    if item.connection is None or copy.connection is None or not copy.connection.api_key_set:
        return item, False
    if item.connection.api_key_set:
        return item, not same_credentials(item, copy)
    theirs = copy.connection
    filled = replace(
        item.connection, api_key=theirs.api_key, api_secret=theirs.api_secret, api_passphrase=theirs.api_passphrase
    )
    return item._replace(connection=filled), False


def _standing(copy: tuple[Source, Translated]) -> tuple[float, bool]:
    source, item = copy
    stamp = item.connection.updated_at.timestamp() if item.connection else 0.0
    return stamp, source.path.stem == item.legacy_id
