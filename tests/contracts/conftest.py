"""Both databases, with our schema and nothing in them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.database import Database
from storage.open_database import OpenDatabase
from storage.postgresql.address import parse_address
from storage.postgresql.database import PostgresDatabase
from tests.store_kit import migrated_database


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[OpenDatabase]:
    opened: OpenDatabase
    if request.param == "postgresql":
        opened = PostgresDatabase.open(parse_address(request.getfixturevalue("migrated_postgres_url")))
    else:
        path = tmp_path / "cts.db"
        path.write_bytes(migrated_database())
        opened = Database.open_sqlite(path)
    yield opened
    opened.close()
