"""F30, S9: folders and files that this user may not write or read, as a user who is nobody (root ignores modes)."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.faults.real_faults import NOBODY, give_to_nobody, open_folder, run, small_disk

PREPARE = """
import json, os, tempfile
from pathlib import Path
from storage.data_folder import prepare
from storage.folder_lock import FolderLock
tempfile.tempdir = sys.argv[2]
folder = prepare(Path(sys.argv[1]))
lock = FolderLock(folder.lock)
print(json.dumps({
    "user": os.geteuid(), "root": str(folder.root), "temporary": folder.temporary, "writable": folder.writable,
    "reason": folder.reason, "problem": folder.problem and folder.problem.as_json(), "free": lock.acquire(),
    "owner": os.stat(folder.root).st_uid, "mode": oct(os.stat(folder.root).st_mode & 0o777),
}))
"""


@pytest.fixture
def place() -> Iterator[Path]:
    with open_folder() as folder:
        (folder / "data").mkdir()
        (folder / "tmp").mkdir()
        give_to_nobody(folder)
        yield folder


def prepare_as_nobody(place: Path, data: Path | None = None) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(run(PREPARE, data or place / "data", place / "tmp", as_nobody=True))
    assert answer["user"] == (NOBODY if os.geteuid() == 0 else os.geteuid())
    return answer


@pytest.mark.parametrize("mode", [0o500, 0o000])
def test_f30_an_empty_folder_that_cannot_be_written_gives_a_temporary_one(place: Path, mode: int) -> None:
    (place / "data").chmod(mode)
    answer = prepare_as_nobody(place)
    assert answer["temporary"]
    assert answer["writable"]
    assert Path(answer["root"]).parent == place / "tmp"
    assert answer["mode"] == "0o700"
    assert answer["owner"] == answer["user"]
    assert answer["reason"] == f"{place / 'data'} cannot be written: permission denied."
    assert answer["problem"]["category"] == "TEMPORARY"
    assert "This data is temporary" in answer["problem"]["text"]
    assert "--data-dir" in answer["problem"]["solution"]


def test_f30_the_temporary_folder_stays_the_same(place: Path) -> None:
    (place / "data").chmod(0o500)
    assert prepare_as_nobody(place) == prepare_as_nobody(place)


def test_f30_a_parent_that_cannot_be_written(place: Path) -> None:
    (place / "data").chmod(0o500)
    answer = prepare_as_nobody(place, place / "data" / "deeper" / "cts")
    assert answer["temporary"]
    assert not (place / "data" / "deeper").exists()


@pytest.mark.parametrize("locked_before", [True, False])
def test_f30_a_read_only_folder_with_a_database_is_kept(place: Path, locked_before: bool) -> None:
    (place / "data" / "cts.db").write_bytes(b"connections")
    if locked_before:
        (place / "data" / ".lock").write_bytes(b"")
    give_to_nobody(place)
    (place / "data").chmod(0o500)
    answer = prepare_as_nobody(place)
    assert (answer["root"], answer["temporary"], answer["writable"]) == (str(place / "data"), False, False)
    assert answer["problem"]["category"] == "NOT_WRITABLE"
    assert "permission denied" in answer["problem"]["text"]
    assert answer["free"]
    assert list((place / "tmp").iterdir()) == []


def test_f30_no_folder_at_all_is_a_problem(place: Path) -> None:
    for name in ("data", "tmp"):
        (place / name).chmod(0o500)
    code = """
    import tempfile
    from pathlib import Path
    from models.problem import StoreError
    from storage.data_folder import prepare
    tempfile.tempdir = sys.argv[2]
    try:
        prepare(Path(sys.argv[1]))
    except StoreError as error:
        print(error.problem.category, error.problem.text)
    """
    text = run(code, place / "data", place / "tmp", as_nobody=True)
    assert text.startswith("NOT_WRITABLE Neither ")


def test_f30_files_that_may_not_be_read_or_written(place: Path) -> None:
    data = place / "data"
    (data / "settings.json").write_text('{"theme": "dark"}')
    (data / "cts.db").write_bytes(b"")
    give_to_nobody(place)
    for name in ("settings.json", "cts.db"):
        (data / name).chmod(0)
    data.chmod(0o500)
    code = """
    import sqlite3
    from pathlib import Path
    from models.problem import StoreError
    from storage import settings_file
    from storage.diagnosis import diagnose
    data = Path(sys.argv[1])
    settings, problem = settings_file.load(data / "settings.json", data / "quarantine")
    print(settings.theme, problem.category, problem.text)
    try:
        settings_file.save(data / "settings.json", settings)
    except StoreError as error:
        print(error.problem.category, error.problem.text)
    try:
        sqlite3.connect(data / "cts.db").execute("SELECT 1 FROM sqlite_master")
    except sqlite3.Error as error:
        problem = diagnose(error, where="cts.db", path=data / "cts.db")
        print(problem.category, problem.text)
    """
    assert run(code, data, as_nobody=True).splitlines() == [
        "system NOT_WRITABLE This user has no permission for settings.json.",
        "NOT_WRITABLE This user has no permission for settings.json.",
        "CANT_OPEN This user has no permission to open cts.db.",
    ]
    data.chmod(0o700)
    assert (data / "settings.json").stat().st_size == 17


@pytest.mark.parametrize("protected", ["file", "folder"])
def test_f30_a_database_that_may_only_be_read(place: Path, protected: str) -> None:
    data = place / "data"
    code = """
    import sqlite3
    from pathlib import Path
    from storage.diagnosis import diagnose
    path = Path(sys.argv[1])
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        print(connection.execute("SELECT count(*) FROM t").fetchone()[0])
        connection.execute("INSERT INTO t VALUES (2)")
    except sqlite3.Error as error:
        problem = diagnose(error, where="cts.db", path=path)
        print(problem.category, problem.detail, problem.solution)
    """
    run("import sqlite3; sqlite3.connect(sys.argv[1]).execute('CREATE TABLE t (a)')", data / "cts.db")
    give_to_nobody(place)
    (data / "cts.db" if protected == "file" else data).chmod(0o400 if protected == "file" else 0o500)
    count, said = run(code, data / "cts.db", as_nobody=True).splitlines()
    assert count == "0"
    assert said.startswith("NOT_WRITABLE SQLite " if protected == "file" else ("NOT_WRITABLE", "CANT_OPEN"))
    assert "writable for this user" in said


def test_f30_a_read_only_disk(tmp_path: Path) -> None:
    """Root is stopped by nothing but this; where we cannot mount, nobody's folder above is the same fault."""
    with small_disk(tmp_path / "disk", "300k", "a folder that this user may not write") as disk:
        data = (disk or tmp_path) / "data"
        data.mkdir()
        (data / "cts.db").write_bytes(b"")
        if disk is None:
            data.chmod(0o500)
        else:
            run("import subprocess; subprocess.run(['mount', '-o', 'remount,ro', sys.argv[1]], check=True)", disk)
        answer = json.loads(run(PREPARE, data, tmp_path))
        assert (answer["temporary"], answer["writable"], answer["free"]) == (False, False, True)
        assert answer["problem"]["category"] == "NOT_WRITABLE"
