"""PostgresDatabase on a real server: what is retried, what is told, and that nothing ever hangs."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime

import psycopg2
import pytest

from models.problem import Category, CommitUnknownError, StoreError
from storage.migrator.runner import Migrator
from storage.postgresql.address import parse_address
from storage.postgresql.database import PostgresDatabase
from storage.postgresql.session import Pace
from tests.bare_postgres import BareServer, wait_until
from tests.databases import MIGRATIONS, connect, migrator
from tests.pooler import POOLERS, pooled

ADD = "INSERT INTO exchange_connections (id, name, exchange) VALUES (%s, %s, 'bybit')"
OTHERS = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'cts-connections'"


@pytest.fixture
def database(migrated_postgres_url: str) -> Iterator[PostgresDatabase]:
    opened = PostgresDatabase.open(parse_address(migrated_postgres_url), pace=Pace(0.01))
    yield opened
    opened.close()


@pytest.fixture
def run(migrated_postgres_url: str) -> Iterator[Callable[[str], list[tuple[object, ...]]]]:
    """Give another program's session."""
    opened = connect(migrated_postgres_url)
    yield opened.rows
    opened.close()


Run = Callable[[str], list[tuple[object, ...]]]


def names(database: PostgresDatabase) -> list[str]:
    with database.read() as statements:
        return [row[0] for row in statements.execute("SELECT name FROM exchange_connections ORDER BY name").fetchall()]


def add(database: PostgresDatabase, name: str) -> None:
    with database.write() as statements:
        statements.execute(ADD, (name, name))


def category_of(call: Callable[[], object]) -> Category:
    with pytest.raises(StoreError) as caught:
        call()
    return caught.value.problem.category


@contextmanager
def in_background(call: Callable[[], object]) -> Iterator[list[BaseException | None]]:
    """Run a call beside; what it raised, or None, is in the list when the block has ended."""
    ended: list[BaseException | None] = []

    def work() -> None:
        try:
            call()
        except BaseException as error:  # noqa: BLE001 - the test looks at it
            ended.append(error)
        else:
            ended.append(None)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    yield ended
    thread.join(20)
    assert not thread.is_alive()


def test_a_block_that_fails_leaves_nothing(database: PostgresDatabase) -> None:
    with suppress(RuntimeError), database.write() as statements:
        statements.execute(ADD, ("a", "a"))
        raise RuntimeError
    assert names(database) == []
    add(database, "b")
    assert names(database) == ["b"]


def test_terminated_sessions_are_replaced_without_a_word(database: PostgresDatabase, run: Run) -> None:
    add(database, "a")
    assert names(database) == ["a"]
    run(f"{OTHERS} AND datname = current_database()")
    add(database, "b")
    assert names(database) == ["a", "b"]
    run(f"{OTHERS} AND datname = current_database()")
    with database.hold() as connection, connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM exchange_connections")
        assert cursor.fetchone() == (2,)


def test_a_session_lost_in_the_middle_stores_nothing_and_does_not_begin_anew(
    database: PostgresDatabase, run: Run
) -> None:
    def broken() -> None:
        with database.write() as statements:
            statements.execute(ADD, ("a", "a"))
            run(f"{OTHERS} AND datname = current_database()")
            with suppress(psycopg2.Error):
                statements.execute(ADD, ("b", "b"))
            statements.execute(ADD, ("c", "c"))

    assert category_of(broken) is Category.LOST
    assert names(database) == []


def test_a_commit_without_an_answer_is_an_error_of_its_own(database: PostgresDatabase, run: Run) -> None:
    """F07: the server commits while it is frozen for us, and nobody here can know."""
    backends: list[int] = []

    def frozen() -> None:
        with database.write() as statements:
            statements.execute(ADD, ("a", "a"))
            backends.append(statements.session.info.backend_pid)
            os.kill(backends[0], signal.SIGSTOP)

    with pytest.raises(CommitUnknownError) as caught:
        frozen()
    assert caught.value.problem.category is Category.UNREACHABLE
    os.kill(backends[0], signal.SIGCONT)
    wait_until(lambda: run("SELECT id FROM exchange_connections") == [("a",)])


def test_a_session_that_ends_at_the_commit_is_unknown_and_one_that_ended_before_is_not(
    database: PostgresDatabase, run: Run
) -> None:
    def lost(*, noticed: bool) -> None:
        with database.write() as statements:
            statements.execute(ADD, ("a", "a"))
            run(f"{OTHERS} AND datname = current_database()")
            if noticed:
                with suppress(psycopg2.Error):
                    statements.execute("SELECT 1")

    with pytest.raises(CommitUnknownError):
        lost(noticed=False)
    with pytest.raises(StoreError) as caught:
        lost(noticed=True)
    assert not isinstance(caught.value, CommitUnknownError)
    assert names(database) == []


