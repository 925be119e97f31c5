"""Backups that are proven before they have a name, and the way back from one."""

import os
import signal
import sqlite3
import stat
import subprocess
from pathlib import Path

import pytest

from models.problem import Category, StoreError
from storage.atomic_file import temporary_beside
from storage.backup import list_backups, make_backup, newest_good, restore, verify
from tests.faults.real_faults import child


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "cts.db"
    fill(path, 3)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "backups"


def fill(path: Path, count: int, *, wal: bool = False) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    if wal:
        connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("CREATE TABLE IF NOT EXISTS exchange_connections (id INTEGER PRIMARY KEY, name TEXT)")
    connection.execute("BEGIN")
    connection.executemany("INSERT INTO exchange_connections (name) VALUES (?)", [(f"n{i}",) for i in range(count)])
    connection.execute("COMMIT")
    connection.close()


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def test_a_backup_is_whole_private_and_named(database: Path, folder: Path) -> None:
    backup = make_backup(database, folder, "before-migrations")
    path = Path(backup.path)
    assert path.name.startswith("0001-2")
    assert path.name.endswith("Z-before-migrations-3.db")
    assert (backup.connections, backup.reason, backup.size_bytes) == (3, "before-migrations", path.stat().st_size)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert verify(path) == 3
    assert names(folder) == [path.name]
    assert list_backups(folder) == [backup]
    assert newest_good(folder) == backup


def test_a_wal_database_becomes_one_file(tmp_path: Path, folder: Path) -> None:
    path = tmp_path / "cts.db"
    fill(path, 2, wal=True)
    reader = sqlite3.connect(path)
    assert reader.execute("SELECT count(*) FROM exchange_connections").fetchone() == (2,)
    fill(path, 2)
    assert (tmp_path / "cts.db-wal").stat().st_size > 0
    backup = make_backup(path, folder, "manual")
    reader.close()
    assert backup.connections == 4
    assert names(folder) == [Path(backup.path).name]
    assert sqlite3.connect(backup.path).execute("PRAGMA journal_mode").fetchone() == ("delete",)


def test_the_newest_are_kept_in_the_order_in_which_they_were_made(database: Path, folder: Path) -> None:
    made = [make_backup(database, folder, "manual", keep=3) for _ in range(6)]
    assert list_backups(folder) == made[:2:-1]
    # A clock that is set back does not make the next backup the oldest.
    ahead = Path(made[-1].path)
    ahead.rename(ahead.with_name("0006-20990101T000000Z-manual-3.db"))
    latest = make_backup(database, folder, "manual", keep=3)
    assert list_backups(folder)[0] == latest


def test_backups_at_the_end_of_each_command_do_not_push_out_the_one_made_by_hand(database: Path, folder: Path) -> None:
    by_hand = make_backup(database, folder, "by-hand", keep=2)
    closed = [make_backup(database, folder, "close", keep=2) for _ in range(4)]
    assert [backup.path for backup in list_backups(folder)] == [closed[3].path, closed[2].path, by_hand.path]


def test_the_take_overs_backup_and_the_newest_with_connections_are_never_pruned(database: Path, folder: Path) -> None:
    first = make_backup(database, folder, "take-over", keep=1)
    filled = make_backup(database, folder, "close", keep=1)
    sqlite3.connect(database, isolation_level=None).execute("DELETE FROM exchange_connections")
    for _ in range(4):
        newest = make_backup(database, folder, "close", keep=1)
    assert list_backups(folder) == [newest, filled, first]


def test_an_empty_database_is_not_backed_up(tmp_path: Path, folder: Path) -> None:
    (tmp_path / "cts.db").write_bytes(b"")
    with pytest.raises(StoreError) as caught:
        make_backup(tmp_path / "cts.db", folder, "manual")
    assert caught.value.problem.category is Category.EMPTY_DB
    assert names(folder) == []


def test_a_database_of_another_shape_has_no_connections_to_count(tmp_path: Path, folder: Path) -> None:
    sqlite3.connect(tmp_path / "x.db").execute("CREATE TABLE t (a)")
    assert make_backup(tmp_path / "x.db", folder, "manual").connections == 0


@pytest.mark.parametrize(
    ("content", "category"),
    [(b"garbage " * 1000, Category.CORRUPT), (b"SQLite format 3\0" + b"\xff" * 8000, Category.CORRUPT)],
)
def test_a_damaged_database_gives_no_backup(tmp_path: Path, folder: Path, content: bytes, category: Category) -> None:
    (tmp_path / "cts.db").write_bytes(content)
    with pytest.raises(StoreError) as caught:
        make_backup(tmp_path / "cts.db", folder, "manual")
    assert caught.value.problem.category is category
    assert names(folder) == []


def test_pages_that_were_overwritten_are_noticed(database: Path, folder: Path) -> None:
    fill(database, 5000)
    with database.open("r+b") as file:
        file.seek(3 * 4096)
        file.write(os.urandom(4096 * 4))
    with pytest.raises(StoreError) as caught:
        make_backup(database, folder, "manual")
    assert caught.value.problem.category is Category.CORRUPT
    assert names(folder) == []


def test_a_folder_that_cannot_take_a_backup_is_the_one_that_is_named(database: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StoreError) as caught:
        make_backup(database, tmp_path / "file" / "backups", "manual")
    assert caught.value.problem.category is Category.CANT_OPEN
    assert str(tmp_path / "file" / "backups") in caught.value.problem.text


