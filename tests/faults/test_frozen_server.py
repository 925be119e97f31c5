"""F07 to F10: a PostgreSQL that is there and does not answer. Nobody waits for long, nothing is lost or doubled."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from models.problem import Category, CtsError
from tests.bare_postgres import wait_until
from tests.outages import Shared
from tests.proxy import Proxy

PATIENCE = 8.0
"""For what must take 5 s: a machine that is busy with other things is no fault."""


@contextmanager
def stopped(*processes: int) -> Iterator[None]:
    for process in processes:
        os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        for process in processes:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGCONT)


def committing(shared: Shared) -> list[int]:
    found = shared.server.sql(
        f"SELECT pid FROM pg_stat_activity WHERE datname = '{shared.name}' AND state = 'active' AND query = 'COMMIT'"
    )
    return [int(str(pid)) for (pid,) in found]


def test_f07_a_commit_whose_answer_froze_is_stored_once(shared: Shared) -> None:
    # The commit takes a second, so that the server's process can be stopped in the middle of it.
    shared.sql(
        "CREATE FUNCTION slowly() RETURNS trigger LANGUAGE plpgsql"
        " AS $$ BEGIN PERFORM pg_sleep(1); RETURN NULL; END $$",
        "CREATE CONSTRAINT TRIGGER slowly AFTER INSERT ON exchange_connections DEFERRABLE INITIALLY DEFERRED"
        " FOR EACH ROW WHEN (NEW.name = 'Frozen') EXECUTE FUNCTION slowly()",
    )
    desk = shared.desk()
    desk.add("Before")
    saving = threading.Thread(target=desk.add, args=("Frozen",))
    saving.start()
    wait_until(lambda: bool(committing(shared)))
    with stopped(*committing(shared)):
        saving.join(PATIENCE)
        assert not saving.is_alive()
        assert desk.is_away
        assert desk.names() == ["Before", "Frozen"]
        assert desk.store.status.waiting == 1
        assert shared.names() == ["Before"]
        # Nobody knows yet whether it is stored: what asks must not decide.
        time.sleep(2)
        assert desk.store.status.waiting == 1
    desk.wait_home()
    assert shared.names() == ["Before", "Frozen"]
    assert shared.sql("SELECT count(*) FROM applied_operations") == [(2,)]
    assert desk.store.repository.rows()[1].revision == 1


@pytest.mark.parametrize("arrived", [True, False], ids=["it arrived", "it did not"])
def test_f07_a_commit_whose_answer_is_lost_is_stored_once(shared: Shared, arrived: bool) -> None:
    proxy = Proxy(shared.server.port)
    desk = shared.desk(url=shared.url(f"127.0.0.1:{proxy.port}"))
    desk.add("Before")
    proxy.lose_answer_to(b"COMMIT", deliver=arrived)
    desk.add("Ambiguous")
    assert proxy.wait_for_word(0)
    assert desk.is_away
    assert shared.names() == (["Ambiguous", "Before"] if arrived else ["Before"])
    proxy.mend()
    desk.edit("Ambiguous", note="edited before anybody knew")
    desk.wait_home()
    assert shared.names() == ["Ambiguous", "Before"]
    assert shared.sql("SELECT note FROM exchange_connections WHERE name = 'Ambiguous'") == [
        ("edited before anybody knew",)
    ]
    assert shared.sql("SELECT count(*) FROM applied_operations") == [(3,)]
    proxy.close()


def test_f08_a_frozen_session_ends_in_fallback_in_time(shared: Shared) -> None:
    desk = shared.desk()
    desk.add("Before")
    with stopped(*shared.backends()):
        began = time.monotonic()
        assert desk.get("Before").name == "Before"
        assert time.monotonic() - began < PATIENCE
        desk.add("During")
        # Only the old sessions are frozen: the way back is open at once.
        desk.wait_home()
        assert shared.names() == ["Before", "During"]


def test_f08_several_calls_that_are_stuck_at_once_all_come_back(shared: Shared) -> None:
    desk = shared.desk()
    desk.add("One", "Two")
    shared.server.freeze()
    began = time.monotonic()
    calls = [threading.Thread(target=desk.get, args=(name,)) for name in ("One", "Two") * 3]
    calls.append(threading.Thread(target=desk.add, args=("New",)))
    for call in calls:
        call.start()
    for call in calls:
        call.join(2 * PATIENCE)
    assert not any(call.is_alive() for call in calls)
    # Each failed at its own deadline, not one after the other.
    assert time.monotonic() - began < 2 * PATIENCE
    assert desk.category() is Category.UNREACHABLE
    assert len(desk.names()) == 3
    assert len(desk.warnings()) == 1
    shared.server.thaw()
    desk.wait_home()
    assert shared.names() == ["New", "One", "Two"]


def test_f09_a_start_at_a_frozen_server_shows_the_records_at_once(shared: Shared) -> None:
    first = shared.desk()
    first.add("Before")
    first.edit("Before", note="mirrored")
    first.store.close()
    shared.server.freeze()
    began = time.monotonic()
    desk = shared.desk(connect_wait=0.5)
    assert desk.names() == ["Before"]
    assert time.monotonic() - began < 3
    assert desk.is_away
    assert desk.get("Before").note == "mirrored"
    desk.add("During")
    wait_until(lambda: desk.category() is Category.UNREACHABLE, PATIENCE)
    assert "does not answer" in (desk.problem.text if desk.problem else "")
    shared.server.thaw()
    desk.wait_home()
    assert shared.names() == ["Before", "During"]


@pytest.mark.parametrize("moment", ["reading", "writing", "connecting"])
def test_f10_closing_takes_no_longer_than_three_seconds(shared: Shared, moment: str) -> None:
    desk = shared.desk()
    desk.add("Before")
    if moment == "connecting":
        shared.end_sessions()
    shared.server.freeze()
    outcome: list[object] = []

    def stuck() -> None:
        try:
            if moment == "reading":
                desk.get("Before")
            else:
                desk.add("During")
            outcome.append(None)
        except CtsError as error:
            outcome.append(error)

    call = threading.Thread(target=stuck)
    call.start()
    time.sleep(0.3)
    began = time.monotonic()
    desk.store.close()
    assert time.monotonic() - began < 4
    call.join(2)
    assert not call.is_alive()
    shared.server.thaw()
    again = shared.desk()
    again.wait_home()
    # What was answered as saved is there; what was answered by an error is not there by half.
    saved = moment != "reading" and not isinstance(outcome[0], CtsError)
    assert shared.names() == (["Before", "During"] if saved else ["Before"])
