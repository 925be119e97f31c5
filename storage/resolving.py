"""Conflicts are listed and settled where all desktops see them: in the database."""

from collections.abc import Mapping
from typing import Any

from models.change import Choice, Conflict
from models.problem import StoreError
from storage.applying import AT_ONCE, values_of
from storage.conflicts import KeptConflict, read_conflict
from storage.database_repository import DatabaseRepository
from storage.list_rows import as_text
from storage.open_database import OpenDatabase
from storage.refusals import settled_meanwhile
from storage.sql_texts import conflict_texts, several_text


def kept_conflicts(database: OpenDatabase) -> tuple[Conflict, ...]:
    """Return every conflict that waits for a person, with what the database holds now as theirs."""
    kept = _read(database)
    current = _values(database, [each.connection_id for each in kept])
    return tuple(each.shown(current.get(each.connection_id)) for each in kept)


def resolve(
    repository: DatabaseRepository,
    database: OpenDatabase | None,
    choices: Mapping[str, Choice],
    seen: Mapping[str, str],
) -> None:
    """Settle conflicts by their ids, each record in one transaction; `seen` is what each conflict showed, if known.

    Raises StoreError: NOT_FOUND for unknown ids, CONFLICT where what was seen has changed since.
    """
    assert database is not None
    known = {each.id: each for each in _read(database)}
    missing = [each for each in choices if each not in known]
    if missing:
        raise StoreError(settled_meanwhile())
    by_record: dict[str, list[KeptConflict]] = {}
    for chosen in choices:
        by_record.setdefault(known[chosen].connection_id, []).append(known[chosen])
    for connection_id, conflicts in by_record.items():
        mine: dict[str, Any] = {}
        for each in conflicts:
            if choices[each.id] is Choice.MINE:
                mine |= each.mine
        marks = {each.fields: seen[each.id] for each in conflicts if each.id in seen}
        repository.settle(connection_id, mine, [each.id for each in conflicts], marks)


def _read(database: OpenDatabase) -> list[KeptConflict]:
    found = []
    with database.read() as statements:
        for row in statements.execute(conflict_texts(database.dialect).conflicts).fetchall():
            try:
                found.append(read_conflict(row))
            except (ValueError, TypeError, KeyError):
                continue
    return found


def _values(database: OpenDatabase, ids: list[str]) -> dict[str, dict[str, Any]]:
    found = {}
    wanted = list(dict.fromkeys(ids))
    with database.read() as statements:
        for start in range(0, len(wanted), AT_ONCE):
            group = tuple(wanted[start : start + AT_ONCE])
            for row in statements.execute(several_text(database.dialect, len(group)), group).fetchall():
                found[as_text(row[0])] = values_of(row)
    return found
