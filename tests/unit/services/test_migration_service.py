"""The services of migrations and backups: what they say before the store is open, and whom they tell."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from models.event import Event, MigrationsChanged, Notice
from models.problem import Category, CtsError, Problem
from models.status import Backend, StoreState, StoreStatus
from services.backups import BackupService
from services.events import Events
from services.migrations import MigrationService
from storage.data_folder import prepare
from storage.database import Database
from storage.migrator.runner import Migrator
from storage.open_database import OpenDatabase
from tests.databases import MIGRATIONS, states, write_files


class OpenStore:
    """The part of the Store that the services see, over a real database."""

    def __init__(self, migrator: Migrator | None) -> None:
        self.migrator = migrator
        self.status = StoreStatus(Backend.SQLITE, StoreState.ONLINE, "cts.db")
        self.database: OpenDatabase | None = None

    def look_again(self) -> None:
        """It is as it was."""


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database.open_sqlite(tmp_path / "cts.db")
    yield opened
    opened.close()


@pytest.fixture
def heard() -> list[Event]:
    return []


@pytest.fixture
def events(heard: list[Event]) -> Events:
    made = Events()
    made.subscribe(heard.append)
    return made


@pytest.fixture
def store(database: Database) -> OpenStore:
    return OpenStore(Migrator(database, MIGRATIONS, backup=lambda: None))


def test_before_the_store_is_open_the_problem_says_so(events: Events) -> None:
    service = MigrationService(OpenStore(None), events)
    for call in (service.items, service.apply, service.rehearse, service.repair, lambda: service.sql(1)):
        with pytest.raises(CtsError) as caught:
            call()
        assert caught.value.problem.category is Category.CANT_OPEN


def test_applying_is_announced_and_asking_is_not(store: OpenStore, events: Events, heard: list[Event]) -> None:
    service = MigrationService(store, events)
    service.items()
    service.rehearse()
    service.repair_preview()
    with pytest.raises(CtsError, match="no table exchange_connections"):
        service.baseline_preview(36)
    assert service.repair() == []
    assert heard == []
    assert set(states(service.apply()).values()) == {"applied"}
    assert heard == [MigrationsChanged()]
    assert service.sql(36).startswith("-- Base positions")


def test_baseline_is_announced(database: Database, store: OpenStore, events: Events, heard: list[Event]) -> None:
    assert store.migrator is not None
    store.migrator.apply()
    with database.write() as connection:
        connection.execute("DROP TABLE migrations")
    assert len(MigrationService(store, events).baseline(9)) == 9
    assert heard == [MigrationsChanged()]


def test_a_person_may_apply_what_is_out_of_order(database: Database, events: Events, tmp_path: Path) -> None:
    folder = write_files(tmp_path / "sql", _002_two="CREATE TABLE two (a TEXT)")
    store = OpenStore(Migrator(database, folder, backup=lambda: None))
    service = MigrationService(store, events)
    service.apply()
    write_files(folder, _001_one="CREATE TABLE one (a TEXT)")
    assert states(service.items())[1] == "out of order"
    assert states(service.apply()) == {1: "applied", 2: "applied"}


def test_a_read_only_store_refuses_with_its_own_reason(store: OpenStore, events: Events, heard: list[Event]) -> None:
    reason = Problem(Category.IN_USE, "Another window has this folder open.", "Close it.")
    store.status = store.status._replace(state=StoreState.READ_ONLY, problem=reason)
    service = MigrationService(store, events)
    for call in (service.apply, service.repair, lambda: service.baseline(9)):
        with pytest.raises(CtsError) as caught:
            call()
        assert caught.value.problem == reason
    assert set(states(service.items()).values()) == {"pending"}
    assert heard == []


def test_a_backup_is_made_listed_and_announced(
    store: OpenStore, events: Events, heard: list[Event], tmp_path: Path
) -> None:
    MigrationService(store, events).apply()
    folder = prepare(tmp_path)
    service = BackupService(store, folder, events, keep=lambda: 2)
    made = [service.make() for _ in range(3)]
    assert [backup.path for backup in service.list()] == [made[2].path, made[1].path]
    assert made[0].reason == "by-hand"
    notices = [event for event in heard if isinstance(event, Notice)]
    assert len(notices) == 3
    assert "0 connections" in notices[0].text


def test_no_database_no_backup(store: OpenStore, events: Events, tmp_path: Path) -> None:
    folder = prepare(tmp_path / "empty")
    service = BackupService(store, folder, events)
    assert service.list() == []
    with pytest.raises(CtsError, match="There is no database"):
        service.make()
