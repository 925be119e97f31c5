"""What PostgreSQL refuses or breaks, each by its real cause: the category, and what the program does next."""

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

import psycopg2
import pytest

from models.problem import Category, MigrationError, Problem, StoreError
from storage.database_repository import DatabaseRepository, check_tables
from storage.diagnosis import diagnose
from storage.migrator.files import Migration
from storage.migrator.runner import Migrator
from storage.postgresql.address import parse_address
from storage.postgresql.database import PostgresDatabase
from storage.postgresql.session import Pace
from tests.bare_postgres import PASSWORD, BareServer, wait_until
from tests.store_kit import MIGRATIONS, a_connection


@pytest.fixture
def server() -> Iterator[BareServer]:
    made = BareServer(max_connections="8", superuser_reserved_connections="1")
    try:
        made.start()
        yield made
    finally:
        made.destroy()


def open_at(url: str) -> PostgresDatabase:
    return PostgresDatabase.open(parse_address(url), pace=Pace(0.01))


def migrated(server: BareServer, name: str = "postgres") -> PostgresDatabase:
    database = open_at(server.url(name))
    Migrator(database, MIGRATIONS, backup=lambda: None).apply()
    return database


def problem_of(call: Callable[[], object]) -> Problem:
    with pytest.raises((StoreError, MigrationError)) as caught:
        call()
    return caught.value.problem


def _refused(url: str) -> Category | None:
    try:
        open_at(url).close()
    except StoreError as error:
        return error.problem.category
    return None


def test_a_url_without_the_password_that_the_server_asks_for(server: BareServer) -> None:
    problem = problem_of(lambda: open_at(server.url().replace(f":{quote(PASSWORD, safe='')}@", "@")))
    assert problem.category is Category.AUTH
    assert problem.text == "PostgreSQL asks for the password of postgres, and none is given."


def test_a_server_that_is_stopping_or_starting(server: BareServer) -> None:
    with psycopg2.connect(server.url()):
        stopping = threading.Thread(target=lambda: server.stop("smart"))
        stopping.start()
        # A smart stop waits for the session above and lets nobody else in.
        wait_until(lambda: _refused(server.url()) is Category.STARTING)
    stopping.join(30)
    assert not server.running()


def test_no_free_connection_of_the_server(server: BareServer) -> None:
    server.sql("CREATE ROLE guest LOGIN PASSWORD 'kanarie'")
    taken = []
    url = server.url(user="guest", password="kanarie")
    try:
        with suppress(psycopg2.OperationalError):
            while True:
                taken.append(psycopg2.connect(url))
        problem = problem_of(lambda: open_at(url))
        assert problem.category is Category.TOO_MANY
        assert "max_connections" in problem.solution
    finally:
        for session in taken:
            session.close()


def test_a_database_that_is_dropped_under_us(server: BareServer) -> None:
    """F17."""
    server.sql("CREATE DATABASE gone")
    database = migrated(server, "gone")
    repository = DatabaseRepository(database, "desk")
    repository.add([a_connection()])
    server.sql("DROP DATABASE gone WITH (FORCE)")
    problem = problem_of(lambda: repository.add([a_connection("Other")]))
    database.close()
    assert problem.category is Category.MISSING_DB
    assert "gone" in problem.text


def test_missing_rights_are_named(server: BareServer) -> None:
    """F20: to make tables, and to change rows; reading goes on."""
    server.sql("CREATE ROLE reader LOGIN PASSWORD 'kanarie'", "CREATE DATABASE shared", "CREATE DATABASE empty")
    migrated(server, "shared").close()
    server.sql("GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader", database="shared")
    database = open_at(server.url("shared", "reader", "kanarie"))
    repository = DatabaseRepository(database, "desk")
    assert repository.rows() == []
    problem = problem_of(lambda: repository.add([a_connection()]))
    assert problem.category is Category.NO_PRIVILEGE
    assert "GRANT SELECT, INSERT" in problem.solution
    database.close()
    database = open_at(server.url("empty", "reader", "kanarie"))
    problem = problem_of(Migrator(database, MIGRATIONS, backup=lambda: None).apply)
    assert problem.category is Category.NO_PRIVILEGE
    assert "GRANT USAGE, CREATE ON SCHEMA public TO reader" in problem.solution
    database.close()


