"""F30, F42, F45, F49 as the store meets them: what cannot be written, a newer schema, a failed migration."""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from models.problem import Category, Problem, StoreError
from models.status import StoreState
from tests.faults.real_faults import NOBODY, give_to_nobody, open_folder, run
from tests.store_kit import MIGRATIONS, Kit, open_kit

IN_USE = Problem(Category.IN_USE, "Another window has this data folder.", "Use that one.")


def test_a_second_program_only_reads(tmp_path: Path) -> None:
    root = tmp_path / "data"
    with open_kit(root) as first:
        first.add("one")
        with open_kit(root, held=IN_USE) as second:
            assert second.state() is StoreState.READ_ONLY
            assert second.problem == IN_USE
            assert second.names() == ["one"]
            with pytest.raises(StoreError) as caught:
                second.add("two")
            assert caught.value.problem.category is Category.IN_USE
            assert caught.value.problem.text.startswith("Nothing was saved.")
            first.add("seen at once")
            second.store.poll()
            assert second.names() == ["one", "seen at once"]


def test_a_second_program_does_not_mend_what_the_first_has_open(tmp_path: Path) -> None:
    root = tmp_path / "data"
    with open_kit(root) as kit:
        kit.add("one")
    (root / "cts.db").write_bytes(b"garbage")
    with open_kit(root, held=IN_USE) as second:
        assert second.state() is StoreState.READ_ONLY
        assert (root / "cts.db").read_bytes() == b"garbage"
        assert not list((root / "quarantine").iterdir())


def test_a_database_of_a_newer_program_is_only_read(tmp_path: Path) -> None:
    root = tmp_path / "data"
    with open_kit(root) as kit:
        kit.add("one")
    with closing(sqlite3.connect(root / "cts.db")) as newer, newer:
        newer.execute(
            "INSERT INTO migrations (number, name, checksum, applied_at, milliseconds, program_version)"
            " VALUES (999, 'later', 'x', '2030-01-01T00:00:00Z', 1, '9.0.0')"
        )
        newer.execute("ALTER TABLE exchange_connections ADD COLUMN from_the_future TEXT")
    before = (root / "cts.db").read_bytes()
    with open_kit(root) as kit:
        assert kit.state() is StoreState.READ_ONLY
        assert kit.problem is not None
        assert kit.problem.category is Category.SCHEMA
        assert "999" in kit.problem.text
        assert kit.names() == ["one"]
        assert kit.connections.find("one").note == ""
        with pytest.raises(StoreError) as caught:
            kit.add("two")
        assert caught.value.problem.category is Category.SCHEMA
        kit.store.poll()
    assert (root / "cts.db").read_bytes() == before


def with_one_more(tmp_path: Path, name: str, sql: str) -> Path:
    """Return a migrations folder with one file more."""
    folder = tmp_path / "migrations"
    folder.mkdir()
    for path in MIGRATIONS.iterdir():
        if path.is_file():
            (folder / path.name).write_bytes(path.read_bytes())
    (folder / name).write_text(sql, encoding="utf-8")
    return folder


def test_a_failed_last_migration_leaves_the_store_usable(tmp_path: Path) -> None:
    migrations = with_one_more(
        tmp_path, "090_bad.sql", "CREATE TABLE good (x INTEGER);\nINSERT INTO nowhere VALUES (1);\n"
    )
    with open_kit(tmp_path / "data", migrations=migrations) as kit:
        assert kit.state() is StoreState.ONLINE
        assert kit.problem is not None
        assert kit.problem.category is Category.MIGRATION
        assert "090_bad.sql, line 2" in kit.problem.text
        kit.add("one")
        assert kit.names() == ["one"]


def test_where_saving_lacks_a_table_the_list_is_still_shown(tmp_path: Path) -> None:
    migrations = with_one_more(tmp_path, "039_bad.sql", "SELECT nothing FROM nowhere;\n")
    with open_kit(tmp_path / "data", fresh=True, migrations=migrations) as kit:
        assert kit.state() is StoreState.READ_ONLY
        assert kit.names() == []
        assert kit.problem is not None
        assert kit.problem.category is Category.MIGRATION
        with pytest.raises(StoreError) as caught:
            kit.add("one")
        assert caught.value.problem.category is Category.MIGRATION


