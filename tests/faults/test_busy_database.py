"""F32, F35: another program holds cts.db, for a moment or for ever. Nobody waits without end, nothing is lost."""

import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest

from models.event import ConnectionsChanged, Notice
from models.problem import Category, CtsError, StoreError
from models.status import StoreState
from storage.database import Database
from tests.store_kit import open_kit


def test_a_short_lock_is_waited_for(tmp_path: Path) -> None:
    with open_kit(tmp_path / "data", patience=10.0) as kit:
        kit.add("one")
        other = sqlite3.connect(kit.folder.database, isolation_level=None, check_same_thread=False)
        other.execute("BEGIN EXCLUSIVE")
        letting_go = threading.Timer(1.0, lambda: other.execute("COMMIT"))
        letting_go.start()
        kit.add("two")
        letting_go.join()
        assert kit.names() == ["one", "two"]
        other.close()


def test_a_lock_for_ever_ends_in_busy_and_the_form_can_be_saved_later(tmp_path: Path) -> None:
    with open_kit(tmp_path / "data") as kit:
        kit.add("one")
        with closing(sqlite3.connect(kit.folder.database, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(StoreError) as caught:
                kit.add("two")
            assert caught.value.problem.category is Category.BUSY
            assert "cts.db" in caught.value.problem.text
            # Reading goes on beside a writer, and the store is not taken for lost.
            assert kit.names() == ["one"]
            assert kit.state() is StoreState.ONLINE
        kit.add("two")
        assert kit.names() == ["one", "two"]


def test_a_file_that_is_locked_at_start_opens_when_it_is_let_go(tmp_path: Path) -> None:
    root = tmp_path / "data"
    with open_kit(root) as kit:
        kit.add("one")
    other = sqlite3.connect(root / "cts.db", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with open_kit(root) as kit:
        assert kit.state() is StoreState.READ_ONLY
        assert kit.problem is not None
        assert kit.problem.category is Category.BUSY
        with pytest.raises(StoreError) as caught:
            kit.names()
        assert caught.value.problem.category is Category.BUSY
        kit.store.poll()
        assert kit.store.database is None
        other.close()
        deadline = time.monotonic() + 20
        while kit.state() is StoreState.READ_ONLY and time.monotonic() < deadline:
            kit.store.poll()
            time.sleep(0.05)
        assert kit.state() is StoreState.ONLINE
        assert kit.store.status.problem is None
        assert kit.names() == ["one"]
        assert ConnectionsChanged(everything=True) in kit.heard
        assert not list((root / "quarantine").iterdir())


def test_patience_is_ten_seconds_in_all(tmp_path: Path) -> None:
    path = tmp_path / "cts.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("CREATE TABLE here (x)")
        other.execute("BEGIN EXCLUSIVE")
        start = time.monotonic()
        with pytest.raises(StoreError) as caught:
            Database.open_sqlite(path)
        assert caught.value.problem.category is Category.BUSY
        assert 9.5 < time.monotonic() - start < 30


def test_patience_is_the_same_after_the_file_was_opened_again(tmp_path: Path) -> None:
    """Opening again waits for half a second only; who saves afterwards waits as long as before."""
    with open_kit(tmp_path / "data", patience=10.0) as kit:
        kit.add("one")
        kit.store.retry()
        with closing(sqlite3.connect(kit.folder.database, isolation_level=None, check_same_thread=False)) as other:
            other.execute("BEGIN EXCLUSIVE")
            letting_go = threading.Timer(2.0, other.execute, ["COMMIT"])
            letting_go.start()
            kit.add("two")
            letting_go.join()
        assert (kit.state(), kit.store.status.waiting) == (StoreState.ONLINE, 0)
        assert not [event for event in kit.heard if isinstance(event, Notice)]


def test_a_reader_of_another_program_holds_a_commit_up_and_no_more(tmp_path: Path) -> None:
    with open_kit(tmp_path / "data", patience=10.0) as kit:
        kit.add(*(f"connection {number}" for number in range(50)))
        other = sqlite3.connect(kit.folder.database, isolation_level=None, check_same_thread=False)
        reading = other.execute("SELECT * FROM exchange_connections")
        reading.fetchone()
        letting_go = threading.Timer(0.5, reading.close)
        letting_go.start()
        kit.add("one more")
        letting_go.join()
        assert len(kit.names()) == 51
        other.close()


def test_busy_snapshot_is_never_shown_in_write_ahead_mode(tmp_path: Path) -> None:
    root = tmp_path / "data"
    with open_kit(root) as kit:
        kit.add("one")
    with closing(sqlite3.connect(root / "cts.db", isolation_level=None)) as other:
        other.execute("PRAGMA journal_mode = WAL")
        # While the other program has it open, the mode stays; both write in turns, each over the other's snapshot.
        other.execute("BEGIN")
        other.execute("SELECT count(*) FROM exchange_connections").fetchone()
        with open_kit(root) as kit:
            assert kit.store.status.journal_mode == "wal"
            other.execute("COMMIT")
            for number in range(20):
                kit.add(f"mine {number}")
                other.execute(
                    "INSERT INTO exchange_connections (id, name, exchange) VALUES (?, ?, 'bybit')",
                    (number, f"theirs {number}"),
                )
                assert kit.problem is None
            assert len(kit.names()) == 41


def test_many_threads_read_and_write_at_once(tmp_path: Path) -> None:
    with open_kit(tmp_path / "data", patience=20.0) as kit:
        errors: list[CtsError] = []

        def work(number: int) -> None:
            try:
                for turn in range(10):
                    kit.add(f"{number} {turn}")
                    kit.names()
            except CtsError as error:
                errors.append(error)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert not errors
        assert len(kit.names()) == 60
        database = kit.store.database
        assert database is not None
        with database.read() as connection:
            found = connection.execute(
                "SELECT count(DISTINCT sequence), max(sequence) FROM applied_operations"
            ).fetchone()
        assert found == (60, 60)
