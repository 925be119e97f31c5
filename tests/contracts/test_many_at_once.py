"""Many records in one transaction: written together, with every value as if it had been written alone."""

import uuid
from dataclasses import replace

import pytest

from models.connection import NEVER
from models.problem import Category, StoreError
from storage.applying import MANY
from storage.database_repository import DatabaseRepository
from storage.open_database import OpenDatabase
from storage.operations import Kind, Operation, new_op_ids
from tests.store_kit import a_connection

ODD = ("", "\x1f", "\x1e", "a\x1fb", "a\x1e", "\\N", "NULL", "{}", '"', "\\", "'", "%s", "line\nline\r\n", "é💶", "\t")


@pytest.fixture
def repository(database: OpenDatabase) -> DatabaseRepository:
    return DatabaseRepository(database, "here")


@pytest.mark.parametrize("lot", [1, 2, 700])
def test_every_value_stays_what_it_is(repository: DatabaseRepository, lot: int) -> None:
    made = []
    for number in range(lot):
        connection = a_connection(f"n {number}", extra={"k": ODD[number % len(ODD)]}, leverage_limit=number or None)
        # What the form would refuse, another program or an import can hold.
        made.append(replace(connection, note=ODD[number % len(ODD)], enabled=number % 2 == 0, volume_factor=0.1))
    rows = repository.add(made)
    assert [row.id for row in rows] == [connection.id for connection in made]
    for connection in made[:40]:
        read = repository.get(connection.id)
        assert read is not None
        assert replace(read, created_at=NEVER, updated_at=NEVER) == connection
    assert repository.rows() == sorted(rows, key=lambda row: (row.name.casefold(), row.id))


def test_a_taken_name_refuses_all_of_them(repository: DatabaseRepository) -> None:
    repository.add([a_connection("n 5")])
    with pytest.raises(StoreError) as refused:
        repository.add([a_connection(f"n {number}") for number in range(20)])
    assert refused.value.problem.category is Category.CONSTRAINT
    assert len(repository.rows()) == 1


@pytest.mark.parametrize("count", [3, MANY + 1])
def test_taken_names_get_suffixes_that_nobody_has(repository: DatabaseRepository, count: int) -> None:
    repository.add([a_connection(name) for name in ("n", "n (2)", "other")])
    rows = repository.add([a_connection("n" if number < 3 else f"n {number}") for number in range(count)], rename=True)
    assert [row.name for row in rows[:3]] == ["n (3)", "n (4)", "n (5)"]
    assert len(repository.names()) == count + 3


def test_a_name_that_is_given_up_is_free_at_once(repository: DatabaseRepository) -> None:
    first, second = a_connection("A"), a_connection("B")
    repository.add([first, second])
    steps = ((first.id, "A", "C"), (second.id, "B", "A"), (first.id, "C", "B"))
    operations = [
        Operation("d", number, each, Kind.EDIT, 1, {"name": new}, base={"name": old})
        for number, (each, old, new) in enumerate(steps)
    ]
    outcomes = repository.run(operations, replay=True)
    assert [outcome.renamed_to for outcome in outcomes] == [None, None, None]
    assert repository.find("A") == [second.id]
    assert repository.find("B") == [first.id]


def test_ids_of_a_lot_are_uuids_that_no_other_lot_has() -> None:
    lots = [new_op_ids(500), new_op_ids(500), new_op_ids(1)]
    every = [each for lot in lots for each in lot]
    assert len(set(every)) == 1_001
    assert all(str(uuid.UUID(each)) == each for each in every)
