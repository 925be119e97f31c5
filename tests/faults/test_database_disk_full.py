"""F28, F29: no space, or no right to a larger file, in the middle of a save. The save fails whole, the rest stays."""

import shutil
from pathlib import Path

from models.problem import Category, StoreError
from storage.database import Database
from storage.database_repository import DatabaseRepository
from tests.faults.real_faults import fill, own_disk, run
from tests.store_kit import a_connection, migrated_database

SAVE_UNTIL_REFUSED = """
import os
from pathlib import Path
from models.connection_rules import validate
from models.problem import CtsError
from storage.database import Database
from storage.database_repository import DatabaseRepository
repository = DatabaseRepository(Database.open_sqlite(Path(sys.argv[1])), "desk")
saved = 0
try:
    while saved < 1000:
        repository.add([validate({"name": str(saved), "exchange": "bybit", "note": "x" * 9000})])
        saved += 1
except CtsError as error:
    print(saved, error.problem.category.value, len(repository.rows()))
"""


def test_a_save_without_space_is_not_made_and_the_next_one_with_space_is(tmp_path: Path) -> None:
    with own_disk(tmp_path / "disk", "2m") as disk:
        path = disk / "cts.db"
        path.write_bytes(migrated_database())
        database = Database.open_sqlite(path)
        repository = DatabaseRepository(database, "desk")
        repository.add([a_connection("before")])
        fill(disk, leave=8192)
        refused = []
        for number in range(50):
            try:
                repository.add([a_connection(f"number {number}", note="x" * 9000)])
            except StoreError as error:
                refused.append(error.problem.category)
        assert set(refused) == {Category.DISK_FULL}
        names = {row.name for row in repository.rows()}
        assert "before" in names
        assert len(names) == 51 - len(refused)
        (disk / "filler").unlink()
        repository.add([a_connection("after")])
        assert database.quick_check() == "ok"
        database.close()
        shutil.copy(path, tmp_path / "copy.db")
    copy = Database.open_sqlite(tmp_path / "copy.db")
    assert copy.quick_check() == "ok"
    copy.close()


def test_a_file_that_may_not_grow_keeps_what_it_has(tmp_path: Path) -> None:
    path = tmp_path / "cts.db"
    path.write_bytes(migrated_database())
    limit = path.stat().st_size + 200_000
    saved, category, listed = run(SAVE_UNTIL_REFUSED, path, largest_file=limit).split()
    assert int(saved) > 3
    assert category in {"IO", "DISK_FULL"}
    assert listed == saved
    database = Database.open_sqlite(path)
    assert database.quick_check() == "ok"
    assert len(DatabaseRepository(database, "desk").rows()) == int(saved)
    database.close()
