"""Applying, by what a person sees afterwards: states, ledger, backup, and who else may be at work."""

import logging
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from models import VERSION
from models.problem import Category, CtsError, MigrationError, StoreError
from models.status import Backup
from storage.backup import make_backup
from storage.database import Database
from storage.migrator.plan import NEWEST
from storage.migrator.runner import Migrator, needs_newer_program
from tests.databases import MIGRATIONS, RawDatabase, connect, migrator, states, write_files

TWO = {"_001_first": "CREATE TABLE one (a TEXT);", "_002_second": "CREATE TABLE two (a TEXT);"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_files(tmp_path / "sql", **TWO)


def test_the_ledger_says_what_when_how_long_and_by_whom(database: RawDatabase, folder: Path) -> None:
    items = migrator(database, folder).apply()
    rows = database.rows("SELECT number, name, length(checksum), program_version, state FROM migrations ORDER BY 1")
    assert rows == [(1, "first", 64, VERSION, "applied"), (2, "second", 64, VERSION, "applied")]
    for item in items:
        assert item.applied_at is not None
        assert item.applied_at.endswith("Z")
        assert item.milliseconds is not None


def test_nothing_is_up_to_date_before_and_all_is_after(database: RawDatabase, folder: Path) -> None:
    engine = migrator(database, folder)
    assert not engine.up_to_date()
    assert states(engine.items()) == {1: "pending", 2: "pending"}
    engine.apply()
    assert engine.up_to_date()
    write_files(folder, _003_third="CREATE TABLE three (a TEXT)")
    assert not engine.up_to_date()


def test_no_state_is_asked_for_by_writing(database: RawDatabase, folder: Path) -> None:
    engine = migrator(database, folder)
    engine.items()
    engine.up_to_date()
    engine.repair_preview()
    with pytest.raises(MigrationError, match="no table one"):
        engine.baseline_preview(2)
    assert database.tables() == set()


def test_a_gap_and_a_lower_number_that_comes_later(database: RawDatabase, folder: Path) -> None:
    write_files(folder, _036_later="CREATE TABLE later (a TEXT)")
    migrator(database, folder).apply()
    write_files(folder, _007_lower="CREATE TABLE lower (a TEXT)", _040_new="CREATE TABLE new (a TEXT)")
    assert states(migrator(database, folder).apply()) == {
        1: "applied", 2: "applied", 7: "out of order", 36: "applied", 40: "applied",
    }  # fmt: skip
    assert "lower" not in database.tables()
    assert states(migrator(database, folder).apply(out_of_order=True))[7] == "applied"
    assert migrator(database, folder).up_to_date()


def test_a_changed_file_is_said_and_repaired_and_only_then_new_ones_run(database: RawDatabase, folder: Path) -> None:
    engine = migrator(database, folder)
    engine.apply()
    write_files(folder, _001_first="CREATE TABLE one (a TEXT, b TEXT)", _003_third="CREATE TABLE three (a TEXT)")
    assert states(engine.apply(out_of_order=True)) == {1: "changed", 2: "applied", 3: "pending"}
    preview = engine.repair_preview()
    assert [(change.number, change.name) for change in preview] == [(1, "first")]
    assert states(engine.items())[1] == "changed"
    assert engine.repair() == preview
    assert engine.repair() == []
    assert states(engine.apply()) == {1: "applied", 2: "applied", 3: "applied"}


def test_a_renamed_file_is_changed_and_repair_takes_the_new_name(database: RawDatabase, folder: Path) -> None:
    engine = migrator(database, folder)
    engine.apply()
    (folder / "001_first.sql").rename(folder / "001_renamed.sql")
    assert states(engine.items())[1] == "changed"
    engine.repair()
    assert engine.up_to_date()


def test_a_missing_file_is_said_and_repair_takes_its_row_out(database: RawDatabase, folder: Path) -> None:
    engine = migrator(database, folder)
    engine.apply()
    (folder / "001_first.sql").unlink()
    assert states(engine.items()) == {1: "missing", 2: "applied"}
    assert states(engine.apply()) == {1: "missing", 2: "applied"}
    engine.repair()
    assert states(engine.items()) == {2: "applied"}
    assert "one" in database.tables()


def test_baseline_adopts_what_is_there(database: RawDatabase, folder: Path) -> None:
    database.rows("CREATE TABLE one (a TEXT, made_elsewhere TEXT)")
    engine = migrator(database, folder)
    assert [change.number for change in engine.baseline_preview(1)] == [1]
    assert [change.number for change in engine.baseline(1)] == [1]
    assert engine.baseline(1) == []
    assert states(engine.apply()) == {1: "baseline", 2: "applied"}
    assert "made_elsewhere" in database.columns("one")


def test_baseline_of_an_unknown_number_is_refused(database: RawDatabase, folder: Path) -> None:
    with pytest.raises(MigrationError) as caught:
        migrator(database, folder).baseline(9)
    assert caught.value.problem.category is Category.NOT_FOUND


def test_the_sql_of_a_number_is_the_files_text(database: RawDatabase, folder: Path) -> None:
    assert migrator(database, folder).sql(2) == TWO["_002_second"]
    with pytest.raises(MigrationError, match="003"):
        migrator(database, folder).sql(3)


def test_a_column_that_is_there_is_not_added_twice(database: RawDatabase, folder: Path) -> None:
    database.rows("CREATE TABLE wide (a TEXT, already INTEGER)")
    write_files(
        folder,
        _003_columns='ALTER TABLE wide ADD COLUMN already INTEGER;\nALTER TABLE "wide" ADD COLUMN fresh INTEGER;',
    )
    assert states(migrator(database, folder).apply())[3] == "applied"
    assert set(database.columns("wide")) == {"a", "already", "fresh"}


def test_another_programs_ledger_is_refused_and_left_alone(database: RawDatabase, folder: Path) -> None:
    database.rows("CREATE TABLE migrations (id INTEGER PRIMARY KEY, name TEXT UNIQUE, executed_at TEXT)")
    database.rows("INSERT INTO migrations VALUES (1, 'unified_000_CREATE_ALL', '2025-01-01')")
    engine = migrator(database, folder)
    actions: list[Callable[[], object]] = [
        engine.items, engine.up_to_date, engine.apply, engine.rehearse, engine.repair, lambda: engine.baseline(2),
    ]  # fmt: skip
    for action in actions:
        with pytest.raises(MigrationError) as caught:
            action()
        assert caught.value.problem.category is Category.LEGACY
        assert "executed_at" in caught.value.problem.text
    assert database.tables() == {"migrations"}
    assert database.rows("SELECT count(*) FROM migrations") == [(1,)]


def test_a_program_that_is_too_old_applies_nothing(database: RawDatabase, folder: Path) -> None:
    migrator(database, folder).apply()
    database.rows(
        "INSERT INTO migrations VALUES"
        f" ({NEWEST + 7}, 'from_the_future', 'x', '2027-01-01T00:00:00.000Z', 3, '2.5.0', 'applied')"
    )
    write_files(folder, _003_third="CREATE TABLE three (a TEXT)")
    engine = migrator(database, folder)
    items = engine.apply(out_of_order=True)
    assert needs_newer_program(items)
    assert "three" not in database.tables()
    assert not engine.up_to_date()
    assert "2.5.0" in items[-1].action
    with pytest.raises(MigrationError):
        engine.baseline(3)
    assert engine.repair() == []


def test_a_backup_is_made_once_before_the_first_file_and_not_of_nothing(tmp_path: Path, folder: Path) -> None:
    made: list[Backup] = []
    path = tmp_path / "cts.db"

    def backup() -> Backup:
        made.append(make_backup(path, tmp_path / "backups", "before-migration"))
        return made[-1]

    with closing(connect(str(path))) as database:
        migrator(database, folder, backup=backup).apply()
        assert made == []
        migrator(database, folder, backup=backup).apply()
        assert made == []
        write_files(folder, _003_third="CREATE TABLE three (a TEXT)", _004_fourth="CREATE TABLE four (a TEXT)")
        migrator(database, folder, backup=backup).apply()
    assert len(made) == 1
    with closing(connect(made[0].path)) as kept:
        assert kept.tables() == {"one", "two", "migrations"}


def test_without_a_backup_nothing_runs(tmp_path: Path, folder: Path) -> None:
    def no_room() -> Backup:
        raise OSError(28, "No space left on device")

    with closing(connect(str(tmp_path / "cts.db"))) as database:
        database.rows("CREATE TABLE mine (a TEXT)")
        with pytest.raises(OSError, match="No space"):
            migrator(database, folder, backup=no_room).apply()
        assert database.tables() == {"mine"}


def test_one_broken_file_and_none_runs(database: RawDatabase, folder: Path) -> None:
    write_files(folder, _003_broken="SELECT 'never closed")
    with pytest.raises(MigrationError, match=r"003_broken\.sql"):
        migrator(database, folder).apply()
    assert database.tables() == set()


def test_a_database_that_cannot_be_written_says_so_and_tells_its_states(tmp_path: Path, folder: Path) -> None:
    path = tmp_path / "cts.db"
    with closing(connect(str(path))) as database:
        migrator(database, folder).apply()
    write_files(folder, _003_third="CREATE TABLE three (a TEXT)")
    with closing(Database.open_sqlite(path, read_only=True)) as read_only:
        engine = Migrator(read_only, folder, backup=lambda: None)
        assert states(engine.items()) == {1: "applied", 2: "applied", 3: "pending"}
        with pytest.raises(StoreError) as caught:
            engine.apply()
        assert caught.value.problem.category in {Category.NOT_WRITABLE, Category.READ_ONLY}


def test_the_connection_is_given_back_as_it_came(address: str, folder: Path) -> None:
    with closing(connect(address)) as database:
        if database.dialect == "sqlite":
            database.connection.isolation_level = "IMMEDIATE"
        else:
            database.connection.autocommit = False
        migrator(database, folder).apply()
        before = database.connection
        assert before.isolation_level == "IMMEDIATE" if database.dialect == "sqlite" else before.autocommit is False


def test_the_stores_own_database_is_migrated_and_the_log_tells(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with closing(Database.open_sqlite(tmp_path / "cts.db")) as database:
        engine = Migrator(database, MIGRATIONS, backup=lambda: None)
        assert set(states(engine.apply()).values()) == {"applied"}
        assert engine.up_to_date()
    assert "Migration 036 create_optimal_indication_tables is applied" in caplog.text


def test_a_folder_that_is_gone_is_a_problem_not_a_crash(database: RawDatabase, tmp_path: Path) -> None:
    with pytest.raises(CtsError, match="cannot be read"):
        migrator(database, tmp_path / "nowhere").apply()


@pytest.mark.parametrize("mode", ["delete", "truncate", "wal"])
def test_a_run_leaves_the_journal_as_it_was(tmp_path: Path, mode: str) -> None:
    """SQLite's rollback journal is kept from one file to the next, and never longer."""
    folder = write_files(tmp_path / "sql", _001_first="CREATE TABLE a (x)", _002_second="CREATE TABLE b (x)")
    seen: list[bool] = []
    with closing(connect(str(tmp_path / "cts.db"))) as database:
        database.rows(f"PRAGMA journal_mode = {mode}")
        items = migrator(
            database, folder, hook=lambda _file, _index: seen.append((tmp_path / "cts.db-journal").exists())
        ).apply()
        assert states(items) == {1: "applied", 2: "applied"}
        assert database.rows("PRAGMA journal_mode") == [(mode,)]
        assert any(seen) == (mode != "wal")
        assert (tmp_path / "cts.db-journal").exists() == (mode == "truncate")
