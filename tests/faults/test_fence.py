"""F17, F24 and the story of the overwritten server list: what waits goes into its own database, and only into that.

A well-known remote-desktop manager replayed a whole file over its server when that came back, and wiped shared lists.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from models.change import Choice
from models.event import Notice
from models.problem import Category, StoreError
from models.status import Backend, StoreState
from tests.bare_postgres import BareServer
from tests.cheap_passphrases import make_cheap
from tests.databases import MIGRATIONS, connect, migrator
from tests.desks import Desk, Office


@pytest.fixture(autouse=True)
def _cheap_passphrases(monkeypatch: pytest.MonkeyPatch) -> None:
    make_cheap(monkeypatch)


@pytest.fixture(scope="module")
def template(postgres_server: BareServer) -> Iterator[str]:
    postgres_server.sql("CREATE DATABASE fence_template")
    raw = connect(postgres_server.url("fence_template"))
    migrator(raw, MIGRATIONS).apply()
    raw.close()
    yield "fence_template"
    postgres_server.sql("DROP DATABASE fence_template WITH (FORCE)")


@pytest.fixture
def office(postgres_server: BareServer, template: str, tmp_path: Path) -> Iterator[Office]:
    opened = Office(postgres_server, tmp_path, template)
    yield opened
    opened.close()


def probe(desk: Desk) -> None:
    for _ in range(3):
        desk.hurry()
        desk.clock.now += 70
        desk.kit.store.poll()


def go_away_with_one_change(desk: Desk, name: str = "Main") -> None:
    desk.cut()
    desk.hurry()
    desk.kit.connections.edit(desk.kit.connections.find(name).id, {"note": "from the road"})
    assert desk.kit.state() is StoreState.FALLBACK
    desk.mend()


def test_newer_data_on_the_server_stays(office: Office) -> None:
    road, town = office.desk(), office.desk()
    road.kit.add(*(f"server {number}" for number in range(5)))
    town.settle()
    road.cut()
    road.hurry()
    old = road.kit.connections.find("server 0")
    road.kit.connections.edit(old.id, {"note": "old file, edited", "color": "#111111"})
    # Meanwhile the list on the server becomes another one.
    town.kit.connections.edit(old.id, {"note": "newer, from town"})
    town.kit.connections.remove([town.kit.connections.find("server 4").id])
    town.kit.add("new in town")
    for number in range(1, 4):
        town.kit.connections.edit(town.kit.connections.find(f"server {number}").id, {"note": "newer"})
    road.mend()
    road.settle()
    town.settle()
    stored = office.rows("SELECT name, note, color FROM exchange_connections ORDER BY name")
    assert stored == [
        ("new in town", "", ""),
        ("server 0", "newer, from town", "#111111"),
        ("server 1", "newer", ""),
        ("server 2", "newer", ""),
        ("server 3", "newer", ""),
    ]
    assert road.kit.names() == town.kit.names() == [name for name, _, _ in stored]
    (conflict,) = town.kit.store.changes().conflicts
    assert (conflict.fields, conflict.mine, conflict.theirs) == (
        ("note",),
        {"note": "old file, edited"},
        {"note": "newer, from town"},
    )
    assert town.kit.store.status.conflicts == 1
    # Whoever chose from what is no longer there, before the list of conflicts followed, is asked again.
    road.kit.connections.edit(old.id, {"note": "newest, from the road"})
    with pytest.raises(StoreError, match="changed again while you chose: note") as stale:
        town.kit.store.resolve({conflict.id: Choice.MINE}, {conflict.id: conflict.seen})
    assert stale.value.problem.category is Category.CONFLICT
    assert office.rows("SELECT note FROM exchange_connections WHERE id = %s", old.id) == [("newest, from the road",)]
    (conflict,) = town.kit.store.changes().conflicts
    assert conflict.theirs == {"note": "newest, from the road"}
    town.kit.store.resolve({conflict.id: Choice.MINE}, {conflict.id: conflict.seen})
    with pytest.raises(StoreError):
        road.kit.store.resolve({conflict.id: Choice.THEIRS}, {conflict.id: conflict.seen})
    assert office.rows("SELECT note FROM exchange_connections WHERE name = 'server 0'") == [("old file, edited",)]
    assert town.kit.store.changes().conflicts == ()


def test_another_database_under_the_same_address_asks_first(office: Office) -> None:
    desk = office.desk()
    desk.kit.add("Main")
    go_away_with_one_change(desk)
    office.rows("UPDATE store_identity SET database_id = gen_random_uuid()::text")
    office.rows("DELETE FROM exchange_connections")
    probe(desk)
    problem = desk.kit.problem
    assert problem is not None
    assert problem.category is Category.FENCE
    assert (desk.kit.state(), desk.kit.store.status.waiting) == (StoreState.FALLBACK, 1)
    assert desk.kit.store.status.retry_in is None
    assert office.rows("SELECT count(*) FROM applied_operations WHERE kind = 'edit'") == [(0,)]
    desk.kit.store.accept_database()
    assert desk.kit.state() is StoreState.ONLINE
    # The record is not there and never was: its edit is shown as refused, not lost.
    (refused,) = desk.kit.store.changes().rejected
    assert refused.problem.category is Category.NOT_FOUND


def test_another_database_with_nothing_waiting_begins_the_mirror_anew(office: Office) -> None:
    desk = office.desk()
    desk.kit.add("Main")
    desk.cut()
    desk.try_to(desk.kit.names)
    office.rows("UPDATE store_identity SET database_id = gen_random_uuid()::text")
    office.rows("DELETE FROM exchange_connections")
    desk.mend()
    desk.settle()
    assert desk.kit.names() == []
    (kept,) = desk.kit.folder.quarantine.iterdir()
    assert len([path for path in kept.iterdir() if path.suffix == ".json"]) >= 1


def test_a_restored_backup_asks_by_its_epoch(office: Office) -> None:
    desk = office.desk()
    desk.kit.add("Main")
    go_away_with_one_change(desk)
    office.rows("UPDATE store_identity SET epoch = epoch + 1")
    probe(desk)
    assert desk.kit.problem is not None
    assert desk.kit.problem.category is Category.FENCE
    desk.kit.store.accept_database()
    assert office.rows("SELECT note FROM exchange_connections") == [("from the road",)]


def test_a_backup_restored_behind_our_back_asks_by_its_revisions(office: Office) -> None:
    desk = office.desk()
    desk.kit.add("Main")
    desk.kit.connections.edit(desk.kit.connections.find("Main").id, {"color": "#222222"})
    go_away_with_one_change(desk)
    office.rows("UPDATE exchange_connections SET revision = 1, color = ''")
    probe(desk)
    assert desk.kit.problem is not None
    assert desk.kit.problem.category is Category.FENCE


def test_one_notice_for_each_change_of_state(office: Office) -> None:
    desk = office.desk()
    desk.kit.heard.clear()
    desk.cut()
    desk.try_to(desk.kit.names)
    probe(desk)
    probe(desk)
    desk.mend()
    desk.settle()
    said = [event for event in desk.kit.heard if isinstance(event, Notice)]
    assert [notice.level for notice in said] == ["warning", "info"]
    assert desk.kit.store.status.backend is Backend.POSTGRESQL


def test_an_edit_wins_over_a_deletion_on_the_other_desk(office: Office) -> None:
    here, there = office.desk(), office.desk()
    here.kit.add("Main", "Other")
    there.settle()
    go_away_with_one_change(here)
    there.kit.connections.remove([there.kit.connections.find("Main").id])
    there.cut()
    there.hurry()
    there.kit.connections.remove([there.kit.connections.find("Other").id])
    here.settle()
    here.kit.connections.edit(here.kit.connections.find("Other").id, {"note": "still wanted"})
    there.mend()
    there.settle()
    assert sorted(office.rows("SELECT name, note FROM exchange_connections")) == [
        ("Main", "from the road"),
        ("Other", "still wanted"),
    ]
    for desk in (here, there):
        assert any(isinstance(event, Notice) and "deleted" in event.text for event in desk.kit.heard)


def test_two_new_records_with_one_name_both_stay(office: Office) -> None:
    here, there = office.desk(), office.desk()
    for desk in (here, there):
        desk.cut()
        desk.hurry()
        desk.kit.add("Twin")
    for desk in (here, there):
        desk.mend()
        desk.settle()
    assert there.kit.names() == ["Twin", "Twin (2)"]
    assert any(isinstance(event, Notice) and "Twin (2)" in event.text for event in there.kit.heard)
