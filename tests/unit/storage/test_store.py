"""The store's own doings: its steps, what it says before it is open, its backups, what it hears of others."""

import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from models.event import ConnectionsChanged, StoreChanged
from models.problem import Category, StoreError
from models.status import StoreState
from storage.backup import list_backups
from storage.data_folder import prepare
from storage.store import Store
from storage.vault import Vault
from tests.store_kit import MIGRATIONS, Kit, a_connection, open_kit


def backups(root: Path) -> int:
    return len(list_backups(root / "backups"))


def test_a_new_folder_is_ready_in_four_steps(tmp_path: Path) -> None:
    with open_kit(tmp_path / "data", fresh=True) as kit:
        assert [step.step for step in kit.steps] == ["database", "take-over", "migrations", "list"]
        assert all(step.ok and step.problem is None for step in kit.steps)
        assert "new" in kit.steps[0].detail
        status = kit.store.status
        assert (status.state, status.journal_mode, status.integrity) == (StoreState.ONLINE, "delete", "ok")
        assert status.location == str(kit.folder.database)
        assert status.schema >= 83
        assert status.size_bytes == kit.folder.database.stat().st_size
        assert kit.folder.database.stat().st_mode & 0o777 == 0o600
        assert kit.heard == [StoreChanged(status._replace(size_bytes=kit.heard[0].status.size_bytes))]  # type: ignore[union-attr]


def test_before_it_is_open_it_says_so(tmp_path: Path) -> None:
    folder = prepare(tmp_path / "data")
    vault = Vault.open(folder, passphrase=None, environment={}, writable=True)
    store = Store(folder, vault, MIGRATIONS, publish=lambda _event: None, device="d")
    with pytest.raises(StoreError) as caught:
        store.repository.rows()
    assert caught.value.problem.category is Category.CANT_OPEN
    assert store.status.state is StoreState.READ_ONLY
    store.poll()
    store.close()
    store.poll()
    with pytest.raises(StoreError):
        store.repository.add([a_connection()])


def test_closing_makes_a_backup_only_of_what_is_new(tmp_path: Path) -> None:
    root = tmp_path / "data"
    with open_kit(root) as kit:
        kit.add("one")
    assert backups(root) == 1
    with open_kit(root) as kit:
        assert kit.names() == ["one"]
    assert backups(root) == 1
    for number in range(6):
        with open_kit(root) as kit:
            kit.add(f"number {number}")
    assert backups(root) == 5
    assert list_backups(root / "backups")[0].connections == 7


def test_a_backup_that_failed_closes_all_the_same_and_says_why(tmp_path: Path) -> None:
    root = tmp_path / "data"
    kit = Kit(root)
    kit.add("one")
    (root / "backups").rmdir()
    (root / "backups").touch()
    with pytest.raises(StoreError):
        kit.store.close()
    assert kit.store.database is None
    kit.store.close()


def test_changes_of_another_program_are_heard_once(tmp_path: Path) -> None:
    with open_kit(tmp_path / "data") as kit:
        with closing(sqlite3.connect(kit.folder.database)) as other, other:
            other.execute("INSERT INTO exchange_connections (id, name, exchange) VALUES ('x', 'from outside', 'bybit')")
        kit.heard.clear()
        kit.store.poll()
        kit.store.poll()
        (heard,) = kit.heard
        assert isinstance(heard, ConnectionsChanged)
        assert [row.name for row in heard.changed] == ["from outside"]
        assert kit.names() == ["from outside"]


def test_what_is_older_than_ninety_days_is_forgotten(tmp_path: Path) -> None:
    root = tmp_path / "data"
    with open_kit(root) as kit:
        kit.add("old", "new")
        old, new = kit.connections.find("old").id, kit.connections.find("new").id
        kit.connections.remove([old, new])
        database = kit.store.database
        assert database is not None
        with database.write() as cursor:
            cursor.execute(
                "UPDATE deleted_connections SET deleted_at = '2020-01-01T00:00:00.000Z' WHERE id = ?", (old,)
            )
    with open_kit(root) as kit:
        assert [each.id for each in kit.connections.deleted()] == [new]


def test_a_start_with_nothing_to_do_writes_nothing(tmp_path: Path) -> None:
    root = tmp_path / "data"
    with open_kit(root) as kit:
        kit.add("one")
        kit.connections.remove([kit.connections.find("one").id])
    before = (root / "cts.db").read_bytes()
    time.sleep(0.02)
    with open_kit(root) as kit:
        assert kit.names() == []
    assert (root / "cts.db").read_bytes() == before
    assert backups(root) == 1


def test_nothing_of_a_removed_note_stays_in_free_pages(tmp_path: Path) -> None:
    root = tmp_path / "data"
    with open_kit(root) as kit:
        row = kit.connections.add({"name": "n", "exchange": "bybit", "note": "CANARY" * 1500}).row
        kit.connections.edit(row.id, {"note": "gone"})
        assert b"CANARY" not in kit.folder.database.read_bytes()


def test_a_restored_backup_takes_the_place_of_what_is_there(tmp_path: Path) -> None:
    root = tmp_path / "data"
    with open_kit(root) as kit:
        kit.add("one")
    (backup,) = list_backups(root / "backups")
    with open_kit(root) as kit:
        kit.add("two")
        assert kit.store.restore_backup(Path(backup.path)) == 1
        assert kit.names() == ["one"]
        assert len(list((root / "quarantine").iterdir())) == 1
        kit.add("three")


def test_a_list_read_while_opening_is_not_believed_once_somebody_changed_it(tmp_path: Path) -> None:
    root = tmp_path / "data"
    with open_kit(root) as kit:
        kit.add("one")
    with open_kit(root) as kit:
        with closing(sqlite3.connect(kit.folder.database)) as other:
            other.execute("UPDATE exchange_connections SET name = 'other', revision = revision + 1")
            other.commit()
        assert kit.names() == ["other"]


def test_what_waits_is_in_the_first_list_after_opening(tmp_path: Path) -> None:
    root = tmp_path / "data"
    with open_kit(root) as kit:
        kit.add("one")
    database = (root / "cts.db").read_bytes()
    (root / "cts.db").unlink()
    (root / "cts.db").mkdir()
    with open_kit(root) as kit:
        kit.add("two")
    (root / "cts.db").rmdir()
    (root / "cts.db").write_bytes(database)
    with open_kit(root) as kit:
        assert kit.names() == ["one", "two"]
