"""F28, F29: no space left, or no bigger file allowed. The old file stays, and nothing half is left.

Where this machine does not let us mount a small disk, the limit on a file's size stands in for it: it is the same
failing write in the same place, with another error code.
"""

import json
import sqlite3
from pathlib import Path

import pytest

from models.problem import Category, StoreError
from storage import settings_file
from storage.atomic_file import write_atomic
from storage.backup import list_backups, make_backup, newest_good
from storage.data_folder import prepare
from storage.diagnosis import diagnose
from tests.faults.real_faults import fill, run, small_disk

LIMITED = """
import sqlite3
from pathlib import Path
from models.problem import StoreError
from models.settings import Settings
from storage import settings_file
from storage.atomic_file import write_atomic
from storage.backup import make_backup
from storage.diagnosis import diagnose
data = Path(sys.argv[1])
def save_settings():
    settings_file.save(data / "settings.json", Settings(window={"x": "y" * 100_000}))
def write_file():
    write_atomic(data / "record.json", bytes(100_000))
def back_up():
    make_backup(data / "cts.db", data / "backups", "manual")
def insert():
    connection = sqlite3.connect(data / "cts.db", isolation_level=None)
    connection.execute("INSERT INTO exchange_connections VALUES (?, ?)", ("new", bytes(300_000)))
for step in (save_settings, write_file, back_up, insert):
    try:
        step()
        print("done")
    except Exception as error:  # whatever it is, it must become a Problem
        problem = diagnose(error, where="it")
        print(problem.category, problem.detail.split(" ")[-1])
"""


def make_data(root: Path) -> None:
    (root / "settings.json").write_text('{"theme": "dark"}')
    (root / "record.json").write_bytes(b"old")
    connection = sqlite3.connect(root / "cts.db", isolation_level=None)
    connection.execute("CREATE TABLE exchange_connections (id TEXT PRIMARY KEY, note BLOB)")
    connection.execute("INSERT INTO exchange_connections VALUES ('a', ?)", (bytes(40_000),))
    connection.close()


def check_data(root: Path, backups: int = 0) -> None:
    assert json.loads((root / "settings.json").read_text()) == {"theme": "dark"}
    assert (root / "record.json").read_bytes() == b"old"
    connection = sqlite3.connect(root / "cts.db")
    assert connection.execute("SELECT id, length(note) FROM exchange_connections").fetchall() == [("a", 40_000)]
    assert connection.execute("PRAGMA quick_check").fetchall() == [("ok",)]
    connection.close()
    assert [path for path in root.rglob("*") if path.suffix == ".tmp" or path.name.endswith("-journal")] == []
    assert len(list_backups(root / "backups")) == backups


def test_f28_a_full_disk(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "300k", "a limit on the size of files") as disk:
        data = disk or tmp_path
        make_data(data)
        if disk is None:
            said = run(LIMITED, data, largest_file=45_000).splitlines()
            assert said == ["IO EFBIG", "IO EFBIG", "IO SQLITE_IOERR_WRITE", "IO SQLITE_IOERR_WRITE"]
            check_data(data)
            return
        assert prepare(data).writable
        good = make_backup(data / "cts.db", data / "backups", "manual")
        fill(disk, leave=8192)
        said = run(LIMITED, data).splitlines()
        assert said == ["DISK_FULL ENOSPC", "DISK_FULL ENOSPC", "DISK_FULL SQLITE_FULL", "DISK_FULL SQLITE_FULL"]
        check_data(data, backups=1)
        assert newest_good(data / "backups") == good
        fill(disk)
        # Not one byte left: the folder counts as writable all the same, for it is not abandoned.
        folder = prepare(data)
        assert (folder.temporary, folder.writable) == (False, True)
        (disk / "filler").unlink()
        write_atomic(data / "record.json", bytes(100_000))
        assert make_backup(data / "cts.db", data / "backups", "manual").connections == 1


def test_f28_the_sentence_says_that_nothing_is_lost(tmp_path: Path) -> None:
    # /dev/full answers every write as a full disk does.
    with open("/dev/full", "wb", buffering=0) as full, pytest.raises(OSError, match="No space left") as caught:
        full.write(b"x")
    problem = diagnose(caught.value, where="settings.json")
    assert problem.category is Category.DISK_FULL
    assert problem.text == "There is no space left for settings.json. Nothing is lost: the last save was not made."
    assert problem.solution == "Free some space and save again."


def test_f29_a_limit_on_the_size_of_files(tmp_path: Path) -> None:
    make_data(tmp_path)
    said = run(LIMITED, tmp_path, largest_file=45_000).splitlines()
    assert said == ["IO EFBIG", "IO EFBIG", "IO SQLITE_IOERR_WRITE", "IO SQLITE_IOERR_WRITE"]
    check_data(tmp_path)


def test_f29_settings_in_a_folder_that_is_gone_are_not_called_saved(tmp_path: Path) -> None:
    make_data(tmp_path)
    settings, problem = settings_file.load(tmp_path / "settings.json", tmp_path / "quarantine")
    assert (settings.theme, problem) == ("dark", None)
    missing = tmp_path / "none" / "settings.json"
    with pytest.raises(StoreError) as caught:
        settings_file.save(missing, settings)
    assert caught.value.problem.category is Category.CANT_OPEN
    assert "The folder of settings.json is not there" in caught.value.problem.text