def test_another_programs_deadlock_and_serialization_failure(server: BareServer) -> None:
    server.sql("CREATE TABLE pair (id int PRIMARY KEY, n int)", "INSERT INTO pair VALUES (1, 0), (2, 0)")
    one, two = psycopg2.connect(server.url()), psycopg2.connect(server.url())
    errors: list[psycopg2.Error] = []

    def change(session: psycopg2.extensions.connection, row: int) -> None:
        try:
            with session.cursor() as cursor:
                cursor.execute("UPDATE pair SET n = n + 1 WHERE id = %s", (row,))
        except psycopg2.Error as error:
            errors.append(error)
            session.rollback()

    change(one, 1)
    change(two, 2)
    waiting = threading.Thread(target=change, args=(one, 2))
    waiting.start()
    change(two, 1)
    waiting.join(10)
    one.rollback()
    two.rollback()
    for session in (one, two):
        session.set_session(isolation_level="REPEATABLE READ")
        with session.cursor() as cursor:
            cursor.execute("SELECT * FROM pair")
    change(one, 1)
    one.commit()
    change(two, 1)
    codes = [error.pgcode for error in errors]
    categories = [diagnose(error, where="the database").category for error in errors]
    one.close()
    two.close()
    assert codes == ["40P01", "40001"]
    assert categories == [Category.CONTENTION] * 2


def _file_of(server: BareServer, table: str) -> Path:
    server.sql("CHECKPOINT")
    ((name,),) = server.sql(f"SELECT pg_relation_filepath('{table}')")
    return server.data / str(name)


def test_a_damaged_page_and_a_missing_file_of_the_server(server: BareServer) -> None:
    database = migrated(server)
    DatabaseRepository(database, "desk").add([a_connection()])
    file = _file_of(server, "exchange_connections")
    server.stop("fast")
    page = bytearray(file.read_bytes())
    page[:24] = b"\xff" * 24
    file.write_bytes(bytes(page))
    server.start()
    problem = problem_of(database.quick_check)
    assert problem.category is Category.CORRUPT
    server.stop("fast")
    file.unlink()
    server.start()
    problem = problem_of(database.quick_check)
    database.close()
    assert problem.category is Category.SERVER_IO
    assert "administrator" in problem.solution


def test_a_table_of_another_version(server: BareServer) -> None:
    database = migrated(server)
    server.sql("ALTER TABLE exchange_connections RENAME COLUMN note TO remark")
    repository = DatabaseRepository(database, "desk")
    assert problem_of(lambda: check_tables(database)).category is Category.SCHEMA
    server.sql("DROP TABLE exchange_connections CASCADE")
    assert problem_of(repository.rows).category is Category.SCHEMA
    assert problem_of(lambda: repository.add([a_connection()])).category is Category.SCHEMA
    database.close()


def test_a_crash_of_the_server_and_its_return(server: BareServer) -> None:
    """F11, F12: every session dies; the next call finds the server again, or says that it is starting."""
    database = migrated(server)
    repository = DatabaseRepository(database, "desk")
    repository.add([a_connection("Before")])
    server.kill()
    assert problem_of(repository.rows).category is Category.SERVER_DOWN
    server.start()
    assert [row.name for row in repository.rows()] == ["Before"]
    repository.add([a_connection("After")])
    assert repository.names() == {"Before", "After"}
    database.close()


def test_two_desktops_migrate_one_database_at_once(server: BareServer) -> None:
    """F48."""
    databases = [open_at(server.url()) for _ in range(2)]
    results: list[object] = []

    def migrate(database: PostgresDatabase) -> None:
        items = Migrator(database, MIGRATIONS, backup=lambda: None).apply()
        results.append({item.state.value for item in items})

    threads = [threading.Thread(target=migrate, args=(database,)) for database in databases]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert results == [{"applied"}, {"applied"}]
    assert all(Migrator(each, MIGRATIONS, backup=lambda: None).up_to_date() for each in databases)
    for each in databases:
        each.close()


def test_a_server_that_dies_in_a_migration_blames_no_file(server: BareServer) -> None:
    database = open_at(server.url())
    killed: list[int] = []

    def hook(migration: Migration, index: int) -> None:
        if migration.number == 36 and index == 1 and not killed:
            killed.append(36)
            server.kill()

    migrations = Migrator(database, MIGRATIONS, backup=lambda: None, hook=hook)
    assert problem_of(migrations.apply).category in {Category.LOST, Category.SERVER_DOWN}
    server.start()
    assert {item.state.value for item in migrations.apply()} == {"applied"}
    database.close()
