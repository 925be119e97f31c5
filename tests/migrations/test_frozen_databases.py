"""Databases of earlier releases, kept as they were made: this version opens each and brings it up to date."""

import shutil
from contextlib import closing
from pathlib import Path

import pytest

from models import VERSION
from storage.database import Database
from storage.database_repository import DatabaseRepository
from storage.migrator.runner import Migrator
from tests.databases import MIGRATIONS, states
from tests.fixtures.freeze_database import CONNECTIONS, FOLDER

FROZEN = sorted(FOLDER.glob("*.sqlite"))


def test_this_release_or_one_before_it_is_frozen() -> None:
    assert FROZEN, f"Run python -m tests.fixtures.freeze_database for {VERSION}."


@pytest.mark.parametrize("frozen", FROZEN, ids=lambda path: path.stem)
def test_an_earlier_releases_database_opens_and_comes_up_to_date(frozen: Path, tmp_path: Path) -> None:
    path = Path(shutil.copy(frozen, tmp_path / "cts.db"))
    with closing(Database.open_sqlite(path)) as database:
        engine = Migrator(database, MIGRATIONS, backup=lambda: None)
        before = set(states(engine.items()).values())
        assert before <= {"applied", "pending"}, "A released migration may never be edited: add a new one."
        assert set(states(engine.apply()).values()) == {"applied"}
        rows = DatabaseRepository(database, "test").rows()
    assert {(row.id, row.name, row.exchange) for row in rows} == {row[:3] for row in CONNECTIONS}
    assert all(row.api_key_set and row.api_secret_set for row in rows)