def test_duplicate_migration_numbers_stop_no_reading(tmp_path: Path) -> None:
    root = tmp_path / "data"
    with open_kit(root) as kit:
        kit.add("one")
    migrations = with_one_more(tmp_path, "083_again.sql", "SELECT 1;\n")
    with open_kit(root, migrations=migrations) as kit:
        assert kit.names() == ["one"]
        assert kit.problem is not None
        assert kit.problem.category is Category.MIGRATION


# Everything is imported, by using it once, before the change of user: the checkout may be closed to nobody.
AS_NOBODY = f"""
import os, tempfile
from pathlib import Path
from models.problem import CtsError
from tests.store_kit import Kit
with tempfile.TemporaryDirectory() as warm:
    for name in ("one", "two"):
        warm_up = Kit(Path(warm) / "data")
        warm_up.add(name)
        warm_up.names()
        warm_up.store.close()
if os.geteuid() == 0:
    os.setgroups([])
    os.setresgid({NOBODY}, {NOBODY}, {NOBODY})
    os.setresuid({NOBODY}, {NOBODY}, {NOBODY})
kit = Kit(Path(sys.argv[1]), migrations=Path(sys.argv[2]))
print(kit.state().value, kit.problem.category.value if kit.problem else "-")
for call in (lambda: " ".join(kit.names()), lambda: kit.add("two") or "saved"):
    try:
        print(call())
    except CtsError as error:
        print(error.problem.category.value)
"""


@pytest.fixture
def place() -> Iterator[Path]:
    with open_folder() as folder:
        yield folder


def as_nobody(root: Path) -> list[str]:
    """Let nobody open the folder; return what they were told."""
    migrations = root.parent / "migrations"
    shutil.copytree(MIGRATIONS, migrations)
    give_to_nobody(root.parent)
    return run(AS_NOBODY, root, migrations).splitlines()


@pytest.mark.parametrize(
    ("what", "mode", "said"),
    [
        ("cts.db", 0o400, ["read_only NOT_WRITABLE", "one", "NOT_WRITABLE"]),
        (".", 0o500, ["read_only NOT_WRITABLE", "one", "NOT_WRITABLE"]),
        ("cts.db", 0o000, ["fallback CANT_OPEN", "one", "saved"]),
        ("cts.db", 0o600, ["online -", "one", "saved"]),
    ],
)
def test_permissions(place: Path, what: str, mode: int, said: list[str]) -> None:
    root = place / "data"
    with open_kit(root) as kit:
        kit.add("one")
    (root / what).chmod(mode)
    assert as_nobody(root) == said


def test_a_file_in_write_ahead_mode_in_a_closed_folder_is_read(place: Path) -> None:
    root = place / "data"
    with open_kit(root) as kit:
        kit.add("one")
    with closing(sqlite3.connect(root / "cts.db")) as other:
        other.execute("PRAGMA journal_mode = WAL")
    root.chmod(0o500)
    assert as_nobody(root) == ["read_only NOT_WRITABLE", "one", "NOT_WRITABLE"]


@pytest.mark.parametrize("what", ["folder", "pipe"])
def test_what_is_no_file_is_named(tmp_path: Path, what: str) -> None:
    root = tmp_path / "data"
    kit = Kit(root)
    kit.store.close()
    path = root / "cts.db"
    path.unlink()
    if what == "folder":
        path.mkdir()
        (path / "keep me").touch()
    else:
        os.mkfifo(path)
    with open_kit(root) as kit:
        assert kit.problem is not None
        assert kit.problem.category is Category.CANT_OPEN
        assert ("folder" if what == "folder" else "ordinary file") in kit.problem.text
        assert kit.state() is StoreState.FALLBACK
        kit.add("kept meanwhile")
        if what == "folder":
            assert (path / "keep me").exists()
            (path / "keep me").unlink()
            path.rmdir()
        else:
            path.unlink()
        kit.store.retry()
        # Nothing is there now, and the records hold what was: the answer is a person's.
        assert "“Use the records”" in kit.problem.solution
        assert kit.names() == ["kept meanwhile"]
        assert kit.store.restore_records() == 1
        assert kit.state() is StoreState.ONLINE
        assert kit.names() == ["kept meanwhile"]
        kit.add("one")
