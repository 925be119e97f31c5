"""Operations that arrive late: each takes effect once, and what others stored meanwhile is never written over."""

from collections.abc import Mapping
from dataclasses import replace
from itertools import count
from typing import Any

import pytest

from models.connection import Connection
from storage.applying import Applied, Outcome
from storage.connection_codec import stored
from storage.database_repository import DatabaseRepository
from storage.open_database import OpenDatabase
from storage.operations import Kind, Operation
from tests.store_kit import a_connection

_numbers = count(1)


class Desk:
    """Another desktop in `repository`; this one's operations come late."""

    def __init__(self, database: OpenDatabase) -> None:
        self.repository = DatabaseRepository(database, "other")
        self.database = database
        self.first = a_connection("First", note="base")
        self.repository.add([self.first])

    def operation(self, kind: Kind, changes: Mapping[str, Any], base: Mapping[str, Any], each: str = "") -> Operation:
        return Operation("late", next(_numbers), each or self.first.id, kind, 1, changes, base=base)

    def note(self, new: str, old: str = "base") -> Operation:
        return self.operation(Kind.EDIT, {"note": new}, {"note": old})

    def arrive(self, *operations: Operation) -> list[Outcome]:
        return self.repository.run(operations, replay=True)

    def theirs(self, **fields: Any) -> None:
        base = self.now
        self.repository.update(base, replace(base, **fields))

    @property
    def now(self) -> Connection:
        found = self.repository.get(self.first.id)
        assert found is not None
        return found

    def conflicts(self) -> list[tuple[str, str]]:
        with self.database.read() as statements:
            return list(statements.execute("SELECT op_id, mine FROM conflicts ORDER BY mine").fetchall())


@pytest.fixture
def desk(database: OpenDatabase) -> Desk:
    return Desk(database)


def test_what_arrives_again_after_somebody_changed_it_back_does_nothing(desk: Desk) -> None:
    operation = desk.note("late")
    assert [each.state for each in desk.arrive(operation)] == [Applied.APPLIED]
    desk.theirs(note="base")
    for lot in ([operation], [operation, desk.operation(Kind.EDIT, {"color": "#ffffff"}, {"color": ""})]):
        assert desk.arrive(*lot)[0].state is Applied.ALREADY
    assert (desk.now.note, desk.now.color, desk.now.revision) == ("base", "#ffffff", 4)
    assert desk.conflicts() == []


def test_of_two_changes_of_one_place_the_second_waits_for_a_person(desk: Desk) -> None:
    desk.theirs(note="theirs")
    first, second = desk.note("mine 1"), desk.note("mine 2", old="mine 1")
    for operation in (first, second):
        (outcome,) = desk.arrive(operation)
        assert outcome.state is Applied.CONFLICT
    assert desk.now.note == "theirs"
    assert desk.conflicts() == [(second.op_id, '{"note": "mine 2"}')]


def test_a_new_record_whose_id_is_there_writes_over_nothing(desk: Desk) -> None:
    mine = replace(desk.first, note="mine", color="#ffffff")
    (outcome,) = desk.arrive(desk.operation(Kind.ADD, stored(mine), {}))
    assert outcome.state is Applied.CONFLICT
    assert (desk.now.note, desk.now.color) == ("base", desk.first.color)
    assert [mine for _, mine in desk.conflicts()] == ['{"color": "#ffffff"}', '{"note": "mine"}']


@pytest.mark.parametrize("raised", [0, 1])
def test_what_plain_sql_changed_is_not_deleted_unseen(desk: Desk, raised: int) -> None:
    seen = stored(desk.now)
    with desk.database.write() as statements:
        statements.execute(f"UPDATE exchange_connections SET note = 'by plain SQL', revision = revision + {raised}")
    (outcome,) = desk.arrive(desk.operation(Kind.REMOVE, {}, seen))
    assert (outcome.state, desk.now.note) == (Applied.MERGED, "by plain SQL")
    assert "delete it again" in outcome.told


def test_what_was_changed_and_changed_back_is_deleted(desk: Desk) -> None:
    seen = stored(desk.now)
    desk.theirs(note="for a moment")
    desk.theirs(note="base")
    (outcome,) = desk.arrive(desk.operation(Kind.REMOVE, {}, seen))
    assert outcome.state is Applied.APPLIED
    assert desk.repository.rows() == []


def test_a_deleted_records_name_is_free_in_the_same_lot(desk: Desk) -> None:
    new = a_connection("First", note="new")
    outcomes = desk.arrive(
        desk.operation(Kind.REMOVE, {}, stored(desk.now)), desk.operation(Kind.ADD, stored(new), {}, new.id)
    )
    assert [each.renamed_to for each in outcomes] == [None, None]
    assert [(row.id, row.name) for row in desk.repository.rows()] == [(new.id, "First")]


def test_a_record_comes_back_under_a_free_name(desk: Desk) -> None:
    desk.repository.remove([desk.first.id])
    desk.repository.add([a_connection("First")])
    (outcome,) = desk.arrive(desk.note("late"))
    assert (outcome.state, desk.now.name, desk.now.note) == (Applied.MERGED, "First (2)", "late")
    assert "brought it back" in outcome.told
