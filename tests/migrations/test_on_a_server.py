"""What travels together to a PostgreSQL: begin, lock and the look at the ledger; the ledger row and the COMMIT."""

import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest

from models.problem import Category, MigrationError
from storage.migrator import ledger
from storage.migrator.files import Migration, find_migrations
from storage.migrator.session import Session
from tests.databases import RawDatabase, connect, migrator, states, write_files
from tests.pooler import POOLERS, pooled

LEVELS = ["read committed", "repeatable read", "serializable"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_files(
        tmp_path / "sql", _001_one="CREATE TABLE one (a TEXT)", _002_two="CREATE TABLE two (a TEXT); SELECT 1"
    )


def begin_until_alone(url: str, number: int, answers: list[bool]) -> Callable[[], None]:
    def run() -> None:
        with closing(connect(url)) as database:
            waiting = Session(database.connection, "postgresql", wait=20)
            answers.append(ledger.begin_and_look(waiting, number))
            waiting.rollback()

    return run


@pytest.mark.parametrize("level", LEVELS)
def test_who_waited_sees_what_was_committed_meanwhile(postgres_url: str, folder: Path, level: str) -> None:
    answers: list[bool] = []
    first, second = find_migrations(folder, "postgresql")
    with closing(connect(postgres_url)) as database:
        name = database.rows("SELECT current_database()")[0][0]
        database.rows(f"ALTER DATABASE {name} SET default_transaction_isolation = '{level}'")
        holder = Session(database.connection, "postgresql")
        with holder.transaction():
            ledger.create(holder)
            ledger.add(holder, first, 1)
        for number, migration in ((2, second), (3, None)):
            assert not ledger.begin_and_look(holder, number)
            waiting = threading.Thread(target=begin_until_alone(postgres_url, number, answers))
            waiting.start()
            waiting.join(0.2)
            assert waiting.is_alive()
            if migration:
                ledger.add(holder, migration, 1)
            holder.commit()
            waiting.join(20)
    assert answers == [True, False]


@pytest.mark.parametrize("level", LEVELS)
def test_a_file_runs_at_one_level_whatever_the_server_prefers(postgres_url: str, folder: Path, level: str) -> None:
    seen: set[str] = set()
    with closing(connect(postgres_url)) as database:
        database.connection.cursor().execute(f"SET default_transaction_isolation = '{level}'")

        def hook(_migration: Migration, _index: int) -> None:
            seen.add(database.rows("SHOW transaction_isolation")[0][0])

        assert states(migrator(database, folder, hook=hook).apply()) == {1: "applied", 2: "applied"}
    assert seen == {"read committed"}


def test_the_row_is_not_there_before_the_commit_and_goes_with_it(postgres_url: str, folder: Path) -> None:
    seen: list[tuple[int, int, list[tuple[int]]]] = []
    with closing(connect(postgres_url)) as database, closing(connect(postgres_url)) as other:
        migrator(database, write_files(folder.parent / "none", _001_one="CREATE TABLE one (a TEXT)")).apply()

        def hook(migration: Migration, index: int) -> None:
            seen.append((migration.number, index, other.rows("SELECT number FROM migrations")))

        migrator(database, folder, hook=hook).apply()
        assert seen == [(2, index, [(1,)]) for index in range(4)]
        assert other.rows("SELECT number FROM migrations ORDER BY 1") == [(1,), (2,)]


def test_what_fails_only_at_the_commit_leaves_neither_row_nor_data(postgres_url: str, folder: Path) -> None:
    write_files(
        folder,
        _003_late="CREATE TABLE parent (id INTEGER PRIMARY KEY);"
        "CREATE TABLE child (id INTEGER REFERENCES parent (id) DEFERRABLE INITIALLY DEFERRED);"
        "INSERT INTO child VALUES (7);",
    )
    with closing(connect(postgres_url)) as database:
        assert states(migrator(database, folder).apply()) == {1: "applied", 2: "applied", 3: "failed"}
        assert {"parent", "child"}.isdisjoint(database.tables())
        assert database.rows("SELECT number FROM migrations ORDER BY 1") == [(1,), (2,)]
        assert database.rows("SELECT number, file FROM migration_failures") == [(3, "003_late.sql")]


def test_a_row_that_somebody_else_wrote_without_the_lock_undoes_the_file(postgres_url: str, folder: Path) -> None:
    with closing(connect(postgres_url)) as database, closing(connect(postgres_url)) as other:
        migrator(database, write_files(folder.parent / "none", _001_one="CREATE TABLE one (a TEXT)")).apply()

        def hook(migration: Migration, index: int) -> None:
            if (migration.number, index) == (2, 3):
                other.rows("INSERT INTO migrations VALUES (2, 'two', 'x', now(), 0, '0.0.0', 'applied')")

        migrator(database, folder, hook=hook).apply()
        assert "two" not in database.tables()
        assert database.rows("SELECT checksum FROM migrations WHERE number = 2") == [("x",)]


def test_a_row_that_waits_for_the_commit_is_dropped_with_its_transaction(database: RawDatabase, folder: Path) -> None:
    first, second = find_migrations(folder, database.dialect)
    session = Session(database.connection, database.dialect)
    with session.transaction():
        ledger.create(session)
        ledger.add(session, first, 1)
    session.begin()
    ledger.add(session, second, 1)
    session.rollback()
    with session.transaction():
        pass
    assert database.rows("SELECT number FROM migrations") == [(1,)]


@pytest.mark.parametrize("kind", POOLERS)
def test_behind_a_pooler_the_lock_holds_and_nothing_stays_behind(postgres_url: str, folder: Path, kind: str) -> None:
    with pooled(postgres_url, kind) as url, closing(connect(url)) as database, closing(connect(url)) as other:
        problems: list[MigrationError] = []

        def hook(migration: Migration, index: int) -> None:
            if (migration.number, index) == (2, 1):
                with pytest.raises(MigrationError) as caught:
                    migrator(other, folder, wait=0.1).apply()
                problems.append(caught.value)

        assert states(migrator(database, folder, hook=hook).apply()) == {1: "applied", 2: "applied"}
        assert [error.problem.category for error in problems] == [Category.BUSY]
        assert migrator(other, folder).up_to_date()
        for each in (database, other):
            left = "SELECT current_setting('cts.alone', true), current_setting('lock_timeout')"
            assert each.rows(left) in ([("", "0")], [(None, "0")])
        assert database.rows("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") == [(0,)]


def test_a_ledger_that_vanished_meanwhile_is_no_failure_of_a_file(postgres_url: str, folder: Path) -> None:
    with closing(connect(postgres_url)) as database:
        session = Session(database.connection, "postgresql")
        with pytest.raises(psycopg2.errors.UndefinedTable):
            ledger.begin_and_look(session, 1)
        assert session.query("SELECT 1") == [(1,)]
