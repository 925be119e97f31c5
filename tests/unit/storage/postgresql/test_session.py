"""Sessions with a real server: deadlines that hold, hosts in turn, and each failure by its real cause."""

import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

import psycopg2
import pytest

from models.problem import Category
from storage.postgresql import deadline
from storage.postgresql.address import parse_address
from storage.postgresql.failure import problem_of
from storage.postgresql.session import BEGIN_TEXT, Pace, close_sockets, connect
from tests.bare_postgres import BareServer, free_port


@pytest.fixture(scope="module")
def server() -> Iterator[BareServer]:
    made = BareServer(max_connections="12", superuser_reserved_connections="3")
    made.start()
    yield made
    made.destroy()


def category_of(url: str, seconds: float = 3.0) -> Category:
    address = parse_address(url)
    with pytest.raises(psycopg2.Error) as caught:
        connect(address, seconds)
    problem = problem_of(caught.value, address, closed=True)
    assert address.password is None or address.password.reveal() not in " ".join(map(str, problem))
    assert problem.solution.endswith(".")
    return problem.category


def test_refusals_are_told_apart_by_the_code_that_the_driver_hides(server: BareServer) -> None:
    server.sql(
        "CREATE ROLE nologin PASSWORD 'kanarie' NOLOGIN",
        "CREATE ROLE expired LOGIN PASSWORD 'kanarie' VALID UNTIL '2001-01-01'",
    )
    server.sql(
        "CREATE DATABASE closed",
        "REVOKE CONNECT ON DATABASE closed FROM PUBLIC",
        "CREATE ROLE guest LOGIN PASSWORD 'kanarie'",
    )
    assert category_of(server.url(password="wrong")) is Category.AUTH
    assert category_of(server.url(user="nobody")) is Category.AUTH
    assert category_of(server.url(user="expired", password="kanarie")) is Category.AUTH
    assert category_of(server.url(user="nologin", password="kanarie")) is Category.AUTH_POLICY
    assert category_of(server.url("absent")) is Category.MISSING_DB
    assert category_of(server.url("closed", user="guest", password="kanarie")) is Category.NO_PRIVILEGE
    assert category_of(server.url(options="?sslmode=require")) is Category.TLS
    assert category_of(server.url(options="?target_session_attrs=standby")) is Category.SERVER_DOWN


def test_places_where_no_server_answers() -> None:
    assert category_of(f"postgresql://u:pw@127.0.0.1:{free_port()}/d") is Category.SERVER_DOWN
    assert category_of("postgresql://u:pw@no-such-host.invalid/d") is Category.DNS
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(1)
        assert category_of(f"postgresql://u:pw@127.0.0.1:{silent.getsockname()[1]}/d", 0.5) is Category.UNREACHABLE


def test_no_free_connection(server: BareServer) -> None:
    server.sql("CREATE ROLE crowd LOGIN PASSWORD 'kanarie' CONNECTION LIMIT 1")
    url = server.url(user="crowd", password="kanarie")
    first = connect(parse_address(url))
    try:
        assert category_of(url) is Category.TOO_MANY
    finally:
        first.close()


def test_a_frozen_server_ends_a_call_at_the_deadline_and_the_session_is_closed(server: BareServer) -> None:
    address = parse_address(server.url())
    session = connect(address)
    backend = session.info.backend_pid
    os.kill(backend, signal.SIGSTOP)
    try:
        started = time.monotonic()
        with pytest.raises(deadline.DeadlineError) as caught, deadline.within(0.3), session.cursor() as cursor:
            cursor.execute("SELECT 1")
        assert time.monotonic() - started < 3
        assert session.closed
        assert problem_of(caught.value, address, closed=True).category is Category.UNREACHABLE
    finally:
        os.kill(backend, signal.SIGCONT)
        session.close()


def test_a_stuck_call_returns_when_its_socket_is_closed_from_another_thread(server: BareServer) -> None:
    session = connect(parse_address(server.url()))
    ended = threading.Event()

    def stuck() -> None:
        with suppress(psycopg2.Error), session.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(60)")
        ended.set()

    def run() -> None:
        with deadline.within(60):
            stuck()

    threading.Thread(target=run, daemon=True).start()
    time.sleep(0.2)
    close_sockets(session)
    assert ended.wait(2)


