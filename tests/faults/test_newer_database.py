"""F49: the program is older than the database. It shows everything, writes nothing, and says which version it needs."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from models.event import Event
from models.problem import Category, StoreError
from models.status import StartupStep, StoreState
from storage.data_folder import prepare
from storage.migrator.plan import NEWEST
from storage.store import Store
from storage.vault import Vault
from tests.databases import MIGRATIONS, connect, migrator


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "data"
    path = prepare(root).database
    with closing(connect(str(path))) as database:
        migrator(database).apply()
        database.rows(
            "INSERT INTO exchange_connections (id, name, exchange) VALUES"
            " ('6f9619ff-8b86-4d01-b42d-00cf4fc964ff', 'Kept', 'bybit')"
        )
        database.rows("ALTER TABLE exchange_connections ADD COLUMN from_the_future TEXT")
        database.rows(
            f"INSERT INTO migrations VALUES ({NEWEST + 1}, 'newer', 'x', '2027-01-01T00:00:00.000Z', 3, '9.1.0',"
            " 'applied')"
        )
    return root


@pytest.fixture
def steps() -> list[StartupStep]:
    return []


@pytest.fixture
def store(folder: Path, steps: list[StartupStep]) -> Iterator[Store]:
    heard: list[Event] = []
    data = prepare(folder)
    vault = Vault.open(data, passphrase=None, environment={}, writable=True)
    opened = Store(data, vault, MIGRATIONS, publish=heard.append, device="test")
    opened.open(steps.append)
    yield opened
    opened.close()


def test_everything_is_shown_and_the_version_is_named(store: Store) -> None:
    status = store.status
    assert status.state is StoreState.READ_ONLY
    assert status.problem is not None
    assert status.problem.category is Category.SCHEMA
    assert "newer version" in status.problem.text
    assert [row.name for row in store.repository.rows()] == ["Kept"]
    assert store.migrator is not None
    assert "9.1.0" in store.migrator.items()[-1].action


def test_nothing_is_written_by_anyone(store: Store, folder: Path) -> None:
    before = (folder / "cts.db").read_bytes()
    (row,) = store.repository.rows()
    with pytest.raises(StoreError):
        store.repository.set_flag([row.id], "enabled", False)
    with pytest.raises(StoreError):
        store.repository.remove([row.id])
    assert store.migrator is not None
    assert store.migrator.apply(out_of_order=True) == store.migrator.items()
    store.close()
    assert (folder / "cts.db").read_bytes() == before