def test_an_error_that_a_block_swallows_is_not_taken_for_a_commit(database: PostgresDatabase) -> None:
    def swallowing() -> None:
        with database.write() as statements:
            statements.execute(ADD, ("a", "a"))
            with suppress(psycopg2.Error):
                statements.execute("SELECT 1/0")

    assert category_of(swallowing) is Category.UNKNOWN
    assert names(database) == []


def test_a_lock_of_another_desktop_is_waited_for(database: PostgresDatabase, run: Run) -> None:
    """F23: longer than one lock_timeout, shorter than three."""
    run("BEGIN; LOCK TABLE exchange_connections IN SHARE ROW EXCLUSIVE MODE")
    with in_background(lambda: add(database, "a")) as ended:
        time.sleep(2.5)
        run("COMMIT")
    assert ended == [None]
    assert names(database) == ["a"]


def test_a_lock_that_stays_is_told_and_reading_goes_on(database: PostgresDatabase, run: Run) -> None:
    run("BEGIN; LOCK TABLE exchange_connections IN SHARE ROW EXCLUSIVE MODE")
    with in_background(lambda: add(database, "a")) as ended:
        assert names(database) == []
    assert isinstance(ended[0], StoreError)
    assert ended[0].problem.category is Category.BUSY
    run("ROLLBACK")
    add(database, "a")


def test_two_desktops_write_one_after_the_other(migrated_postgres_url: str) -> None:
    desks = [PostgresDatabase.open(parse_address(migrated_postgres_url)) for _ in range(2)]

    def count_up(desk: PostgresDatabase) -> None:
        for _ in range(50):
            with desk.write() as statements:
                (epoch,) = statements.execute("SELECT epoch FROM store_identity").fetchone() or (0,)
                statements.execute("UPDATE store_identity SET epoch = %s", (epoch + 1,))

    with in_background(lambda: count_up(desks[0])) as first, in_background(lambda: count_up(desks[1])) as second:
        pass
    assert (first, second) == ([None], [None])
    with desks[0].read() as statements:
        assert statements.execute("SELECT epoch FROM store_identity").fetchone() == (101,)
    for desk in desks:
        desk.close()


@pytest.mark.parametrize("value", ["a\0b", "\ud800"])
def test_what_cannot_be_stored_is_told_and_stores_nothing(database: PostgresDatabase, value: str) -> None:
    def write() -> None:
        with database.write() as statements:
            statements.execute(ADD, (value, value))

    def write_many() -> None:
        with database.write() as statements:
            statements.execute(ADD, ("fine", "fine"))
            statements.executemany(ADD, [("good", "good"), (value, value)])

    assert category_of(write) is Category.DATA
    assert category_of(write_many) is Category.DATA
    assert names(database) == []


def test_errors_while_fetching_come_out_as_problems(database: PostgresDatabase) -> None:
    def read() -> None:
        with database.read() as statements:
            statements.execute("SELECT 1/(3 - n) FROM generate_series(1, 10) n").fetchall()

    assert category_of(read) is Category.DATA


def test_limits_travel_with_each_read_and_transaction(database: PostgresDatabase) -> None:
    with database.read() as statements:
        assert statements.execute("SHOW statement_timeout").fetchone() == ("4s",)
        session = statements.session
    with database.write() as statements:
        assert statements.execute("SHOW lock_timeout").fetchone() == ("2s",)
        assert statements.execute("SHOW idle_in_transaction_session_timeout").fetchone() == ("10s",)
    with session.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone() == ("0",)

    def sleep() -> None:
        with database.read() as sleeping:
            sleeping.execute("SELECT pg_sleep(60)")

    assert category_of(sleep) is Category.SLOW


def test_many_rows_go_in_and_come_out_in_pieces(database: PostgresDatabase) -> None:
    with database.write() as statements:
        statements.executemany(ADD, ((f"{number:05}", f"n{number:05}") for number in range(1234)))
    assert names(database) == [f"n{number:05}" for number in range(1234)]


TYPED = "INSERT INTO typed (number, flag, size, stamp, note) VALUES (%s, %s, %s, %s, %s) ON CONFLICT DO NOTHING"


