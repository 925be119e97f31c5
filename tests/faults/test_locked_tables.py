"""Tables that somebody holds for long (VACUUM FULL, a script that hangs): what is saved is kept, and nobody waits."""

import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import psycopg2
import pytest

from models.problem import Category, StoreError
from tests.bare_postgres import wait_until
from tests.outages import LiveDesk, Shared


@contextmanager
def locked(shared: Shared, table: str) -> Iterator[None]:
    with closing(psycopg2.connect(shared.url())) as other, other.cursor() as cursor:
        cursor.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        yield
        other.rollback()


def add(desk: LiveDesk) -> None:
    desk.add("Saved")


def edit(desk: LiveDesk) -> None:
    desk.edit("Before", note="Saved")


@pytest.mark.parametrize("save", [add, edit])
def test_a_save_under_a_lock_that_stays_is_kept_here(shared: Shared, save: Callable[[LiveDesk], None]) -> None:
    """The first one, too: of an edit the record has to be read first, and that waits already."""
    desk = shared.desk()
    desk.add("Before")
    with locked(shared, "exchange_connections"):
        save(desk)
        assert desk.is_away
        assert desk.store.status.waiting == 1
        tried = desk.store.status.retry_in
        wait_until(lambda: (desk.store.status.retry_in or 0) > (tried or 0) + 1)
        # What the probes find is a lock and not a silent server; and nobody is asked to save again.
        assert desk.category() is Category.BUSY
        assert "changes are kept here" in desk.warnings()[0]
    desk.wait_home()
    assert shared.sql("SELECT 1 FROM exchange_connections WHERE name = 'Saved' OR note = 'Saved'") == [(1,)]


def test_a_ledger_that_somebody_holds_keeps_nobody_from_saving(shared: Shared) -> None:
    desk = shared.desk()
    said: list[Category] = []

    def look() -> None:
        migrator = desk.store.migrator
        assert migrator is not None
        with pytest.raises(StoreError) as caught:
            migrator.items()
        said.append(caught.value.problem.category)

    with locked(shared, "migrations"):
        looking = threading.Thread(target=look)
        looking.start()
        waiting = "SELECT 1 FROM pg_locks WHERE relation = 'migrations'::regclass AND NOT granted"
        wait_until(lambda: bool(shared.sql(waiting)))
        desk.add("Saved")
        assert looking.is_alive()
        looking.join(15)
        assert said == [Category.BUSY]
        # The look that comes every five seconds has met the lock by now, too.
        assert desk.is_home
    assert shared.names() == ["Saved"]
