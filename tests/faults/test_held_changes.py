"""F26, F42, F49: changes that wait, and a database that forgot, that a newer program has, that two programs reach."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from models.problem import Category, Problem, StoreError
from models.status import Backend, StoreState
from storage.migrator.plan import NEWEST
from tests.bare_postgres import BareServer
from tests.cheap_passphrases import make_cheap
from tests.databases import MIGRATIONS, connect, migrator
from tests.desks import Desk, Office
from tests.store_kit import Kit

LONG_AGO = "now() - interval '91 days'"


@pytest.fixture(autouse=True)
def _cheap_passphrases(monkeypatch: pytest.MonkeyPatch) -> None:
    make_cheap(monkeypatch)


@pytest.fixture(scope="module")
def template(postgres_server: BareServer) -> Iterator[str]:
    postgres_server.sql("CREATE DATABASE held_template")
    with closing(connect(postgres_server.url("held_template"))) as raw:
        migrator(raw, MIGRATIONS).apply()
    yield "held_template"
    postgres_server.sql("DROP DATABASE held_template WITH (FORCE)")


@pytest.fixture
def office(postgres_server: BareServer, template: str, tmp_path: Path) -> Iterator[Office]:
    opened = Office(postgres_server, tmp_path, template)
    yield opened
    opened.close()


def edit(desk: Desk, name: str, **fields: object) -> None:
    desk.kit.connections.edit(desk.kit.connections.find(name).id, fields)


def remove(desk: Desk, name: str) -> None:
    desk.kit.connections.remove([desk.kit.connections.find(name).id])


def update(office: Office) -> None:
    """Do what the first start of a newer version does to the database."""
    office.rows(
        "INSERT INTO migrations (number, name, checksum, applied_at, milliseconds, program_version, state)"
        f" VALUES ({NEWEST + 1}, 'later', 'x', now(), 1, '9.0.0', 'applied')"
    )
    office.rows("ALTER TABLE exchange_connections ADD COLUMN from_the_future text NOT NULL DEFAULT ''")


def test_f26_a_desk_that_was_away_for_longer_than_deletions_are_remembered(office: Office) -> None:
    away, other = office.desk(), office.desk()
    away.kit.add("deleted", "deleted and edited", "deleted twice", "edited", "untouched")
    other.settle()
    away.cut()
    away.hurry()
    edit(away, "deleted and edited", note="from the road")
    remove(away, "deleted twice")
    edit(away, "edited", color="#111111")
    assert [each.name for each in away.kit.store.changes().waiting] == ["deleted and edited", "deleted twice", "edited"]
    for name in ("deleted", "deleted and edited", "deleted twice"):
        remove(other, name)
    edit(other, "edited", note="from town")
    other.kit.add("new")
    # Three months go by, and the next desk that opens the database makes it forget.
    office.rows(f"UPDATE deleted_connections SET deleted_at = {LONG_AGO}")
    office.rows(f"UPDATE applied_operations SET applied_at = {LONG_AGO}")
    office.desk()
    assert office.rows("SELECT count(*) FROM deleted_connections") == [(0,)]
    away.mend()
    away.settle()
    expected = [("edited", "from town", "#111111"), ("new", "", ""), ("untouched", "", "")]
    assert office.rows("SELECT name, note, color FROM exchange_connections ORDER BY name") == expected
    # Nothing comes back to life by itself, at neither end.
    assert away.kit.names() == [name for name, _, _ in expected]
    assert {row.name for row in away.kit.store._journal.records.rows()} == {name for name, _, _ in expected}
    # What was edited in vain is not lost without a word.
    (refused,) = away.kit.store.changes().rejected
    assert (refused.name, refused.fields, refused.problem.category) == (
        "deleted and edited",
        ("note",),
        Category.NOT_FOUND,
    )
    assert "“deleted and edited” is no longer in the database" in refused.problem.text
    assert away.kit.store.status.waiting == 0


def test_f49_nothing_is_sent_into_the_database_of_a_newer_program_and_nothing_is_lost(office: Office) -> None:
    desk = office.desk()
    desk.kit.add("Main")
    desk.cut()
    desk.hurry()
    edit(desk, "Main", note="from the road")
    desk.kit.add("New")
    assert desk.kit.state() is StoreState.FALLBACK
    update(office)
    before = office.rows("SELECT * FROM exchange_connections")
    desk.mend()
    for _ in range(4):
        desk.hurry()
        desk.clock.now += 70
        desk.kit.store.poll()
    problem = desk.kit.problem
    assert problem is not None
    assert problem.category is Category.SCHEMA
    assert f"migration {NEWEST + 1:03}" in problem.text
    assert problem.solution == "Update the program."
    assert desk.kit.state() is StoreState.READ_ONLY
    assert office.rows("SELECT * FROM exchange_connections") == before
    assert office.rows("SELECT count(*) FROM applied_operations") == [(1,)]
    assert [each.name for each in desk.kit.store.changes().waiting] == ["Main", "New"]
    # So it is after a new start of the same old program, and with the update everything goes home.
    desk.kit.store.close()
    desk.kit = desk.open()
    assert desk.kit.store.status.waiting == 2
    assert office.rows("SELECT count(*) FROM applied_operations") == [(1,)]
    desk.kit.store.close()
    office.rows(f"DELETE FROM migrations WHERE number = {NEWEST + 1}")
    desk.kit = desk.open()
    desk.settle()
    assert office.rows("SELECT name, note FROM exchange_connections ORDER BY name") == [
        ("Main", "from the road"),
        ("New", ""),
    ]
    assert desk.kit.store.status.waiting == 0


def test_f49_a_desk_that_is_on_stops_writing_when_another_updates_the_database(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.machine.SCHEMA_SECONDS", 0.0)
    desk = office.desk()
    desk.kit.add("Main")
    assert desk.kit.state() is StoreState.ONLINE
    update(office)
    desk.hurry()
    desk.kit.store.poll()
    assert desk.kit.state() is StoreState.READ_ONLY
    assert desk.kit.problem is not None
    assert desk.kit.problem.category is Category.SCHEMA
    assert desk.kit.names() == ["Main"]
    with pytest.raises(StoreError) as caught:
        edit(desk, "Main", note="in the old way")
    assert caught.value.problem.category is Category.SCHEMA
    assert office.rows("SELECT note, revision FROM exchange_connections") == [("", 1)]


def test_f42_a_second_program_on_the_folder_sends_nothing_of_the_first(office: Office) -> None:
    desk = office.desk()
    desk.kit.add("Main")
    desk.cut()
    desk.hurry()
    edit(desk, "Main", note="from the road")
    desk.kit.add("New")
    desk.mend()
    # The first is suspended: it has the folder and does not look. The second finds the database in good health.
    held = Problem(Category.IN_USE, "Another window has this data folder.", "Use that one.")
    second = Kit(desk.kit.folder.root, device=desk.name, target=desk.target, clock=desk.clock, held=held)
    try:
        for _ in range(4):
            desk.clock.now += 70
            second.store.poll()
        assert second.state() is StoreState.READ_ONLY
        assert office.rows("SELECT count(*) FROM applied_operations") == [(1,)]
    finally:
        second.store.close()
    desk.settle()
    assert desk.kit.store.status.backend is Backend.POSTGRESQL
    assert office.rows("SELECT name, note FROM exchange_connections ORDER BY name") == [
        ("Main", "from the road"),
        ("New", ""),
    ]
    assert office.rows("SELECT count(*), count(DISTINCT op_id) FROM applied_operations") == [(3, 3)]