def test_columns_in_which_all_rows_are_alike_keep_their_types(database: PostgresDatabase) -> None:
    stamp = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)
    alike = [(number, True, 1.5, stamp, None) for number in range(700)]
    odd = [(700, False, 2, None, "tab\there, \\N, ' and \x1f"), (701, True, None, stamp, "")]
    twins: list[tuple[object, ...]] = [(702, True, 1.5, stamp, None)] * 2
    with database.write() as statements:
        statements.execute(
            "CREATE TABLE typed (number INTEGER PRIMARY KEY, flag BOOLEAN, size DOUBLE PRECISION, stamp TIMESTAMPTZ,"
            " note TEXT)"
        )
        for rows in (alike, odd, twins, alike[:1]):
            statements.executemany(TYPED, rows)
    with database.read() as statements:
        found = statements.execute("SELECT number, flag, size, stamp, note FROM typed ORDER BY number").fetchall()
    assert found == [*alike, *odd, twins[0]]


def test_read_only_refuses_before_it_asks_the_server(migrated_postgres_url: str) -> None:
    database = PostgresDatabase.open(parse_address(migrated_postgres_url), read_only=True)
    assert category_of(lambda: add(database, "a")) is Category.NOT_WRITABLE
    assert names(database) == []
    database.close()


def test_a_database_set_read_only_keeps_reading(database: PostgresDatabase, run: Run) -> None:
    """F21, by a setting; the standby is in test_cluster.py."""
    add(database, "a")
    (name,) = run("SELECT current_database()")[0]
    run(f"ALTER DATABASE {name} SET default_transaction_read_only = on; {OTHERS} AND datname = current_database()")
    assert category_of(lambda: add(database, "b")) is Category.READ_ONLY
    assert category_of(database.try_writing) is Category.READ_ONLY
    assert names(database) == ["a"]


def test_the_proof_of_writing_leaves_nothing(database: PostgresDatabase, run: Run) -> None:
    before = run("SELECT *, xmax = '0' FROM store_identity")
    database.try_writing()
    assert [row[:-1] for row in run("SELECT *, 1 FROM store_identity")] == [row[:-1] for row in before]
    database.close()
    assert category_of(database.try_writing) is Category.CANT_OPEN


def test_whatever_is_stuck_ends_when_the_program_quits() -> None:
    """F10: frozen in a write, in a read and in a connect, and over within a second."""
    server = BareServer()
    server.start()
    try:
        opened = connect(server.url())
        migrator(opened).apply()
        opened.close()
        database = PostgresDatabase.open(parse_address(server.url()))
        names(database)
        server.freeze()
        with (
            in_background(lambda: add(database, "a")) as writing,
            in_background(lambda: names(database)) as reading,
            in_background(lambda: names(database)) as connecting,
        ):
            time.sleep(0.3)
            assert writing == reading == connecting == []
            began = time.monotonic()
            database.interrupt()
        assert time.monotonic() - began < 1
        database.close()
        assert all(isinstance(ended[0], StoreError) for ended in (writing, reading, connecting))
    finally:
        server.destroy()


def test_a_frozen_server_is_told_within_the_deadline() -> None:
    """F08, F09: in the middle of a read, and at a connect."""
    server = BareServer()
    server.start()
    try:
        database = PostgresDatabase.open(parse_address(server.url()))
        with database.read() as statements:
            server.freeze()
            with suppress(psycopg2.Error):
                statements.execute("SELECT 1")
        began = time.monotonic()
        assert category_of(database.quick_check) is Category.UNREACHABLE
        assert time.monotonic() - began < 6
        server.thaw()
        assert database.quick_check() == "ok"
        database.close()
    finally:
        server.destroy()


@pytest.mark.parametrize("kind", POOLERS)
def test_behind_a_pooler_everything_works_and_nothing_stays_behind(migrated_postgres_url: str, kind: str) -> None:
    with pooled(migrated_postgres_url, kind) as url:
        desks = [PostgresDatabase.open(parse_address(url), pace=Pace(0.01)) for _ in range(3)]

        def work(desk: PostgresDatabase, word: str) -> None:
            for number in range(20):
                add(desk, f"{word}{number}")
                names(desk)

        with in_background(lambda: work(desks[0], "a")), in_background(lambda: work(desks[1], "b")):
            pass
        assert Migrator(desks[2], MIGRATIONS, backup=lambda: None).up_to_date()
        assert len(names(desks[2])) == 40
        with desks[2].hold() as connection, connection.cursor() as cursor:
            cursor.execute("SHOW statement_timeout")
            assert cursor.fetchone() == ("0",)
        for desk in desks:
            desk.close()
