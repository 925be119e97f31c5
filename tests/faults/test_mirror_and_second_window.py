"""The record files follow what plain SQL changed while the program was off, and are what a second window shows."""

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from models.connection import Connection
from models.problem import Category, Problem, StoreError
from models.status import Backend, StoreState
from storage.migrator.runner import Migrator
from storage.repository import Repository
from tests.bare_postgres import BareServer
from tests.cheap_passphrases import make_cheap
from tests.databases import connect
from tests.desks import Office
from tests.store_kit import MIGRATIONS, Kit, open_kit

HELD = Problem(Category.IN_USE, "Another window has the folder.", "Use that one.")


@pytest.fixture
def office(postgres_server: BareServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    make_cheap(monkeypatch)
    postgres_server.sql("CREATE DATABASE mirror_template")
    raw = connect(postgres_server.url("mirror_template"))
    Migrator(raw, MIGRATIONS, backup=lambda: None).apply()
    raw.close()
    opened = Office(postgres_server, tmp_path, "mirror_template")
    yield opened
    opened.close()
    postgres_server.sql("DROP DATABASE mirror_template WITH (FORCE)")


def mirrored(kit: Kit) -> dict[str, tuple[str, bool]]:
    """Let the mirror catch up; return what it lists."""
    until = time.monotonic() + 20
    kit.store.poll()
    while kit.store._journal.lag and time.monotonic() < until:
        kit.store.poll()
        time.sleep(0.02)
    return {row.name: (row.exchange, row.enabled) for row in kit.store._journal.records.rows()}


def differing(kit: Kit) -> int:
    journal = kit.store._journal
    mine = {row.id: row for row in journal.records.rows()}
    return journal.compare(mine, {row.id: row for row in kit.store.repository.rows()})


def test_what_plain_sql_changed_while_the_program_was_off_is_mirrored(tmp_path: Path) -> None:
    root = tmp_path / "data"
    with open_kit(root) as kit:
        kit.add("one", "two", "three")
        mirrored(kit)
    with closing(sqlite3.connect(root / "cts.db")) as other, other:
        other.execute("UPDATE exchange_connections SET exchange = 'okx', enabled = 1 - enabled WHERE name = 'one'")
        other.execute("DELETE FROM exchange_connections WHERE name = 'two'")
        other.execute("INSERT INTO exchange_connections (id, name, exchange) VALUES ('odd', 'four', 'bybit')")
    with open_kit(root) as kit:
        found = mirrored(kit)
        assert found == {row.name: (row.exchange, row.enabled) for row in kit.store.repository.rows()}
        assert sorted(found) == ["four", "one", "three"]
        assert found["one"][0] == "okx"
        assert differing(kit) == 0


def test_what_plain_sql_changed_on_a_server_is_mirrored(office: Office) -> None:
    desk = office.desk()
    desk.kit.add("one", "two")
    mirrored(desk.kit)
    desk.kit.store.close()
    office.rows("UPDATE exchange_connections SET exchange = 'okx' WHERE name = 'one'")
    office.rows("INSERT INTO exchange_connections (id, name, exchange) VALUES (%s, 'three', 'bybit')", "odd")
    desk.crash()
    desk.settle()
    assert {name: exchange for name, (exchange, _) in mirrored(desk.kit).items()} == {
        "one": "okx",
        "two": "bybit",
        "three": "bybit",
    }
    assert differing(desk.kit) == 0


# The server ends a session in the middle of a write, as an administrator does.
DIE = (
    """CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END'""",
    "CREATE TRIGGER die BEFORE INSERT ON applied_operations EXECUTE FUNCTION die()",
)
CHANGES: dict[str, Callable[[Repository, Connection], object]] = {
    "edited": lambda to, record: to.update(record, replace(record, note="typed")).name,
    "disabled": lambda to, record: [row.enabled for row in to.set_flag([record.id], "enabled", False)],
    "deleted": lambda to, record: [each.name for each in to.remove([record.id])],
}


@pytest.mark.parametrize(
    ("name", "answer", "left"),
    [("edited", "edited", ["edited"]), ("disabled", [False], ["disabled"]), ("deleted", ["deleted"], [])],
)
def test_what_another_desk_has_just_made_is_changed_while_the_server_goes(
    office: Office, name: str, answer: object, left: list[str]
) -> None:
    office.desk().kit.add(name)
    desk = office.desk()
    record = desk.kit.connections.find(name)
    # It was seen there, and has no file here yet.
    assert desk.kit.store._journal.records.rows() == []
    for statement in DIE:
        office.rows(statement)
    desk.hurry()
    assert CHANGES[name](desk.kit.store.repository, record) == answer
    assert (desk.kit.state(), desk.kit.store.status.waiting) == (StoreState.FALLBACK, 1)
    assert desk.kit.names() == left
    office.rows("DROP TRIGGER die ON applied_operations")
    desk.settle()
    assert desk.kit.store.status.waiting == 0
    assert office.rows("SELECT name FROM exchange_connections") == [(each,) for each in left]


def test_a_second_window_shows_the_records_while_the_server_is_down(office: Office) -> None:
    desk = office.desk()
    desk.kit.add("one", "two")
    mirrored(desk.kit)
    desk.cut()
    desk.hurry()
    desk.kit.connections.edit(desk.kit.connections.find("one").id, {"note": "waits"})
    files = {path: path.read_bytes() for path in desk.kit.folder.connections.iterdir()}
    with open_kit(desk.kit.folder.root, held=HELD, target=desk.target, device="second") as second:
        assert second.names() == ["one", "two"]
        assert second.connections.find("one").note == "waits"
        assert second.store.status.backend is Backend.JSON
        for change in (
            lambda: second.add("three"),
            lambda: second.connections.remove([second.connections.find("two").id]),
        ):
            with pytest.raises(StoreError) as caught:
                change()
            assert caught.value.problem.category is Category.IN_USE
    assert {path: path.read_bytes() for path in desk.kit.folder.connections.iterdir()} == files
