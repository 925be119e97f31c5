"""Rehearsals: they tell what would happen, and provably nothing does."""

import os
from contextlib import closing
from pathlib import Path

import pytest

from models.problem import Category
from tests.databases import RawDatabase, connect, migrator, write_files

SQL = {
    "_001_people": "CREATE TABLE people (name TEXT);\nINSERT INTO people VALUES ('Ada'), ('50 % Bob');",
    "_002_more": "INSERT INTO people SELECT name || '; again' FROM people;\nCREATE INDEX ix_people ON people (name);",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_files(tmp_path / "sql", **SQL)


def contents(database: RawDatabase) -> object:
    """Return everything that could have changed: tables, and every row of every one."""
    tables = sorted(database.tables())
    return tables, database.indexes(), [database.rows(f"SELECT * FROM {table} ORDER BY 1") for table in tables]


def test_it_tells_sql_rows_and_time_and_writes_nothing(database: RawDatabase, folder: Path) -> None:
    database.rows("CREATE TABLE kept (a TEXT)")
    database.rows("INSERT INTO kept VALUES ('x')")
    before = contents(database)
    first, second = migrator(database, folder).rehearse()
    assert contents(database) == before
    assert (first.number, first.sql) == (1, SQL["_001_people"])
    assert first.rows_before == {"kept": 1}
    assert first.rows_after == second.rows_before == {"kept": 1, "people": 2}
    assert second.rows_after == {"kept": 1, "people": 4}
    assert first.problem is None
    assert first.milliseconds >= 0


def test_it_finds_what_would_fail(database: RawDatabase, folder: Path) -> None:
    write_files(folder, _003_wrong="SELECT 1;\n\nINSERT INTO nobody VALUES (1);", _004_after="SELECT 1")
    before = contents(database)
    tried = migrator(database, folder).rehearse()
    assert contents(database) == before
    assert [each.number for each in tried] == [1, 2, 3]
    problem = tried[-1].problem
    assert problem is not None
    assert problem.category is Category.MIGRATION
    assert "003_wrong.sql, line 3" in problem.text
    assert "would fail" in problem.text


def test_numbers_that_no_rollback_takes_back_are_told(postgres_url: str, tmp_path: Path) -> None:
    folder = write_files(tmp_path / "sql", _001_fill="INSERT INTO counted (name) SELECT 'x' FROM generate_series(1, 7)")
    with closing(connect(postgres_url)) as database:
        database.rows("CREATE TABLE counted (id INTEGER GENERATED ALWAYS AS IDENTITY, name TEXT)")
        database.rows("CREATE SEQUENCE untouched")
        (tried,) = migrator(database, folder).rehearse()
        assert tried.rows_after == {"counted": 7}
        assert tried.note.startswith("Numbers that counted_id_seq gave out meanwhile are not given out again")
        assert database.rows("SELECT count(*) FROM counted") == [(0,)]
        assert database.rows("INSERT INTO counted (name) VALUES ('y') RETURNING id") == [(8,)]
        write_files(folder, _001_fill="SELECT 1")
        assert [each.note for each in migrator(database, folder).rehearse()] == [""]


def test_only_what_is_pending_is_rehearsed(database: RawDatabase, folder: Path) -> None:
    engine = migrator(database, folder)
    engine.apply()
    assert engine.rehearse() == []
    write_files(folder, _003_third="DELETE FROM people WHERE name LIKE '%again'")
    (tried,) = engine.rehearse()
    assert (tried.rows_before, tried.rows_after) == ({"people": 4}, {"people": 2})
    assert database.rows("SELECT count(*) FROM people") == [(4,)]


def test_not_one_byte_of_the_data_folder_changes(tmp_path: Path, folder: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    with closing(connect(str(data / "cts.db"))) as database:
        database.rows("CREATE TABLE kept (a TEXT)")

        def state() -> list[tuple[str, bytes, int]]:
            return [(entry.name, Path(entry).read_bytes(), entry.stat().st_mtime_ns) for entry in os.scandir(data)]

        before = state()
        assert len(migrator(database, folder).rehearse()) == 2
        assert state() == before


def test_postgresql_is_left_as_it_was_to_the_last_catalogue_row(postgres_url: str, folder: Path) -> None:
    catalogue = "SELECT c.oid, c.relname, c.relfilenode, c.xmin::text FROM pg_class c ORDER BY 1"
    with closing(connect(postgres_url)) as database:
        before = database.rows(catalogue)
        assert len(migrator(database, folder).rehearse()) == 2
        assert database.rows(catalogue) == before
        assert database.connection.get_transaction_status() == 0
