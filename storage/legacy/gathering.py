"""Every old connection once, from the database and from the JSON files, before anything is written."""

import sqlite3
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from storage.legacy.json_sources import Source, complete_from, merge_copies
from storage.legacy.records import Translated, same_credentials, translate
from storage.legacy.shapes import CONNECTIONS, PREFIX, Shape, columns, quote

FROM_DATABASE = "cts.db"
FROM_FILES = "json"


class Old(NamedTuple):
    """One old record on its way: where it was (cts.db, or the file's name) and under which ids it is remembered."""

    place: str
    item: Translated
    ids: tuple[tuple[str, str], ...]


def rows(copy: sqlite3.Connection, shape: Shape) -> Iterator[Old]:
    """Yield the old connections in the order in which they were made; without the old table there are none."""
    table = PREFIX + CONNECTIONS
    names = list(columns(copy, table))
    if not names:
        return
    seen: Counter[str] = Counter()
    cursor = copy.execute(f"SELECT {', '.join(map(quote, names))} FROM {quote(table)} ORDER BY rowid")  # noqa: S608
    for number, row in enumerate(cursor, 1):
        item = translate(dict(zip(names, row, strict=True)), fallback_id=f"row {number}")
        seen[item.legacy_id] += 1
        if seen[item.legacy_id] > 1:
            # A table without a primary key may hold an id twice, and no row may be lost.
            item = item._replace(legacy_id=f"{item.legacy_id}#{seen[item.legacy_id]}")
        ids = ((FROM_DATABASE, item.legacy_id),)
        yield Old(FROM_DATABASE, item, ids if shape is Shape.A else (*ids, (FROM_FILES, item.legacy_id)))


def with_files(found: list[Old], sources: list[Source]) -> tuple[list[Old], list[str]]:
    """Add what only the JSON files hold. The database's record stands; it takes credentials that it does not have."""
    merged, sentences = merge_copies(sources)
    by_id = {
        old.item.legacy_id: index for index, old in enumerate(found) if (FROM_FILES, old.item.legacy_id) in old.ids
    }
    by_name: dict[tuple[str, str], list[int]] = {}
    for index, old in enumerate(found):
        if old.item.connection:
            by_name.setdefault((old.item.connection.name, old.item.connection.exchange), []).append(index)
    result = list(found)
    for source, item in merged:
        remembered = (FROM_FILES, item.legacy_id)
        match = by_id.get(item.legacy_id)
        if match is None:
            match = _same_account(result, by_name, item)
        if match is None:
            result.append(Old(source.name, item, (remembered,)))
            continue
        old = result[match]
        completed, differs = complete_from(old.item, item)
        result[match] = old._replace(item=completed, ids=tuple(dict.fromkeys((*old.ids, remembered))))
        if differs:
            sentences.append(
                f"{item.label}: {source.name} holds it too, with another API key; the one in cts.db came over."
            )
    return result, sentences


def _same_account(found: list[Old], by_name: dict[tuple[str, str], list[int]], item: Translated) -> int | None:
    if item.connection is None:
        return None
    for index in by_name.get((item.connection.name, item.connection.exchange), ()):
        theirs = found[index].item.connection
        if theirs and (
            not theirs.api_key_set or not item.connection.api_key_set or same_credentials(found[index].item, item)
        ):
            return index
    return None


def source_text(shape: Shape | None, sources: list[Source]) -> str:
    parts = [f"CTS v3.1 database, shape {shape.value}"] if shape else []
    names = [source.name for source in sources]
    if names:
        shown = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
        parts.append(f"CTS v3.1 files: {shown}")
    return "; ".join(parts)
