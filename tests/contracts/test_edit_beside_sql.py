"""The usual edit is one statement on a server; what plain SQL did meanwhile counts all the same, on both databases."""

from dataclasses import replace
from typing import Any

import pytest

from models.connection import Connection
from models.problem import ConflictError, StoreError
from models.secret import SealedSecret
from storage.database_repository import DatabaseRepository
from storage.open_database import OpenDatabase
from tests.store_kit import a_connection


@pytest.fixture
def desk(database: OpenDatabase) -> DatabaseRepository:
    repository = DatabaseRepository(database, "desk")
    repository.add([a_connection("First", note="base", tags=("a", "b"))])
    return repository


def first(desk: DatabaseRepository) -> Connection:
    (row,) = desk.rows()
    found = desk.get(row.id)
    assert found is not None
    return found


def plainly(database: OpenDatabase, change: str) -> None:
    with database.write() as statements:
        statements.execute(f"UPDATE exchange_connections SET {change}")


def edits(database: OpenDatabase) -> int:
    with database.read() as statements:
        found = statements.execute("SELECT count(*) FROM applied_operations WHERE kind = 'edit'").fetchone()
    return int(found[0])


@pytest.mark.parametrize("raised", ["", ", revision = revision + 1"])
def test_the_same_field_changed_by_plain_sql_is_a_conflict(
    desk: DatabaseRepository, database: OpenDatabase, raised: str
) -> None:
    seen = first(desk)
    plainly(database, f"note = 'theirs'{raised}")
    with pytest.raises(ConflictError):
        desk.update(seen, replace(seen, note="mine"))
    assert first(desk).note == "theirs"
    assert edits(database) == 0


@pytest.mark.parametrize("raised", ["", ", revision = revision + 1"])
def test_another_field_changed_by_plain_sql_stays(
    desk: DatabaseRepository, database: OpenDatabase, raised: str
) -> None:
    seen = first(desk)
    plainly(database, f"color = '#123456'{raised}")
    row = desk.update(seen, replace(seen, note="mine"))
    now = first(desk)
    assert (now.note, now.color, row.color) == ("mine", "#123456", "#123456")
    assert now.revision == row.revision == seen.revision + 1 + bool(raised)
    assert edits(database) == 1


def test_half_of_a_unit_changed_by_plain_sql_is_not_mixed(desk: DatabaseRepository, database: OpenDatabase) -> None:
    seen = first(desk)
    plainly(database, "api_secret = 'cts1.theirs'")
    with pytest.raises(ConflictError):
        desk.update(seen, replace(seen, api_key=SealedSecret("cts1.mine")))
    assert first(desk).api_key == seen.api_key


def test_what_plain_sql_wrote_in_its_own_way_can_be_edited(desk: DatabaseRepository, database: OpenDatabase) -> None:
    plainly(database, 'tags = \'["a" ,"b"]\', extra = \'{"b": 1,"a":2}\', api_key = \'\', api_secret = NULL')
    seen = first(desk)
    desk.update(seen, replace(seen, tags=("c",), extra={"a": 3}, api_key=SealedSecret("cts1.new")))
    now = first(desk)
    assert (now.tags, now.extra, now.api_key) == (("c",), {"a": 3}, SealedSecret("cts1.new"))
    assert edits(database) == 1


@pytest.mark.parametrize(
    "fields",
    [
        {"leverage_limit": 25},
        {"volume_factor": 0.1, "live_trade": True},
        {"volume_factor": 1e-7},
        {"api_key": SealedSecret("cts1.one"), "api_secret": SealedSecret("cts1.two")},
        {"exchange": "okx", "note": "100 % 'of' \\ it"},
        {"extra": {"%s": "%(x)s"}, "tags": ("ä", "%")},
    ],
)
def test_every_kind_of_value_goes_there_and_back(
    desk: DatabaseRepository, database: OpenDatabase, fields: dict[str, Any]
) -> None:
    before = first(desk)
    desk.update(before, replace(before, **fields))
    changed = first(desk)
    assert replace(changed, revision=0, updated_at=before.updated_at) == replace(before, **fields, revision=0)
    desk.update(changed, replace(changed, **{name: getattr(before, name) for name in fields}))
    back = first(desk)
    assert replace(back, revision=0, updated_at=before.updated_at) == replace(before, revision=0)
    assert (back.revision, edits(database)) == (before.revision + 2, 2)


def test_what_plain_sql_deleted_is_gone(desk: DatabaseRepository, database: OpenDatabase) -> None:
    seen = first(desk)
    with database.write() as statements:
        statements.execute("DELETE FROM exchange_connections")
    with pytest.raises(StoreError):
        desk.update(seen, replace(seen, note="mine"))
    assert edits(database) == 0