def test_a_terminated_session_is_lost(server: BareServer) -> None:
    address = parse_address(server.url())
    session = connect(address)
    server.sql(f"SELECT pg_terminate_backend({session.info.backend_pid})")
    with pytest.raises(psycopg2.Error) as caught, session.cursor() as cursor:
        cursor.execute("SELECT 1")
    assert problem_of(caught.value, address, closed=session.closed != 0).category is Category.LOST


@pytest.mark.parametrize(
    ("statement", "category"),
    [
        ("SELECT * FROM absent", Category.SCHEMA),
        ("SELECT 1/0", Category.DATA),
        ("SELECT 'x'::integer", Category.DATA),
        ("INSERT INTO one VALUES (1)", Category.CONSTRAINT),
        ("SET LOCAL statement_timeout = 20; SELECT pg_sleep(5)", Category.SLOW),
        ("SET TRANSACTION READ ONLY; CREATE TABLE t (a int)", Category.READ_ONLY),
        ("SET ROLE weak; CREATE TABLE public.t (a int)", Category.NO_PRIVILEGE),
        ("DO $$ BEGIN RAISE SQLSTATE '53100'; END $$", Category.SERVER_DISK),
        ("DO $$ BEGIN RAISE SQLSTATE 'XX001'; END $$", Category.CORRUPT),
        ("DO $$ BEGIN RAISE SQLSTATE '58030'; END $$", Category.SERVER_IO),
        ("DO $$ BEGIN RAISE SQLSTATE '40P01'; END $$", Category.CONTENTION),
    ],
)
def test_errors_of_a_statement(server: BareServer, statement: str, category: Category) -> None:
    server.sql("CREATE TABLE IF NOT EXISTS one (a int PRIMARY KEY, CHECK (a > 5))")
    with suppress(psycopg2.errors.DuplicateObject):
        server.sql("CREATE ROLE weak")
    address = parse_address(server.url())
    session = connect(address)
    try:
        with session.cursor() as cursor, pytest.raises(psycopg2.Error) as caught:
            cursor.execute(f"{BEGIN_TEXT}; {statement}")
        assert problem_of(caught.value, address, closed=session.closed != 0).category is category
    finally:
        session.close()


def test_the_constraint_is_named_and_the_row_is_not(server: BareServer) -> None:
    server.sql("CREATE TABLE IF NOT EXISTS named (name text CONSTRAINT name_is_unique UNIQUE)")
    server.sql("DELETE FROM named", "INSERT INTO named VALUES ('canary-value')")
    address = parse_address(server.url())
    session = connect(address)
    try:
        with session.cursor() as cursor, pytest.raises(psycopg2.Error) as caught:
            cursor.execute("INSERT INTO named VALUES ('canary-value')")
        problem = problem_of(caught.value, address, closed=False)
        assert "name_is_unique" in problem.text
        assert "canary" not in " ".join(map(str, problem))
    finally:
        session.close()


def test_values_that_cannot_be_sent_are_data_errors(server: BareServer) -> None:
    address = parse_address(server.url())
    session = connect(address)
    try:
        for value in ("a\0b", "\ud800"):
            with session.cursor() as cursor, pytest.raises((ValueError, UnicodeEncodeError)) as caught:
                cursor.execute("SELECT %s", (value,))
            assert problem_of(caught.value, address, closed=False).category is Category.DATA
    finally:
        session.close()


def test_the_hosts_of_a_cluster_are_tried_in_turn(server: BareServer) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(1)
        places = f"127.0.0.1:{free_port()},127.0.0.1:{silent.getsockname()[1]},127.0.0.1:{server.port}"
        url = server.url().replace(f"127.0.0.1:{server.port}", places) + "?target_session_attrs=read-write"
        session = connect(parse_address(url), 3.0)
    assert session.info.port == server.port
    session.close()


def test_the_limits_hold_in_the_transaction_and_not_after_it(server: BareServer) -> None:
    session = connect(parse_address(server.url()))
    try:
        with session.cursor() as cursor:
            cursor.execute(BEGIN_TEXT)
            cursor.execute("SHOW statement_timeout")
            assert cursor.fetchone() == ("4s",)
            cursor.execute("COMMIT")
            cursor.execute("SHOW statement_timeout")
            assert cursor.fetchone() == ("0",)
    finally:
        session.close()


def test_connects_are_paced() -> None:
    pace = Pace(seconds=0.05, burst=2)
    started = time.monotonic()
    for _ in range(6):
        pace.wait()
    assert time.monotonic() - started >= 0.19
