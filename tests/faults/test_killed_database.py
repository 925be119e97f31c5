"""F05, F33: a program killed while it commits, and a write-ahead log that it left behind. What was saved is there."""

import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

from models.problem import Category
from tests.faults.killed_writers import ROUNDS, killer_of
from tests.faults.real_faults import child
from tests.store_kit import Kit, open_kit

WRITER = """
import os
from dataclasses import replace
from pathlib import Path
from models.connection_rules import validate
from storage.database import Database
from storage.database_repository import DatabaseRepository
repository = DatabaseRepository(Database.open_sqlite(Path(sys.argv[1])), "killed")
number = len(repository.rows())
while True:
    number += 1
    connection = validate({"name": str(number), "exchange": "bybit", "note": "x" * (number % 5 * 2000)})
    repository.add([connection])
    base = repository.get(connection.id)
    repository.update(base, replace(base, color="#000000", note=""))
    os.write(1, b"%d\\n" % number)
"""


def test_every_change_that_was_called_saved_is_there_after_a_kill(tmp_path: Path) -> None:
    root = tmp_path / "data"
    Kit(root).store.close()
    path = root / "cts.db"
    saved: set[int] = set()
    in_the_middle = 0
    with killer_of(WRITER, seconds=0.03) as killer:
        for _ in range(ROUNDS):
            saved |= set(killer.kill_one(path))
            in_the_middle += path.with_name("cts.db-journal").exists()
            with closing(sqlite3.connect(path)) as reader:
                assert reader.execute("PRAGMA integrity_check").fetchone() == ("ok",)
                rows = reader.execute(
                    "SELECT CAST(name AS INTEGER), revision, color, note FROM exchange_connections"
                ).fetchall()
                done = reader.execute("SELECT count(*), count(DISTINCT op_id) FROM applied_operations").fetchone()
            found = {row[0]: row[1:] for row in rows}
            assert saved <= set(found)
            assert all(found[number] == (2, "#000000", "") for number in saved)
            assert all(row[0] in {1, 2} for row in found.values())
            assert done[0] == done[1] == sum(revision for revision, _, _ in found.values())
    # Some of the kills must have come in the middle of a commit, or this test shows nothing.
    assert in_the_middle > 0 or ROUNDS < 20
    with open_kit(root) as kit:
        assert kit.problem is None
        assert {str(number) for number in saved} <= set(kit.names())


def leave_wal(path: Path) -> None:
    """Write in write-ahead mode and die before the checkpoint, as another program would."""
    code = """
    import os, sqlite3
    other = sqlite3.connect(sys.argv[1], isolation_level=None)
    other.execute("PRAGMA journal_mode = WAL")
    other.execute("INSERT INTO exchange_connections (id, name, exchange) VALUES ('w', 'in the wal', 'bybit')")
    os.kill(os.getpid(), 9)
    """
    subprocess.run(child(code, path), check=False)
    assert path.with_name("cts.db-wal").stat().st_size > 0


def test_a_write_ahead_log_that_was_left_is_read(tmp_path: Path) -> None:
    root = tmp_path / "data"
    with open_kit(root) as kit:
        kit.add("one")
    leave_wal(root / "cts.db")
    with open_kit(root) as kit:
        assert kit.names() == ["in the wal", "one"]
        assert kit.problem is None
        assert kit.store.status.journal_mode == "delete"
        assert not (root / "cts.db-wal").exists()


def test_without_its_write_ahead_log_the_rest_is_there(tmp_path: Path) -> None:
    root = tmp_path / "data"
    with open_kit(root) as kit:
        kit.add("one")
    leave_wal(root / "cts.db")
    (root / "cts.db-wal").unlink()
    with open_kit(root) as kit:
        assert kit.names() == ["one"]
        kit.add("two")


def test_an_emptied_file_with_a_write_ahead_log_is_not_taken_for_new(tmp_path: Path) -> None:
    root = tmp_path / "data"
    with open_kit(root) as kit:
        kit.add("one")
    leave_wal(root / "cts.db")
    (root / "cts.db").write_bytes(b"")
    wal = (root / "cts.db-wal").read_bytes()
    with open_kit(root) as kit:
        assert kit.problem is not None
        assert kit.problem.category is Category.EMPTY_DB
        assert (root / "cts.db-wal").read_bytes() == wal


def test_a_write_ahead_log_without_its_database_is_kept(tmp_path: Path) -> None:
    root = tmp_path / "data"
    Kit(root).store.close()
    for backup in (root / "backups").iterdir():
        backup.unlink()
    leave_wal(root / "cts.db")
    wal = (root / "cts.db-wal").read_bytes()
    (root / "cts.db").unlink()
    with open_kit(root) as kit:
        assert kit.problem is not None
        assert kit.problem.category is Category.CORRUPT
        (kept,) = (root / "quarantine").glob("*-wal")
        assert kept.read_bytes() == wal
        kit.add("one")