def test_a_missing_database_is_not_made(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(StoreError, match=r"cts\.db is not there"):
        make_backup(tmp_path / "cts.db", folder, "manual")
    assert not (tmp_path / "cts.db").exists()


def test_a_database_that_another_program_holds_is_not_waited_for_without_end(database: Path, folder: Path) -> None:
    code = """
    import sqlite3, time
    connection = sqlite3.connect(sys.argv[1], isolation_level=None)
    connection.execute("BEGIN EXCLUSIVE")
    print("held", flush=True)
    time.sleep(600)
    """
    with subprocess.Popen(child(code, database), stdout=subprocess.PIPE) as other:
        try:
            assert other.stdout is not None
            assert other.stdout.readline() == b"held\n"
            with pytest.raises(StoreError) as caught:
                make_backup(database, folder, "manual", wait=0.5)
        finally:
            other.kill()
    assert caught.value.problem.category is Category.BUSY
    assert names(folder) == []
    assert make_backup(database, folder, "manual").connections == 3


def test_the_newest_good_one_is_found_behind_damaged_ones(database: Path, folder: Path) -> None:
    made = [make_backup(database, folder, "manual") for _ in range(4)]
    Path(made[3].path).write_bytes(b"")
    Path(made[2].path).write_bytes(b"x" * 5000)
    whole = Path(made[1].path).read_bytes()
    Path(made[1].path).write_bytes(whole[:5000])
    assert newest_good(folder) == made[0]
    Path(made[0].path).unlink()
    assert newest_good(folder) is None
    assert newest_good(folder / "none") is None


def test_other_files_and_links_are_not_backups(database: Path, folder: Path) -> None:
    backup = make_backup(database, folder, "manual")
    (folder / "0009-20260101T000000Z-manual-5.db").symlink_to(database)
    (folder / "0009-20261399T000000Z-manual-5.db").write_bytes(b"")
    (folder / "cts.db").write_bytes(b"")
    (folder / "0010-20260101T000000Z-manual-5.db").mkdir()
    assert list_backups(folder) == [backup]


def test_restoring_puts_the_old_one_aside_with_its_journal(database: Path, folder: Path, tmp_path: Path) -> None:
    backup = make_backup(database, folder, "manual")
    database.write_bytes(b"damaged")
    for end in ("-journal", "-wal"):
        database.with_name(f"cts.db{end}").write_bytes(b"stale" * 1000)
    assert restore(Path(backup.path), database, tmp_path / "quarantine") == 3
    assert verify(database) == 3
    assert stat.S_IMODE(database.stat().st_mode) == 0o600
    assert names(tmp_path) == ["backups", "cts.db", "quarantine"]
    kept = sorted((tmp_path / "quarantine").iterdir())
    assert [path.read_bytes()[:7] for path in kept] == [b"damaged", b"stalest", b"stalest"]
    assert verify(Path(backup.path)) == 3


def test_restoring_where_nothing_is_or_only_a_stale_journal(database: Path, folder: Path, tmp_path: Path) -> None:
    backup = make_backup(database, folder, "manual")
    database.unlink()
    assert restore(Path(backup.path), database, tmp_path / "quarantine") == 3
    assert not (tmp_path / "quarantine").exists()
    database.unlink()
    (tmp_path / "cts.db-journal").write_bytes(b"stale")
    assert restore(Path(backup.path), database, tmp_path / "quarantine") == 3
    assert len(names(tmp_path / "quarantine")) == 1


def test_a_damaged_backup_restores_nothing(database: Path, folder: Path, tmp_path: Path) -> None:
    backup = make_backup(database, folder, "manual")
    Path(backup.path).write_bytes(b"x" * 5000)
    with pytest.raises(StoreError):
        restore(Path(backup.path), database, tmp_path / "quarantine")
    assert verify(database) == 3
    assert names(tmp_path) == ["backups", "cts.db"]


def test_f31_a_restore_killed_at_any_moment_leaves_the_old_or_the_new(
    database: Path, folder: Path, tmp_path: Path
) -> None:
    fill(database, 5000)
    backup = make_backup(database, folder, "manual")
    code = """
    from pathlib import Path
    from storage.backup import restore
    print("go", flush=True)
    while True:
        restore(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]))
    """
    for delay in range(12):
        with subprocess.Popen(
            child(code, backup.path, database, tmp_path / "quarantine"), stdout=subprocess.PIPE
        ) as program:
            assert program.stdout is not None
            program.stdout.readline()
            with pytest.raises(subprocess.TimeoutExpired):
                program.wait(0.004 * delay)
            program.send_signal(signal.SIGKILL)
        assert verify(database) == 5003


def test_a_reason_is_a_plain_word(database: Path, folder: Path) -> None:
    for reason in ("", "../up", "Two Words", "a-"):
        with pytest.raises(ValueError, match="small letters"):
            make_backup(database, folder, reason)


def test_a_copy_that_a_kill_left_unfinished_goes_with_the_next_backup(database: Path, folder: Path) -> None:
    folder.mkdir()
    left = temporary_beside(folder / "backup.db")
    left.write_bytes(b"half a copy")
    make_backup(database, folder, "manual")
    assert not left.exists()
    assert len(list_backups(folder)) == 1
