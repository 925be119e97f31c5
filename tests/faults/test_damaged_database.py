"""F31: cts.db as garbage, as text, cut short, with random pages, emptied. The store opens and loses nothing."""

import random
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from models.event import Notice
from models.problem import Category, StoreError
from models.status import StoreState
from tests.store_kit import Kit, a_connection, open_kit

Damage = Callable[[bytes], bytes]


def random_pages(content: bytes) -> bytes:
    noise = random.Random(31)
    pages = bytearray(content)
    for page in range(1, len(content) // 4096, 3):
        pages[page * 4096 : (page + 1) * 4096] = noise.randbytes(4096)
    return bytes(pages)


DAMAGES: dict[str, Damage] = {
    "header": lambda content: b"garbage!" * 2 + content[16:],
    "text file": lambda _content: b"Dies ist keine Datenbank.\n" * 100,
    "cut at 5000 bytes": lambda content: content[:5000],
    "cut at 100 bytes": lambda content: content[:100],
    "zeros": lambda content: bytes(len(content)),
    "schema page": lambda content: content[:100] + b"\xff" * 3996 + content[4096:],
    "random pages": random_pages,
}


def with_backup(root: Path) -> list[str]:
    """Leave a folder whose closing made a backup; return the names in it."""
    with open_kit(root) as kit:
        kit.add("one", "two", "three")
    return ["one", "three", "two"]


def quarantined(root: Path) -> list[Path]:
    return sorted((root / "quarantine").iterdir())


@pytest.mark.parametrize("how", DAMAGES)
def test_it_is_kept_and_rebuilt_from_the_backup(tmp_path: Path, how: str) -> None:
    root = tmp_path / "data"
    names = with_backup(root)
    path = root / "cts.db"
    damaged = DAMAGES[how](path.read_bytes())
    path.write_bytes(damaged)
    with open_kit(root) as kit:
        assert kit.names() == names
        assert kit.state() is StoreState.ONLINE
        assert kit.problem is not None
        assert kit.problem.category is Category.CORRUPT
        assert "3 connections restored from the backup of" in kit.problem.text
        (kept,) = quarantined(root)
        assert kept.name in kit.problem.solution
        assert kept.read_bytes() == damaged
        kit.add("four")
    with open_kit(root) as kit:
        assert kit.problem is None
        assert kit.names() == ["four", *names]


@pytest.mark.parametrize("seed", range(8))
def test_one_flipped_bit_where_a_page_begins(tmp_path: Path, seed: int) -> None:
    """Where SQLite reads what kind of page it is: any page, of any table or index."""
    root = tmp_path / "data"
    names = with_backup(root)
    path = root / "cts.db"
    chance = random.Random(seed)
    damaged = bytearray(path.read_bytes())
    damaged[chance.randrange(1, len(damaged) // 4096) * 4096] ^= 1 << chance.randrange(8)
    path.write_bytes(damaged)
    with open_kit(root) as kit:
        assert kit.names() == names
        assert kit.state() is StoreState.ONLINE
        assert kit.problem is not None
        assert kit.problem.category is Category.CORRUPT
        assert "3 connections restored from the backup of" in kit.problem.text
        assert [kept.read_bytes() for kept in quarantined(root)] == [bytes(damaged)]
        kit.add("four")


@pytest.mark.parametrize("how", ["header", "text file", "cut at 5000 bytes"])
def test_without_a_backup_the_record_files_fill_a_new_one_and_the_old_one_is_kept(tmp_path: Path, how: str) -> None:
    root = tmp_path / "data"
    names = with_backup(root)
    for backup in (root / "backups").iterdir():
        backup.unlink()
    path = root / "cts.db"
    path.write_bytes(DAMAGES[how](path.read_bytes()))
    with open_kit(root) as kit:
        assert kit.names() == names
        assert kit.problem is not None
        assert "no backup" in kit.problem.text
        assert f"{len(names)} connections were brought back from data/connections" in kit.problem.text
        assert len(quarantined(root)) == 1
        kit.add("works")


def test_the_journals_go_to_quarantine_with_it(tmp_path: Path) -> None:
    root = tmp_path / "data"
    with_backup(root)
    (root / "cts.db").write_bytes(b"garbage " * 1000)
    (root / "cts.db-wal").write_bytes(b"also garbage")
    (root / "cts.db-shm").write_bytes(b"more garbage")
    with open_kit(root) as kit:
        assert len(kit.names()) == 3
        assert sorted(path.name.partition(".db")[2] for path in quarantined(root)) == ["", "-shm", "-wal"]


def test_a_damaged_backup_is_passed_over_for_an_older_one(tmp_path: Path) -> None:
    root = tmp_path / "data"
    with_backup(root)
    with open_kit(root) as kit:
        kit.add("four")
    newest = max((root / "backups").iterdir())
    newest.write_bytes(b"not a database")
    (root / "cts.db").write_bytes(b"neither")
    with open_kit(root) as kit:
        assert kit.names() == ["four", "one", "three", "two"]
        assert kit.problem is not None
        assert "1 connection was brought back" in kit.problem.text


def test_what_is_newer_than_the_backup_is_read_from_the_damaged_file(tmp_path: Path) -> None:
    root = tmp_path / "data"
    with_backup(root)
    path = root / "cts.db"
    kit = Kit(root)
    kit.add("newer")
    two = kit.connections.find("two")
    kit.connections.edit(two.id, {"note": "edited since"})
    kit.connections.remove([kit.connections.find("one").id])
    kit.store.repository.add([a_connection(f"filler {number}", note="x" * 3000) for number in range(20)])
    assert kit.store.database is not None
    kit.store.database.close()
    with closing(sqlite3.connect(path)) as reader:
        page = reader.execute(
            "SELECT rootpage FROM sqlite_master WHERE name = 'ix_applied_operations_device'"
        ).fetchone()[0]
    content = bytearray(path.read_bytes())
    content[(page - 1) * 4096 : page * 4096] = b"\xa5" * 4096
    path.write_bytes(content)
    with open_kit(root) as again:
        assert again.problem is not None
        assert "22 newer from the damaged file itself" in again.problem.text
        assert "newer" in again.names()
        assert again.connections.find("two").note == "edited since"


def test_rows_that_break_a_rule_are_not_damage(tmp_path: Path) -> None:
    root = tmp_path / "data"
    with_backup(root)
    with closing(sqlite3.connect(root / "cts.db")) as other, other:
        other.execute("PRAGMA ignore_check_constraints = ON")
        other.execute("UPDATE exchange_connections SET revision = 0")
    with open_kit(root) as kit:
        assert kit.problem is None
        assert not quarantined(root)
        assert len(kit.names()) == 3


@pytest.mark.parametrize("how", ["empty", "missing"])
def test_an_emptied_file_asks_instead_of_starting_empty(tmp_path: Path, how: str) -> None:
    root = tmp_path / "data"
    names = with_backup(root)
    path = root / "cts.db"
    path.unlink()
    if how == "empty":
        path.touch()
    with open_kit(root) as kit:
        assert kit.state() is StoreState.READ_ONLY
        assert kit.problem is not None
        assert kit.problem.category is Category.EMPTY_DB
        assert "3 connections" in kit.problem.text
        (backup,) = (root / "backups").iterdir()
        assert str(backup) in kit.problem.by_command
        with pytest.raises(StoreError) as caught:
            kit.add("would hide the question")
        assert caught.value.problem.category is Category.EMPTY_DB
        assert path.exists() == (how == "empty")
        assert kit.store.restore_backup(backup) == 3
        assert kit.names() == names
        assert kit.store.status.problem is None
        kit.add("four")


def test_starting_empty_is_possible_when_a_person_says_so(tmp_path: Path) -> None:
    root = tmp_path / "data"
    with_backup(root)
    (root / "cts.db").write_bytes(b"")
    with open_kit(root) as kit:
        kit.store.start_empty()
        assert kit.problem is None
        assert kit.names() == []
        with pytest.raises(StoreError):
            kit.store.start_empty()
    with open_kit(root) as kit:
        assert kit.names() == []
        assert kit.problem is None


def test_an_empty_file_without_backups_is_a_new_database(tmp_path: Path) -> None:
    root = tmp_path / "data"
    root.mkdir()
    (root / "cts.db").touch()
    with open_kit(root) as kit:
        assert kit.problem is None
        kit.add("one")
        assert kit.names() == ["one"]


@pytest.mark.parametrize("idle", [True, False])
def test_a_file_that_is_emptied_while_it_is_open_is_asked_about(tmp_path: Path, idle: bool) -> None:
    """Another program truncates it in its place: it is no other file, and every statement fails from then on."""
    with open_kit(tmp_path / "data") as kit:
        kit.add("one", "two")
        with kit.folder.database.open("r+b") as file:
            file.truncate(0)
        if idle:
            kit.store.poll()
        assert kit.names() == ["one", "two"]
        assert kit.problem is not None
        assert (kit.state(), kit.problem.category) == (StoreState.READ_ONLY, Category.EMPTY_DB)
        assert kit.problem in [event.problem for event in kit.heard if isinstance(event, Notice)]
        with pytest.raises(StoreError) as caught:
            kit.add("would hide the question")
        assert caught.value.problem.category is Category.EMPTY_DB
        assert kit.store.restore_records() == 2
        kit.add("three")
        assert kit.names() == ["one", "three", "two"]


def test_a_file_that_is_damaged_while_it_is_open_is_rebuilt(tmp_path: Path) -> None:
    root = tmp_path / "data"
    with_backup(root)
    with open_kit(root) as kit:
        kit.add("four")
        content = kit.folder.database.read_bytes()
        with kit.folder.database.open("r+b") as file:
            file.seek(4096)
            file.write(b"\xff" * (len(content) - 4096))
        assert kit.names() == ["four", "one", "three", "two"]
        assert kit.problem is not None
        assert (kit.state(), kit.problem.category) == (StoreState.ONLINE, Category.CORRUPT)
        assert quarantined(root)
        kit.add("six")
