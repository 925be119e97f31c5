"""A real PostgreSQL for the tests that need one: one server a session, a new database a test, stopped at the end."""

from collections.abc import Iterator
from contextlib import closing
from itertools import count

import pytest

from tests.bare_postgres import BareServer
from tests.databases import RawDatabase, connect, migrator

_numbers = count(1)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[BareServer]:
    server = BareServer()
    try:
        server.start()
        yield server
    finally:
        server.destroy()


@pytest.fixture
def postgres_url(postgres_server: BareServer) -> Iterator[str]:
    """Give the URL of an empty database that nobody else has."""
    name = f"test_{next(_numbers)}"
    postgres_server.sql(f'CREATE DATABASE "{name}"')
    yield postgres_server.url(name)
    postgres_server.sql(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture(scope="session")
def migrated_template(postgres_server: BareServer) -> str:
    """Give the name of a database as the migrations make it: copying one takes a tenth of migrating anew."""
    name = "migrated"
    postgres_server.sql(f'CREATE DATABASE "{name}"')
    with closing(connect(postgres_server.url(name))) as database:
        migrator(database).apply()
    return name


@pytest.fixture
def migrated_postgres_url(postgres_server: BareServer, migrated_template: str) -> Iterator[str]:
    """Give the URL of a migrated database without connections, its identity its own."""
    name = f"test_{next(_numbers)}"
    postgres_server.sql(f'CREATE DATABASE "{name}" TEMPLATE "{migrated_template}"')
    postgres_server.sql("UPDATE store_identity SET database_id = gen_random_uuid()::text", database=name)
    yield postgres_server.url(name)
    postgres_server.sql(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest) -> str:
    """Give the address of an empty database, SQLite and PostgreSQL in turn: a path, or a URL."""
    if request.param == "postgresql":
        return str(request.getfixturevalue("postgres_url"))
    return str(request.getfixturevalue("tmp_path") / "cts.db")


@pytest.fixture
def database(address: str) -> Iterator[RawDatabase]:
    """Give an open empty database of each dialect in turn."""
    opened = connect(address)
    yield opened
    opened.close()
