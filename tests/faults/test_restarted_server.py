"""F11 to F13: sessions end and servers restart under a desk that works on and is back by itself."""

import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg2
import pytest

from models.problem import Category, StoreError
from tests.bare_postgres import wait_until
from tests.outages import LiveDesk, Shared


@contextmanager
def working(desk: LiveDesk, pause: float = 0.05) -> Iterator[list[str]]:
    """Add one connection after the other meanwhile; gives the names of those that were called saved."""
    saved: list[str] = []
    failed: list[StoreError] = []
    enough = threading.Event()

    def work() -> None:
        while not enough.wait(pause):
            name = f"Number {len(saved) + len(failed):04}"
            try:
                desk.add(name)
            except StoreError as error:
                failed.append(error)
            else:
                saved.append(name)

    worker = threading.Thread(target=work)
    worker.start()
    try:
        yield saved
    finally:
        enough.set()
        worker.join(15)
    assert not worker.is_alive()
    assert not failed, failed[0].problem


def everything_is_there_once(shared: Shared, saved: list[str]) -> None:
    assert Counter(shared.names()) == Counter(saved)
    assert shared.sql("SELECT count(*) FROM conflicts") == [(0,)]


def test_f11_a_crash_of_another_programs_session(shared: Shared) -> None:
    """One backend that is killed takes all others with it, and the server recovers."""
    desk = shared.desk()
    with working(desk) as saved, psycopg2.connect(shared.url()) as other:
        wait_until(lambda: len(saved) > 3)
        os.kill(other.info.backend_pid, signal.SIGKILL)
        before = len(saved)
        wait_until(lambda: len(saved) > before + 10)
        desk.wait_home()
    desk.wait_home()
    everything_is_there_once(shared, saved)
    assert len([text for text in desk.warnings() if "Work goes on" in text]) <= 1


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_f12_a_server_that_is_stopped_in_the_middle_of_the_work(shared: Shared, mode: str) -> None:
    desk = shared.desk()
    with working(desk) as saved:
        wait_until(lambda: len(saved) > 3)
        shared.server.stop(mode)
        desk.wait_away()
        before = len(saved)
        wait_until(lambda: len(saved) > before + 5)
        assert desk.store.status.waiting > 0
        assert len(desk.names()) >= before
        shared.server.start()
        wait_until(lambda: desk.is_home, 25)
    desk.wait_home()
    everything_is_there_once(shared, saved)
    assert desk.names() == saved
    assert [text for text in desk.notices() if text.startswith("The database is back.")]
    assert len([text for text in desk.warnings() if "Work goes on" in text]) == 1


def test_f13_an_ended_session_is_replaced_and_nobody_hears_of_it(shared: Shared) -> None:
    desk = shared.desk()
    desk.add("Before")
    shared.end_sessions()
    assert desk.get("Before").name == "Before"
    shared.end_sessions()
    desk.add("One")
    assert desk.is_home
    assert shared.names() == ["Before", "One"]
    assert desk.warnings() == []


def test_f13_a_server_that_ends_idle_sessions(shared: Shared) -> None:
    shared.sql(f"ALTER DATABASE \"{shared.name}\" SET idle_session_timeout = '400ms'")
    desk = shared.desk()
    for number in range(2):
        desk.add(f"Number {number}")
        time.sleep(0.8)
        assert desk.get(f"Number {number}").revision == 1
    assert shared.names() == ["Number 0", "Number 1"]
    assert desk.is_home
    assert desk.warnings() == []


def test_f13_a_transaction_that_is_ended_before_its_commit_is_stored_once(shared: Shared) -> None:
    """The session dies after the first statement: nothing was stored, and the same operation is sent later."""
    shared.sql(
        "CREATE FUNCTION dies() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NEW; END $$",
        "CREATE TRIGGER dies BEFORE INSERT ON exchange_connections FOR EACH ROW EXECUTE FUNCTION dies()",
    )
    desk = shared.desk()
    desk.add("Number 1")
    assert desk.is_away
    assert desk.category() is Category.LOST
    shared.sql("DROP TRIGGER dies ON exchange_connections")
    desk.wait_home()
    everything_is_there_once(shared, ["Number 1"])
